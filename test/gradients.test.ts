/**
 * The gradients' twins against finite differences of the forward twins, all in float64: with the kernels' tests against
 * the twins, the kernels' own mathematics. ⟨dx, v⟩ must be the slope of ⟨dy, forward(x + h·v)⟩.
 */
import { describe, expect, it } from "vitest";
import { wholeDispatch } from "../src/shaders/lib/pieces.ts";
import { groupNormChunks } from "../src/shaders/groupNormPartials.ts";
import { values } from "./support/random.ts";
import { twins as allTwins } from "./twins/index.ts";

/** Remembers which twins the tests below use. */
const used = new Set<string>();
const twins = new Proxy(allTwins, {
  get: (target, name: keyof typeof allTwins) => (used.add(name), target[name]),
});

const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

/** Compares a gradient with the slopes along three directions, relative to the gradient's length. */
function expectGradient(x: Float64Array, loss: (x: Float64Array) => number, gradient: Float64Array): void {
  const h = 1e-5;
  for (let seed = 0; seed < 3; seed++) {
    const v = seed === 0 ? gradient.map((value) => value / Math.hypot(...gradient)) : values(x.length, 60 + seed);
    const moved = (sign: number) => loss(x.map((value, i) => value + sign * h * v[i]!));
    const scale = Math.hypot(...gradient) * Math.hypot(...v);
    expect(Math.abs((moved(1) - moved(-1)) / (2 * h) - dot(gradient, v)) / scale).toBeLessThan(1e-8);
  }
}

const none = {};

describe("GroupNorm", () => {
  it.each([
    { embedding: "none", activation: "silu", batch: 2, pixels: 5, channels: 12, groups: 4 },
    { embedding: "scaleShift", activation: "silu", batch: 1, pixels: 70, channels: 12, groups: 2 },
    { embedding: "add", activation: "silu", batch: 2, pixels: 9, channels: 8, groups: 2 },
    { embedding: "none", activation: "none", batch: 1, pixels: 1, channels: 8, groups: 2 },
  ] as const)(
    "$embedding, $activation, $pixels pixels",
    ({ embedding, activation, batch, pixels, channels, groups }) => {
      const chunks = groupNormChunks(pixels);
      const shape = { batch, pixels, channels, ...chunks };
      const moments = {
        parameters: { ...shape, groups, embeddingStride: 2 * channels, embeddingOffset: 0, epsilon: 1e-5 },
        variant: { embedding, threads: 1 },
      };
      const added = embedding === "none" ? {} : { embedding: values(batch * 2 * channels, 61) };
      const [weight, bias] = [values(channels, 62, { mean: 1 }), values(channels, 63)];
      const x = values(batch * pixels * channels, 64, { mean: 0.5 });
      const dy = values(x.length, 65);
      const forward = (at: Float64Array) => {
        const parameters = { ...shape, channels0: channels, channels1: 0 };
        const { partials } = twins.groupNormPartials({ tensors: { x0: at }, parameters, variant: { lanes: 1 } });
        const { affine } = twins.groupNormAffine({ tensors: { partials, weight, bias, ...added }, ...moments });
        const { y } = twins.groupNormApply({ tensors: { x0: at, affine }, parameters, variant: { activation } });
        return { partials, affine, y };
      };
      const { partials, affine } = forward(x);
      const variant = { activation };
      const { sums } = twins.groupNormGradientPartials({
        tensors: { x, dy, affine, partials },
        parameters: shape,
        variant: { ...variant, lanes: 1 },
      });
      const { coefficients } = twins.groupNormGradientAffine({ tensors: { partials, sums, ...added }, ...moments });
      const { dx } = twins.groupNormGradientApply({
        tensors: { x, dy, affine, coefficients },
        parameters: shape,
        variant,
      });
      expectGradient(x, (at) => dot(dy, forward(at).y), dx);
    },
  );
});

