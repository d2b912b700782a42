/**
 * How far a result is from the true picture, and whether it hangs together: PSNR, SSIM, the step across the mask's
 * border, grain, and the distance of two results. Colours are 0 … 255, alpha is not seen. Not here: LPIPS (lpips.ts),
 * means over many (statistics.ts).
 */
import { median } from "../engine/timing.ts";
import { InputError } from "../errors.ts";
import type { Mask, Picture } from "../pictures/image.ts";

function checkSizes(a: { width: number; height: number }, b: { width: number; height: number }): void {
  if (a.width !== b.width || a.height !== b.height)
    throw new InputError(`expected two pictures of one size, got ${a.width}x${a.height} and ${b.width}x${b.height}`);
}

/**
 * Root of the mean squared difference of the colours, over the pixels that `keep` leaves to be filled, or all of them.
 */
export function rootMeanSquare(a: Picture, b: Picture, keep?: Mask): number {
  checkSizes(a, b);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < a.width * a.height; i++) {
    if (keep && keep.data[i]! >= 0.5) continue;
    for (let c = 0; c < 3; c++) sum += (a.data[4 * i + c]! - b.data[4 * i + c]!) ** 2;
    count += 3;
  }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}

/**
 * Peak signal-to-noise ratio in decibels, 20 log₁₀(255 / RMS); infinite for equal pictures. With `keep` of what is
 * filled.
 */
export function psnr(a: Picture, b: Picture, keep?: Mask): number {
  return 20 * Math.log10(255 / rootMeanSquare(a, b, keep));
}

const windowRadius = 5;
const windowSigma = 1.5;
const stability = { mean: (0.01 * 255) ** 2, variance: (0.03 * 255) ** 2 };

/** SSIM needs one whole window. */
export const smallestSsimSide = 2 * windowRadius + 1;

/**
 * Structural similarity (Wang, Bovik, Sheikh & Simoncelli 2004) of the luma (Rec. 601): 11×11 Gaussian window of σ 1.5,
 * K 0.01 and 0.03, the mean over all windows that lie inside. 1 for equal pictures.
 * @throws InputError for sizes that differ or are below 11×11
 */
export function ssim(a: Picture, b: Picture): number {
  checkSizes(a, b);
  const { width, height } = a;
  if (Math.min(width, height) < smallestSsimSide)
    throw new InputError(
      `SSIM needs pictures of at least ${smallestSsimSide}x${smallestSsimSide}, got ${width}x${height}`,
    );
  const [x, y] = [luma(a), luma(b)];
  const product = (p: Float64Array, q: Float64Array) => p.map((value, i) => value * q[i]!);
  const filtered = [x, y, product(x, x), product(y, y), product(x, y)].map((values) => blur(values, width, height));
  const [meanX, meanY, squareX, squareY, cross] = filtered as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  let sum = 0;
  for (let i = 0; i < meanX.length; i++) {
    const [mx, my] = [meanX[i]!, meanY[i]!];
    const covariance = cross[i]! - mx * my;
    const variances = squareX[i]! - mx * mx + squareY[i]! - my * my;
    sum +=
      ((2 * mx * my + stability.mean) * (2 * covariance + stability.variance)) /
      ((mx * mx + my * my + stability.mean) * (variances + stability.variance));
  }
  return sum / meanX.length;
}

function luma({ width, height, data }: Picture): Float64Array {
  return Float64Array.from(
    { length: width * height },
    (_, i) => 0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!,
  );
}

/** The Gaussian window's mean at every place where it lies inside: rows first, then columns. */
function blur(values: Float64Array, width: number, height: number): Float64Array {
  const taps = gaussianTaps();
  const [outWidth, outHeight] = [width - 2 * windowRadius, height - 2 * windowRadius];
  const rows = new Float64Array(outWidth * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < outWidth; x++)
      rows[y * outWidth + x] = taps.reduce((sum, tap, k) => sum + tap * values[y * width + x + k]!, 0);
  const out = new Float64Array(outWidth * outHeight);
  for (let y = 0; y < outHeight; y++)
    for (let x = 0; x < outWidth; x++)
      out[y * outWidth + x] = taps.reduce((sum, tap, k) => sum + tap * rows[(y + k) * outWidth + x]!, 0);
  return out;
}

function gaussianTaps(): number[] {
  const taps = Array.from({ length: 2 * windowRadius + 1 }, (_, i) =>
    Math.exp(-((i - windowRadius) ** 2) / (2 * windowSigma ** 2)),
  );
  const sum = taps.reduce((total, tap) => total + tap, 0);
  return taps.map((tap) => tap / sum);
}

/**
 * Mean absolute step of the colours from a known pixel to a filled neighbour (of four), 0 … 255; undefined where
 * nothing meets. A seam makes it larger than the true picture's.
 */
export function borderStep(picture: Picture, keep: Mask): number | undefined {
  checkSizes(picture, keep);
  const { width, height } = keep;
  let sum = 0;
  let count = 0;
  const meet = (i: number, j: number): void => {
    if (keep.data[i]! >= 0.5 === keep.data[j]! >= 0.5) return;
    for (let c = 0; c < 3; c++) sum += Math.abs(picture.data[4 * i + c]! - picture.data[4 * j + c]!);
    count += 3;
  };
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      if (x + 1 < width) meet(i, i + 1);
      if (y + 1 < height) meet(i, i + width);
    }
  return count === 0 ? undefined : sum / count;
}

/**
 * How grainy what was filled is: the median of |4·c − its four neighbours| over the colours of filled pixels whose
 * neighbours are filled, too; undefined where there are none. Noise that a run has left makes it larger than the true
 * picture's.
 */
export function grain(picture: Picture, keep: Mask): number | undefined {
  checkSizes(picture, keep);
  const { width, height } = keep;
  const values: number[] = [];
  for (let y = 1; y + 1 < height; y++)
    for (let x = 1; x + 1 < width; x++) {
      const i = y * width + x;
      const neighbours = [i - 1, i + 1, i - width, i + width];
      if ([i, ...neighbours].some((pixel) => keep.data[pixel]! >= 0.5)) continue;
      for (let c = 0; c < 3; c++) {
        const around = neighbours.reduce((sum, pixel) => sum + picture.data[4 * pixel + c]!, 0);
        values.push(Math.abs(4 * picture.data[4 * i + c]! - around));
      }
    }
  return values.length === 0 ? undefined : median(values);
}
