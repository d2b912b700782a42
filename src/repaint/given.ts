/**
 * What callers hand over, checked and in one form: jobs, their seeds, files, devices. Not here: what a network can run.
 */
import { InputError } from "../errors.ts";
import { checkPair, type Mask, type Picture } from "../pictures/image.ts";

/** One picture to fill. */
export interface InpaintJob {
  readonly picture: Picture;
  /** 1 = known; a pixel is known where it is ≥ 0.5. Of the picture's size. */
  readonly keep: Mask;
  /**
   * 0 … 2⁶⁴ − 1. The same seed gives the same picture, alone or in a batch. Default: a random one
   * (`InpaintResult.seeds`).
   */
  readonly seed?: bigint | number | undefined;
  /**
   * Where the sampling has a `strength`: what the run begins with in the parts to be filled, a painted guess, say. Of
   * the picture's size. Default: what lies there in `picture`.
   */
  readonly startFrom?: Picture | undefined;
  /** Of class-conditional networks, and of the classifier that guides. */
  readonly class?: number | undefined;
}

/** A job as the run has it. */
export interface Job extends InpaintJob {
  readonly seed: bigint;
}

/** @throws InputError that says which job lacks what */
export function readJobs(given: InpaintJob | readonly InpaintJob[]): Job[] {
  const jobs: readonly InpaintJob[] = Array.isArray(given) ? given : [given as InpaintJob];
  if (jobs.length === 0) throw new InputError("inpaint: expected a job { picture, keep }, or a list of them, got none");
  return jobs.map((job, index) => {
    const at = jobs.length > 1 ? `job ${index}: ` : "";
    if (typeof job !== "object" || job === null)
      throw new InputError(`${at}expected { picture, keep }, got ${kindOf(job)}`);
    const { picture, keep, seed, startFrom } = job;
    const rgba = "an ImageData, or { width, height, data } with RGBA bytes";
    requirePixels(`${at}picture`, picture, 1, rgba);
    const mask = "{ width, height, data } with a Float32Array, 1 = known; keepMask() makes one of a mask picture";
    requirePixels(`${at}keep`, keep, 4, mask);
    checkPair(picture, keep);
    if (startFrom !== undefined) {
      requirePixels(`${at}startFrom`, startFrom, 1, rgba);
      const { width, height } = startFrom;
      if (width !== picture.width || height !== picture.height)
        throw new InputError(
          `${at}startFrom is ${width}x${height}, the picture ${picture.width}x${picture.height}: they must have the same size`,
        );
    }
    return Object.assign({}, job, { seed: readSeed(seed, at) });
  });
}

function requirePixels(what: string, given: Picture | Mask | undefined, bytes: number, expected: string): void {
  const data: unknown = Object(given).data;
  const isArray = ArrayBuffer.isView(data) && (data as Uint8Array).BYTES_PER_ELEMENT === bytes;
  if (!isArray || (bytes === 4 && !isFloats(data)))
    throw new InputError(
      `${what}: expected ${expected}, got ${kindOf(given)}${given && data ? ` with ${kindOf(data)}` : ""}`,
    );
}

// By name, since arrays of another frame or realm are instances of none of this one's classes.
const isFloats = (data: ArrayBufferView) => Object.prototype.toString.call(data) === "[object Float32Array]";

/** @throws InputError */
export function readSeed(seed: bigint | number | undefined, at = ""): bigint {
  if (seed === undefined) return crypto.getRandomValues(new BigUint64Array(1))[0]!;
  const isWhole = typeof seed === "bigint" || Number.isSafeInteger(seed);
  if (isWhole && seed >= 0 && seed < 2n ** 64n) return BigInt(seed);
  const came = typeof seed === "number" ? seed : typeof seed === "bigint" ? `${seed}n` : kindOf(seed);
  throw new InputError(`${at}seed: expected a whole number from 0 to 2^64 - 1 (beyond 2^53 a bigint), got ${came}`);
}

/** For messages: "a string", "undefined", "an HTMLImageElement", "a promise (await it first)". */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  const name = typeof value === "object" ? (value.constructor?.name ?? "Object") : typeof value;
  if (name === "Promise") return "a promise (await it first)";
  return name === "Object" ? "an object without them" : `${/^[AEIOH]/i.test(name) ? "an" : "a"} ${name}`;
}
