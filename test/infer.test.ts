/**
 * Checkpoints: every golden opens, shapes alone give back the network, and what does not fit is one error that lists
 * it.
 */
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointError } from "../src/errors.ts";
import { buildArchitecture } from "../src/checkpoints/architecture.ts";
import { countParameters, expectedTensors } from "../src/checkpoints/layers.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { configProblems, levelChannels, type UNetConfig } from "../src/checkpoints/config.ts";
import { completeConfig, parseFlags } from "../src/checkpoints/flags.ts";
import { inferConfig, TensorMismatchError } from "../src/checkpoints/infer.ts";
import { openSafetensors, readFloat32 } from "../src/files/safetensors.ts";
import { bytesSource } from "../src/files/bytes.ts";

const goldens = new URL("goldens/unet/", import.meta.url);
const cases = JSON.parse(readFileSync(new URL("cases.json", goldens), "utf8"));
const weights = readdirSync(goldens).filter((name) => name.endsWith(".weights.safetensors"));
const golden = (name: string) => bytesSource(name, new Uint8Array(readFileSync(new URL(name, goldens))));

const shapesOf = (tensors: Map<string, readonly number[]>) =>
  new Map([...tensors].map(([name, shape]) => [name, { shape }]));
/** Where weight and bias alone disagree, only flags tell which of them is wrong. */
const moduleOf = (name: string) => name.replace(/(weight|bias)$/, "");
/** A configuration without what only the flags know, and with factors that no level reaches left out. */
function visible(config: UNetConfig) {
  const { imageSize, numHeads, numHeadChannels, numHeadsUpsample, useNewAttentionOrder, ...rest } = config;
  const reached = rest.attentionResolutions.filter((factor) => factor < 2 ** rest.channelMult.length);
  const levels = rest.channelMult.length;
  return {
    ...rest,
    channelMult: levelChannels(config),
    attentionResolutions: reached,
    convResample: levels === 1 || rest.resblockUpdown || rest.convResample,
    resblockUpdown: levels > 1 && rest.resblockUpdown,
  };
}
test("the goldens are there", () => expect(weights.length).toBe(8));

describe.each(weights)("%s", (name) => {
  const { flags } = cases[name.replace(".weights.safetensors", "")];
  const config = completeConfig(parseFlags(flags));

  test("opens to its flags, from metadata", async () => {
    const checkpoint = await openCheckpoint(golden(name));
    expect(checkpoint.config).toEqual(config);
    expect(checkpoint.diffusion.learnSigma).toBe(config.outChannels === 6);
    expect(checkpoint.assumed.join()).not.toMatch(/head|order|image_size/);
  });

  test("shapes alone give the same network", async () => {
    const { tensors } = await openSafetensors(golden(name));
    expect(visible(inferConfig(tensors))).toEqual(visible(config));
  });

  test("every tensor taken away is reported by name, with and without flags", async () => {
    const { tensors } = await openSafetensors(golden(name));
    for (const lost of tensors.keys()) {
      const rest = new Map([...tensors].filter(([key]) => key !== lost));
      expect(() => inferConfig(rest, config), lost).toThrow(lost);
      // Without flags, a file that lacks the whole class embedding is simply an unconditional network.
      if (lost === "label_emb.weight") expect(inferConfig(rest).numClasses).toBeNull();
      else expect(() => inferConfig(rest), lost).toThrow(lost);
    }
  });

  test("every tensor that changes its shape is reported by name", async () => {
    const { tensors } = await openSafetensors(golden(name));
    for (const [changed, info] of tensors) {
      const shape = [info.shape[0]! + 1, ...info.shape.slice(1)];
      const damaged = new Map(tensors).set(changed, { ...info, shape });
      expect(() => inferConfig(damaged, config), changed).toThrow(changed);
      if (changed !== "label_emb.weight") expect(() => inferConfig(damaged), changed).toThrow(moduleOf(changed));
    }
  });
});

test("values come in every stored type", async () => {
  for (const [name, dtype] of [
    ["adm", "F32"],
    ["class-cond", "BF16"],
    ["portraits64", "F16"],
  ]) {
    const file = await openSafetensors(golden(`${name}.weights.safetensors`));
    expect(file.tensors.get("out.0.weight")!.dtype).toBe(dtype);
    const values = await readFloat32(file, "time_embed.0.weight");
    expect(values.length).toBe(file.tensors.get("time_embed.0.weight")!.shape.reduce((a, b) => a * b, 1));
    expect(values.every((value) => Number.isFinite(value) && Math.abs(value) < 10)).toBe(true);
    expect(values.some((value) => value !== 0)).toBe(true);
  }
});

