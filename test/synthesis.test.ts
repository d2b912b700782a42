/** Synthetic weights: the rule's published values, a second reading of it, and a whole file by the command line. */
import fc from "fast-check";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { expectedTensors } from "../src/checkpoints/layers.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { float16ToFloat32 } from "../src/numbers/floats.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { openSafetensors, readFloat32 } from "../src/files/safetensors.ts";
import {
  fnv1a,
  isExactInFloat16,
  synthesizeFloat16,
  synthesizeInput,
  synthesizeTensor,
} from "../src/checkpoints/synthesis.ts";
import { openFileSource } from "../src/node/fileSource.ts";
import { cannotFork, cli, events, filesIn, folder, spawnCli } from "./support/cli.ts";
import { bytesSource } from "../src/files/bytes.ts";

test("the values that the rule's text gives", () => {
  expect([...synthesizeInput("x", [4])]).toEqual([-0.6494140625, 0.6787109375, 0.1923828125, -0.2314453125].map((r) => 2 * r)); // prettier-ignore
  const weight = synthesizeTensor("input_blocks.0.0.weight", [4, 3, 3, 3]);
  expect([...weight.subarray(0, 3)]).toEqual([-0.169677734375, 0.216064453125, -0.070556640625]);
  // Of the hash's authors.
  expect([fnv1a(""), fnv1a("a"), fnv1a("foobar")]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
});

/** r of element i, in the integers of arbitrary size: no overflow to get wrong. */
function slowR(name: string, i: number): number {
  const mod = (value: bigint) => value & 0xffffffffn;
  let s = 0x811c9dc5n;
  for (const byte of new TextEncoder().encode(name)) s = mod((s ^ BigInt(byte)) * 0x01000193n);
  let x = mod(s + BigInt(i) * 0x9e3779b9n);
  x ^= x >> 16n;
  x = mod(x * 0x7feb352dn);
  x ^= x >> 15n;
  x = mod(x * 0x846ca68bn);
  x ^= x >> 16n;
  return (2 * Number(x >> 22n) - 1023) / 1024;
}

test("any tensor, against the rule in arbitrary precision", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 4 });
  const names = fc.oneof(fc.string(), fc.constantFrom("out.0.weight", "out.0.bias", "ü.weight"));
  fc.assert(
    fc.property(names, sizes, (name, shape) => {
      const count = shape.reduce((a, b) => a * b, 1);
      const values = synthesizeTensor(name, shape);
      expect(values.length).toBe(count);
      // √(3/fanIn) lies within half a power of 2^e, in integers; of two such the even one.
      const fanIn = count / shape[0]!;
      const nearest = Array.from({ length: 20 }, (_, i) => 4 - i).filter(
        (e) => 4 ** e * fanIn * 2 >= 3 && 4 ** e * fanIn <= 6,
      );
      const exponent = nearest.length === 1 ? nearest[0]! : nearest.find((e) => e % 2 === 0)!;
      for (const [i, value] of values.entries()) {
        const r = slowR(name, i);
        if (shape.length > 1) expect(value).toBe(r * 2 ** exponent);
        else expect(value).toBe(name.endsWith(".weight") ? 1 + r / 4 : r / 4);
      }
      if (!isExactInFloat16(name, shape)) return;
      expect(float16ToFloat32(synthesizeFloat16(name, shape))).toEqual(values);
    }),
    { numRuns: 300 },
  );
});

test.each([
  [384, -4],
  [1536, -4],
  [96, -2],
  [6144, -6],
  [6, 0],
])("a fan-in of %i lies half-way between two powers and takes the even one, 2^%i", (fanIn, exponent) => {
  const [value] = synthesizeTensor("a.weight", [1, fanIn]);
  expect(value! / slowR("a.weight", 0)).toBe(2 ** exponent);
});

