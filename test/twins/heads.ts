/** What classifiers' heads are made of, and the gradients of it. */
import type { firstToken } from "../../src/shaders/firstToken.ts";
import type { firstTokenGradient } from "../../src/shaders/firstTokenGradient.ts";
import type { insertZeros } from "../../src/shaders/insertZeros.ts";
import type { logSoftmaxGradient } from "../../src/shaders/logSoftmaxGradient.ts";
import type { poolTokens } from "../../src/shaders/poolTokens.ts";
import type { poolTokensGradient } from "../../src/shaders/poolTokensGradient.ts";
import type { relu } from "../../src/shaders/relu.ts";
import type { reluGradient } from "../../src/shaders/reluGradient.ts";
import type { spatialMean } from "../../src/shaders/spatialMean.ts";
import type { spatialMeanGradient } from "../../src/shaders/spatialMeanGradient.ts";
import type { TwinOf } from "./twin.ts";

/** [images, rows, channels] filled element by element. */
function fill(images: number, rows: number, channels: number, value: (n: number, row: number, c: number) => number) {
  const filled = new Float64Array(images * rows * channels);
  let at = 0;
  for (let n = 0; n < images; n++)
    for (let row = 0; row < rows; row++) for (let c = 0; c < channels; c++) filled[at++] = value(n, row, c);
  return filled;
}

export const spatialMeanTwin: TwinOf<typeof spatialMean> = ({ tensors: { partials, y }, parameters: p }) => ({
  y: fill(p.batch, 1, p.stride, (n, _, to) => {
    const c = to - p.offset;
    if (c < 0 || c >= p.channels) return y[n * p.stride + to]!;
    let sum = 0;
    for (let chunk = 0; chunk < p.chunks; chunk++) {
      const count = Math.min(p.chunkPixels, p.pixels - chunk * p.chunkPixels);
      sum += count * partials[(((n * p.chunks + chunk) * p.channels) / 4 + Math.floor(c / 4)) * 8 + (c % 4)]!;
    }
    return sum / p.pixels;
  }),
});

export const spatialMeanGradientTwin: TwinOf<typeof spatialMeanGradient> = ({ tensors, parameters: p }) => {
  const own = fill(p.batch, p.pixels, p.channels, (n, _, c) => tensors.dy[n * p.stride + p.offset + c]! / p.pixels);
  return { dx: own.map((value, i) => value + (tensors.add?.[i] ?? 0)) };
};

export const poolTokensTwin: TwinOf<typeof poolTokens> = ({ tensors: { x, mean, position }, parameters: p }) => ({
  y: fill(p.batch, p.pixels + 1, p.channels, (n, token, c) => {
    const value = token === 0 ? mean[n * p.channels + c]! : x[(n * p.pixels + token - 1) * p.channels + c]!;
    return value + position[token * p.channels + c]!;
  }),
});

export const poolTokensGradientTwin: TwinOf<typeof poolTokensGradient> = ({ tensors: { dy }, parameters: p }) => {
  const at = (n: number, token: number, c: number) => dy[(n * (p.pixels + 1) + token) * p.channels + c]!;
  return { dx: fill(p.batch, p.pixels, p.channels, (n, pixel, c) => at(n, pixel + 1, c) + at(n, 0, c) / p.pixels) };
};

export const firstTokenTwin: TwinOf<typeof firstToken> = ({ tensors: { x }, parameters: p }) => ({
  y: fill(p.batch, 1, p.channels, (n, _, c) => x[n * p.tokens * p.channels + c]!),
});

export const firstTokenGradientTwin: TwinOf<typeof firstTokenGradient> = ({ tensors: { dy }, parameters: p }) => ({
  dx: fill(p.batch, p.tokens, p.channels, (n, token, c) => (token === 0 ? dy[n * p.channels + c]! : 0)),
});

export const reluTwin: TwinOf<typeof relu> = ({ tensors: { x } }) => ({ y: x.map((value) => Math.max(value, 0)) });

export const reluGradientTwin: TwinOf<typeof reluGradient> = ({ tensors: { y, dy } }) => ({
  dx: dy.map((value, i) => (y[i]! > 0 ? value : 0)),
});

export const insertZerosTwin: TwinOf<typeof insertZeros> = ({ tensors: { x }, parameters: p }) => {
  const [inHeight, inWidth] = [Math.ceil(p.height / 2), Math.ceil(p.width / 2)];
  const y = fill(p.batch, p.height * p.width, p.channels, (n, pixel, c) => {
    const [oy, ox] = [Math.floor(pixel / p.width), pixel % p.width];
    return oy % 2 || ox % 2 ? 0 : x[((n * inHeight + oy / 2) * inWidth + ox / 2) * p.channels + c]!;
  });
  return { y };
};

export const logSoftmaxGradientTwin: TwinOf<typeof logSoftmaxGradient> = ({
  tensors: { logits, labels },
  parameters: p,
}) => ({
  dy: fill(p.rows, 1, p.stride, (row, _, k) => {
    const own = logits.subarray(row * p.stride, row * p.stride + p.classes);
    if (k >= p.classes) return 0;
    const maximum = Math.max(...own);
    const total = own.reduce((sum, value) => sum + Math.exp(value - maximum), 0);
    return (k === labels[row] ? 1 : 0) - Math.exp(own[k]! - maximum) / total;
  }),
});
