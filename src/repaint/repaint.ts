/**
 * Pictures in, pictures out: the API of pages and of the command line. Not here: what a run does (inpaintJobs.ts), what
 * is loaded (loaded.ts).
 */
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import type { Classifier } from "../unet/classifier.ts";
import type { UNet } from "../unet/unet.ts";
import { RunControl } from "./control.ts";
import { readJobs, readSeed, type InpaintJob, type Job } from "./given.ts";
import type { RunCost } from "./inpaintJobs.ts";
import type { InpaintOptions } from "./inpaintOptions.ts";
import { createPicture } from "../pictures/image.ts";
import { InpaintRun, type InpaintProgress, type InpaintResult } from "./inpaintRun.ts";
import { Loaded, type CheckpointSource, type LoadOptions } from "./loaded.ts";
import { diffusionOf } from "./planRun.ts";
import { resolveSampling, samplingCalls, type Preset, type Sampling } from "./sampling.ts";

/** A picture of the network's own making. */
export type SampleJob = Pick<InpaintJob, "seed" | "class" | "startFrom">;
export type { InpaintJob, InpaintOptions, Job, RunCost };

/** Apart, so that the weights need not wait for what only runs need. */
const runs = () => import("./inpaintJobs.ts");

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
    // It comes while the weights do; where it does not, the first run says so.
    runs().catch(() => undefined);
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
    const { findClass } = await import("../checkpoints/released/findClass.ts");
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

  /**
   * What a run would cost. Looks at the pictures as the run would, and computes nothing on the device.
   * @throws InputError for what cannot be run
   */
  async cost(given: InpaintJob | readonly InpaintJob[], options: InpaintOptions = {}): Promise<RunCost> {
    this.#loaded.requireUsable();
    const { costOf } = await runs();
    return costOf(this.#loaded, await readJobs(given), { ...options, sampling: this.#resolve(options.sampling) });
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
    const jobs = await readJobs(given);
    const { inpaintJobs } = await runs();
    return yield* inpaintJobs(this.#loaded, jobs, { ...options, sampling: this.#resolve(options.sampling), control });
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
