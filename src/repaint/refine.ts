/**
 * Coarse to fine (CCDF, Chung et al. 2022; M2S, arXiv 2407.05875): a crop that the network has filled at its own size
 * goes on to the picture's scale. At each larger size what there is is scaled up, noised to a middle level, and sampled
 * from there by tiles of one field with the known pixels of that size; window by window, where a size has more pixels
 * than the device's memory is to hold. Not here: sizes and windows (pictures/octaves.ts), tiles (tiledForward.ts).
 */
import { cropToModel } from "../pictures/cropPaste.ts";
import type { Box } from "../pictures/holes.ts";
import { fromModelRange, toModelRange, type Mask, type NewPicture, type Picture } from "../pictures/image.ts";
import { type DetailWindow, type Size, windowsOf } from "../pictures/octaves.ts";
import { resizeRows } from "../pictures/resize.ts";
import type { Crop } from "./crops.ts";
import type { Networks } from "./loaded.ts";
import { noiseLevels, samplingCalls, walked, type Sampling } from "./sampling.ts";
import type { CommonOptions, Stretch } from "./stretch.ts";
import { tileBatches, tilesToFill } from "./tiles.ts";

/** Of the noise levels: enough to give a texture its finest detail, too little to change what is there. */
const strength = 0.4;

/**
 * How a size is gone through: at as many levels as the lower part of a run has, from where that begins, but closer to
 * each other the lower they are (t ∝ k²), since fine detail is made where there is little noise. A run with a respacing
 * of its own has that one's.
 */
export function refinedSampling(sampling: Sampling, diffusionSteps: number): Sampling {
  const lower = { ...sampling, strength };
  if (sampling.respacing !== undefined) return lower;
  const count = noiseLevels(walked(lower));
  const top = ((count - 1) / Math.max(noiseLevels(sampling) - 1, 1)) * (diffusionSteps - 1);
  const visited = new Set(
    Array.from({ length: count }, (_, k) => Math.max(k, Math.round(top * (k / Math.max(count - 1, 1)) ** 2))),
  );
  // Of each timestep a section of its own.
  const respacing = Array.from({ length: diffusionSteps }, (_, t) => Number(visited.has(t))).join();
  return { ...walked(lower), respacing, strength: 1 };
}

export interface RefineOptions {
  readonly crop: Crop;
  /** The whole picture that it is of, with its mask. */
  readonly job: { readonly picture: Picture; readonly keep: Mask };
  /** Above the network's, rising. */
  readonly sizes: readonly Size[];
  /** Of a window: `refinedSampling`. */
  readonly sampling: Sampling;
  /** Whether anything of the crop is known. */
  readonly hasKnown: boolean;
  /** Of the network's pictures, which are the tiles. */
  readonly side: number;
  /** Tiles of a call, and pixels of a window, at most. */
  readonly tilesAtOnce: number;
  readonly mostPixels: number;
  /** What else a run of this crop has. */
  readonly optionsOn: (networks: Networks) => CommonOptions;
  /** The crop at some size: shown, or kept. `isLast`: nothing of it comes any more. */
  readonly show: (image: Picture) => ReadonlyMap<number, NewPicture>;
  readonly keep: (image: Picture, isLast: boolean) => void;
}

export class Refinement {
  readonly #options: RefineOptions;
  readonly stretches: readonly Stretch[];
  /** The crop as it is, [3, height, width] in [−1, 1], and where it is known or done: 1. */
  #size: Size;
  #image: Float32Array;
  #done: Float32Array;

  /** @throws InputError where no window fits */
  constructor(options: RefineOptions) {
    const { crop } = options;
    this.#options = options;
    this.#size = crop.picture;
    this.#image = toModelRange(crop.picture);
    this.#done = crop.keep.data;
    const windows = windowsToFill(options);
    this.stretches = windows.map((window, index) =>
      this.#stretch(window, { index, isLast: index === windows.length - 1 }),
    );
  }

  /** What the network has made of the crop at its own size; without it what surrounds the hole. */
  begin(values: Float32Array): void {
    this.#image = values;
  }

