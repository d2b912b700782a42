/**
 * Both convolution kernels compute this, and with norm and upsampling a whole layer, whatever its dispatches are; tiles
 * in parts its sums over shares of the input channels.
 */
import type { convolutionBlocked } from "../../src/shaders/convolutionBlocked.ts";
import type { convolutionMatrix } from "../../src/shaders/convolutionMatrix.ts";
import type { convolutionTiled } from "../../src/shaders/convolutionTiled.ts";
import type { convolutionSum } from "../../src/shaders/convolutionSum.ts";
import { silu, type TwinOf } from "./twin.ts";

type Kernel = Parameters<TwinOf<typeof convolutionBlocked>>[0];
type Call = {
  readonly tensors: Kernel["tensors"] & { readonly affine?: Float64Array | undefined };
  readonly parameters: Omit<Kernel["parameters"], "hasResidual"> & { readonly hasResidual?: number };
  readonly variant: {
    readonly kernel: number;
    readonly stride: number;
    readonly activation: "none" | "silu";
    /** As a `ConvolutionLayer` has them. */
    readonly norm?: "none" | "silu" | undefined;
    readonly upsample?: boolean | undefined;
    readonly upsampleResidual?: boolean | undefined;
  };
};

/** One element of y; the benchmark asks for a few of them where all would take too long. */
export function convolutionElement({ tensors, parameters: p, variant }: Call, at: number): number {
  const { x0, x1, affine, weight, bias, residual } = tensors;
  const { norm, upsample, upsampleResidual } = variant;
  const channels = p.channels0 + p.channels1;
  const scale = upsample ? 2 : 1;
  const input = (n: number, iy: number, ix: number, c: number) => {
    const [y, x] = [Math.floor(iy / scale), Math.floor(ix / scale)];
    if (y < 0 || x < 0 || y >= p.height || x >= p.width) return 0;
    const pixel = (n * p.height + y) * p.width + x;
    const value = c < p.channels0 ? x0[pixel * p.channels0 + c]! : x1![pixel * p.channels1 + c - p.channels0]!;
    const normed = affine ? value * affine[n * 2 * channels + c]! + affine[(n * 2 + 1) * channels + c]! : value;
    return norm === "silu" ? silu(normed) : normed;
  };
  const co = at % p.outChannels;
  const pixel = Math.floor(at / p.outChannels);
  const ox = pixel % p.outWidth;
  const oy = Math.floor(pixel / p.outWidth) % p.outHeight;
  const n = Math.floor(pixel / p.outWidth / p.outHeight);
  let sum = bias ? bias[co]! : 0;
  for (let ky = 0; ky < variant.kernel; ky++)
    for (let kx = 0; kx < variant.kernel; kx++)
      for (let ci = 0; ci < channels; ci++)
        sum +=
          input(n, oy * variant.stride + ky - p.pad, ox * variant.stride + kx - p.pad, ci) *
          weight[((ky * variant.kernel + kx) * channels + ci) * p.outChannels + co]!;
  const half = ((n * p.outHeight) / 2 + Math.floor(oy / 2)) * (p.outWidth / 2) + Math.floor(ox / 2);
  if (residual && p.hasResidual !== 0) sum += residual[upsampleResidual ? half * p.outChannels + co : at]!;
  return variant.activation === "silu" ? silu(sum) : sum;
}

function convolution(call: Call) {
  const { batch, outHeight, outWidth, outChannels } = call.parameters;
  const y = new Float64Array(batch * outHeight * outWidth * outChannels);
  for (let at = 0; at < y.length; at++) y[at] = convolutionElement(call, at);
  return { y };
}

export const convolutionBlockedTwin: TwinOf<typeof convolutionBlocked> = convolution;

/** Sums over shares of the channels: whole steps, as equal as they can be. */
export const convolutionTiledTwin: TwinOf<typeof convolutionTiled> = (call) => {
  const { tensors, parameters: p, variant } = call;
  const { parts, stepVectors, products } = variant;
  if (products > 1) {
    const share = (values: Float64Array, product: number) =>
      values.subarray((product * values.length) / products, ((product + 1) * values.length) / products);
    const ys = Array.from({ length: products }, (_, product) => {
      const own = { x0: share(tensors.x0, product), weight: share(tensors.weight, product) };
      return convolution({ ...call, tensors: own }).y;
    });
    return { y: Float64Array.from(ys.flatMap((y) => [...y])) };
  }
  const channels = p.channels0 + p.channels1;
  const step = 4 * stepVectors;
  const bound = (part: number) => Math.floor((part * Math.ceil(channels / step)) / parts) * step;
  const sums = Array.from({ length: parts }, (_, part) => {
    const weight = tensors.weight.map((value, at) => {
      const c = Math.floor(at / p.outChannels) % channels;
      return c >= bound(part) && c < bound(part + 1) ? value : 0;
    });
    return convolution({ ...call, tensors: { ...tensors, weight } }).y;
  });
  return { y: Float64Array.from(sums.flatMap((sum) => [...sum])) };
};

export const convolutionMatrixTwin = convolutionTiledTwin as unknown as TwinOf<typeof convolutionMatrix>;

export const convolutionSumTwin: TwinOf<typeof convolutionSum> = ({ tensors, parameters: p, variant }) => {
  const { sums, bias, residual } = tensors;
  const count = p.pixels * p.outChannels;
  const y = Float64Array.from({ length: count }, (_, at) => {
    let sum = (bias?.[at % p.outChannels] ?? 0) + (residual?.[at] ?? 0);
    for (let part = 0; part < p.parts; part++) sum += sums[part * count + at]!;
    return variant.activation === "silu" ? silu(sum) : sum;
  });
  return { y };
};
