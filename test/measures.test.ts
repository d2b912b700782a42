/** PSNR and SSIM against scikit-image's values and a naive second implementation; border, distances, bootstrap. */
import { describe, expect, it } from "vitest";
import { borderStep, grain, psnr, rootMeanSquare, ssim } from "../src/evaluate/measures.ts";
import { estimate, estimateDifference } from "../src/evaluate/statistics.ts";
import { createPicture, type Mask, type Picture } from "../src/pictures/image.ts";
import { uniform } from "./support/random.ts";

function paint(width: number, height: number, colour: (x: number, y: number, c: number) => number): Picture {
  const picture = createPicture(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 4; c++) picture.data[4 * (y * width + x) + c] = c === 3 ? 255 : colour(x, y, c);
  return picture;
}

const pattern = (x: number, y: number, c: number) => (x * 7 + y * 13 + c * 50 + ((x * y) % 31)) % 256;
const a = paint(29, 23, pattern);
const b = paint(29, 23, (x, y, c) => Math.min(255, Math.floor((pattern(x, y, c) * 9) / 10) + ((x * 5 + y * 3) % 17)));

/** Every window by itself, in two dimensions, with variances as means of squared deviations. */
function naiveSsim(p: Picture, q: Picture): number {
  const luma = ({ data }: Picture, i: number) =>
    0.299 * data[4 * i]! + 0.587 * data[4 * i + 1]! + 0.114 * data[4 * i + 2]!;
  let total = 0;
  let windows = 0;
  for (let y = 5; y < p.height - 5; y++)
    for (let x = 5; x < p.width - 5; x++) {
      const taps: { weight: number; u: number; v: number }[] = [];
      for (let dy = -5; dy <= 5; dy++)
        for (let dx = -5; dx <= 5; dx++) {
          const i = (y + dy) * p.width + x + dx;
          taps.push({ weight: Math.exp(-(dx * dx + dy * dy) / 4.5), u: luma(p, i), v: luma(q, i) });
        }
      const sum = taps.reduce((s, { weight }) => s + weight, 0);
      const average = (value: (tap: { u: number; v: number }) => number) =>
        taps.reduce((s, tap) => s + (tap.weight / sum) * value(tap), 0);
      const [mu, mv] = [average(({ u }) => u), average(({ v }) => v)];
      const [vu, vv] = [average(({ u }) => (u - mu) ** 2), average(({ v }) => (v - mv) ** 2)];
      const covariance = average(({ u, v }) => (u - mu) * (v - mv));
      total +=
        ((2 * mu * mv + 6.5025) * (2 * covariance + 58.5225)) / ((mu * mu + mv * mv + 6.5025) * (vu + vv + 58.5225));
      windows++;
    }
  return total / windows;
}

describe("PSNR and SSIM", () => {
  it("are scikit-image's (0.26: gaussian_weights, sigma 1.5, use_sample_covariance False)", () => {
    expect(psnr(a, b)).toBeCloseTo(27.86821390851803, 10);
    expect(ssim(a, b)).toBeCloseTo(0.9767403175142134, 10);
  });

  it("are a naive implementation's and what the formulas give by hand", () => {
    const random = uniform(3);
    const noisy = paint(17, 14, () => 256 * random());
    const other = paint(17, 14, () => 256 * random());
    expect(ssim(noisy, other)).toBeCloseTo(naiveSsim(noisy, other), 12);
    expect(Math.abs(ssim(noisy, other))).toBeLessThan(0.2);
    const gray = (level: number) => paint(11, 12, () => level);
    expect(ssim(gray(100), gray(120))).toBeCloseTo((24000 + 6.5025) / (24400 + 6.5025), 10);
    expect(psnr(gray(0), gray(255))).toBe(0);
    expect(psnr(gray(10), gray(11))).toBeCloseTo(48.1308, 4);
    expect([ssim(a, a), psnr(a, a)]).toEqual([1, Infinity]);
  });

  it("refuse pictures of other or too small sizes", () => {
    expect(() => ssim(a, createPicture(23, 29))).toThrow(/one size, got 29x23 and 23x29/);
    expect(() => ssim(createPicture(10, 20), createPicture(10, 20))).toThrow(/at least 11x11, got 10x20/);
  });
});

describe("the border", () => {
  const keep: Mask = { width: 4, height: 2, data: Float32Array.of(1, 1, 0, 0, 1, 1, 0, 0) };

  it("counts only neighbours of which one is known", () => {
    const picture = paint(4, 2, (x) => [0, 10, 50, 200][x]!);
    expect(borderStep(picture, keep)).toBe(40);
    expect(borderStep(picture, { ...keep, data: new Float32Array(8) })).toBeUndefined();
  });

  it("has no part in the grain, which is none where colours change evenly", () => {
    const wide: Mask = { width: 6, height: 5, data: Float32Array.from({ length: 30 }, (_, i) => (i % 6 < 2 ? 1 : 0)) };
    const seam = (x: number) => (x < 2 ? 200 : 10 * x);
    expect(grain(paint(6, 5, seam), wide)).toBe(0);
    expect(
      grain(
        paint(6, 5, (x, y) => seam(x) + ((x + y) % 2 ? 3 : 0)),
        wide,
      ),
    ).toBe(12);
    expect(grain(paint(6, 5, seam), { ...wide, data: new Float32Array(30).fill(1) })).toBeUndefined();
  });

  it("leaves known pixels out of distances that are told to", () => {
    const filled = paint(4, 2, (x) => (x < 2 ? 7 : 3));
    expect(
      rootMeanSquare(
        filled,
        paint(4, 2, () => 7),
      ),
    ).toBeCloseTo(Math.sqrt(8), 12);
    expect(
      rootMeanSquare(
        filled,
        paint(4, 2, () => 7),
        keep,
      ),
    ).toBe(4);
  });
});

describe("the bootstrap", () => {
  it("covers the true mean about as often as it says, and repeats itself", () => {
    const random = uniform(11);
    let covered = 0;
    const rounds = 150;
    for (let round = 0; round < rounds; round++) {
      const sample = Array.from({ length: 20 }, () => random() + random());
      const { low, high } = estimate(sample, round)!;
      if (low! <= 1 && high! >= 1) covered++;
    }
    // 95 % minus the percentile bootstrap's known optimism at n = 20.
    expect(covered / rounds).toBeGreaterThan(0.87);
    expect(covered / rounds).toBeLessThan(0.99);
    expect(estimate([1, 2, 5])).toEqual(estimate([1, 2, 5]));
    expect(estimate([3])).toEqual({ mean: 3, count: 1 });
    expect(estimate([])).toBeUndefined();
  });

  it("pairs: what all pictures share does not widen the interval", () => {
    const hard = new Map(Array.from({ length: 12 }, (_, i) => [`p${i}`, i * 10]));
    const harder = new Map([...hard].map(([name, value], i) => [name, value + 1 + (i % 2) * 0.5]));
    const { mean, low, high, count } = estimateDifference(harder, hard)!;
    expect([mean, count]).toEqual([1.25, 12]);
    expect(low!).toBeGreaterThan(1);
    expect(high!).toBeLessThan(1.5);
    harder.delete("p0");
    expect(estimateDifference(harder, hard)!.count).toBe(11);
  });
});
