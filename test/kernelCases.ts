/**
 * The cases of every kernel, ragged shapes included: what test/kernels.test.ts runs. The benchmark has its own
 * (bench/cases.ts).
 */
import { wholeDispatch } from "../src/shaders/lib/pieces.ts";
import { chunkLanes } from "../src/shaders/lib/channelChunks.ts";
import { groupThreads } from "../src/shaders/lib/groupMoments.ts";
import { wholeGroupNorm } from "../src/operators/groupNorm.ts";
import { groupNormChunks } from "../src/shaders/groupNormPartials.ts";
import { convolutionCases, exampleMatrix, matrixCases } from "./kernelCasesConvolution.ts";
import { featureCases } from "./kernelCasesFeatures.ts";
import { winogradCases } from "./kernelCasesWinograd.ts";
import type { KernelCase } from "./support/kernelCase.ts";
import { gradientCases } from "./kernelCasesGradients.ts";
import { samplerCases } from "./kernelCasesSampler.ts";
import { tilesCases } from "./kernelCasesTiles.ts";
import { values } from "./support/random.ts";
import type { AdapterKind } from "../src/engine/adapter.ts";

function groupNormCases({
  title,
  batch,
  pixels,
  channels0,
  channels1 = 0,
  groups,
  mean = 0,
}: {
  title: string;
  batch: number;
  pixels: number;
  channels0: number;
  channels1?: number;
  groups: number;
  mean?: number;
}): KernelCase[] {
  const channels = channels0 + channels1;
  const { chunks, chunkPixels } = groupNormChunks(pixels);
  const sides = {
    x0: values(batch * pixels * channels0, 6, { mean }),
    ...(channels1 ? { x1: values(batch * pixels * channels1, 7, { mean: mean + 1, deviation: 2 }) } : {}),
  };
  const half = ["x0", "x1"];
  const partials = values(batch * chunks * channels * 2, 8, { mean, deviation: 0.1 }).map((value, i) =>
    i % 8 < 4 ? value : Math.abs(value) * chunkPixels,
  );
  const affine = (embedding: string, width: number, kind: AdapterKind): KernelCase => ({
    kernel: "groupNormAffine",
    title: `${title}, ${embedding}, for a ${kind}`,
    variant: { embedding, threads: groupThreads[kind] },
    parameters: {
      batch,
      pixels,
      channels,
      groups,
      chunks,
      chunkPixels,
      epsilon: 1e-5,
      embeddingStride: width + 12,
      embeddingOffset: 8,
    },
    inputs: {
      partials,
      weight: values(channels, 9, { mean: 1, deviation: 0.2 }),
      bias: values(channels, 10),
      ...(width ? { embedding: values(batch * (width + 12), 11) } : {}),
    },
    // Offsets are differences of numbers of the mean's size.
    tolerance: mean === 0 ? 1e-6 : 1e-5,
  });
  return [
    ...(["cpu", "gpu"] as const).flatMap((kind): KernelCase[] => [
      {
        kernel: "groupNormPartials",
        title: `${title}, for a ${kind}`,
        variant: { lanes: chunkLanes[kind] },
        parameters: { batch, pixels, channels0, channels1, chunks, chunkPixels },
        inputs: sides,
        half,
        tolerance: 2e-6,
      },
      affine("none", 0, kind),
      affine("scaleShift", 2 * channels, kind),
      affine("add", channels, kind),
    ]),
    ...(["none", "silu"] as const).map((activation): KernelCase => ({
      kernel: "groupNormApply",
      title: `${title}, ${activation}`,
      variant: { activation },
      parameters: { batch, pixels, channels0, channels1 },
      inputs: { ...sides, affine: values(batch * 2 * channels, 12) },
      half: [...half, "y"],
      tolerance: 1e-5,
    })),
  ];
}

/** In one dispatch, for groups of whole vec4s. */
function wholeGroupNormCases({
  title,
  batch,
  pixels,
  channels0,
  channels1 = 0,
  groups,
  mean = 0,
}: Parameters<typeof groupNormCases>[0]): KernelCase[] {
  const channels = channels0 + channels1;
  return (["none", "scaleShift", "add"] as const).map((embedding, index): KernelCase => {
    const width = { none: 0, add: channels, scaleShift: 2 * channels }[embedding];
    return {
      kernel: "groupNorm",
      title: `${title}, ${embedding}`,
      variant: {
        ...wholeGroupNorm((channels / groups / 4) * pixels)!.variant,
        embedding,
        activation: index === 0 ? "none" : "silu",
      },
      parameters: {
        batch,
        pixels,
        channels0,
        channels1,
        groups,
        embeddingStride: width + 12,
        embeddingOffset: 8,
        epsilon: 1e-5,
      },
      inputs: {
        x0: values(batch * pixels * channels0, 6, { mean }),
        ...(channels1 ? { x1: values(batch * pixels * channels1, 7, { mean: mean + 1, deviation: 2 }) } : {}),
        weight: values(channels, 9, { mean: 1, deviation: 0.2 }),
        bias: values(channels, 10),
        ...(width ? { embedding: values(batch * (width + 12), 11) } : {}),
      },
      half: ["x0", "x1", "y"],
      // Differences of numbers of the mean's size.
      tolerance: mean === 0 ? 2e-6 : 1e-5,
    };
  });
}

