/**
 * What `planMemory` says of the largest released network and of the shipped one is what loading and running them allocates, byte for
 * byte, on adapters that no test machine has. test/memoryPlan.test.ts shows the same of small networks on a real device.
 */
import { describe, expect, it, vi } from "vitest";
import type { Checkpoint } from "../src/checkpoints/checkpoint.ts";
import { buildArchitecture } from "../src/checkpoints/architecture.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { loadTraits } from "../src/operators/traits.ts";
import { planMemory } from "../src/unet/memoryPlan.ts";
import { UNet } from "../src/unet/unet.ts";
import { countedAdapters, countingDevice } from "./support/countingGpu.ts";
import { goldenCheckpoint } from "./support/goldens.ts";

// Buffers are made as always, but half a billion weights are not packed for a device that drops them.
vi.mock(import("../src/unet/upload.ts"), async (original) => {
  const real = await original();
  return {
    ...real,
    uploadWeights: (device, weights, ...others) => {
      const unpacked = [...weights].map(
        ([name, { tensor }]) => [name, { tensor, pack: () => Promise.resolve(new Float32Array()) }] as const,
      );
      return real.uploadWeights(device, new Map(unpacked), ...others);
    },
  };
});

/** Of a checkpoint, what a network needs besides its weights. */
const unfilled = (name: string) => {
  const architecture = buildArchitecture(presetConfig(presetByName(name)));
  return { architecture, config: architecture.config } as Checkpoint;
};
const networks: Readonly<Record<string, Checkpoint>> = {
  "ADM-256": unfilled("imagenet256-uncond"),
  portraits64: await goldenCheckpoint("unet/portraits64.weights.safetensors"),
};
/** Timesteps of a run: more than one chunk of the table. */
const rows = 250;

describe.each(Object.entries(networks))("%s", (_name, checkpoint) => {
  it.each(Object.entries(countedAdapters))("takes on %s what its plan says", async (name, adapter) => {
    const { imageSize, numClasses } = checkpoint.config;
    const size = { batch: 1, height: imageSize, width: imageSize };
    for (const precision of ["f32", "f16"] as const) {
      const { device, count } = countingDevice(adapter);
      const traits = await loadTraits(device);
      const { limits } = device;
      const options = { activations: precision, weightType: precision, embeddings: rows, traits, limits };
      const plan = planMemory(checkpoint.architecture, size, options);
      expect(plan.tooLarge).toEqual([]);

      const network = await UNet.load(device, checkpoint, { precision });
      expect(count.live).toBe(plan.weights);

      const timesteps = Array.from({ length: rows }, (_, i) => i);
      const table = await network.embed(timesteps, numClasses === null ? undefined : timesteps.map(() => 0));
      expect(count.live).toBe(plan.weights + plan.embeddings);
      expect(count.peak).toBe(plan.weights + plan.embeddings + plan.embeddingWork);

      const session = await network.session(size);
      expect(count.live).toBe(plan.total);
      expect(count.live).toBe(device.counters.liveBytes);
      // Winograd's weights are kept twice, and only there; tensor cores do without.
      expect(plan.transformed > 0).toBe(!(name === "nvidia with matrices" && precision === "f16"));

      session.submit(table, [0]);
      expect(count.live).toBe(plan.total);
      session.dispose();
      table.dispose();
      network.dispose();
      expect(count.live).toBe(0);
    }
  });
});
