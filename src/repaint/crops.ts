/**
 * The crops of a run at the model's size: cut out of its pictures, sorted into batches, and as the tensors of a batch.
 */
import { InputError } from "../errors.ts";
import { cropToModel } from "../pictures/cropPaste.ts";
import type { Box } from "../pictures/holes.ts";
import { checkPair, toModelRange, type Mask, type Picture } from "../pictures/image.ts";
import { planRegions, type Region } from "../pictures/region.ts";
import type { Job } from "./given.ts";
import type { Sampling } from "./sampling.ts";
import type { Known } from "./state.ts";

interface CropJob {
  readonly picture: Picture;
  readonly keep: Mask;
  readonly seed: bigint;
}

export interface Crop extends CropJob {
  /** Which of the jobs it is of, and where in its picture it lies. */
  readonly job: number;
  readonly region: Region;
}

/** Every part of the pictures that has something to fill, or `region` of each. @throws InputError */
export function cropJobs(jobs: readonly CropJob[], size: number, region: Box | undefined): Crop[] {
  return jobs.flatMap(({ picture, keep, seed }, job) => {
    checkPair(picture, keep);
    const sizes = { modelWidth: size, modelHeight: size };
    const regions = planRegions(keep, region ? { ...sizes, region } : sizes);
    return regions.map((planned, index) => ({
      ...cropToModel(picture, keep, planned, size, size),
      job,
      region: planned,
      seed: regionSeed(seed, index),
    }));
  });
}

/** The first region has the picture's own seed, so that a picture of the model's size is what the seed says. */
function regionSeed(seed: bigint, region: number): bigint {
  return BigInt.asUintN(64, seed ^ (BigInt(region) * 0x9e3779b97f4a7c15n));
}

/** Whether any of its pixels is to be filled: thin holes may vanish where a crop shrinks much. */
export function hasHole({ keep }: Crop): boolean {
  return keep.data.some((value) => value < 0.5);
}

export function hasKnown({ keep }: Pick<Crop, "keep">): boolean {
  return keep.data.some((value) => value >= 0.5);
}

/** Crops of one kind (partly known, or all to be filled) side by side, in order. @throws InputError */
export function inBatches(crops: readonly Crop[], size: number): Crop[][] {
  if (!Number.isInteger(size) || size < 1) throw new InputError(`batch: expected a positive integer, got ${size}`);
  const batches: Crop[][] = [];
  for (const crop of crops) {
    const last = batches.at(-1);
    if (last && last.length < size && hasKnown(last[0]!) === hasKnown(crop)) last.push(crop);
    else batches.push([crop]);
  }
  return batches;
}

/** A strength and pictures to start from belong together. @throws InputError */
export function requireStarts(jobs: readonly Job[], { strength }: Sampling): void {
  for (const [index, { picture, keep, startFrom }] of jobs.entries()) {
    if (startFrom && strength === undefined)
      throw new InputError(
        `startFrom: picture ${index} has one and the sampling no strength: give one, 0.5 for half of the noise levels`,
      );
    if (strength === undefined || startFrom) continue;
    // Whether there are pixels to be filled that are transparent, and others.
    const there = [false, false];
    for (const [i, known] of keep.data.entries()) if (known < 0.5) there[picture.data[4 * i + 3] ? 1 : 0] = true;
    if (there[0] && !there[1])
      throw new InputError(
        `strength: nothing but transparency lies where picture ${index} is to be filled: give startFrom (--start-from), or no strength`,
      );
  }
}

/** What a batch begins with: the known picture where there is one, the guess elsewhere. */
export function startOf(batch: readonly Crop[], jobs: readonly Job[]): Float32Array {
  return concatenate(
    batch.map(({ job, picture, keep, region }) => {
      const { picture: below, keep: mask, startFrom = below } = jobs[job]!;
      const all = { ...mask, data: mask.data.map(() => 1) };
      const start = cropToModel(startFrom, all, region, keep.width, keep.height).picture;
      for (const [i, known] of keep.data.entries())
        if (known) start.data.set(picture.data.subarray(4 * i, 4 * i + 4), 4 * i);
      return toModelRange(start);
    }),
  );
}

/** What the network is to know of a batch; undefined where that is nothing. */
export function knownOf(batch: readonly Crop[]): Known | undefined {
  if (!hasKnown(batch[0]!)) return undefined;
  return {
    image: concatenate(batch.map(({ picture }) => toModelRange(picture))),
    keep: concatenate(batch.map(({ keep }) => keep.data)),
  };
}

function concatenate(parts: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