  #stretch({ size, box, core, tiles }: WindowToFill, place: { index: number; isLast: boolean }): Stretch {
    const { crop, hasKnown, side, sampling, tilesAtOnce } = this.#options;
    const batches = tileBatches(tiles, tilesAtOnce);
    // Not the noise of the crop at the network's size, nor of another window.
    const seed = BigInt.asUintN(64, crop.seed ^ (BigInt(place.index + 1) * 0xd1342543de82ef95n));
    return {
      calls: samplingCalls(sampling, hasKnown) * batches.length,
      images: batches[0]!.tiles,
      optionsOn: (networks) => {
        this.#enter(size);
        const image = cutPlanes(this.#image, size, box);
        return {
          ...this.#options.optionsOn(networks),
          sampling,
          shape: { batch: 1, channels: 3, height: box.height, width: box.width },
          seeds: [seed],
          known: hasKnown ? { image, keep: cutPlanes(this.#done, size, box) } : undefined,
          startFrom: image,
          tiles: { side, atOnce: tilesAtOnce },
        };
      },
      show: (values) => this.#options.show(this.#pictureWith(values, box, box)),
      keep: (values, isWhole) => {
        const picture = this.#pictureWith(values, box, isWhole ? core : box, isWhole);
        this.#options.keep(picture, isWhole && place.isLast);
      },
    };
  }

  /** Goes up to a size, through those between, of which there may be nothing to fill. */
  #enter(size: Size): void {
    const { sizes } = this.#options;
    for (const next of sizes.slice(sizes.indexOf(this.#size) + 1, sizes.indexOf(size) + 1)) this.#scaleTo(next);
  }

  /** Known pixels are the picture's own at that size. */
  #scaleTo(size: Size): void {
    const { width, height } = size;
    const { job, crop } = this.#options;
    const from = this.#size;
    const pixels = from.width * from.height;
    const finer = cropToModel(job.picture, job.keep, crop.region, width, height);
    const image = toModelRange(finer.picture);
    for (let c = 0; c < 3; c++) {
      const plane = this.#image.subarray(c * pixels, (c + 1) * pixels);
      const row = (y: number) => plane.subarray(y * from.width, (y + 1) * from.width);
      const scaled = resizeRows({ width: from.width, height: from.height, channels: 1, row }, width, height, "bicubic");
      for (const [i, known] of finer.keep.data.entries()) if (!known) image[c * width * height + i] = scaled[i]!;
    }
    [this.#size, this.#image, this.#done] = [size, image, finer.keep.data];
  }

  /** With a window's values where a part of it is neither known nor done, which stays so if it is to be kept. */
  #pictureWith(values: Float32Array, box: Box, part: Box, isKept = false): Picture {
    const { width, height } = this.#size;
    const image = isKept ? this.#image : this.#image.slice();
    for (let y = part.y; y < part.y + part.height; y++)
      for (let x = part.x; x < part.x + part.width; x++) {
        const to = y * width + x;
        if (this.#done[to]! >= 0.5) continue;
        const from = (y - box.y) * box.width + x - box.x;
        for (let c = 0; c < 3; c++) image[c * width * height + to] = values[c * box.width * box.height + from]!;
        if (isKept) this.#done[to] = 1;
      }
    return fromModelRange(image, width, height);
  }
}

interface WindowToFill extends DetailWindow {
  readonly size: Size;
  /** Of its tiles, those in which anything is left to fill when its turn comes. */
  readonly tiles: number;
}

/** In order, but for those of which nothing is left to fill. @throws InputError where no window fits */
function windowsToFill({ crop, job, sizes, side, mostPixels, hasKnown }: RefineOptions): WindowToFill[] {
  return sizes.flatMap((size) => {
    const { keep } = cropToModel(job.picture, job.keep, crop.region, size.width, size.height);
    return windowsOf(job.keep, crop.region, size, { side, mostPixels }).flatMap((window) => {
      const { box, core } = window;
      const known = cutPlanes(keep.data, size, box);
      for (let y = core.y; y < core.y + core.height; y++)
        keep.data.fill(1, y * size.width + core.x, y * size.width + core.x + core.width);
      if (known.every((value) => value >= 1)) return [];
      const shape = { batch: 1, height: box.height, width: box.width };
      const tiles = tilesToFill(shape, { height: side, width: side }, hasKnown ? known : undefined).length;
      return [{ size, box, core, tiles }];
    });
  });
}

/** A box of planes of a size. */
function cutPlanes(planes: Float32Array, { width, height }: Size, box: Box): Float32Array {
  const count = planes.length / (width * height);
  const out = new Float32Array(count * box.width * box.height);
  for (let row = 0; row < count * box.height; row++) {
    const from = (Math.floor(row / box.height) * height + box.y + (row % box.height)) * width + box.x;
    out.set(planes.subarray(from, from + box.width), row * box.width);
  }
  return out;
}
