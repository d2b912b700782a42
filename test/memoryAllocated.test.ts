/**
 * What `planMemory` says of the largest released network and of the shipped one is what loading and running them
 * allocates, byte for byte, on adapters that no test machine has. test/memoryPlan.test.ts shows the same of small
 * networks, loaded by `UNet`, on a real device.
 */
import { describe, expect, it } from "vitest";
import { buildArchitecture, type Architecture } from "../src/checkpoints/architecture.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { loadTraits } from "../src/operators/traits.ts";
import { embedRows } from "../src/unet/embeddingTable.ts";
import { LoadedNetwork } from "../src/unet/loadedNetwork.ts";
import { planMemory } from "../src/unet/memoryPlan.ts";
import { forwardEnds, planForward } from "../src/unet/network.ts";
import { declareWeights, type PackedWeights } from "../src/unet/weights.ts";
import { countedAdapters, countingDevice } from "./support/countingGpu.ts";
import { goldenCheckpoint } from "./support/goldens.ts";
import type { Precision } from "../src/numbers/storage.ts";

const networks: Readonly<Record<string, Architecture>> = {
  "ADM-256": buildArchitecture(presetConfig(presetByName("imagenet256-uncond"))),
  portraits64: (await goldenCheckpoint("unet/portraits64.weights.safetensors")).architecture,
};
/** Those with layers that Winograd's fast convolutions run, whose weights are then kept twice. */
const transforms = (network: string, adapter: string, precision: Precision) =>
  network === "ADM-256" ? adapter !== "nvidia with matrices" || precision === "f32" : adapter === "swiftshader";

/** Half a billion numbers are not packed for a device that drops them. */
const unpacked = (weights: PackedWeights): PackedWeights =>
  new Map(
    [...weights].map(([name, { tensor }]) => [name, { tensor, pack: () => Promise.resolve(new Float32Array()) }]),
  );
const unread = () => Promise.reject(new Error("nothing is packed"));
/** Timesteps of a run: more than one chunk of the table. */
const rows = 250;

describe.each(Object.entries(networks))("%s", (network, architecture) => {
  it.each(Object.entries(countedAdapters))("takes on %s what its plan says", async (name, adapter) => {
    const { imageSize, numClasses } = architecture.config;
    const size = { batch: 1, height: imageSize, width: imageSize };
    for (const precision of ["f32", "f16"] as const) {
      const { device, count } = countingDevice(adapter);
      const traits = await loadTraits(device);
      const { limits } = device;
      const options = { activations: precision, weightType: precision, embeddings: rows, traits, limits };
      const plan = planMemory(architecture, size, options);
      expect(plan.tooLarge).toEqual([]);
      expect(plan.transformed > 0).toBe(transforms(network, name, precision));

      // As `UNet` loads and plans.
      const weights = unpacked(declareWeights(architecture, precision));
      const loaded = await LoadedNetwork.load(device, weights, unread);
      expect(count.live).toBe(plan.weights);

      const timesteps = Array.from({ length: rows }, (_, i) => i);
      const classes = numClasses === null ? undefined : timesteps.map(() => 0);
      const table = await embedRows(loaded, { architecture, timesteps, classes });
      expect(count.live).toBe(plan.weights + plan.embeddings);
      expect(count.peak).toBe(plan.weights + plan.embeddings + plan.embeddingWork);

      const planned = planForward({ ...(await loaded.planning()), architecture, activations: precision }, size);
      const session = await loaded.session(planned.plan, forwardEnds(planned));
      expect(count.live).toBe(plan.total);
      expect(count.live).toBe(device.counters.liveBytes);

      session.executor.submit();
      expect(count.live).toBe(plan.total);
      session.dispose();
      table.dispose();
      loaded.dispose();
      expect(count.live).toBe(0);
    }
  });
});
