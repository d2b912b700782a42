/** The cases of the gradients' kernels and of classifiers' heads. */
import { groupNormChunks } from "../src/shaders/groupNormPartials.ts";
import { chunkLanes } from "../src/shaders/lib/channelChunks.ts";
import { groupThreads } from "../src/shaders/lib/groupMoments.ts";
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";

const kinds = ["cpu", "gpu"] as const;

function cross<A, B>(some: readonly A[], others: readonly B[]): [A, B][] {
  return some.flatMap((one) => others.map((other): [A, B] => [one, other]));
}

function normCases({
  title,
  batch,
  pixels,
  channels,
  groups,
  mean = 0,
}: {
  title: string;
  batch: number;
  pixels: number;
  channels: number;
  groups: number;
  mean?: number;
}): KernelCase[] {
  const { chunks, chunkPixels } = groupNormChunks(pixels);
  const count = batch * pixels * channels;
  const sides = {
    x: values(count, 31, { mean }),
    dy: values(count, 32),
    affine: values(batch * 2 * channels, 33),
  };
  const partials = values(batch * chunks * channels * 2, 34, { mean, deviation: 0.1 }).map((value, i) =>
    i % 8 < 4 ? value : Math.abs(value) * chunkPixels,
  );
  // SwiftShader's coarse exp under SiLU.
  const tolerance = 1e-5;
  const activations = ["none", "silu"] as const;
  return [
    ...cross(kinds, activations).map(([kind, activation]): KernelCase => ({
      kernel: "groupNormGradientPartials",
      title: `${title}, ${activation}, for a ${kind}`,
      variant: { activation, lanes: chunkLanes[kind] },
      parameters: { batch, pixels, channels, chunks, chunkPixels },
      inputs: { ...sides, partials },
      tolerance,
    })),
    ...cross(kinds, ["none", "add", "scaleShift"] as const).map(([kind, embedding]): KernelCase => ({
      kernel: "groupNormGradientAffine",
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
        embeddingStride: 2 * channels + 12,
        embeddingOffset: 8,
      },
      inputs: {
        partials,
        sums: values(partials.length, 35),
        ...(embedding === "add" ? { embedding: values(batch * (2 * channels + 12), 36) } : {}),
      },
      // The second sum takes differences of numbers of the mean's size.
      tolerance: mean === 0 ? 2e-6 : tolerance,
    })),
    ...activations.flatMap((activation) =>
      [false, true].map((added): KernelCase => ({
        kernel: "groupNormGradientApply",
        title: `${title}, ${activation}${added ? ", added" : ""}`,
        variant: { activation },
        parameters: { batch, pixels, channels },
        inputs: {
          ...sides,
          coefficients: values(batch * 3 * channels, 37),
          ...(added ? { add: values(count, 38) } : {}),
        },
        tolerance,
      })),
    ),
  ];
}

function attentionCases(
  size: { batch: number; length: number; heads: number; headChannels: number; spread?: number },
  variant: { queries: number; keys: number; chunkVectors: number; workgroupSize: number },
): KernelCase[] {
  const { batch, length, heads, headChannels, spread = 1 } = size;
  const count = batch * length * heads * headChannels;
  const parameters = { batch, length, heads, headChannels, scale: 1 / Math.sqrt(headChannels) };
  const qkv = values(3 * count, 39, { deviation: spread });
  const dy = values(count, 40);
  // Around log(length), so that the probabilities are of their true size.
  const statistics = values(2 * batch * length * heads, 41, { deviation: 0.1 }).map((value, i) =>
    i % 2 === 0 ? value + Math.log(length) + (spread > 1 ? 20 : 0) : value,
  );
  const shared = { title: `batch ${batch}, ${length} tokens, ${heads} heads of ${headChannels}`, variant, parameters };
  return [
    { ...shared, kernel: "attentionStatistics", inputs: { qkv, y: values(count, 42), dy }, tolerance: 5e-6 },
    { ...shared, kernel: "attentionGradientQuery", inputs: { qkv, dy, statistics }, tolerance: 2e-5 },
    { ...shared, kernel: "attentionGradientKeyValue", inputs: { qkv, dy, statistics }, tolerance: 2e-5 },
  ];
}

function meanCases(batch: number, pixels: number, channels: number, stride: number, offset: number): KernelCase[] {
  const { chunks, chunkPixels } = groupNormChunks(pixels);
  const shared = { title: `${batch}×${pixels}×${channels} at ${offset} of ${stride}`, variant: {}, tolerance: 1e-6 };
  const gradient = { batch, pixels, channels, stride, offset };
  const dy = values(batch * stride, 43);
  return [
    {
      ...shared,
      kernel: "spatialMean",
      parameters: { ...gradient, chunks, chunkPixels },
      inputs: { partials: values(batch * chunks * channels * 2, 44), y: values(batch * stride, 45) },
    },
    { ...shared, kernel: "spatialMeanGradient", parameters: gradient, inputs: { dy } },
    {
      ...shared,
      title: `${shared.title}, added`,
      kernel: "spatialMeanGradient",
      parameters: gradient,
      inputs: { dy, add: values(batch * pixels * channels, 46) },
    },
  ];
}

