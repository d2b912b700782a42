/**
 * Pictures in, pictures out: crops around what is to be filled, batches of crops through the sampler, results pasted
 * back at the original size with every known pixel untouched. The API of pages and of the command line.
 */
import { requestDevice, type Device } from "../engine/device.ts";
import { InputError, NoAdapterError } from "../engine/errors.ts";
import type { SourceCache } from "../sources/cache.ts";
import { jsonBeside } from "../sources/jsonBeside.ts";
import { pageCache } from "../sources/pageCache.ts";
import { urlSource, type UrlOptions } from "../sources/urlSource.ts";
import { openCheckpoint, type Checkpoint } from "../unet/checkpoint.ts";
import { blobSource, bytesSource, type ByteSource } from "../unet/safetensors.ts";
import { UNet, type UNetOptions } from "../unet/unet.ts";
import { cropToModel, pasteBack } from "./cropPaste.ts";
import type { Box } from "./holes.ts";
import { checkPair, createPicture, fromModelRange, toModelRange, type Mask, type Picture } from "./image.ts";
import { InpaintRun, type InpaintProgress, type InpaintResult } from "./inpaintRun.ts";
import { planRegions, type Region } from "./region.ts";
import { diffusionOf, sample, type SampleOptions } from "./sampler.ts";
import { countModelCalls, PRESETS, scheduleTimes, type Schedule } from "./schedule.ts";

export type Preset = keyof typeof PRESETS;

/** How a file is fetched that is given by its address. */
export interface DownloadOptions extends Omit<UrlOptions, "cache" | "signal"> {
  /** Default: OPFS, or the Cache API where there is none; in Node no cache. */
  readonly cache?: SourceCache | false | undefined;
}

/** `onProgress` counts bytes on the device; what was downloaded is counted by `download.onProgress`. */
export interface LoadOptions extends UNetOptions {
  /** The device to run on; it stays the caller's. Default: one of this page's own adapter. */
  readonly device?: Device | undefined;
  /** Architecture and diffusion flags that the file does not carry, in the constructor's or the scripts' vocabulary. */
  readonly flags?: unknown;
  readonly download?: DownloadOptions | undefined;
}

/** Bytes, a file, or its address (a string is one, relative to the page). */
export type CheckpointSource = ByteSource | Blob | ArrayBuffer | Uint8Array | URL | string;

/** One picture to fill. */
export interface InpaintJob {
  readonly picture: Picture;
  /** 1 = known; a pixel is known where it is ≥ 0.5. Of the picture's size. */
  readonly keep: Mask;
  /** 0 … 2⁶⁴ − 1. The same seed gives the same picture, alone or in a batch. */
  readonly seed: bigint;
  /** Of class-conditional networks. */
  readonly class?: number | undefined;
}

/** A picture of the network's own making. */
export type SampleJob = Pick<InpaintJob, "seed" | "class">;

export interface InpaintOptions extends Pick<
  SampleOptions,
  "respacing" | "order" | "clip" | "eta" | "previewEvery" | "signal"
> {
  /** Default: the preset "balanced". */
  readonly schedule?: Schedule | Preset | undefined;
  /** The crop to use instead of planned ones, in pixels of the picture. */
  readonly region?: Box | undefined;
  /** Pixels over which the filled side fades towards the known one. Default 0. */
  readonly feather?: number | undefined;
  /** Crops in one batch. Default: 1 on a CPU adapter, where more gain nothing, 8 on a GPU. */
  readonly batch?: number | undefined;
}

/** A crop of a job at the model's size. */
interface Crop {
  readonly job: number;
  readonly region: Region;
  readonly picture: Picture;
  readonly keep: Mask;
  readonly seed: bigint;
}

export class RePaint {
  readonly unet: UNet;
  readonly #ownDevice: Device | undefined;

  private constructor(unet: UNet, ownDevice: Device | undefined) {
    this.unet = unet;
    this.#ownDevice = ownDevice;
  }

  /**
   * Loads a checkpoint onto a device. From an address it is streamed, and kept in a cache (see `urlSource`).
   * @throws NoAdapterError, InputError (addresses and servers), CheckpointError, OutOfMemoryError, or the signal's reason
   */
  static async load(source: CheckpointSource, options: LoadOptions = {}): Promise<RePaint> {
    if (typeof source === "string" || source instanceof URL) return RePaint.#loadFrom(source, options);
    return RePaint.#loadCheckpoint(await openCheckpoint(asSource(source), options.flags), options);
  }

