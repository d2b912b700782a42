/**
 * The four dispatches of a Winograd convolution. The matrices are the kernels' own: that they make a convolution is
 * what convolutionCandidates.test.ts shows, against the direct sum.
 */
import { winogradMatrices, winogradSpan, type Matrix } from "../../src/shaders/lib/winograd.ts";
import type { winogradInput } from "../../src/shaders/winogradInput.ts";
import type { winogradMultiply } from "../../src/shaders/winogradMultiply.ts";
import type { winogradOutput } from "../../src/shaders/winogradOutput.ts";
import type { winogradWeights } from "../../src/shaders/winogradWeights.ts";
import { silu, type TwinOf } from "./twin.ts";

/** matrix · X · matrixᵀ */
function transform(matrix: Matrix, x: readonly (readonly number[])[]): number[][] {
  const left = matrix.map((row) => x[0]!.map((_, c) => row.reduce((sum, value, i) => sum + value * x[i]![c]!, 0)));
  return left.map((row) => matrix.map((other) => other.reduce((sum, value, i) => sum + value * row[i]!, 0)));
}

const square = (side: number, value: (r: number, c: number) => number) =>
  Array.from({ length: side }, (_row, r) => Array.from({ length: side }, (_column, c) => value(r, c)));

export const winogradWeightsTwin: TwinOf<typeof winogradWeights> = ({ tensors, parameters: p, variant }) => {
  const span = winogradSpan(variant.tile);
  const plane = p.channels * p.outChannels;
  const u = new Float64Array(span * span * plane);
  for (let at = 0; at < plane; at++) {
    const taps = square(3, (r, c) => tensors.weight[(r * 3 + c) * plane + at]!);
    const made = transform(winogradMatrices(variant.tile).weightTransform, taps);
    made.flat().forEach((value, f) => (u[f * plane + at] = value));
  }
  return { u };
};

export const winogradInputTwin: TwinOf<typeof winogradInput> = ({ tensors, parameters: p, variant }) => {
  const { x0, x1, affine } = tensors;
  const { tile, upsample } = variant;
  const span = winogradSpan(tile);
  const channels = p.channels0 + p.channels1;
  const scale = upsample ? 2 : 1;
  const tiles = p.rows * p.tilesX;
  const v = new Float64Array(span * span * tiles * channels);
  for (let at = 0; at < tiles; at++) {
    const row = p.firstRow + Math.floor(at / p.tilesX);
    const n = Math.floor(row / p.tilesY);
    const [top, left] = [(row % p.tilesY) * tile - p.pad, (at % p.tilesX) * tile - p.pad];
    for (let c = 0; c < channels; c++) {
      const input = square(span, (r, s) => {
        const [y, x] = [Math.floor((top + r) / scale), Math.floor((left + s) / scale)];
        if (y < 0 || x < 0 || y >= p.height || x >= p.width) return 0;
        const pixel = (n * p.height + y) * p.width + x;
        const value = c < p.channels0 ? x0[pixel * p.channels0 + c]! : x1![pixel * p.channels1 + c - p.channels0]!;
        if (!affine) return value;
        const normed = value * affine[n * 2 * channels + c]! + affine[(n * 2 + 1) * channels + c]!;
        return variant.activation === "silu" ? silu(normed) : normed;
      });
      const made = transform(winogradMatrices(tile).inputTransform, input);
      made.flat().forEach((value, f) => (v[(f * tiles + at) * channels + c] = value));
    }
  }
  return { v };
};

export const winogradMultiplyTwin: TwinOf<typeof winogradMultiply> = ({ tensors, parameters: p }) => {
  const m = new Float64Array(p.frequencies * p.tiles * p.outChannels);
  for (let f = 0; f < p.frequencies; f++)
    for (let tile = 0; tile < p.tiles; tile++)
      for (let co = 0; co < p.outChannels; co++) {
        let sum = 0;
        for (let ci = 0; ci < p.channels; ci++)
          sum +=
            tensors.v[(f * p.tiles + tile) * p.channels + ci]! * tensors.u[(f * p.channels + ci) * p.outChannels + co]!;
        m[(f * p.tiles + tile) * p.outChannels + co] = sum;
      }
  return { m };
};

export const winogradOutputTwin: TwinOf<typeof winogradOutput> = ({ tensors, parameters: p, variant }) => {
  const { m, bias, residual } = tensors;
  const { tile, upsample } = variant;
  const span = winogradSpan(tile);
  const tiles = p.rows * p.tilesX;
  const batch = Math.ceil((p.firstRow + p.rows) / p.tilesY);
  const y = new Float64Array(batch * p.outHeight * p.outWidth * p.outChannels);
  for (let at = 0; at < tiles; at++) {
    const row = p.firstRow + Math.floor(at / p.tilesX);
    const n = Math.floor(row / p.tilesY);
    for (let co = 0; co < p.outChannels; co++) {
      const made = transform(
        winogradMatrices(tile).outputTransform,
        square(span, (r, s) => m[((r * span + s) * tiles + at) * p.outChannels + co]!),
      );
      for (const [r, line] of made.entries())
        for (const [s, value] of line.entries()) {
          const [oy, ox] = [(row % p.tilesY) * tile + r, (at % p.tilesX) * tile + s];
          if (oy >= p.outHeight || ox >= p.outWidth) continue;
          const to = ((n * p.outHeight + oy) * p.outWidth + ox) * p.outChannels + co;
          const half = ((n * p.outHeight) / 2 + Math.floor(oy / 2)) * (p.outWidth / 2) + Math.floor(ox / 2);
          const added = residual ? residual[upsample ? half * p.outChannels + co : to]! : 0;
          const sum = value + (bias ? bias[co]! : 0) + added;
          y[to] = variant.activation === "silu" ? silu(sum) : sum;
        }
    }
  }
  return { y };
};
