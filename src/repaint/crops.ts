/**
 * The crops of a run at the model's size: cut out of its pictures, sorted into batches, and as the tensors of a batch.
 */
import { InputError } from "../errors.ts";
import { cropToModel } from "../pictures/cropPaste.ts";
import type { Box } from "../pictures/holes.ts";
import { checkPair, toModelRange, type Mask, type Picture } from "../pictures/image.ts";
import { planRegions, type Region } from "../pictures/region.ts";
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
