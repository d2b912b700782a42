/** The memory plan: what it promises is what a device then gets, and what the released networks need. */
import { describe, expect, test } from "vitest";
import { OutOfMemoryError } from "../src/errors.ts";
import { planArenas } from "../src/engine/arena.ts";
import { buildArchitecture } from "../src/checkpoints/architecture.ts";
import { defaultAdapter, defaultLimits, planMemory } from "../src/unet/memoryPlan.ts";
import { planForward } from "../src/unet/network.ts";
import { lowResSide, presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { UNet } from "../src/unet/unet.ts";
import { declareWeights, embeddingLayout } from "../src/unet/weights.ts";
import { cli, events } from "./support/cli.ts";
import { goldenCheckpoint } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { loadTraits } from "../src/operators/traits.ts";
import type { Precision } from "../src/numbers/storage.ts";

const mib = 2 ** 20;
const other = await loadTraits(defaultAdapter);
const mobile = await loadTraits({ ...defaultAdapter, family: "mobile" });

/** As a GPU that nobody knows would run it, or a mobile one, which writes every norm before its convolution. */
function planOf(name: string, precision: Precision, { batch = 1, traits = other } = {}) {
  const preset = presetByName(name);
  const config = presetConfig(preset);
  const low = lowResSide(preset);
  const size = { batch, height: config.imageSize, width: config.imageSize };
  return planMemory(
    buildArchitecture(config),
    { ...size, ...(low === undefined ? {} : { lowRes: { height: low, width: low } }) },
    { activations: precision, weightType: precision, embeddings: 250, traits },
  );
}

describe("WebGPU's default limits", () => {
  test.each(["imagenet64", "imagenet128", "imagenet256", "imagenet256-uncond", "upsampler-64-256"])(
    "hold %s in both precisions",
    (name) => {
      for (const precision of ["f32", "f16"] as const) {
        const plan = planOf(name, precision);
        expect(plan.tooLarge).toEqual([]);
        expect(plan.largestBinding.bytes).toBeLessThanOrEqual(128 * mib);
        expect(plan.largestBuffer.bytes).toBeLessThanOrEqual(256 * mib);
      }
    },
  );

  test("are met to the byte by 256×256 in f32 where norms are written: one over a concatenation of 512 channels", () => {
    const { largestBinding } = planOf("imagenet256-uncond", "f32", { traits: mobile });
    expect(largestBinding).toEqual({ name: "output_blocks.15.0.in_layers.2.normed", bytes: 256 * 256 * 512 * 4 });
    expect(largestBinding.bytes).toBe(defaultLimits.maxStorageBufferBindingSize);
  });

  test("are too small for 512×512 and for two images of 256×256 in f32, and the plan names the tensors", () => {
    const large = planOf("imagenet512", "f32", { traits: mobile });
    expect(large.tooLarge[0]).toMatchObject({ name: "output_blocks.18.0.in_layers.2.normed", bytes: 384 * mib });
    expect(planOf("imagenet512", "f16", { traits: mobile }).tooLarge.map(({ name }) => name)).toEqual([
      "output_blocks.18.0.in_layers.2.normed",
    ]);
    const two = planOf("imagenet256-uncond", "f32", { batch: 2, traits: mobile });
    expect(two.tooLarge.length).toBeGreaterThan(0);
    // What the plan says and what a session would meet are one.
    const architecture = buildArchitecture(presetConfig(presetByName("imagenet256-uncond")));
    const weights = declareWeights(architecture, "f32");
    const options = { architecture, weights, traits: mobile, activations: "f32" } as const;
    const plan = (batch: number) => planForward(options, { batch, height: 256, width: 256 }).plan;
    expect(() => planArenas(plan(1), defaultLimits)).not.toThrow();
    expect(() => planArenas(plan(2), defaultLimits)).toThrow(OutOfMemoryError);
  });
});

test("the weights are the parameters, less padding, plus identities of the skips", () => {
  const { parameters } = presetByName("imagenet256-uncond");
  const { weights } = planOf("imagenet256-uncond", "f32");
  expect(weights / 4).toBeGreaterThanOrEqual(parameters);
  expect(weights / 4).toBeLessThan(parameters * 1.01);
  expect(planOf("imagenet256-uncond", "f16").weights).toBeLessThan(weights * 0.51);
});

test("projections in parts cover every block once, in order", () => {
  const { parts, offsets, width } = embeddingLayout(buildArchitecture(presetConfig(presetByName("imagenet256"))));
  expect(parts.length).toBeGreaterThan(1);
  expect(parts.flatMap(({ layers }) => layers.map(({ block }) => block))).toEqual([...offsets.keys()]);
  let at = 0;
  for (const part of parts) {
    expect(part.offset).toBe(at);
    expect(offsets.get(part.layers[0]!.block)).toBe(at);
    expect(part.width * 1024 * 4).toBeLessThanOrEqual(64 * mib);
    at += part.width;
  }
  expect(at).toBe(width);
});

test.each(["adm", "class-cond", "super-res", "pool-resample"])(
  "%s takes on the device what the plan says",
  async (name) => {
    const device = await gpuDevice();
    const checkpoint = await goldenCheckpoint(`unet/${name}.weights.safetensors`);
    for (const precision of ["f32", "f16"] as const) {
      const size = { batch: 2, height: 32, width: 16, lowRes: { height: 8, width: 4 } };
      const plan = planMemory(checkpoint.architecture, size, {
        activations: precision,
        weightType: precision,
        embeddings: 70,
        traits: await loadTraits(device),
        limits: device.limits,
      });
      const before = device.counters.liveBytes;
      const taken = () => device.counters.liveBytes - before;
      const network = await UNet.load(device, checkpoint, { precision });
      expect(taken()).toBe(plan.weights);
      const session = await network.session(size);
      expect(taken()).toBe(plan.total - plan.embeddings);
      session.dispose();
      const classes = checkpoint.config.numClasses === null ? undefined : Array.from({ length: 70 }, () => 0);
      const table = await network.embed(
        Array.from({ length: 70 }, (_, i) => i),
        classes,
      );
      expect(taken()).toBe(plan.weights + plan.embeddings);
      table.dispose();
      network.dispose();
      expect(taken()).toBe(0);
    }
  },
);

test("inspect --plan prints it, and gives an event for each precision", async () => {
  const { out } = await cli(["inspect", "portraits64", "--plan", "--batch", "3", "--size", "128x64"]);
  expect(out).toMatch(/Memory on the device for 3 images of 128x64\nf32\n {2}Weights +8\.\d+ MiB/);
  expect(out).toMatch(/f16[\s\S]*Fits +WebGPU's default limits/);
  const json = await cli(["inspect", "portraits64", "--plan", "--json"]);
  const plans = events(json.out).filter(({ event }) => event === "memory");
  expect(plans).toMatchObject([
    { precision: "f32", batch: 1, width: 64, height: 64, fits: true, tooLarge: [] },
    { precision: "f16", batch: 1, width: 64, height: 64, fits: true, tooLarge: [] },
  ]);
  const huge = await cli(["inspect", "portraits64", "--plan", "--size", "4096x4096"]);
  expect(huge.out).toMatch(/Fits +not WebGPU's default limits \(128\.0 MiB a binding, 256\.0 MiB a buffer\): \d/);
});

test.each([
  [["--batch", "2"], /--batch is for --plan/],
  [["--plan", "--size", "64"], /--size: expected WIDTHxHEIGHT as 256x256, got "64"/],
  [["--plan", "--size", "60x64"], /width: this network needs a multiple of 8 pixels, got 60/],
  [["--plan", "--batch", "0"], /--batch: expected a whole number from 1/],
])("inspect %j is refused", async (options, message) => {
  const { status, err } = await cli(["inspect", "portraits64", ...options]);
  expect([status, err]).toEqual([2, expect.stringMatching(message)]);
});
