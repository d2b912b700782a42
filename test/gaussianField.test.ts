/**
 * Tiles of one field, where the answer is known: pictures that are a Gaussian random field, whose best ε at every level
 * is a matrix times x. A network of that answer for tiles is held against the field's own answer for the whole region.
 */
import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { encodePng } from "../src/node/pictures.ts";
import { createPicture } from "../src/pictures/image.ts";
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

/** |∇| of each pixel, averaged over all fields, but for the last row and column. */
function meanGradient(all: readonly Float32Array[], side: number): Float32Array {
  const mean = new Float32Array((side - 1) ** 2);
  for (const field of all)
    for (const i of mean.keys()) {
      const at = Math.floor(i / (side - 1)) * side + (i % (side - 1));
      mean[i]! += Math.hypot(field[at + 1]! - field[at]!, field[at + side]! - field[at]!) / all.length;
    }
  return mean;
}

/** Pictures of the same size beside each other, enlarged: their common mean is grey, twice of it white. */
async function writeMaps(file: string, maps: readonly Float32Array[], zoom = 8): Promise<void> {
  const side = Math.sqrt(maps[0]!.length);
  const mean = maps[0]!.reduce((a, b) => a + b) / maps[0]!.length;
  const picture = createPicture(((side + 1) * maps.length - 1) * zoom, side * zoom);
  picture.data.fill(255);
  for (let i = 0; i < picture.width * picture.height; i++) {
    const [x, y] = [Math.floor((i % picture.width) / zoom), Math.floor(i / picture.width / zoom)];
    const value = maps[Math.floor(x / (side + 1))]![y * side + (x % (side + 1))]!;
    if (x % (side + 1) < side) picture.data.fill((127.5 * value) / mean, 4 * i, 4 * i + 3);
  }
  await writeFile(file, encodePng(picture));
}

const images = full ? 80 : 12;

test(
  `tiles of a Gaussian field have the statistics of the whole, and no seam (${images * 3} fields)`,
  { timeout: 1_800_000 },
  async () => {
    const device = await gpuDevice();
    const [side, tile] = full ? [32, 8] : [16, 8];
    const [wholeFields, tiledFields] = [
      await fields(device, side, side, images),
      await fields(device, side, tile, images),
    ];
    const [whole, tiled] = [statistics(wholeFields, side), statistics(tiledFields, side)];
    // Rows of one field are not independent, so that the errors are those of as many samples as there are fields times
    // rows apart by more than the correlation.
    const samples = images * 3 * (side / 4);
    const [meanError, varianceError] = [Math.sqrt(variance / samples), variance * Math.sqrt(2 / samples)];
    const gradients = [meanGradient(wholeFields, side), meanGradient(tiledFields, side)];
    if (process.env.REPAINT_SHOW) {
      console.table(tiled.map((column, x) => ({ ...column, whole: whole[x]!.variance, wholeCovariance: whole[x]!.covariance }))); // prettier-ignore
      await writeMaps(process.env.REPAINT_SHOW, gradients);
    }
    for (let x = 0; x < side; x++) {
      const [a, b] = [whole[x]!, tiled[x]!];
      expect(Math.abs(b.mean)).toBeLessThan(4 * meanError);
      expect(Math.abs(a.variance - b.variance)).toBeLessThan(4 * varianceError);
      expect(Math.abs(a.covariance - b.covariance)).toBeLessThan(4 * varianceError);
    }
    // Nor does |∇|, along lines of the lattice: of each column, and of each row.
    const [column, row] = [
      (x: number) => (i: number) => i % (side - 1) === x,
      (y: number) => (i: number) => Math.floor(i / (side - 1)) === y,
    ];
    const along = (map: Float32Array, isOn: (i: number) => boolean) => map.filter((_, i) => isOn(i)).reduce((a, b) => a + b) / (side - 1); // prettier-ignore
    const [ofWhole] = gradients.map((map) => map.reduce((a, b) => a + b) / map.length);
    for (let line = 0; line < side - 1; line++)
      for (const isOn of [column(line), row(line)]) {
        const [a, b] = gradients.map((map) => along(map, isOn));
        // |∇| spreads by about half of its mean.
        expect(Math.abs(a! - b!) / ofWhole!).toBeLessThan((4 * 0.55 * Math.SQRT2) / Math.sqrt(samples));
      }
    // Across borders of tiles neighbours differ as much as elsewhere.
    const steps = tiled
      .slice(0, -1)
      .map((column, x) => column.variance + tiled[x + 1]!.variance - 2 * column.covariance);
    const mean = steps.reduce((a, b) => a + b, 0) / steps.length;
    for (const step of steps) expect(Math.abs(step - mean) / mean).toBeLessThan(4 * Math.sqrt(2 / samples));
  },
);
