/** An adapter's traits: whole or not at all, and made once for each device. */
import { describe, expect, expectTypeOf, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { attentionCandidates } from "../src/operators/attention/candidates.ts";
import { loadTraits, type AdapterFacts, type Traits } from "../src/operators/traits.ts";
import { countedAdapters, countingDevice } from "./support/countingGpu.ts";

const facts: AdapterFacts = {
  kind: "gpu",
  family: "nvidia",
  subgroups: true,
  workgroupBytes: 49152,
  matrix: undefined,
};

describe("traits", () => {
  it("are no device, and no facts alone: what is loaded cannot be forgotten", () => {
    expectTypeOf<Device>().toExtend<AdapterFacts>();
    expectTypeOf<Device>().not.toExtend<Traits>();
    expectTypeOf<AdapterFacts>().not.toExtend<Traits>();
    // @ts-expect-error A GPU without the kernels that are loaded for it.
    const forgotten: Traits = {
      ...facts,
      kind: "gpu",
      tiles: undefined,
      tiledAttentions: undefined,
      wholeGroupNorm: undefined,
      matrix: undefined,
    };
    const layer = { length: 64, heads: 1, headChannels: 64, scale: 1, activations: "f32" } as const;
    expect(attentionCandidates(layer, forgotten).some(({ method }) => method === "tiled")).toBe(false);
  });

  it("are made once for each device", async () => {
    const { device } = countingDevice(countedAdapters["nvidia"]!);
    const [first, second] = await Promise.all([loadTraits(device), loadTraits(device)]);
    expect(second).toBe(first);
    expect(await loadTraits(new Device(device.gpu, device.info))).not.toBe(first);
  });

  it("have what is loaded for the adapter, and nothing of other adapters", async () => {
    const of = async (name: string) => loadTraits(countingDevice(countedAdapters[name]!).device);
    expect(await of("swiftshader")).toEqual({
      kind: "cpu",
      family: "cpu",
      subgroups: true,
      workgroupBytes: 16384,
      tiles: undefined,
      tiledAttentions: undefined,
      wholeGroupNorm: undefined,
      matrix: undefined,
    });
    const [nvidia, apple, matrices] = [await of("nvidia"), await of("apple"), await of("nvidia with matrices")];
    expect(nvidia).toMatchObject({ kind: "gpu", family: "nvidia", workgroupBytes: 49152, matrix: undefined });
    expect(nvidia.tiledAttentions!(16).length).toBeGreaterThan(0);
    // Tiles of up to 32 KiB, of which half do not fit into what WebGPU promises.
    const promised = await loadTraits({ ...facts, workgroupBytes: 16384 });
    expect(apple.tiles!.direct).toHaveLength(nvidia.tiles!.direct.length);
    expect(promised.tiles!.direct.length).toBeLessThan(nvidia.tiles!.direct.length);
    for (const { bytes } of promised.tiles!.direct) expect(bytes).toBeLessThanOrEqual(16384);
    expect(matrices.matrix).toMatchObject({ rows: 16, columns: 16, depth: 16, subgroupSize: 32 });
    expect(matrices.matrix!.configs.length).toBeGreaterThan(0);
    expect(matrices.matrix!.table.length).toBeGreaterThan(0);
  });
});