function tokenCases(batch: number, pixels: number, channels: number): KernelCase[] {
  const shared = { title: `${batch}×${pixels}×${channels}`, variant: {}, tolerance: 1e-6 };
  const parameters = { batch, pixels, channels };
  const tokens = pixels + 1;
  const all = values(batch * tokens * channels, 47);
  const row = values(batch * channels, 48);
  return [
    {
      ...shared,
      kernel: "poolTokens",
      parameters,
      inputs: { x: values(batch * pixels * channels, 49), mean: row, position: values(tokens * channels, 50) },
    },
    { ...shared, kernel: "poolTokensGradient", parameters, inputs: { dy: all } },
    { ...shared, kernel: "firstToken", parameters: { batch, tokens, channels }, inputs: { x: all } },
    { ...shared, kernel: "firstTokenGradient", parameters: { batch, tokens, channels }, inputs: { dy: row } },
  ];
}

function zerosCase([batch, height, width, channels]: readonly [number, number, number, number]): KernelCase {
  return {
    kernel: "insertZeros",
    title: `${batch}×${height}×${width}×${channels}`,
    variant: {},
    tolerance: 0,
    parameters: { batch, height, width, channels },
    inputs: { x: values(batch * Math.ceil(height / 2) * Math.ceil(width / 2) * channels, 51) },
  };
}

function softmaxCase(classes: number, stride: number, labels: readonly number[], deviation = 1): KernelCase {
  return {
    kernel: "logSoftmaxGradient",
    title: `${labels.length} rows of ${classes}, deviation ${deviation}`,
    variant: {},
    parameters: { rows: labels.length, classes, stride },
    inputs: { logits: values(labels.length * stride, 52, { deviation }), labels: Float64Array.from(labels) },
    types: { labels: "u32" },
    tolerance: 1e-5,
  };
}

export const gradientCases: readonly KernelCase[] = [
  ...normCases({ title: "32 groups of 1, 64 pixels", batch: 1, pixels: 64, channels: 32, groups: 32 }),
  ...normCases({ title: "32 groups of 3, 65 pixels, batch 2", batch: 2, pixels: 65, channels: 96, groups: 32 }),
  ...normCases({ title: "4 groups of 5, 5000 pixels", batch: 1, pixels: 5000, channels: 20, groups: 4 }),
  ...normCases({ title: "one pixel", batch: 2, pixels: 1, channels: 64, groups: 32 }),
  ...normCases({ title: "mean 100", batch: 1, pixels: 100, channels: 64, groups: 32, mean: 100 }),
  ...attentionCases(
    { batch: 2, length: 16, heads: 2, headChannels: 8 },
    { queries: 2, keys: 2, chunkVectors: 2, workgroupSize: 4 },
  ),
  ...attentionCases(
    { batch: 1, length: 15, heads: 3, headChannels: 4 },
    { queries: 4, keys: 2, chunkVectors: 1, workgroupSize: 4 },
  ),
  ...attentionCases(
    { batch: 1, length: 1, heads: 1, headChannels: 12 },
    { queries: 2, keys: 2, chunkVectors: 3, workgroupSize: 64 },
  ),
  ...attentionCases(
    { batch: 1, length: 37, heads: 1, headChannels: 52 },
    { queries: 2, keys: 2, chunkVectors: 7, workgroupSize: 4 },
  ),
  ...attentionCases(
    { batch: 1, length: 30, heads: 2, headChannels: 16, spread: 3 },
    { queries: 2, keys: 3, chunkVectors: 3, workgroupSize: 16 },
  ),
  ...meanCases(2, 35, 12, 40, 16),
  ...meanCases(1, 5000, 8, 8, 0),
  ...tokenCases(3, 7, 12),
  ...tokenCases(1, 1, 4),
  zerosCase([2, 6, 10, 8]),
  zerosCase([1, 7, 5, 4]),
  {
    kernel: "relu",
    title: "33 vectors",
    variant: {},
    tolerance: 0,
    parameters: { vectors: 33 },
    inputs: { x: values(132, 53).map((value, i) => (i % 7 === 0 ? 0 : value)) },
  },
  {
    kernel: "reluGradient",
    title: "33 vectors",
    variant: {},
    tolerance: 0,
    parameters: { vectors: 33 },
    inputs: { y: values(132, 54).map((value, i) => (i % 7 === 0 ? 0 : Math.max(value, 0))), dy: values(132, 55) },
  },
  softmaxCase(10, 12, [3, 0, 9]),
  softmaxCase(1000, 1000, [999, 207]),
  softmaxCase(5, 8, [4], 30),
];
