/**
 * What the convolution kernels have in common: bindings, parameters, packed weights and the epilogue.
 *
 * y[n, oy, ox, co] = act(bias[co] + residual[n, oy, ox, co] +
 *   Σ_{ky, kx, ci} x[n, oy·stride + ky − pad, ox·stride + kx − pad, ci] · weight[ky, kx, ci, co])
 *
 * The input may be two tensors side by side (a concatenation along the channels that was never made): ci runs over the
 * channels of x0, then of x1. Weights are packed [ky][kx][ci][co] with ci and co padded to multiples of 4 by zeros. A
 * linear layer is a 1×1 convolution whose "pixels" are rows.
 */
import { read, readOptional, write } from "../engine/kernel.ts";
import { pieceParameters } from "./lib/pieces.ts";

export const convolutionBindings = {
  x0: read,
  x1: readOptional,
  weight: read,
  bias: readOptional,
  residual: readOptional,
  y: write,
} as const;

export const convolutionParameters = {
  batch: "u32",
  height: "u32",
  width: "u32",
  outHeight: "u32",
  outWidth: "u32",
  /** Padded channel counts, multiples of 4. */
  channels0: "u32",
  channels1: "u32",
  outChannels: "u32",
  /** Zeros above and to the left of the input. */
  pad: "u32",
  ...pieceParameters,
} as const;

/** Multiply-adds of one convolution over padded channels. */
export function convolutionMacs(p: {
  kernel: number;
  batch: number;
  outHeight: number;
  outWidth: number;
  channels: number;
  outChannels: number;
}): number {
  return p.kernel * p.kernel * p.batch * p.outHeight * p.outWidth * p.channels * p.outChannels;
}