const configs: fc.Arbitrary<UNetConfig> = fc
  .record({
    modelChannels: fc.constantFrom(32, 64, 96, 128, 160, 192, 256, 40, 48),
    widths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
    inChannels: fc.constantFrom(1, 3, 4),
    learned: fc.boolean(),
    numResBlocks: fc.integer({ min: 1, max: 5 }),
    attention: fc.uniqueArray(fc.integer({ min: 0, max: 6 })),
    convResample: fc.boolean(),
    numClasses: fc.option(fc.integer({ min: 1, max: 2000 })),
    heads: fc.constantFrom([1, -1, -1], [2, -1, 4], [4, -1, -1], [1, 32, -1], [8, 16, 2]),
    useScaleShiftNorm: fc.boolean(),
    resblockUpdown: fc.boolean(),
    useNewAttentionOrder: fc.boolean(),
    superRes: fc.boolean(),
  })
  .map(({ widths, learned, attention, heads, ...rest }) => ({
    ...rest,
    imageSize: 2 ** (widths.length + 2),
    outChannels: rest.inChannels * (learned ? 2 : 1),
    // Quotients that round, so that int(mult · model_channels) must be met from above.
    channelMult: widths.map((width) => (width * 32) / rest.modelChannels),
    attentionResolutions: attention.map((level) => 2 ** level).sort((a, b) => a - b),
    numHeads: heads[0]!,
    numHeadChannels: heads[1]!,
    numHeadsUpsample: heads[2]!,
  }))
  .filter((config) => configProblems(config).length === 0);

test("random networks come back from their tensors", () => {
  let seen = 0;
  fc.assert(
    fc.property(configs, (config) => {
      seen++;
      const tensors = shapesOf(expectedTensors(config));
      // One image channel and superRes cannot be told from two channels in; the flag says it.
      const { inChannels } = config;
      expect(visible(inferConfig(tensors, { inChannels }))).toEqual(visible(config));
      expect(inferConfig(tensors, config)).toEqual(config);
      if (inChannels === 3) expect(visible(inferConfig(tensors))).toEqual(visible(config));
    }),
    { numRuns: 2000, seed: 1 },
  );
  expect(seen).toBe(2000);
});

test("a multiple whose quotient rounds down still gives the width", () => {
  // 480 / 44 · 44 is below 480 in float64, so int() would lose a channel.
  const adm = completeConfig(parseFlags(cases.adm.flags));
  const config = {
    ...adm,
    modelChannels: 44,
    channelMult: [(480 + 0.5) / 44],
    imageSize: 32,
    attentionResolutions: [],
  };
  expect(Math.trunc((480 / 44) * 44)).toBe(479);
  expect(levelChannels(inferConfig(shapesOf(expectedTensors(config))))).toEqual([480]);
});

test("a random tensor lost, added and changed are all in one error", () => {
  fc.assert(
    fc.property(configs, fc.nat(), fc.nat(), (config, a, b) => {
      const tensors = shapesOf(expectedTensors(config));
      const names = [...tensors.keys()];
      const lost = names[a % names.length]!;
      const changed = names[b % names.length]!;
      tensors.set(changed, { shape: [7, 7] });
      tensors.delete(lost);
      tensors.set("ema.step", { shape: [] });
      let error: unknown;
      try {
        inferConfig(tensors, config);
      } catch (reason) {
        error = reason;
      }
      expect(error).toBeInstanceOf(TensorMismatchError);
      const { problems } = error as TensorMismatchError;
      for (const name of [lost, changed, "ema.step"]) expect(problems.join("; "), name).toContain(name);
    }),
    { numRuns: 500, seed: 2 },
  );
});

test("names that lie never crash, and quickly", () => {
  const names = fc
    .tuple(
      fc.constantFrom("input_blocks", "output_blocks", "middle_block", "time_embed", "__proto__"),
      fc.nat(99999),
      fc.nat(3),
    )
    .map(([block, n, m]) => `${block}.${n}.${m}.in_layers.2.weight`);
  const shapes = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(fc.tuple(names, shapes)), (entries) => {
      const tensors = shapesOf(new Map(entries));
      const start = performance.now();
      expect(() => inferConfig(tensors)).toThrow(CheckpointError);
      expect(performance.now() - start).toBeLessThan(500);
    }),
    { numRuns: 500, seed: 3 },
  );
});

test("the defaults for what shapes cannot tell are the released networks'", () => {
  const released = { num_channels: 256, attention_resolutions: "32,16,8", resblock_updown: true, learn_sigma: true };
  for (const image_size of [64, 128, 256, 512]) {
    const config = completeConfig(parseFlags({ ...released, image_size, num_head_channels: 64 }));
    const inferred = inferConfig(shapesOf(expectedTensors(config)));
    expect(inferred).toMatchObject({ imageSize: image_size, numHeadChannels: 64, channelMult: config.channelMult });
    expect(countParameters(buildArchitecture(inferred))).toBe(countParameters(buildArchitecture(config)));
  }
  for (const [large_size, attention_resolutions] of [
    [256, "32,16,8"],
    [512, "32,16"],
  ] as const) {
    const config = completeConfig(parseFlags({ ...released, num_channels: 192, large_size, attention_resolutions }));
    expect(inferConfig(shapesOf(expectedTensors(config)))).toMatchObject({
      imageSize: large_size,
      superRes: true,
      inChannels: 3,
    });
  }
});

test("integers are no weights", async () => {
  const { tensors } = await openSafetensors(golden("adm.weights.safetensors"));
  const damaged = new Map(
    [...tensors].map(([name, info]) => [name, { ...info, dtype: name === "out.2.bias" ? "I32" : info.dtype }]),
  );
  expect(() => inferConfig(damaged)).toThrow(/out\.2\.bias: expected F32, F16, BF16, F64, got I32/);
});
