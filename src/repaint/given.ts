/**
 * What callers hand over, checked and in one form: jobs, their seeds, files, devices. Not here: what a network can run.
 */
import { InputError } from "../errors.ts";
import { kindOf } from "../text/kindOf.ts";
import { type Drawable, drawnPicture } from "../pictures/drawn.ts";
import { checkPair, checkSize, type Mask, type Picture } from "../pictures/image.ts";
import { keepMask } from "../pictures/keepMask.ts";
import type { Detail } from "../pictures/octaves.ts";
import { shown } from "../text/quoted.ts";
import { DETAILS } from "./sampling.ts";

/** A mask: numbers from 0 to 1, or a picture of which white is what the mask's name says (`keepMask`). */
export type MaskSource = Mask | Picture | Drawable;

/** One picture to fill. Files, images, canvases and bitmaps are read in pages and workers, where they are. */
export interface InpaintJob {
  readonly picture: Picture | Drawable;
  /** 1, or white, = known; a pixel is known where it is ≥ 0.5. Of the picture's size. */
  readonly keep?: MaskSource | undefined;
  /** The other way round, instead of `keep`: 1, or white, is to be filled. */
  readonly fill?: MaskSource | undefined;
  /**
   * 0 … 2⁶⁴ − 1. The same seed gives the same picture, alone or in a batch. Default: a random one
   * (`InpaintResult.seeds`).
   */
  readonly seed?: bigint | number | undefined;
  /**
   * Where the sampling has a `strength`: what the run begins with in the parts to be filled, a painted guess, say. Of
   * the picture's size. Default: what lies there in `picture`.
   */
  readonly startFrom?: Picture | Drawable | undefined;
  /** Of class-conditional networks, and of the classifier that guides. */
  readonly class?: number | undefined;
}

/** A job as the run has it. */
export interface Job extends InpaintJob {
  readonly picture: Picture;
  readonly keep: Mask;
  readonly startFrom?: Picture | undefined;
  readonly seed: bigint;
}

/** @throws InputError that says which job lacks what */
export async function readJobs(given: InpaintJob | readonly InpaintJob[]): Promise<Job[]> {
  const jobs: readonly InpaintJob[] = Array.isArray(given) ? given : [given as InpaintJob];
  if (jobs.length === 0) throw new InputError("inpaint: expected a job { picture, keep }, or a list of them, got none");
  const read: Job[] = [];
  for (const [index, job] of jobs.entries()) {
    const at = jobs.length > 1 ? `job ${index}: ` : "";
    if (typeof job !== "object" || job === null)
      throw new InputError(`${at}expected { picture, keep }, got ${kindOf(job)}`);
    const seed = readSeed(job.seed, at);
    const picture = await readPicture(job.picture, `${at}picture`);
    const keep = await readMask(job, at);
    checkPair(picture, keep);
    read.push(Object.assign({}, job, { picture, keep, seed, startFrom: await readStart(job, picture, at) }));
  }
  return read;
}

async function readPicture(given: unknown, what: string): Promise<Picture> {
  const picture = await pixelsOf(given, what);
  if (!isArray(picture, 1)) throw unlike(what, picture, "with RGBA bytes");
  return picture as Picture;
}

async function readStart(
  { startFrom }: InpaintJob,
  { width, height }: Picture,
  at: string,
): Promise<Picture | undefined> {
  if (startFrom === undefined) return undefined;
  const start = await readPicture(startFrom, `${at}startFrom`);
  checkSize(`${at}startFrom`, start, 4);
  if (start.width !== width || start.height !== height)
    throw new InputError(
      `${at}startFrom is ${start.width}x${start.height}, the picture ${width}x${height}: they must have the same size`,
    );
  return start;
}

async function readMask({ keep, fill }: InpaintJob, at: string): Promise<Mask> {
  if (keep !== undefined && fill !== undefined)
    throw new InputError(`${at}keep and fill say the same thing in two ways: give one of them`);
  const name = fill === undefined ? "keep" : "fill";
  const mask = (await pixelsOf(fill === undefined ? keep : fill, at + name)) as Mask;
  if (isArray(mask, 1)) {
    checkSize(at + name, mask, 4);
    return keepMask(mask as unknown as Picture, name);
  }
  if (!isArray(mask, 4))
    throw unlike(at + name, mask, `with a Float32Array, 1 = ${fill === undefined ? "known; or fill" : "to be filled"}`);
  checkSize(at + name, mask, 1);
  if (fill === undefined) return mask;
  return { width: mask.width, height: mask.height, data: mask.data.map((value) => 1 - value) };
}

/** Of what a page draws; anything else is given back as it is. */
async function pixelsOf(given: unknown, what: string): Promise<unknown> {
  // By name, since what another frame made is an instance of none of this one's classes.
  const isDrawable =
    /^\[object (Blob|File|HTML(Image|Canvas|Video)Element|OffscreenCanvas|ImageBitmap|VideoFrame)\]$/.test(
      tagOf(given),
    );
  if (!isDrawable) return given;
  return drawnPicture(given as Drawable, what);
}

/** Whether it has RGBA bytes, or floats of 4. */
function isArray(given: unknown, bytes: 1 | 4): boolean {
  const data: unknown = Object(given).data;
  return bytes === 4
    ? tagOf(data) === "[object Float32Array]"
    : ArrayBuffer.isView(data) && (data as Uint8Array).BYTES_PER_ELEMENT === 1;
}

function unlike(what: string, given: unknown, needs: string): InputError {
  const data: unknown = Object(given).data;
  const came = `${kindOf(given)}${given && data ? ` with ${kindOf(data)}` : ""}`;
  return new InputError(
    `${what}: expected an ImageData, an image, canvas or file, or { width, height, data } ${needs}, got ${came}`,
  );
}

const tagOf = (value: unknown): string => Object.prototype.toString.call(value);

/** @throws InputError */
export function readDetail(detail: Detail | undefined): Detail {
  const found = DETAILS.find((one) => one === (detail ?? "model"));
  if (found) return found;
  throw new InputError(`detail: expected ${DETAILS.join(", ")}, got ${shown(detail)}`);
}

/** @throws InputError */
export function readSeed(seed: bigint | number | undefined, at = ""): bigint {
  if (seed === undefined) return crypto.getRandomValues(new BigUint64Array(1))[0]!;
  const isWhole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (isWhole && seed >= 0 && seed < 2n ** 64n) return BigInt(seed);
  const came = typeof seed === "number" ? seed : typeof seed === "bigint" ? `${seed}n` : kindOf(seed);
  throw new InputError(`${at}seed: expected a whole number from 0 to 2^64 - 1 (beyond 2^53 a bigint), got ${came}`);
}
