/**
 * Pictures in, pictures out: crops around what is to be filled, batches of crops through the sampler, results pasted
 * back at the original size with every known pixel untouched. The API of pages and of the command line.
 */
import { InputError, type DeviceLostError } from "../errors.ts";
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import type { Classifier } from "../unet/classifier.ts";
import type { UNet } from "../unet/unet.ts";
import { RunControl } from "./control.ts";
import { cropToModel, pasteBack } from "../pictures/cropPaste.ts";
import { requireScale } from "./guidance.ts";
import type { Box } from "../pictures/holes.ts";
import { checkPair, createPicture, fromModelRange, toModelRange, type Mask, type Picture } from "../pictures/image.ts";
import { InpaintRun, type InpaintProgress, type InpaintResult, type Reached } from "./inpaintRun.ts";
import { Loaded, type CheckpointSource, type LoadOptions, type Networks } from "./loaded.ts";
import { sampleOnAnyDevice } from "./recovery.ts";
import { planRegions, type Region } from "../pictures/region.ts";
import { diffusionOf, type SampleOptions } from "./sampler.ts";
import { countModelCalls, PRESETS, scheduleTimes, type Schedule } from "./schedule.ts";

export type Preset = keyof typeof PRESETS;

/** One picture to fill. */
export interface InpaintJob {
  readonly picture: Picture;
  /** 1 = known; a pixel is known where it is ≥ 0.5. Of the picture's size. */
  readonly keep: Mask;
  /** 0 … 2⁶⁴ − 1. The same seed gives the same picture, alone or in a batch. */
  readonly seed: bigint;
  /** Of class-conditional networks, and of the classifier that guides. */
  readonly class?: number | undefined;
}

/** A picture of the network's own making. */
export type SampleJob = Pick<InpaintJob, "seed" | "class">;

export interface InpaintOptions extends Pick<
  SampleOptions,
  "respacing" | "order" | "clip" | "eta" | "previewEvery" | "snapshotSeconds" | "signal"
