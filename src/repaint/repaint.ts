/**
 * Pictures in, pictures out: crops around what is to be filled, batches of crops through the sampler, results pasted
 * back at the original size with every known pixel untouched. The API of pages and of the command line.
 */
import { InputError, type DeviceLostError } from "../errors.ts";
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import type { Classifier } from "../unet/classifier.ts";
import type { UNet } from "../unet/unet.ts";
import { RunControl } from "./control.ts";
import { cropJobs, hasHole, hasKnown, inBatches, knownOf, type Crop } from "./crops.ts";
import { readJobs, readSeed, type InpaintJob, type Job } from "./given.ts";
import { requireScale } from "./guidance.ts";
import type { Box } from "../pictures/holes.ts";
import { createPicture, type Picture } from "../pictures/image.ts";
import { InpaintRun, type InpaintProgress, type InpaintResult, type Reached } from "./inpaintRun.ts";
import { Loaded, type CheckpointSource, type LoadOptions, type Networks } from "./loaded.ts";
import type { SampleOptions, SampleProgress } from "./loop.ts";
import { diffusionOf } from "./planRun.ts";
import { sampleOnAnyDevice } from "./recovery.ts";
import { Results } from "./results.ts";
import { resolveSampling, samplingCalls, type Preset, type Sampling } from "./sampling.ts";

/** A picture of the network's own making. */
export type SampleJob = Pick<InpaintJob, "seed" | "class">;
export type { InpaintJob };

export interface InpaintOptions extends Pick<SampleOptions, "previewEvery" | "snapshotSeconds" | "signal"> {
  /** The sampler with its settings, or a preset's name. Default: the preset "balanced". */
  readonly sampling?: Sampling | Preset | undefined;
  /** The crop to use instead of planned ones, in pixels of the picture. */
  readonly region?: Box | undefined;
  /** Pixels over which the filled side fades towards the known one. Default 0. */
  readonly feather?: number | undefined;
  /**
   * How strongly the loaded classifier draws every job towards its class (Dhariwal & Nichol 2021); default: not at all.
   * More is closer to the class and less varied; 1 to 10 are usual.
   */
  readonly classifierScale?: number | undefined;
  /** Crops in one batch. Default: 1 on a CPU adapter, where more gain nothing, 8 on a GPU. */
  readonly batch?: number | undefined;
  /** Least seconds between previews by time; undefined or 0: none. Can be changed: `InpaintRun.setPreviews`. */
  readonly previewSeconds?: number | undefined;
  /** Is called with each picture when its last crop is done, or when a stop has left it a preview. */
  readonly onPicture?: ((job: number, picture: Picture, reached: Reached) => void) | undefined;
  /** Is told of a lost device, before the run goes on with another. Not where the device is the caller's. */
  readonly onDeviceLost?: ((error: DeviceLostError) => void) | undefined;
}

export class RePaint {
  readonly #loaded: Loaded;

  private constructor(loaded: Loaded) {
    this.#loaded = loaded;
  }

