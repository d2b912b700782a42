/**
 * Tiles of one field, where the answer is known: pictures that are a Gaussian random field, whose best ε at every level
 * is a matrix times x. A network of that answer for tiles is held against the field's own answer for the whole region.
 */
import { expect, test } from "vitest";
import type { Device } from "../src/engine/device.ts";
import { sample } from "../src/repaint/loop.ts";
import { full } from "./support/full.ts";
import { gpuDevice } from "./support/gpu.ts";
import { linearNetwork } from "./support/linearNetwork.ts";

/** Pixels that a correlation of the field goes down by e. */
const correlation = 1.2;
const variance = 0.1;

/** Of a side × side part of the field. */
function covariance(side: number): Float64Array {
  const pixels = side * side;
  return Float64Array.from({ length: pixels * pixels }, (_, at) => {
    const [p, q] = [Math.floor(at / pixels), at % pixels];
    const distance = Math.hypot((p % side) - (q % side), Math.floor(p / side) - Math.floor(q / side));
    return variance * Math.exp(-distance / correlation);
  });
}

/** E[ε | x] of x = √ᾱ·field + √(1 − ᾱ)·ε is √(1 − ᾱ)·(ᾱ·C + (1 − ᾱ)·I)⁻¹·x. */
function epsilonMatrix(side: number, alphaBar: number): Float32Array<ArrayBuffer> {
  const size = side * side;
  const a = covariance(side).map((c, at) => alphaBar * c + (Math.floor(at / size) === at % size ? 1 - alphaBar : 0));
  return Float32Array.from(inverse(a, size), (value) => Math.sqrt(1 - alphaBar) * value);
}

/** Of a symmetric positive matrix, by Gauss and Jordan in place: no pivoting is needed. */
function inverse(a: Float64Array, size: number): Float64Array {
  for (let k = 0; k < size; k++) {
    const pivot = 1 / a[k * size + k]!;
    a[k * size + k] = 1;
    for (let j = 0; j < size; j++) a[k * size + j]! *= pivot;
    for (let i = 0; i < size; i++) {
      const factor = a[i * size + k]!;
      if (i === k || factor === 0) continue;
      a[i * size + k] = 0;
      for (let j = 0; j < size; j++) a[i * size + j]! -= factor * a[k * size + j]!;
    }
  }
  return a;
}

const sampling = { sampler: "repaint", steps: 20, jumpLength: 1, resamples: 1, eta: 1, clip: false } as const;
const settings = {
  diffusionSteps: 1000,
  noiseSchedule: "linear",
  timestepRespacing: "",
  learnSigma: false,
  sigmaSmall: true,
  predictXstart: false,
  rescaleTimesteps: false,
  rescaleLearnedSigmas: false,
  useKl: false,
} as const;

/** Fields [images · 3][side²], one a channel of each image. */
async function fields(device: Device, side: number, tile: number, images: number): Promise<Float32Array[]> {
  const run = sample({
    unet: linearNetwork(device, { settings, sampling, matrix: epsilonMatrix }),
    shape: { batch: images, channels: 3, height: side, width: side },
    sampling,
    seeds: Array.from({ length: images }, (_, n) => BigInt(n)),
    tiles: { side: tile, atOnce: 7 },
  });
  for (;;) {
    const next = await run.next();
    if (!next.done) continue;
    const size = side * side;
    return Array.from({ length: images * 3 }, (_, i) => next.value.subarray(i * size, (i + 1) * size));
  }
}

/** Over all fields: mean, variance and covariance of neighbours, by the column of the left one. */
function statistics(all: readonly Float32Array[], side: number) {
  const columns = Array.from({ length: side }, () => ({ mean: 0, variance: 0, covariance: 0 }));
  const count = all.length * side;
  for (const field of all)
    for (let y = 0; y < side; y++)
      for (let x = 0; x < side; x++) {
        const [here, right] = [field[y * side + x]!, field[y * side + Math.min(x + 1, side - 1)]!];
        columns[x]!.mean += here / count;
        columns[x]!.variance += here ** 2 / count;
        columns[x]!.covariance += (here * right) / count;
      }
  return columns;
}

const images = full ? 80 : 12;

test(`tiles of a Gaussian field have the statistics of the whole, and no seam (${images * 3} fields)`, async () => {
  const device = await gpuDevice();
  const [side, tile] = full ? [32, 8] : [16, 8];
  const whole = statistics(await fields(device, side, side, images), side);
  const tiled = statistics(await fields(device, side, tile, images), side);
  // Rows of one field are not independent, so that the errors are those of as many samples as there are fields times
  // rows apart by more than the correlation.
  const samples = images * 3 * (side / 4);
  const [meanError, varianceError] = [Math.sqrt(variance / samples), variance * Math.sqrt(2 / samples)];
  if (process.env.REPAINT_SHOW) console.table(tiled.map((column, x) => ({ ...column, whole: whole[x]!.variance })));
  for (let x = 0; x < side; x++) {
    const [a, b] = [whole[x]!, tiled[x]!];
    expect(Math.abs(b.mean)).toBeLessThan(4 * meanError);
    expect(Math.abs(a.variance - b.variance)).toBeLessThan(4 * varianceError);
    expect(Math.abs(a.covariance - b.covariance)).toBeLessThan(4 * varianceError);
  }
  // Across borders of tiles neighbours differ as much as elsewhere.
  const steps = tiled.slice(0, -1).map((column, x) => column.variance + tiled[x + 1]!.variance - 2 * column.covariance);
  const mean = steps.reduce((a, b) => a + b, 0) / steps.length;
  for (const step of steps) expect(Math.abs(step - mean) / mean).toBeLessThan(4 * Math.sqrt(2 / samples));
});