  static async #loadFrom(address: string | URL, options: LoadOptions): Promise<RePaint> {
    const { cache = await pageCache(), ...download } = options.download ?? {};
    const fetching = { ...download, signal: options.signal };
    const source = await urlSource(address, { ...fetching, cache: cache || undefined });
    try {
      const config = () => jsonBeside(address, "config.json", fetching);
      return await RePaint.#loadCheckpoint(await openCheckpoint(source, options.flags, config), options);
    } finally {
      await source.close();
    }
  }

  static async #loadCheckpoint(checkpoint: Checkpoint, options: LoadOptions): Promise<RePaint> {
    const device = options.device ?? (await pageDevice());
    try {
      return new RePaint(await UNet.load(device, checkpoint, options), options.device ? undefined : device);
    } catch (error) {
      if (!options.device) device.dispose();
      throw error;
    }
  }

  get checkpoint(): Checkpoint {
    return this.unet.checkpoint;
  }

  /** Model calls of one batch with a known part. @throws InputError for a schedule that this network cannot run */
  modelCalls({ schedule, respacing }: Pick<InpaintOptions, "schedule" | "respacing"> = {}): number {
    const resolved = resolveSchedule(schedule);
    diffusionOf(this.unet, { schedule: resolved, respacing });
    return countModelCalls(scheduleTimes(resolved));
  }

  /** Starts when it is iterated or awaited. See `InpaintRun`. */
  inpaint(jobs: readonly InpaintJob[], options: InpaintOptions = {}): InpaintRun {
    return new InpaintRun(this.#run(jobs, options));
  }

  /** A plain sample a seed, of the model's own size. A schedule says how many steps; nothing jumps. */
  sample(jobs: readonly SampleJob[], options: Omit<InpaintOptions, "region" | "feather"> = {}): InpaintRun {
    const { imageSize } = this.checkpoint.config;
    return this.inpaint(
      jobs.map((job) => ({ ...job, ...blankJob(imageSize, job.seed) })),
      options,
    );
  }

  async *#run(
    jobs: readonly InpaintJob[],
    options: InpaintOptions,
  ): AsyncGenerator<InpaintProgress, InpaintResult, undefined> {
    const { config } = this.checkpoint;
    if (config.inChannels !== 3)
      throw new InputError(`pictures have 3 channels and this network takes ${config.inChannels}`);
    const schedule = resolveSchedule(options.schedule);
    diffusionOf(this.unet, { schedule, respacing: options.respacing });
    const begin = performance.now();
    const crops = jobs.flatMap((job, index) => this.#crops(job, index, options.region));
    const [toFill, filled] = partition(crops, ({ keep }) => keep.data.some((value) => value < 0.5));
    const batches = this.#batches(toFill, options.batch);
    const full = countModelCalls(scheduleTimes(schedule));
    // A plain sample, of crops without a known pixel, calls the network once a step.
    const callsOf = (batch: readonly Crop[]) => (hasKnown(batch[0]!) ? full : schedule.steps);
    const steps = batches.reduce((sum, batch) => sum + callsOf(batch), 0);
    const results: Picture[] = jobs.map(({ picture }) => ({ ...picture, data: picture.data.slice() }));
    const pasteCrop = (onto: Picture, { job, region }: Crop, result: Picture) =>
      pasteBack(onto, jobs[job]!.keep, region, result, { feather: options.feather ?? 0 });
    /** The pictures of a batch with its results pasted in, by job. */
    const paste = (batch: readonly Crop[], values: Float32Array): Map<number, Picture> => {
      const pasted = new Map<number, Picture>();
      for (const [index, crop] of batch.entries()) {
        const result = fromModelRange(imageOf(values, index, batch.length), config.imageSize, config.imageSize);
        pasted.set(crop.job, pasteCrop(pasted.get(crop.job) ?? results[crop.job]!, crop, result));
      }
      return pasted;
    };
    // Thin holes of a crop that shrinks much: what surrounds them fills them, without a model call.
    for (const crop of filled) results[crop.job] = pasteCrop(results[crop.job]!, crop, crop.picture);
    let before = 0;
    for (const [index, batch] of batches.entries()) {
      // Model calls of the batches after this one, in calls of this one's size.
      const ahead = batches
        .slice(index + 1)
        .reduce((sum, later) => sum + callsOf(later) * (later.length / batch.length), 0);
      const run = sample(this.#sampleOptions(batch, jobs, schedule, options));
      let next = await run.next();
      while (!next.done) {
        const { step, secondsPerStep, eta, xStart } = next.value;
        yield {
          ...{ step: before + step, steps, secondsPerStep, eta: eta + secondsPerStep * ahead },
          ...(xStart ? { previews: paste(batch, xStart) } : {}),
        };
        next = await run.next();
      }
      for (const [job, picture] of paste(batch, next.value)) results[job] = picture;
      before += callsOf(batch);
    }
    return { pictures: results, modelCalls: before, seconds: (performance.now() - begin) / 1000 };
  }

  #crops({ picture, keep, seed }: InpaintJob, job: number, region: Box | undefined): Crop[] {
    checkPair(picture, keep);
    const size = this.checkpoint.config.imageSize;
    const regions = planRegions(keep, { modelWidth: size, modelHeight: size, ...(region ? { region } : {}) });
    return regions.map((planned, index) => ({
      ...cropToModel(picture, keep, planned, size, size),
      ...{ job, region: planned, seed: regionSeed(seed, index) },
    }));
  }

  /** Crops of one kind (partly known, or all to be filled) side by side, in order. */
  #batches(crops: readonly Crop[], size = this.unet.device.kind === "cpu" ? 1 : 8): Crop[][] {
    if (!Number.isInteger(size) || size < 1) throw new InputError(`batch: expected a positive integer, got ${size}`);
    const batches: Crop[][] = [];
    for (const crop of crops) {
      const last = batches.at(-1);
      if (last && last.length < size && hasKnown(last[0]!) === hasKnown(crop)) last.push(crop);
      else batches.push([crop]);
    }
    return batches;
  }

  #sampleOptions(
    batch: readonly Crop[],
    jobs: readonly InpaintJob[],
    schedule: Schedule,
    options: InpaintOptions,
  ): SampleOptions {
    const size = this.checkpoint.config.imageSize;
    const classes = batch.flatMap(({ job }) => jobs[job]!.class ?? []);
    return {
      ...{ unet: this.unet, schedule, shape: { batch: batch.length, channels: 3, height: size, width: size } },
      ...{ respacing: options.respacing, order: options.order, clip: options.clip, eta: options.eta },
      signal: options.signal,
      previewEvery: options.previewEvery,
      seeds: batch.map(({ seed }) => seed),
      classes: classes.length > 0 ? classes : undefined,
      known: hasKnown(batch[0]!)
        ? {
            image: concatenate(batch.map(({ picture }) => toModelRange(picture))),
            keep: concatenate(batch.map(({ keep }) => keep.data)),
          }
        : undefined,
    };
  }

  /** Releases the weights, and the device where `load` made it. */
  dispose(): void {
    this.unet.dispose();
    this.#ownDevice?.dispose();
  }
}

