/**
 * Sharpness of large holes where the best network is known: pictures of a Gaussian field without a scale of its own
 * (each octave has the same power, so that every size of a picture is of one kind), and the network that answers for
 * its tiles. What is filled, at the network's size and in detail, is held against the field.
 */
import { expect, test } from "vitest";
import { writeFile } from "node:fs/promises";
import { encodePng } from "../../src/node/pictures.ts";
import { createPicture, type Picture } from "../../src/pictures/image.ts";
import { RunControl } from "../../src/repaint/control.ts";
import type { Detail } from "../../src/pictures/octaves.ts";
import { inpaintJobs } from "../../src/repaint/inpaintJobs.ts";
import type { Loaded } from "../../src/repaint/loaded.ts";
import { refinedSampling } from "../../src/repaint/refine.ts";
import { PRESETS, type Sampling } from "../../src/repaint/sampling.ts";
import { epsilonMatrix, settings } from "../support/gaussianScore.ts";
import { gpuDevice } from "../support/gpu.ts";
import { box, maskOf } from "../support/largeHole.ts";
import { linearNetwork } from "../support/linearNetwork.ts";
import { uniform } from "../support/random.ts";

const [width, height, tile] = [160, 128, 16];
const hole = box(48, 40, 64, 48);
/** Of the field in [−1, 1]. */
const deviation = 0.22;
/** Cycles a pixel: frequencies are as frequent in each octave. */
const [lowest, highest] = [1 / 256, 1 / 2];
const frequency = (share: number) => lowest * (highest / lowest) ** share;

/** Three fields as colours, each a sum of waves. */
function picture(seed: number): Picture {
  const [next, waves] = [uniform(seed), 400];
  const image = createPicture(width, height);
  for (let c = 0; c < 3; c++) {
    const sums = new Float64Array(width * height);
    for (let wave = 0; wave < waves; wave++) {
      const [f, angle, phase] = [frequency((wave + next()) / waves), 2 * Math.PI * next(), 2 * Math.PI * next()];
      const [across, down] = [2 * Math.PI * f * Math.cos(angle), 2 * Math.PI * f * Math.sin(angle)];
      for (let i = 0; i < sums.length; i++)
        sums[i]! += Math.cos(across * (i % width) + down * Math.floor(i / width) + phase);
    }
    for (const [i, sum] of sums.entries())
      image.data[4 * i + c] = Math.round(127.5 * (1 + deviation * Math.sqrt(2 / waves) * sum));
  }
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  return image;
}

/** Of pixels `distance` apart: the mean of cos(2πf·distance·cos θ) over frequencies and directions. */
function covarianceAt(distance: number): number {
  const [frequencies, directions] = [96, 96];
  let sum = 0;
  for (let i = 0; i < frequencies; i++)
    for (let j = 0; j < directions; j++)
      sum += Math.cos(2 * Math.PI * frequency((i + 0.5) / frequencies) * distance * Math.cos((Math.PI * (j + 0.5)) / directions)); // prettier-ignore
  return (deviation ** 2 * sum) / (frequencies * directions);
}

function covariance(side: number): Float64Array {
  const known = new Map<number, number>();
  const pixels = side * side;
  return Float64Array.from({ length: pixels * pixels }, (_, at) => {
    const [p, q] = [Math.floor(at / pixels), at % pixels];
    const squared = ((p % side) - (q % side)) ** 2 + (Math.floor(p / side) - Math.floor(q / side)) ** 2;
    if (!known.has(squared)) known.set(squared, covarianceAt(Math.sqrt(squared)));
    return known.get(squared)!;
  });
}

/** Squared steps between pixels of the hole `apart` pixels from each other, summed over colours and both directions. */
function squaredSteps({ data }: Picture, apart: number): number {
  let sum = 0;
  for (let y = hole.y; y < hole.y + hole.height - apart; y++)
    for (let x = hole.x; x < hole.x + hole.width - apart; x++)
      for (let c = 0; c < 3; c++) {
        const at = (dx: number, dy: number) => data[4 * ((y + dy) * width + x + dx) + c]!;
        sum += (at(apart, 0) - at(0, 0)) ** 2 + (at(0, apart) - at(0, 0)) ** 2;
      }
  return sum;
}

const distances = [1, 2, 4, 8, 16];
const pictures = 2;

/** With the share of the field's squared steps that is there at least: few levels make a field smoother than it is. */
const samplings: readonly (readonly [string, Sampling, number])[] = [
  ["fast", PRESETS.fast, 0.4],
  ["balanced", PRESETS.balanced, 0.6],
  ["RePaint", { sampler: "repaint", steps: 25, jumpLength: 5, resamples: 3 }, 0.45],
];

test.each(samplings)(
  "%s fills in detail with the field's own steps between pixels",
  { timeout: 1_800_000 },
  async (name, sampling, least) => {
    const device = await gpuDevice();
    const field = covariance(tile);
    const matrix = (side: number, alphaBar: number) => epsilonMatrix(field, side * side, alphaBar);
    const unet = linearNetwork(device, {
      settings,
      samplings: [sampling, refinedSampling(sampling, 1000)],
      matrix,
      imageSize: tile,
    });
    const networks = { unet, classifier: undefined };
    const loaded = { networks, canReacquire: false, until: () => new AbortController().signal } as unknown as Loaded;
    const keep = maskOf(width, height, [hole]);
    const filled = async (image: Picture, seed: bigint, detail: Detail): Promise<Picture> => {
      const run = inpaintJobs(loaded, [{ picture: image, keep, seed }], {
        sampling,
        detail,
        control: new RunControl(),
      });
      for (;;) {
        const next = await run.next();
        if (next.done) return next.value.pictures[0]!;
      }
    };
    const sums = { true: distances.map(() => 0), model: distances.map(() => 0), full: distances.map(() => 0) };
    for (let n = 0; n < pictures; n++) {
      const image = picture(n + 1);
      const all = {
        true: image,
        model: await filled(image, BigInt(n), "model"),
        full: await filled(image, BigInt(n), "full"),
      };
      for (const kind of ["true", "model", "full"] as const)
        for (const [i, apart] of distances.entries()) sums[kind][i]! += squaredSteps(all[kind], apart);
      if (process.env.REPAINT_SHOW && n === 0)
        for (const [kind, one] of Object.entries(all))
          await writeFile(`${process.env.REPAINT_SHOW}.${name}.${kind}.png`, encodePng(one));
    }
    const ratios = (kind: "model" | "full") => distances.map((_, i) => sums[kind][i]! / sums.true[i]!);
    const [model, full] = [ratios("model"), ratios("full")];
    if (process.env.REPAINT_SHOW)
      console.table(distances.map((apart, i) => ({ apart, model: model[i], full: full[i] })));
    expect(model[0]).toBeLessThan(0.03);
    expect(Math.min(...full)).toBeGreaterThan(least);
    expect(Math.max(...full)).toBeLessThan(1);
  },
);
