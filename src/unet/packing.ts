/**
 * Checkpoint tensors into the layouts that the kernels read. Pure functions on arrays; what is packed how is said in
 * `weights.ts`.
 */
import { padTo4 } from "../engine/tensor.ts";
import type { HeadLayout } from "../checkpoints/layers.ts";

/**
 * [O, I, k, k] (or [O, I, 1], [O, I]) to [ky][kx][ci][co], both channels padded to multiples of 4 with zeros. The
 * input channels come in `inputs` that are padded one by one: the tensors that the convolution reads side by side.
 */
export function packConvolution(
  weight: Float32Array,
  { kernel, inputs, out }: { kernel: number; inputs: readonly number[]; out: number },
): Float32Array {
  const input = inputs.reduce((sum, size) => sum + size, 0);
  const paddedIn = inputs.reduce((sum, size) => sum + padTo4(size), 0);
  const paddedOut = padTo4(out);
  const taps = kernel * kernel;
  const packed = new Float32Array(taps * paddedIn * paddedOut);
  let ci = 0;
  let paddedCi = 0;
  for (const size of inputs) {
    for (let i = 0; i < size; i++, ci++, paddedCi++)
      for (let co = 0; co < out; co++)
        for (let tap = 0; tap < taps; tap++)
          packed[(tap * paddedIn + paddedCi) * paddedOut + co] = weight[(co * input + ci) * taps + tap]!;
    paddedCi += padTo4(size) - size;
  }
  return packed;
}

/**
 * The weight of a convolution's gradient to its input, itself a convolution: [O, I, k, k] to [I, O, k, k] with the taps
 * turned around.
 */
export function transposeConvolution(
  weight: Float32Array,
  { kernel, out }: { kernel: number; out: number },
): Float32Array {
  const taps = kernel * kernel;
  const input = weight.length / out / taps;
  const transposed = new Float32Array(weight.length);
  for (let co = 0; co < out; co++)
    for (let ci = 0; ci < input; ci++)
      for (let tap = 0; tap < taps; tap++)
        transposed[(ci * out + co) * taps + taps - 1 - tap] = weight[(co * input + ci) * taps + tap]!;
  return transposed;
}

/** [rows, columns] to [columns, rows]. */
export function transpose(values: Float32Array, columns: number): Float32Array {
  return transposeConvolution(values, { kernel: 1, out: values.length / columns });
}

/** A vector padded with zeros to a multiple of 4. */
export function packVector(values: Float32Array): Float32Array {
  const packed = new Float32Array(padTo4(values.length));
  packed.set(values);
  return packed;
}

/** Channels of one head as the kernels see it: padded to a multiple of 4. */
export function paddedHead({ channels, heads }: Pick<HeadLayout, "channels" | "heads">): number {
  return padTo4(channels / heads);
}

/** For each row of packed qkv (all q, all k, all v; heads padded) the checkpoint's row, or −1 for padding. */
export function qkvRows({ channels, heads, newOrder }: HeadLayout): Int32Array {
  const width = channels / heads;
  const padded = padTo4(width);
  const rows = new Int32Array(3 * heads * padded).fill(-1);
  for (let part = 0; part < 3; part++)
    for (let head = 0; head < heads; head++)
      for (let c = 0; c < width; c++)
        rows[(part * heads + head) * padded + c] = newOrder
          ? part * channels + head * width + c
          : (head * 3 + part) * width + c;
  return rows;
}

/** Rows of [O, columns] in a new order, zeros where an index is −1. */
export function takeRows(values: Float32Array, columns: number, rows: Int32Array): Float32Array {
  const taken = new Float32Array(rows.length * columns);
  for (const [index, row] of rows.entries())
    if (row >= 0) taken.set(values.subarray(row * columns, (row + 1) * columns), index * columns);
  return taken;
}

/** proj_out [O, C] with its columns spread to padded heads. */
export function spreadColumns(
  weight: Float32Array,
  { channels, heads }: Pick<HeadLayout, "channels" | "heads">,
): Float32Array {
  const width = channels / heads;
  const padded = padTo4(width);
  const spread = new Float32Array((weight.length / channels) * heads * padded);
  for (let row = 0; row < weight.length / channels; row++)
    for (let c = 0; c < channels; c++)
      spread[row * heads * padded + Math.floor(c / width) * padded + (c % width)] = weight[row * channels + c]!;
  return spread;
}

/** The 1×1 weight [n, n] that copies. */
export function identityMatrix(size: number): Float32Array {
  const matrix = new Float32Array(size * size);
  for (let i = 0; i < size; i++) matrix[i * size + i] = 1;
  return matrix;
}
