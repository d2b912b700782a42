/**
 * A convolution layer as dispatches against the float64 twin: the defaults for both kinds of adapter, and every
 * candidate that consists of several dispatches. Single kernels and their tiles are covered by kernels.test.ts.
 */
import { describe, expect, it } from "vitest";
import { gpuFamily, type AdapterFamily } from "../src/engine/adapter.ts";
import { Device } from "../src/engine/device.ts";
import { elementCount, type Tensor } from "../src/engine/tensor.ts";
import { convolutionPlan } from "../src/operators/convolution/plan.ts";
import { chooseConvolution, convolutionCandidates } from "../src/operators/convolution/candidates.ts";
import { convolutionTable, type ConvolutionRule } from "../src/operators/convolution/table.ts";
import { exampleMatrix } from "./kernelCasesConvolution.ts";
import { relativeError } from "./support/goldens.ts";
import { withErrorScope } from "./support/errorScope.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { runPlan } from "./support/runPlan.ts";
import { convolutionBlockedTwin } from "./twins/convolution.ts";
import { loadTraits } from "../src/operators/traits.ts";
import { convolutionKey, type ConvolutionChoice, type ConvolutionLayer } from "../src/operators/convolution/layer.ts";

const device = await gpuDevice();
const traits = await loadTraits(device);
const asGpu = await loadTraits(new Device(device.gpu, device.info, { kind: "gpu" }));

const base: Omit<ConvolutionLayer, "height" | "width" | "outHeight" | "outWidth" | "channels0" | "outChannels"> = {
  kernel: 3,
  stride: 1,
  activation: "none",
  pad: 1,
  bias: true,
  residual: false,
  channels1: 0,
  activations: "f32",
  weights: "f32",
};
const square = (side: number) => ({ height: side, width: side, outHeight: side, outWidth: side });

const layers: readonly ConvolutionLayer[] = [
  { ...base, ...square(16), channels0: 32, outChannels: 32, residual: true },
  { ...base, height: 10, width: 14, outHeight: 10, outWidth: 14, channels0: 8, channels1: 12, outChannels: 20 },
  { ...base, height: 7, width: 5, outHeight: 7, outWidth: 5, channels0: 4, outChannels: 4, bias: false },
  {
    ...base,
    height: 9,
    width: 6,
    outHeight: 9,
    outWidth: 6,
    channels0: 8,
    channels1: 4,
    outChannels: 8,
    norm: "silu",
  },
  {
    ...base,
    height: 5,
    width: 7,
    outHeight: 10,
    outWidth: 14,
    channels0: 12,
    outChannels: 16,
    residual: true,
    norm: "silu",
    upsample: true,
    upsampleResidual: true,
  },
  { ...base, height: 6, width: 4, outHeight: 12, outWidth: 8, channels0: 8, outChannels: 8, upsample: true },
  { ...base, ...square(4), channels0: 36, channels1: 52, outChannels: 20, residual: true, activation: "silu" },
  { ...base, stride: 2, height: 8, width: 12, outHeight: 4, outWidth: 6, channels0: 8, outChannels: 8 },
  { ...base, kernel: 1, pad: 0, ...square(6), channels0: 16, outChannels: 24, activation: "silu" },
  {
    ...base,
    kernel: 1,
    pad: 0,
    height: 1,
    width: 5,
    outHeight: 1,
    outWidth: 5,
    channels0: 16,
    outChannels: 24,
    activation: "silu",
  },
];

/** One choice on numbers of its own, but for those that are given. */
async function run(
  layer: ConvolutionLayer,
  choice: ConvolutionChoice,
  batch: number,
  given: Readonly<Record<string, Float32Array>> = {},
) {
  const made = convolutionPlan(layer, choice, batch);
  const numbers: Record<string, Float32Array> = {};
  const inputs = Object.entries(made.tensors).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  for (const [index, [name, tensor]] of inputs.entries()) {
    const deviation = name === "weight" ? 1 / Math.sqrt(layer.kernel ** 2 * layer.channels0) : 1;
    numbers[name] = given[name] ?? Float32Array.from(values(elementCount(tensor.shape), index + 40, { deviation }));
  }
  return { numbers, y: await runPlan(device, made, numbers) };
}