test("element indices beyond 2^31 hashes do not lose bits", () => {
  // 4·10^6 elements: i·0x9E3779B9 is far beyond 2^53.
  const shape = [4, 1_000_000];
  const values = synthesizeTensor("big.weight", shape);
  const scale = 2 ** Math.round(Math.log2(Math.sqrt(3 / 1e6)));
  for (const i of [0, 1, 3_388_609, 3_999_999]) expect(values[i]).toBe(slowR("big.weight", i) * scale);
});

test("synth writes a whole released network, and its inputs", async () => {
  const here = await folder();
  const [weights, input] = [join(here, "64.safetensors"), join(here, "in.safetensors")];
  const { status, out } = await cli(["synth", "64x64_diffusion", weights, "--input", input, "--json"]);
  expect(status).toBe(0);
  const [done] = events(out).filter(({ event }) => event === "synthesized");
  expect(done).toMatchObject({ preset: "imagenet64", parameters: 295_904_454, dtype: "f16", file: weights, input });
  const source = await openFileSource(weights);
  try {
    const { file, config, diffusion, assumed } = await openCheckpoint(source);
    expect(config).toEqual(presetConfig(presetByName("imagenet64")));
    expect(diffusion).toMatchObject({ noiseSchedule: "cosine", learnSigma: true, diffusionSteps: 1000 });
    expect(assumed).toEqual([]);
    // A tensor of each kind: first, largest, norm, bias, last.
    const shapes = expectedTensors(config);
    for (const name of [
      "time_embed.0.weight",
      "label_emb.weight",
      "out.0.weight",
      "middle_block.1.qkv.bias",
      "out.2.bias",
    ])
      // prettier-ignore
      expect(await readFloat32(file, name)).toEqual(synthesizeTensor(name, shapes.get(name)!));
  } finally {
    await source.close();
  }
  const inputs = await openSafetensors(bytesSource(input, await readFile(input)));
  expect([...inputs.tensors.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
    ["y", "I64", [1]],
    ["x", "F32", [1, 3, 64, 64]],
    ["t", "F32", [1]],
  ]);
  expect([...(await readFloat32(inputs, "t")), ...(await readFloat32(inputs, "y"))]).toEqual([500, 207]);
  expect((await readFloat32(inputs, "x"))[0]).toBe(-1.298828125);
  const again = await cli(["synth", "imagenet64", weights]);
  expect([again.status, again.err]).toEqual([2, expect.stringMatching(/exists; use --force/)]);
  expect(await filesIn(here)).toEqual(["64.safetensors", "in.safetensors"]);
});

test.each([
  [["synth", "imagnet64", "x"], /imagnet64" is no released network \(did you mean imagenet64\?\); there are/],
  [["synth", "imagenet64"], /`synth` needs a OUT: repaint synth PRESET OUT/],
  [["synth", "imagenet64", "a", "b"], /`synth` takes PRESET OUT, got "b" too/],
  [["synth", "imagenet64", "a", "--input", "a"], /is the file of the weights, too/],
  [["synth", "imagenet64", "a", "--dtype", "bf16"], /--dtype: expected f32 or f16/],
  [["synth", "imagenet64", "no-such-folder/a"], /does not exist; create it first/],
])("%j is refused", async (argv, message) => {
  const { status, err } = await cli(argv);
  expect([status, err]).toEqual([2, expect.stringMatching(message)]);
});

test.skipIf(cannotFork)("Ctrl-C leaves nothing of a half-written file", async () => {
  const here = await folder();
  const child = spawnCli(["synth", "imagenet256-uncond", join(here, "out")]);
  let err = "";
  child.stderr!.on("data", (text: Buffer) => (err += text.toString()));
  const ended = once(child, "exit");
  // Set-up may come first.
  while (child.exitCode === null && (await filesIn(here)).length === 0) await setTimeout(5);
  child.kill("SIGINT");
  expect(await ended).toEqual([130, null]);
  expect(err).toMatch(/interrupted/);
  expect(await filesIn(here)).toEqual([]);
});