function attentionCase(
  size: { batch: number; length: number; heads: number; headChannels: number; spread?: number },
  variant: {
    queries: number;
    keys: number;
    chunkVectors: number;
    workgroupSize: number;
    share?: "quad";
    held?: number;
  },
): KernelCase {
  const { batch, length, heads, headChannels, spread = 1 } = size;
  return {
    kernel: "attention",
    title: `batch ${batch}, ${length} tokens, ${heads} heads of ${headChannels}, chunks of ${variant.chunkVectors}${variant.share ? ", quads" : ""}${variant.held ? ", held" : ""}${spread > 1 ? ", steep" : ""}`,
    variant: { share: "none", held: 0, ...variant },
    parameters: { batch, length, heads, headChannels, scale: 1 / Math.sqrt(headChannels), ...wholeDispatch },
    inputs: { qkv: values(batch * length * 3 * heads * headChannels, 13, { deviation: spread }) },
    half: ["qkv", "y"],
    tolerance: 2e-5,
  };
}

function tiledAttentionCase(
  size: { batch: number; length: number; heads: number; headChannels: number; spread?: number },
  variant: { keys: number; workgroupQueries: number },
): KernelCase {
  const { headChannels } = size;
  const own = { queries: 1, chunkVectors: headChannels / 4, workgroupSize: 4 * variant.workgroupQueries };
  const same = attentionCase(size, { ...own, ...variant });
  return { ...same, kernel: "attentionTiled", variant: { ...variant, vectors: headChannels / 4 } };
}

function resampleCase(
  kernel: "meanPool" | "upsampleNearest",
  [batch, height, width, channels]: readonly [number, number, number, number],
  { scale, add }: { scale: number; add?: boolean },
): KernelCase {
  return {
    kernel,
    title: `${batch}×${height}×${width}×${channels}, times ${scale}${add ? ", added" : ""}`,
    variant: {},
    parameters: { batch, height, width, channels, scale },
    inputs: {
      x: values(batch * height * width * channels, 14),
      ...(add ? { add: values(4 * batch * height * width * channels, 23) } : {}),
    },
    half: ["x", "y"],
    tolerance: 1e-6,
  };
}

function bilinearCase(from: readonly [number, number], to: readonly [number, number]): KernelCase {
  const [batch, channels] = [2, 4];
  return {
    kernel: "upsampleBilinear",
    title: `${from.join("×")} to ${to.join("×")}`,
    variant: {},
    parameters: { batch, channels, height: from[0], width: from[1], outHeight: to[0], outWidth: to[1] },
    inputs: { x: values(batch * channels * from[0] * from[1], 15) },
    half: ["x", "y"],
    // The position in f32: half a pixel of 1/3 ratios.
    tolerance: 2e-6,
  };
}

function timestepCase(
  rows: readonly number[],
  modelChannels: number,
  columns: number,
  order: "cosSin" | "sinCos" = "cosSin",
): KernelCase {
  const half = Math.floor(modelChannels / 2);
  return {
    kernel: "timestepEmbedding",
    title: `${rows.length} rows of ${columns}, ${order}`,
    variant: { order },
    parameters: { rows: rows.length, half, columns },
    inputs: {
      timesteps: Float64Array.from(rows),
      frequencies: Float64Array.from({ length: half }, (_, i) => Math.fround(Math.exp((-Math.log(10000) * i) / half))),
    },
    tolerance: 2e-7,
  };
}