function expected(layer: ConvolutionLayer, batch: number, numbers: Record<string, Float32Array>): Float64Array {
  const doubles = Object.fromEntries(Object.entries(numbers).map(([name, array]) => [name, Float64Array.from(array)]));
  const twin = convolutionBlockedTwin as unknown as (call: object) => { y: Float64Array };
  return twin({ tensors: doubles, parameters: { batch, ...layer }, variant: layer }).y;
}

/** One dispatch through workgroup memory. */
const isWhole = (choice: ConvolutionChoice) => choice.method === "tiled" && choice.parts === 1;

const kinds = [traits, asGpu];
describe.each(layers.map((layer) => ({ key: convolutionKey(layer), layer })))("$key", ({ layer }) => {
  const candidates = new Map(
    kinds
      .flatMap((kind) => [
        chooseConvolution(layer, kind),
        ...convolutionCandidates(layer, kind).filter((one) => one.method !== "blocked" && !isWhole(one)),
      ])
      .map((one) => [one.id, one]),
  );
  it.each([...candidates.values()])("$id", async (choice) => {
    await withErrorScope(device, async () => {
      const batch = 2;
      const { numbers, y } = await run(layer, choice, batch);
      const error = relativeError(y, expected(layer, batch, numbers));
      const bound = choice.method === "winograd" && choice.variant.tile === 6 ? 3e-6 : 1e-6;
      expect(error).toBeLessThanOrEqual(layer.activation === "silu" ? 1e-5 : bound);
    });
  });

  it("has its default among the candidates, and takes a tuner's", () => {
    for (const kind of kinds) {
      const ids = convolutionCandidates(layer, kind).map(({ id }) => id);
      expect(ids).toContain(chooseConvolution(layer, kind).id);
      expect(new Set(ids).size).toBe(ids.length);
      const wanted = ids.at(-1)!;
      const choices = new Map([[convolutionKey(layer), wanted]]);
      expect(chooseConvolution(layer, kind, choices).id).toBe(wanted);
      choices.set(convolutionKey(layer), "a kernel of another version");
      expect(chooseConvolution(layer, kind, choices).id).toBe(chooseConvolution(layer, kind).id);
    }
  });
});

it("a long convolution goes in pieces, which together are the whole", async () => {
  const layer: ConvolutionLayer = { ...base, ...square(16), channels0: 512, outChannels: 512 };
  const byId = (id: string) => convolutionCandidates(layer, traits).find((one) => one.id === id)!;
  const direct = byId("quad 8x2x16/4");
  expect(convolutionPlan(layer, direct, 1).plan.dispatches.map(({ macs }) => macs)).toEqual([
    9 * 256 * 512 * 256,
    9 * 256 * 512 * 256,
  ]);
  const { y, numbers } = await run(layer, direct, 1);
  const other = (await run(layer, byId("winograd2 quad 4x32/4"), 1, numbers)).y;
  expect(relativeError(y, Float64Array.from(other))).toBeLessThanOrEqual(2e-6);
});