it("attention", () => {
  const parameters = { batch: 2, length: 7, heads: 2, headChannels: 4, scale: 0.7 };
  const variant = { queries: 2, keys: 2, chunkVectors: 1, workgroupSize: 4 };
  const width = parameters.heads * parameters.headChannels;
  const qkv = values(parameters.batch * parameters.length * 3 * width, 66);
  const dy = values(qkv.length / 3, 67);
  const forward = (at: Float64Array) =>
    twins.attention({
      tensors: { qkv: at },
      parameters: { ...parameters, ...wholeDispatch },
      variant: { ...variant, held: 0, share: "none" },
    }).y;
  const { statistics } = twins.attentionStatistics({ tensors: { qkv, y: forward(qkv), dy }, parameters, variant });
  const shared = { tensors: { qkv, dy, statistics }, parameters, variant };
  const { dq } = twins.attentionGradientQuery(shared);
  const { dkv } = twins.attentionGradientKeyValue(shared);
  const side = qkv.map((_, i) => {
    const token = Math.floor(i / (3 * width));
    const c = i % (3 * width);
    return c < width ? dq[token * width + c]! : dkv[token * 2 * width + c - width]!;
  });
  expectGradient(qkv, (at) => dot(dy, forward(at)), side);
});

it("log softmax of a class", () => {
  const parameters = { rows: 2, classes: 5, stride: 8 };
  const [logits, labels] = [values(16, 68), Float64Array.of(4, 1)];
  const { dy } = twins.logSoftmaxGradient({ tensors: { logits, labels }, parameters, variant: none });
  const loss = (at: Float64Array) =>
    [...labels].reduce((sum, label, row) => {
      const own = at.subarray(row * 8, row * 8 + 5);
      return sum + own[label]! - Math.log(own.reduce((total, value) => total + Math.exp(value), 0));
    }, 0);
  expectGradient(logits, loss, dy);
});

it("2×2 mean and nearest are each other's, but for the scale", () => {
  const small = { batch: 2, height: 3, width: 2, channels: 4 };
  const large = { ...small, height: 6, width: 4 };
  const [x, y] = [values(2 * 6 * 4 * 4, 69), values(2 * 3 * 2 * 4, 70)];
  const pool = (at: Float64Array, scale: number) =>
    twins.meanPool({ tensors: { x: at }, parameters: { ...large, scale }, variant: none }).y;
  const nearest = (at: Float64Array, scale: number) =>
    twins.upsampleNearest({ tensors: { x: at }, parameters: { ...small, scale }, variant: none }).y;
  expectGradient(x, (at) => dot(y, pool(at, 1 / 4)), nearest(y, 1 / 4));
  expectGradient(y, (at) => dot(x, nearest(at, 1)), pool(x, 1));
});

describe("a convolution's gradient is a convolution", () => {
  it.each([
    { kernel: 3, stride: 1, height: 5, width: 4 },
    { kernel: 3, stride: 2, height: 6, width: 4 },
    { kernel: 3, stride: 2, height: 5, width: 3 },
    { kernel: 1, stride: 1, height: 2, width: 3 },
  ] as const)("$kernel×$kernel, stride $stride, $height×$width", ({ kernel, stride, height, width }) => {
    const [channels, outChannels, pad] = [4, 8, kernel === 3 ? 1 : 0];
    const [outHeight, outWidth] = [Math.ceil(height / stride), Math.ceil(width / stride)];
    const taps = kernel * kernel;
    const weight = values(taps * channels * outChannels, 71);
    const x = values(height * width * channels, 72);
    const dy = values(outHeight * outWidth * outChannels, 73);
    const convolve = (at: Float64Array, matrix: Float64Array, step: 1 | 2, [from, to]: readonly [number, number]) =>
      twins.convolutionTiled({
        tensors: { x0: at, weight: matrix },
        parameters: {
          batch: 1,
          height,
          width,
          pad,
          channels0: from,
          channels1: 0,
          outChannels: to,
          ...wholeDispatch,
          outHeight: Math.ceil(height / step),
          outWidth: Math.ceil(width / step),
        },
        variant: {
          kernel,
          stride: step,
          activation: "none",
          parts: 1,
          norm: "none",
          upsample: false,
          tilePixels: 64,
          tileVectors: 16,
          threadVectors: 1,
          stepVectors: 4,
          buffers: 1,
          products: 1,
        },
      }).y;
    // [tap][ci][co] to [last tap first][co][ci], as `transposeConvolution` does it before packing.
    const transposed = Float64Array.from({ length: weight.length }, (_, i) => {
      const [ci, co, tap] = [
        i % channels,
        Math.floor(i / channels) % outChannels,
        Math.floor(i / channels / outChannels),
      ];
      return weight[((taps - 1 - tap) * channels + ci) * outChannels + co]!;
    });
    const spread =
      stride === 1
        ? dy
        : twins.insertZeros({
            tensors: { x: dy },
            variant: none,
            parameters: { batch: 1, height, width, channels: outChannels },
          }).y;
    const dx = convolve(spread, transposed, 1, [outChannels, channels]);
    expectGradient(x, (at) => dot(dy, convolve(at, weight, stride, [channels, outChannels])), dx);
  });
});