export const kernelCases: readonly KernelCase[] = [
  ...convolutionCases,
  ...matrixCases(exampleMatrix),
  ...groupNormCases({ title: "32 groups of 1, 64 pixels", batch: 1, pixels: 64, channels0: 32, groups: 32 }),
  ...groupNormCases({
    title: "32 groups of 3 over two inputs, 65 pixels, batch 2",
    batch: 2,
    pixels: 65,
    channels0: 32,
    channels1: 64,
    groups: 32,
  }),
  ...groupNormCases({ title: "4 groups of 5, 5000 pixels", batch: 1, pixels: 5000, channels0: 20, groups: 4 }),
  ...groupNormCases({ title: "one pixel", batch: 2, pixels: 1, channels0: 64, groups: 32 }),
  ...groupNormCases({ title: "mean 100", batch: 1, pixels: 100, channels0: 64, groups: 32, mean: 100 }),
  ...wholeGroupNormCases({
    title: "8 groups of 4, 37 pixels, batch 2",
    batch: 2,
    pixels: 37,
    channels0: 32,
    groups: 8,
  }),
  ...wholeGroupNormCases({
    title: "4 groups of 12 over two inputs, 100 pixels",
    batch: 1,
    pixels: 100,
    channels0: 16,
    channels1: 32,
    groups: 4,
  }),
  ...wholeGroupNormCases({ title: "a group, 4096 pixels", batch: 1, pixels: 4096, channels0: 4, groups: 1 }),
  ...wholeGroupNormCases({ title: "one pixel", batch: 2, pixels: 1, channels0: 64, groups: 8 }),
  ...wholeGroupNormCases({ title: "mean 100", batch: 1, pixels: 100, channels0: 64, groups: 8, mean: 100 }),
  attentionCase(
    { batch: 2, length: 16, heads: 2, headChannels: 8 },
    { queries: 4, keys: 4, chunkVectors: 2, workgroupSize: 4 },
  ),
  attentionCase(
    { batch: 1, length: 15, heads: 3, headChannels: 4 },
    { queries: 4, keys: 4, chunkVectors: 1, workgroupSize: 4 },
  ),
  attentionCase(
    { batch: 1, length: 1, heads: 1, headChannels: 12 },
    { queries: 4, keys: 4, chunkVectors: 3, workgroupSize: 64 },
  ),
  attentionCase(
    { batch: 1, length: 37, heads: 1, headChannels: 52 },
    { queries: 4, keys: 4, chunkVectors: 7, workgroupSize: 4 },
  ),
  attentionCase(
    { batch: 1, length: 30, heads: 2, headChannels: 16, spread: 12 },
    { queries: 2, keys: 3, chunkVectors: 4, workgroupSize: 16 },
  ),
  attentionCase(
    { batch: 2, length: 37, heads: 2, headChannels: 20, spread: 12 },
    { queries: 4, keys: 4, chunkVectors: 3, workgroupSize: 4, share: "quad" },
  ),
  attentionCase(
    { batch: 2, length: 35, heads: 3, headChannels: 12, spread: 3 },
    { queries: 8, keys: 4, chunkVectors: 3, held: 3, workgroupSize: 4, share: "quad" },
  ),
  attentionCase(
    { batch: 1, length: 1, heads: 1, headChannels: 4 },
    { queries: 4, keys: 8, chunkVectors: 1, held: 1, workgroupSize: 16, share: "quad" },
  ),
  tiledAttentionCase({ batch: 2, length: 16, heads: 2, headChannels: 8 }, { keys: 16, workgroupQueries: 16 }),
  tiledAttentionCase({ batch: 1, length: 15, heads: 3, headChannels: 4 }, { keys: 16, workgroupQueries: 32 }),
  tiledAttentionCase({ batch: 1, length: 2, heads: 1, headChannels: 12 }, { keys: 4, workgroupQueries: 16 }),
  tiledAttentionCase({ batch: 1, length: 37, heads: 1, headChannels: 52 }, { keys: 8, workgroupQueries: 16 }),
  tiledAttentionCase(
    { batch: 2, length: 70, heads: 2, headChannels: 64, spread: 3 },
    { keys: 16, workgroupQueries: 32 },
  ),
  resampleCase("meanPool", [2, 6, 10, 8], { scale: 0.25 }),
  resampleCase("meanPool", [1, 7, 5, 4], { scale: 1 }),
  resampleCase("upsampleNearest", [2, 3, 5, 12], { scale: 1 }),
  resampleCase("upsampleNearest", [1, 3, 2, 8], { scale: 0.25, add: true }),
  bilinearCase([4, 4], [16, 16]),
  bilinearCase([3, 5], [9, 10]),
  bilinearCase([1, 1], [4, 4]),
  bilinearCase([8, 8], [4, 6]),
  timestepCase([0, 1, 17.5, 500, 999], 32, 32),
  timestepCase([4, 996], 30, 32, "sinCos"),
  timestepCase([9999], 5, 8),
  {
    kernel: "classEmbedding",
    title: "3 rows of 12",
    variant: {},
    parameters: { rows: 3, columns: 12 },
    inputs: { classes: Float64Array.of(4, 0, 2), table: values(5 * 12, 22) },
    types: { classes: "u32" },
    tolerance: 0,
  },
  ...samplerCases,
  ...tilesCases,
  ...gradientCases,
  ...winogradCases,
  ...featureCases,
];