describe("Winograd in strips", () => {
  // 56 of the 64 rows of tiles fill a strip, so that the second holds the end of one image and the beginning of the
  // next.
  const size = { height: 256, width: 128, outHeight: 256, outWidth: 128 };
  const layer: ConvolutionLayer = { ...base, ...size, channels0: 4, outChannels: 32 };
  const byId = (id: string) => convolutionCandidates(layer, traits).find((one) => one.id === id)!;

  it("has an image's bits alone and in a batch, and the direct sum's numbers", async () => {
    const fast = byId("winograd4 quad 4x32/4");
    expect(convolutionPlan(layer, fast, 2).plan.dispatches.length).toBe(3 * 3);
    const { y: both, numbers } = await run(layer, fast, 2);
    const alone = (await run(layer, fast, 1, numbers)).y;
    const differing = alone.filter((value, at) => value !== both[at]).length;
    expect(differing).toBe(0);
    const direct = (await run(layer, byId("blocked 4x2x4/4"), 2, numbers)).y;
    expect(relativeError(both, Float64Array.from(direct))).toBeLessThanOrEqual(1e-6);
  });

  it("is offered for 3×3 of stride 1 within WebGPU's bindings alone", () => {
    const offered = (more: Partial<ConvolutionLayer>) =>
      convolutionCandidates({ ...layer, ...more }, traits)
        .filter(({ method }) => method === "winograd")
        .map(({ id }) => id.slice(0, 9));
    expect(new Set(offered({}))).toEqual(new Set(["winograd2", "winograd4", "winograd6"]));
    expect(offered({ stride: 2, outHeight: 128, outWidth: 64 })).toEqual([]);
    expect(offered({ kernel: 1, pad: 0 })).toEqual([]);
    // At 32² F(6×6) has 36 × 64 products and F(4×4) 64 × 36.
    expect(new Set(offered({ outHeight: 32, outWidth: 32 }))).toEqual(new Set(["winograd2", "winograd4"]));
    // 36 × 1024² numbers are 144 MiB, 16 × 1024² are 64.
    expect(new Set(offered({ channels0: 1024, outChannels: 1024 }))).toEqual(new Set(["winograd2"]));
  });
});

it("subgroup matrices of any shape fill tiles wholly, or are not offered", async () => {
  const { matrixConfigs } = await import("../src/operators/convolution/matrix.ts");
  const offered = (rows: number, columns: number, depth: number, subgroupSize: number) =>
    matrixConfigs({ rows, columns, depth, subgroupSize }).length;
  const all = offered(16, 16, 16, 32);
  // NVIDIA's, Apple's, Intel's, lavapipe's.
  expect([offered(16, 8, 16, 32), offered(8, 8, 8, 32), offered(8, 16, 16, 16), offered(8, 8, 8, 8)]).toEqual(
    Array.from({ length: 4 }, () => all),
  );
  expect(offered(64, 64, 64, 32)).toBe(0);
  expect(offered(16, 16, 16, 128)).toBe(0);
});

describe("the table of defaults", () => {
  const families = Object.entries(convolutionTable) as [AdapterFamily, readonly ConvolutionRule[]][];

  it.each(families)("for %s names candidates, and a rule for every layer", async (family, ownRules) => {
    const kind = family === "cpu" ? "cpu" : "gpu";
    const facts = { kind, family, subgroups: true, workgroupBytes: 49152 } as const;
    const plain = await loadTraits({ ...facts, matrix: undefined });
    const wide = { ...base, ...square(8), channels0: 512, outChannels: 64 };
    const all = [...layers, wide, { ...wide, channels0: 256 }];
    const half = { activations: "f16", weights: "f16" } as const;
    const withMatrix = await loadTraits({ ...facts, matrix: exampleMatrix });
    const rules = [...(withMatrix.matrix?.table ?? []), ...ownRules];
    const candidates = all.flatMap((layer) => [
      ...convolutionCandidates(layer, plain),
      ...convolutionCandidates({ ...layer, ...half }, withMatrix),
    ]);
    const known = new Set(candidates.map(({ id }) => id));
    for (const { id } of rules) expect(known).toContain(id);
    for (const layer of all) expect(rules.map(({ id }) => id)).toContain(chooseConvolution(layer, plain).id);
  });

  it("is read by what browsers call their adapters", () => {
    const family = (vendor: string, description = "") =>
      gpuFamily({ vendor, architecture: "", device: "", description } as GPUAdapterInfo);
    expect(
      ["nvidia", "amd", "intel", "apple", "arm", "qualcomm", "img-tec", "0x10de"].map((name) => family(name)),
    ).toEqual(["nvidia", "amd", "intel", "apple", "mobile", "mobile", "mobile", "nvidia"]);
    expect(family("", "NVIDIA GeForce RTX 3060")).toBe("nvidia");
    expect(family("", "AMD Radeon Pro (RADV)")).toBe("amd");
    expect(family("somebody")).toBe("other");
    expect([device.family, asGpu.family]).toEqual(["cpu", "other"]);
  });
});
