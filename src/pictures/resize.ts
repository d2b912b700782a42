/**
 * Resizing as Pillow does it: separable, antialiased (the filter's support grows when shrinking), box and bicubic
 * (a = -0.5). Pictures give Pillow's bytes (fixed-point weights, 8 bit between the passes); float planes are not
 * rounded. Not here: which part of a picture is resized (region.ts).
 */
import { InputError } from "../errors.ts";
import { type Mask, type Picture, checkSize, createPicture } from "./image.ts";

export type Filter = "box" | "bicubic";

/** For every output position: its first input position and the weights from there on, which sum to 1. */
interface Weights {
  readonly first: Int32Array;
  readonly taps: readonly Float64Array[];
}

const filters: Record<Filter, { support: number; at: (x: number) => number }> = {
  // Half open, so that a sample on the border between two boxes counts once.
  box: { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) },
  bicubic: { support: 2, at: (x) => cubic(Math.abs(x), -0.5) },
};

/** Keys' cubic convolution kernel for x >= 0 (Keys 1981, equation 4 generalised to the parameter a). */
function cubic(x: number, a: number): number {
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

function makeWeights(from: number, to: number, filter: Filter): Weights {
  const { support, at } = filters[filter];
  const scale = from / to;
  const stretch = Math.max(scale, 1);
  // Ties at a window's border are decided by rounding, so the operations are Pillow's in Pillow's order.
  const perStretch = 1 / stretch;
  const reach = support * stretch;
  const first = new Int32Array(to);
  const taps: Float64Array[] = [];
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    const weights = Float64Array.from({ length: end - begin }, (_, k) => at((begin + k - centre + 0.5) * perStretch));
    const sum = weights.reduce((total, weight) => total + weight, 0);
    first[i] = begin;
    taps.push(weights.map((weight) => weight / sum));
  }
  return { first, taps };
}

/** Pillow's weights for bytes: whole multiples of 2^-22. */
const fixedOne = 2 ** 22;

/** One pass over bytes along a line of positions `step` values apart; each result is rounded and clamped to a byte. */
function passBytes(
  input: Uint8ClampedArray,
  output: Uint8ClampedArray,
  { first, taps }: Weights,
  lines: { count: number; inputStep: number; outputStep: number },
  step: number,
): void {
  for (let i = 0; i < taps.length; i++) {
    const weights = taps[i]!.map((weight) => Math.trunc(weight * fixedOne + (weight < 0 ? -0.5 : 0.5)));
    for (let line = 0; line < lines.count; line++) {
      for (let c = 0; c < 4; c++) {
        let sum = fixedOne / 2;
        let at = line * lines.inputStep + first[i]! * step + c;
        for (let k = 0; k < weights.length; k++, at += step) sum += input[at]! * weights[k]!;
        output[line * lines.outputStep + i * step + c] = Math.floor(sum / fixedOne);
      }
    }
  }
}

function checkTarget(width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1)
    throw new InputError(`cannot resize to ${width}x${height}: whole numbers of at least 1 are needed`);
}

/**
 * The picture at width x height, equal to Pillow's `Image.resize` of each channel by itself. Alpha is one more channel:
 * the colours of transparent pixels count like any others, as the model does not see alpha.
 */
export function resize(picture: Picture, width: number, height: number, filter: Filter): Picture {
  checkSize("picture", picture, 4);
  checkTarget(width, height);
  let current = picture;
  if (width !== picture.width) {
    const next = createPicture(width, picture.height);
    const lines = { count: picture.height, inputStep: 4 * picture.width, outputStep: 4 * width };
    passBytes(current.data, next.data, makeWeights(picture.width, width, filter), lines, 4);
    current = next;
  }
  if (height !== picture.height) {
    const next = createPicture(width, height);
    const lines = { count: width, inputStep: 4, outputStep: 4 };
    passBytes(current.data, next.data, makeWeights(picture.height, height, filter), lines, 4 * width);
    current = next;
  }
  return current === picture ? { width, height, data: picture.data.slice() } : current;
}

/** Interleaved float values read row by row, so that a large input need not exist as floats. */
export interface Rows {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** Row y, width * channels values; the array may be used again for the next row. */
  readonly row: (y: number) => Float32Array;
}

/** Resized rows, width * height * channels values. Bicubic can overshoot the input's range: nothing is clamped. */
export function resizeRows(rows: Rows, width: number, height: number, filter: Filter): Float32Array {
  checkTarget(width, height);
  const { channels } = rows;
  const across = makeWeights(rows.width, width, filter);
  const down = makeWeights(rows.height, height, filter);
  const out = new Float32Array(width * height * channels);
  const line = new Float32Array(width * channels);
  // Output rows begin and end in order, so a window of them takes part in each input row.
  let firstOpen = 0;
  for (let y = 0; y < rows.height; y++) {
    const input = rows.row(y);
    for (let x = 0; x < width; x++) {
      const weights = across.taps[x]!;
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        let at = across.first[x]! * channels + c;
        for (let k = 0; k < weights.length; k++, at += channels) sum += input[at]! * weights[k]!;
        line[x * channels + c] = sum;
      }
    }
    while (firstOpen < height && down.first[firstOpen]! + down.taps[firstOpen]!.length <= y) firstOpen++;
    for (let v = firstOpen; v < height && down.first[v]! <= y; v++) {
      const weight = down.taps[v]![y - down.first[v]!] ?? 0;
      const at = v * line.length;
      for (let i = 0; i < line.length; i++) out[at + i] = out[at + i]! + weight * line[i]!;
    }
  }
  return out;
}

/** A mask at width x height, unrounded (bicubic can leave [0, 1]). */
export function resizeMask(mask: Mask, width: number, height: number, filter: Filter): Mask {
  checkSize("mask", mask, 1);
  const row = (y: number): Float32Array => mask.data.subarray(y * mask.width, (y + 1) * mask.width);
  const rows: Rows = { width: mask.width, height: mask.height, channels: 1, row };
  return { width, height, data: resizeRows(rows, width, height, filter) };
}

/**
 * The whole picture at size x size by guided-diffusion's and RePaint's rule: halve with the box filter while the short
 * side is at least 2 * size, bring the short side to `size` with bicubic, cut the centre out.
 */
export function resizeAndCentreCrop(picture: Picture, size: number): Picture {
  checkTarget(size, size);
  let current = picture;
  while (Math.min(current.width, current.height) >= 2 * size)
    current = resize(current, current.width >> 1, current.height >> 1, "box");
  const scale = size / Math.min(current.width, current.height);
  current = resize(current, roundHalfEven(current.width * scale), roundHalfEven(current.height * scale), "bicubic");
  return crop(current, (current.width - size) >> 1, (current.height - size) >> 1, size, size);
}

/** Python's `round`, by which the rule is defined. */
function roundHalfEven(x: number): number {
  const rounded = Math.round(x);
  return x - Math.floor(x) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** width x height pixels from (x, y) on; positions outside the picture repeat its edge. */
export function crop(picture: Picture, x: number, y: number, width: number, height: number): Picture {
  const out = createPicture(width, height);
  for (let v = 0, to = 0; v < height; v++) {
    const row = clamp(y + v, picture.height) * picture.width;
    for (let u = 0; u < width; u++) {
      const from = 4 * (row + clamp(x + u, picture.width));
      for (let c = 0; c < 4; c++) out.data[to++] = picture.data[from + c]!;
    }
  }
  return out;
}

/** The nearest valid index of an axis with `length` positions. */
function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}