> {
  /** Default: the preset "balanced". */
  readonly schedule?: Schedule | Preset | undefined;
  /** The crop to use instead of planned ones, in pixels of the picture. */
  readonly region?: Box | undefined;
  /** Pixels over which the filled side fades towards the known one. Default 0. */
  readonly feather?: number | undefined;
  /**
   * How strongly the loaded classifier draws every job towards its class (Dhariwal & Nichol 2021); default: not at all. More is
   * closer to the class and less varied; 1 to 10 are usual.
   */
  readonly classifierScale?: number | undefined;
  /** Crops in one batch. Default: 1 on a CPU adapter, where more gain nothing, 8 on a GPU. */
  readonly batch?: number | undefined;
  /** Least seconds between previews by time; undefined or 0: none. Can be changed: `InpaintRun.setPreviews`. */
  readonly previewSeconds?: number | undefined;
  /** Hears of each picture when its last crop is done, or when a stop has left it a preview. */
  readonly onPicture?: ((job: number, picture: Picture, reached: Reached) => void) | undefined;
  /** Hears of a lost device, before the run goes on with another. Not where the device is the caller's. */
  readonly onDeviceLost?: ((error: DeviceLostError) => void) | undefined;
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
  readonly #loaded: Loaded;

  private constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  /**
   * Loads a checkpoint onto a device. From an address it is streamed, and kept in a cache (see `urlSource`).
   * @throws NoAdapterError, InputError (addresses and servers), CheckpointError, OutOfMemoryError, or the signal's reason
   */
  static async load(source: CheckpointSource, options: LoadOptions = {}): Promise<RePaint> {
    return new RePaint(await Loaded.load(source, options));
  }

  /** Another one after a device was lost. */
  get unet(): UNet {
    return this.#loaded.networks.unet;
  }

  get checkpoint(): Checkpoint {
    return this.unet.checkpoint;
  }

  /** The classifier that was loaded beside it; another one after a device was lost. */
  get classifier(): Classifier | undefined {
    return this.#loaded.networks.classifier;
  }

  /**
   * Names of the classes by number: the file's own, ImageNet's of a network with 1000, else the classifier's; undefined where
   * nothing tells. @throws CheckpointError for metadata that are no names
   */
  async classNames(): Promise<readonly string[] | undefined> {
    // Apart: most pages have no use for a thousand names.
    const { classNames } = await import("../checkpoints/released/classNames.ts");
    const { checkpoint, classifier } = this;
    const { numClasses } = checkpoint.config;
    const own = numClasses === null ? undefined : await classNames(checkpoint.file, numClasses);
    return own ?? (classifier && classNames(classifier.checkpoint.file, classifier.classes));
  }

  /** The class that a name, the beginning of one name only, or a number means. @throws InputError that names the near ones */
  async findClass(text: string): Promise<number> {
    const { findClass } = await import("../checkpoints/released/classNames.ts");
    const classes = this.checkpoint.config.numClasses ?? this.classifier?.classes ?? 0;
    return findClass(text, classes, await this.classNames());
  }

  /** Model calls of one batch with a known part. @throws InputError for a schedule that this network cannot run */
  modelCalls({ schedule, respacing }: Pick<InpaintOptions, "schedule" | "respacing"> = {}): number {
    const resolved = resolveSchedule(schedule);
    diffusionOf(this.unet, { schedule: resolved, respacing });
    return countModelCalls(scheduleTimes(resolved));
  }

  /** Starts when it is iterated or awaited. See `InpaintRun`. */
  inpaint(jobs: readonly InpaintJob[], options: InpaintOptions = {}): InpaintRun {
    const control = new RunControl(options.previewSeconds);
    return new InpaintRun(this.#run(jobs, options, control), control);
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
    control: RunControl,
  ): AsyncGenerator<InpaintProgress, InpaintResult, undefined> {
    const { config } = this.checkpoint;
    if (config.inChannels !== 3)
      throw new InputError(`pictures have 3 channels and this network takes ${config.inChannels}`);
    const schedule = resolveSchedule(options.schedule);
    diffusionOf(this.unet, { schedule, respacing: options.respacing });
    this.#checkGuidance(jobs, options);
    const begin = performance.now();
    const crops = jobs.flatMap((job, index) => this.#crops(job, index, options.region));
    const [toFill, filled] = partition(crops, ({ keep }) => keep.data.some((value) => value < 0.5));
    const batches = this.#batches(toFill, options.batch);
    const full = countModelCalls(scheduleTimes(schedule));
    // A plain sample, of crops without a known pixel, calls the network once a step.
    const callsOf = (batch: readonly Crop[]) => (hasKnown(batch[0]!) ? full : schedule.steps);
    const steps = batches.reduce((sum, batch) => sum + callsOf(batch), 0);
    // Not spread: width and height of an ImageData are getters.
    const results: Picture[] = jobs.map(({ picture: { width, height, data } }) => ({
      width,
      height,
      data: data.slice(),
    }));
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
    const cropsLeft = jobs.map((_, job) => toFill.filter((crop) => crop.job === job).length);
    const reached: Reached[] = cropsLeft.map((left) => (left === 0 ? "result" : "nothing"));
    const reach = (job: number, how: Reached) => {
      reached[job] = how;
      options.onPicture?.(job, results[job]!, how);
    };
    for (const [job, how] of reached.entries()) if (how === "result") reach(job, how);
    let before = 0;
    for (const [index, batch] of batches.entries()) {
      // Model calls of the batches after this one, in calls of this one's size.
      const ahead = batches
        .slice(index + 1)
        .reduce((sum, later) => sum + callsOf(later) * (later.length / batch.length), 0);
      if (control.stopping) break;
      const run = sampleOnAnyDevice(
        this.#loaded,
        (networks) => ({ ...this.#sampleOptions(batch, jobs, schedule, options, networks), control }),
        options.onDeviceLost,
      );
      let calls = 0;
      try {
        let next = await run.next();
        while (!next.done) {
          const { step, secondsPerStep, eta, xStart } = next.value;
          calls = step;
          yield {
            step: before + step,
            steps,
            secondsPerStep,
            eta: eta + secondsPerStep * ahead,
            ...(xStart ? { previews: paste(batch, xStart) } : {}),
          };
          next = await run.next();
        }
        for (const [job, picture] of paste(batch, next.value)) results[job] = picture;
      } finally {
        // Where the caller leaves the loop, which ends this function at the yield.
        await run.return(undefined as never);
      }
      before += calls;
      for (const { job } of calls === callsOf(batch) ? batch : []) cropsLeft[job]!--;
      for (const job of new Set(batch.map((crop) => crop.job)))
        if (cropsLeft[job] === 0) reach(job, "result");
        else reached[job] = "preview";
    }
    for (const [job, how] of reached.entries()) if (how === "preview") reach(job, how);
    const seconds = (performance.now() - begin) / 1000;
    return { pictures: results, reached, modelCalls: before, seconds };
  }

  /** Before the first step of the first picture. @throws InputError */
  #checkGuidance(jobs: readonly InpaintJob[], { classifierScale }: InpaintOptions): void {
    if (classifierScale === undefined) return;
    requireScale(classifierScale);
    const { classifier } = this.#loaded.networks;
    if (!classifier)
      throw new InputError("classifierScale: no classifier was loaded; give RePaint.load one as `classifier`");
    const without = jobs.findIndex((job) => job.class === undefined);
    if (without !== -1)
      throw new InputError(`class: a guided run draws every picture towards one, and picture ${without} has none`);
  }

  #crops({ picture, keep, seed }: InpaintJob, job: number, region: Box | undefined): Crop[] {
    checkPair(picture, keep);
    const size = this.checkpoint.config.imageSize;
    const regions = planRegions(keep, { modelWidth: size, modelHeight: size, ...(region ? { region } : {}) });
    return regions.map((planned, index) => ({
      ...cropToModel(picture, keep, planned, size, size),
      job,
      region: planned,
      seed: regionSeed(seed, index),
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
    { unet, classifier }: Networks,
  ): SampleOptions {
    const size = this.checkpoint.config.imageSize;
    const classes = batch.flatMap(({ job }) => jobs[job]!.class ?? unet.checkpoint.unconditionalClass ?? []);
    const scale = options.classifierScale;
    const guidance = scale === undefined ? undefined : { classifier: classifier!, scale, classes };
    // A network without classes may be guided by a classifier that has them.
    const taken = unet.checkpoint.config.numClasses === null && guidance ? [] : classes;
    return {
      unet,
      guidance,
      schedule,
      shape: { batch: batch.length, channels: 3, height: size, width: size },
      respacing: options.respacing,
      order: options.order,
      clip: options.clip,
      eta: options.eta,
      previewEvery: options.previewEvery,
      snapshotSeconds: options.snapshotSeconds,
      signal: options.signal,
      seeds: batch.map(({ seed }) => seed),
      classes: taken.length > 0 ? taken : undefined,
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
    this.#loaded.dispose();
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