  /**
   * Loads a checkpoint, or one that is open already, onto a device. From an address it is streamed, and kept in a cache
   * (see `urlSource`).
   * @throws NoAdapterError, InputError (addresses and servers), CheckpointError, OutOfMemoryError, or the signal's
   * reason
   */
  static async load(source: CheckpointSource | Checkpoint, options: LoadOptions = {}): Promise<RePaint> {
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
   * Names of the classes by number: the file's own, ImageNet's of a network with 1000, else the classifier's; undefined
   * where nothing tells. @throws CheckpointError for metadata that are no names
   */
  async classNames(): Promise<readonly string[] | undefined> {
    // Apart: most pages have no use for a thousand names.
    const { classNames } = await import("../checkpoints/released/classNames.ts");
    const { checkpoint, classifier } = this;
    const { numClasses } = checkpoint.config;
    const own = numClasses === null ? undefined : await classNames(checkpoint.file, numClasses);
    return own ?? (classifier && classNames(classifier.checkpoint.file, classifier.classes));
  }

  /**
   * The class that a name, the beginning of one name only, or a number means.
   * @throws InputError that names the near ones
   */
  async findClass(text: string): Promise<number> {
    const { findClass } = await import("../checkpoints/released/classNames.ts");
    const classes = this.checkpoint.config.numClasses ?? this.classifier?.classes ?? 0;
    return findClass(text, classes, await this.classNames());
  }

  /**
   * Model calls of one batch with a known part, or of one without. @throws InputError for settings that this network
   * cannot run
   */
  modelCalls(sampling?: Sampling | Preset, hasKnown = true): number {
    return samplingCalls(this.#resolve(sampling), hasKnown);
  }

  #resolve(given: Sampling | Preset | undefined): Sampling {
    const sampling = resolveSampling(given);
    diffusionOf(this.checkpoint.diffusion, sampling);
    return sampling;
  }

  /**
   * One job or several. Starts when it is iterated or awaited, and then throws InputError for what cannot be run. See
   * `InpaintRun`.
   */
  inpaint(jobs: InpaintJob | readonly InpaintJob[], options: InpaintOptions = {}): InpaintRun {
    const control = new RunControl(options?.previewSeconds);
    return new InpaintRun(this.#run(jobs, options ?? {}, control), control);
  }

  /** A plain sample a seed, of the model's own size: one model call for each noise level of the settings. */
  sample(jobs: SampleJob | readonly SampleJob[], options: Omit<InpaintOptions, "region" | "feather"> = {}): InpaintRun {
    const { imageSize } = this.checkpoint.config;
    return this.inpaint(
      [jobs].flat().map((job) => ({ ...job, ...blankJob(imageSize, readSeed(job?.seed)) })),
      options,
    );
  }

  async *#run(
    given: InpaintJob | readonly InpaintJob[],
    options: InpaintOptions,
    control: RunControl,
  ): AsyncGenerator<InpaintProgress, InpaintResult, undefined> {
    this.#loaded.requireUsable();
    const jobs = readJobs(given);
    const { inChannels, imageSize: size } = this.checkpoint.config;
    if (inChannels !== 3) throw new InputError(`pictures have 3 channels and this network takes ${inChannels}`);
    const sampling = this.#resolve(options.sampling);
    this.#checkGuidance(jobs, options);
    const begin = performance.now();
    const crops = cropJobs(jobs, size, options.region);
    const toFill = crops.filter(hasHole);
    const batches = inBatches(toFill, options.batch ?? (this.unet.device.kind === "cpu" ? 1 : 8));
    const results = new Results(jobs, toFill, { size, feather: options.feather, onPicture: options.onPicture });
    results.pasteSurroundings(crops.filter((crop) => !hasHole(crop)));
    const callsOf = (batch: readonly Crop[]) => samplingCalls(sampling, hasKnown(batch[0]!));
    const steps = batches.reduce((sum, batch) => sum + callsOf(batch), 0);
    let modelCalls = 0;
    for (const [index, batch] of batches.entries()) {
      if (control.stopping) break;
      const run = sampleOnAnyDevice(
        this.#loaded,
        (networks) => ({ ...this.#sampleOptions(batch, jobs, options, networks), sampling, control }),
        options.onDeviceLost,
      );
      // Of the batches after this one, in calls of this one's size.
      const callsAhead = batches
        .slice(index + 1)
        .reduce((sum, later) => sum + callsOf(later) * (later.length / batch.length), 0);
      const { values, calls } = yield* batchProgress(run, { before: modelCalls, steps, callsAhead }, (xStart) =>
        results.withBatch(batch, xStart),
      );
      modelCalls += calls;
      results.keepBatch(batch, values, calls === callsOf(batch));
    }
    results.finish();
    const seconds = (performance.now() - begin) / 1000;
    const seeds = jobs.map(({ seed }) => seed);
    return { pictures: results.pictures, reached: results.reached, seeds, modelCalls, seconds };
  }

  /** Before the first step of the first picture. @throws InputError */
  #checkGuidance(jobs: readonly Job[], { classifierScale }: InpaintOptions): void {
    if (classifierScale === undefined) return;
    requireScale(classifierScale);
    const { classifier } = this.#loaded.networks;
    if (!classifier)
      throw new InputError("classifierScale: no classifier was loaded; give RePaint.load one as `classifier`");
    const without = jobs.findIndex((job) => job.class === undefined);
    if (without !== -1)
      throw new InputError(`class: a guided run draws every picture towards one, and picture ${without} has none`);
  }

  #sampleOptions(
    batch: readonly Crop[],
    jobs: readonly Job[],
    options: InpaintOptions,
    { unet, classifier }: Networks,
  ): Omit<SampleOptions, "sampling"> {
    const size = this.checkpoint.config.imageSize;
    const classes = batch.flatMap(({ job }) => jobs[job]!.class ?? unet.checkpoint.unconditionalClass ?? []);
    const scale = options.classifierScale;
    const guidance = scale === undefined ? undefined : { classifier: classifier!, scale, classes };
    // A network without classes may be guided by a classifier that has them.
    const taken = unet.checkpoint.config.numClasses === null && guidance ? [] : classes;
    return {
      unet,
      guidance,
      shape: { batch: batch.length, channels: 3, height: size, width: size },
      previewEvery: options.previewEvery,
      snapshotSeconds: options.snapshotSeconds,
      signal: options.signal,
      seeds: batch.map(({ seed }) => seed),
      classes: taken.length > 0 ? taken : undefined,
      known: knownOf(batch),
    };
  }

  /** Releases the weights, and the device where `load` made it. */
  dispose(): void {
    this.#loaded.dispose();
  }
}

/** A picture of which nothing is known. */
export function blankJob(size: number, seed: bigint): Job {
  const keep = { width: size, height: size, data: new Float32Array(size * size) };
  return { picture: createPicture(size, size), keep, seed };
}

/** One batch's progress as that of its run; its last x, or x̂₀ where it was stopped, and the model calls it made. */
async function* batchProgress(
  run: AsyncGenerator<SampleProgress, Float32Array, undefined>,
  { before, steps, callsAhead }: { before: number; steps: number; callsAhead: number },
  preview: (xStart: Float32Array) => ReadonlyMap<number, Picture>,
): AsyncGenerator<InpaintProgress, { values: Float32Array; calls: number }, undefined> {
  let calls = 0;
  try {
    let next = await run.next();
    while (!next.done) {
      const { step, secondsPerStep, xStart } = next.value;
      calls = step;
      const secondsLeft = next.value.secondsLeft + secondsPerStep * callsAhead;
      const progress = { step: before + step, steps, secondsPerStep, secondsLeft };
      yield xStart ? { ...progress, previews: preview(xStart) } : progress;
      next = await run.next();
    }
    return { values: next.value, calls };
  } finally {
    // Where the caller leaves the loop, which ends this function at the yield.
    await run.return(undefined as never);
  }
}
