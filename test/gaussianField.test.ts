/**
 * Tiles of one field, where the answer is known: pictures that are a Gaussian random field, whose best ε at every level
 * is a matrix times x. A network of that answer for tiles is held against the field's own answer for the whole region.
 */
import { writeFile } from "node:fs/promises";
import { describe, expect, it, test } from "vitest";
import { encodePng } from "../src/node/pictures.ts";
import { createPicture } from "../src/pictures/image.ts";
import type { Device } from "../src/engine/device.ts";
import { sample } from "../src/repaint/loop.ts";
import { diffusionOf } from "../src/repaint/planRun.ts";
import { tileOrigins, tilesToFill, tileWeights } from "../src/repaint/tiles.ts";
import { full } from "./support/full.ts";
import { epsilonMatrix, precisionMatrix, settings } from "./support/gaussianScore.ts";
import { gpuDevice } from "./support/gpu.ts";
import { linearNetwork } from "./support/linearNetwork.ts";
import { values } from "./support/random.ts";

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

const matrix = (side: number, alphaBar: number) => epsilonMatrix(covariance(side), side * side, alphaBar);

const sampling = { sampler: "repaint", steps: 20, jumpLength: 1, resamples: 1, eta: 1, clip: false } as const;

/** Fields [images · 3][side²], one a channel of each image. */
async function fields(device: Device, side: number, tile: number, images: number): Promise<Float32Array[]> {
  const run = sample({
    unet: linearNetwork(device, { settings, samplings: [sampling], matrix }),
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

/** Maps of one size beside each other, enlarged: the first one's mean is grey, a quarter more white, less black. */
async function writeMaps(file: string, maps: readonly Float32Array[], zoom = 8): Promise<void> {
  const side = Math.sqrt(maps[0]!.length);
  const mean = maps[0]!.reduce((a, b) => a + b) / maps[0]!.length;
  const picture = createPicture(((side + 1) * maps.length - 1) * zoom, side * zoom);
  picture.data.fill(255);
  for (let i = 0; i < picture.width * picture.height; i++) {
    const [x, y] = [Math.floor((i % picture.width) / zoom), Math.floor(i / picture.width / zoom)];
    const value = maps[Math.floor(x / (side + 1))]![y * side + (x % (side + 1))]!;
    if (x % (side + 1) < side) picture.data.fill(127.5 * (1 + 4 * (value / mean - 1)), 4 * i, 4 * i + 3);
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
    const along = (map: Float32Array, isOn: (i: number) => boolean) =>
      map.filter((_, i) => isOn(i)).reduce((sum, value) => sum + value) / (side - 1);
    const [ofWhole] = gradients.map((map) => map.reduce((sum, value) => sum + value) / map.length);
    const lines = Array.from({ length: side - 1 }, (_, line) =>
      [column(line), row(line)].map((isOn) => {
        const [a, b] = gradients.map((map) => along(map, isOn));
        return (b! - a!) / ofWhole!;
      }),
    );
    if (process.env.REPAINT_SHOW) console.table(lines.map(([across, down]) => ({ across, down })));
    // |∇| spreads by about half of its mean.
    for (const line of lines)
      for (const difference of line)
        expect(Math.abs(difference)).toBeLessThan((4 * 0.55 * Math.SQRT2) / Math.sqrt(samples));
    // Across borders of tiles neighbours differ as much as elsewhere.
    const steps = tiled
      .slice(0, -1)
      .map((column, x) => column.variance + tiled[x + 1]!.variance - 2 * column.covariance);
    const mean = steps.reduce((a, b) => a + b, 0) / steps.length;
    for (const step of steps) expect(Math.abs(step - mean) / mean).toBeLessThan(4 * Math.sqrt(2 / samples));
  },
);

test("a hole is filled by its tiles alone as by the whole field, with both samplers", async () => {
  const device = await gpuDevice();
  const [side, hole, images, deviation] = [16, 5, 4, Math.sqrt(variance)];
  const samplings = [sampling, { sampler: "langevin", levels: 10, inner: 2, step: 1, lambda: 8, still: 1 }] as const;
  const keep = Float32Array.from({ length: side * side }, (_, i) => (i % side < hole && i < hole * side ? 0 : 1));
  const shape = { batch: images, channels: 3, height: side, width: side };
  // Fields that are known: noise of the field's deviation does, since what a hole is given is the same for both.
  const known = Float32Array.from(values(images * 3 * side * side, 9, { deviation }));
  expect(tilesToFill({ batch: 1, height: side, width: side }, { height: 8, width: 8 }, keep).length).toBe(4);
  for (const each of samplings) {
    const run = async (tile: number): Promise<Float32Array> => {
      const all = sample({
        unet: linearNetwork(device, { settings, samplings: [each], matrix }),
        shape,
        sampling: each,
        seeds: Array.from({ length: images }, (_, n) => BigInt(n)),
        known: {
          image: known,
          keep: Float32Array.from({ length: images * keep.length }, (_, i) => keep[i % keep.length]!),
        },
        tiles: { side: tile, atOnce: 4 },
      });
      for (;;) {
        const next = await all.next();
        if (next.done) return next.value;
      }
    };
    const [whole, tiled] = [await run(side), await run(8)];
    let [squares, count] = [0, 0];
    for (const [i, value] of whole.entries()) {
      if (keep[i % keep.length]) continue;
      squares += ((value - tiled[i]!) / deviation) ** 2;
      count++;
    }
    expect(count).toBe(images * 3 * hole ** 2);
    // The same noise: what differs is what a tile does not see.
    expect(Math.sqrt(squares / count)).toBeLessThan(0.1);
  }
});

/**
 * The same without chance, along a line: all steps are linear, so that what noise becomes has a covariance that can be
 * computed. bench/NOTES.md has what other overlaps and weights do to it.
 */
describe("the covariance of a line of the field by tiles", () => {
  const [side, tile, length] = [56, 16, 2.5];
  const lineCovariance = (of: number) =>
    Float64Array.from({ length: of * of }, (_, at) => variance * Math.exp(-Math.abs((at % of) - Math.floor(at / of)) / length)); // prettier-ignore

  /** E[ε | x] / √(1 − ᾱ) of the line, as a matrix. */
  function precisionByTiles(alphaBar: number): Float64Array {
    const ofTile = precisionMatrix(lineCovariance(tile), tile, alphaBar);
    const weights = tileWeights(tile);
    const [out, total] = [new Float64Array(side * side), new Float64Array(side)];
    for (const origin of tileOrigins(side, tile))
      for (let i = 0; i < tile; i++) {
        total[origin + i]! += weights[i]!;
        for (let j = 0; j < tile; j++) out[(origin + i) * side + origin + j]! += weights[i]! * ofTile[i * tile + j]!;
      }
    return out.map((value, at) => value / total[Math.floor(at / side)]!);
  }

  /** a·b·aᵀ of side × side matrices. */
  function conjugated(a: Float64Array, b: Float64Array): Float64Array {
    const times = (left: Float64Array, right: (k: number, j: number) => number): Float64Array => {
      const out = new Float64Array(side * side);
      for (let i = 0; i < side; i++)
        for (let k = 0; k < side; k++)
          for (let j = 0; j < side; j++) out[i * side + j]! += left[i * side + k]! * right(k, j);
      return out;
    };
    const half = times(a, (k, j) => b[k * side + j]!);
    return times(half, (k, j) => a[j * side + k]!);
  }

  /** Of what DDIM with η = 1 makes of noise, step by step from the highest level. */
  function sampled(precisionAt: (alphaBar: number) => Float64Array): Float64Array {
    const { alphaBar, alphaBarPrevious } = diffusionOf(settings, sampling);
    const isDiagonal = (at: number) => Math.floor(at / side) === at % side;
    let result = new Float64Array(side * side).map((_, at) => (isDiagonal(at) ? 1 : 0));
    for (let level = alphaBar.length - 1; level >= 0; level--) {
      const [here, below] = [alphaBar[level]!, alphaBarPrevious[level]!];
      const fresh = ((1 - below) / (1 - here)) * (1 - here / below);
      const scale = Math.sqrt(below / here);
      const ofEpsilon = Math.sqrt(1 - below - fresh) - scale * Math.sqrt(1 - here);
      const step = precisionAt(here).map((p, at) => ofEpsilon * Math.sqrt(1 - here) * p + (isDiagonal(at) ? scale : 0));
      result = conjugated(step, result).map((value, at) => value + (isDiagonal(at) ? fresh : 0));
    }
    return result;
  }

  const whole = sampled((alphaBar) => precisionMatrix(lineCovariance(side), side, alphaBar));
  const tiled = sampled(precisionByTiles);
  const ratios = (apart: number) =>
    Array.from({ length: side - apart }, (_, x) => tiled[x * side + x + apart]! / whole[x * side + x + apart]!);

  const range = (values: readonly number[]) => ({ least: Math.min(...values), most: Math.max(...values) });

  it.each([
    [0, 0.993],
    [1, 0.99],
    [2, 0.98],
  ])("of pixels %i apart is %d of the whole's or more, and not above it", (apart, bound) => {
    const { least, most } = range(ratios(apart));
    expect(least).toBeGreaterThan(bound);
    expect(most).toBeLessThan(1.0001);
  });

  it("has the whole's steps from pixel to pixel, to 0.6 %", () => {
    const step = (of: Float64Array, x: number) =>
      of[x * (side + 1)]! + of[(x + 1) * (side + 1)]! - 2 * of[x * (side + 1) + 1]!;
    const steps = Array.from({ length: side - 1 }, (_, x) => step(tiled, x) / step(whole, x));
    expect(range(steps).least).toBeGreaterThan(0.999);
    expect(range(steps).most).toBeLessThan(1.006);
  });
});