describe("heads", () => {
  const { chunks, chunkPixels } = groupNormChunks(70);
  const means = (x: Float64Array, y: Float64Array) => {
    const parameters = { batch: 2, pixels: 70, channels0: 4, channels1: 0, chunks, chunkPixels };
    const { partials } = twins.groupNormPartials({ tensors: { x0: x }, parameters, variant: { lanes: 1 } });
    return twins.spatialMean({
      tensors: { partials, y },
      parameters: { batch: 2, pixels: 70, channels: 4, chunks, chunkPixels, stride: 12, offset: 4 },
      variant: none,
    }).y;
  };

  it("means side by side", () => {
    const [x, dy] = [values(2 * 70 * 4, 74), values(24, 75)];
    const parameters = { batch: 2, pixels: 70, channels: 4, stride: 12, offset: 4 };
    const { dx } = twins.spatialMeanGradient({ tensors: { dy }, parameters, variant: none });
    expectGradient(x, (at) => dot(dy, means(at, new Float64Array(24))), dx);
  });

  it("tokens with their mean in front, and the first of them", () => {
    const shape = { batch: 2, pixels: 5, channels: 4 };
    const [x, dy, position] = [values(40, 76), values(48, 77), values(24, 78)];
    const tokens = (at: Float64Array) => {
      const mean = Float64Array.from({ length: 8 }, (_, i) => {
        const pixels = Array.from({ length: 5 }, (__, p) => at[(Math.floor(i / 4) * 5 + p) * 4 + (i % 4)]!);
        return pixels.reduce((a, b) => a + b, 0) / 5;
      });
      return twins.poolTokens({ tensors: { x: at, mean, position }, parameters: shape, variant: none }).y;
    };
    const { dx } = twins.poolTokensGradient({ tensors: { dy }, parameters: shape, variant: none });
    expectGradient(x, (at) => dot(dy, tokens(at)), dx);
    const first = { parameters: { batch: 2, tokens: 6, channels: 4 }, variant: none };
    const row = values(8, 79);
    const back = twins.firstTokenGradient({ tensors: { dy: row }, ...first }).dx;
    expectGradient(dy, (at) => dot(row, twins.firstToken({ tensors: { x: at }, ...first }).y), back);
  });

  it("ReLU", () => {
    // Away from its corner.
    const x = values(24, 80).map((value) => value + Math.sign(value) * 0.1);
    const dy = values(24, 81);
    const forward = (at: Float64Array) =>
      twins.relu({ tensors: { x: at }, parameters: { vectors: 6 }, variant: none }).y;
    const { dx } = twins.reluGradient({ tensors: { y: forward(x), dy }, parameters: { vectors: 6 }, variant: none });
    expectGradient(x, (at) => dot(dy, forward(at)), dx);
  });
});

it("stands above for every kernel of a gradient", () => {
  const own = Object.keys(allTwins).filter((name) => /Gradient|^attentionStatistics$|^insertZeros$/.test(name));
  expect(own).toHaveLength(12);
  expect(own.filter((name) => !used.has(name))).toEqual([]);
});