/** A picture of which nothing is known. */
export function blankJob(size: number, seed: bigint): InpaintJob {
  const keep = { width: size, height: size, data: new Float32Array(size * size) };
  return { picture: createPicture(size, size), keep, seed };
}

export function resolveSchedule(schedule: Schedule | Preset = "balanced"): Schedule {
  if (typeof schedule !== "string") return schedule;
  if (!Object.hasOwn(PRESETS, schedule))
    throw new InputError(`preset: expected one of ${Object.keys(PRESETS).join(", ")}, got ${String(schedule)}`);
  return PRESETS[schedule];
}

function hasKnown({ keep }: Crop): boolean {
  return keep.data.some((value) => value >= 0.5);
}

/** The first region has the picture's own seed, so that a picture of the model's size is what the seed says. */
function regionSeed(seed: bigint, region: number): bigint {
  return BigInt.asUintN(64, seed ^ (BigInt(region) * 0x9e3779b97f4a7c15n));
}

function partition<T>(items: readonly T[], test: (item: T) => boolean): [T[], T[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}

function imageOf(values: Float32Array, index: number, count: number): Float32Array {
  const length = values.length / count;
  return values.subarray(index * length, (index + 1) * length);
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

function asSource(source: ByteSource | Blob | ArrayBuffer | Uint8Array): ByteSource {
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return bytesSource("checkpoint", source);
  if (typeof Blob !== "undefined" && source instanceof Blob)
    return blobSource(source, "name" in source ? String(source.name) : "checkpoint");
  return source as ByteSource;
}

async function pageDevice(): Promise<Device> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
  if (!gpu)
    throw new NoAdapterError(
      "this environment has no WebGPU: use a browser that has it, or pass a device (in Node: openGpu of repaint-webgpu/node)",
    );
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter)
    throw new NoAdapterError(
      "WebGPU is here but found no adapter: check that hardware acceleration is on and the graphics driver is current",
    );
  return requestDevice(adapter);
}
