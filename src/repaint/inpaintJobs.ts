/**
 * A run over pictures: crops around what is to be filled, batches of crops through the sampler, results pasted back at
 * the original size with every known pixel untouched. Not here: what callers give (given.ts), the sampler's loop
 * (loop.ts).
 */
import { InputError, type DeviceLostError } from "../errors.ts";
import type { RunControl } from "./control.ts";
import { cropJobs, hasHole, hasKnown, inBatches, knownOf, requireStarts, startOf, type Crop } from "./crops.ts";
import type { Job } from "./given.ts";
import { requireScale } from "./guidance.ts";
import type { Box } from "../pictures/holes.ts";
import type { NewPicture } from "../pictures/image.ts";
import type { InpaintProgress, InpaintResult, Reached } from "./inpaintRun.ts";
import type { Loaded, Networks } from "./loaded.ts";
import type { SampleOptions, SampleProgress } from "./loop.ts";
import { sampleOnAnyDevice } from "./recovery.ts";
import { Results } from "./results.ts";
import { samplingCalls, type Preset, type Sampling } from "./sampling.ts";

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
  readonly onPicture?: ((job: number, picture: NewPicture, reached: Reached) => void) | undefined;
  /** Is told of a lost device, before the run goes on with another. Not where the device is the caller's. */
  readonly onDeviceLost?: ((error: DeviceLostError) => void) | undefined;
}

/** `sampling`: resolved, and one that the network can run. @throws InputError before the first step */
export async function* inpaintJobs(
  loaded: Loaded,
  jobs: readonly Job[],
  options: InpaintOptions & { readonly sampling: Sampling; readonly control: RunControl },
): AsyncGenerator<InpaintProgress, InpaintResult, undefined> {
  const { sampling, control } = options;
  const { inChannels, imageSize: size } = loaded.networks.unet.checkpoint.config;
  if (inChannels !== 3) throw new InputError(`pictures have 3 channels and this network takes ${inChannels}`);
  checkGuidance(loaded, jobs, options);
  requireStarts(jobs, sampling);
  const begin = performance.now();
  const crops = cropJobs(jobs, size, options.region);
  const toFill = crops.filter(hasHole);
  const batches = inBatches(toFill, options.batch ?? (loaded.networks.unet.device.kind === "cpu" ? 1 : 8));
  const results = new Results(jobs, toFill, { size, feather: options.feather, onPicture: options.onPicture });
  results.pasteSurroundings(crops.filter((crop) => !hasHole(crop)));
  const callsOf = (batch: readonly Crop[]) => samplingCalls(sampling, hasKnown(batch[0]!));
  const steps = batches.reduce((sum, batch) => sum + callsOf(batch), 0);
  let modelCalls = 0;
  for (const [index, batch] of batches.entries()) {
    if (control.stopping) break;
    const startFrom = sampling.strength === undefined ? undefined : startOf(batch, jobs);
    const run = sampleOnAnyDevice(
      loaded,
      (networks) => ({ ...sampleOptions(batch, jobs, options, networks), sampling, startFrom, control }),
      options.signal,
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
function checkGuidance(loaded: Loaded, jobs: readonly Job[], { classifierScale }: InpaintOptions): void {
  if (classifierScale === undefined) return;
  requireScale(classifierScale);
  const { classifier } = loaded.networks;
  if (!classifier)
    throw new InputError("classifierScale: no classifier was loaded; give RePaint.load one as `classifier`");
  const without = jobs.findIndex((job) => job.class === undefined);
  if (without !== -1)
    throw new InputError(`class: a guided run draws every picture towards one, and picture ${without} has none`);
}

function sampleOptions(
  batch: readonly Crop[],
  jobs: readonly Job[],
  options: InpaintOptions,
  { unet, classifier }: Networks,
): Omit<SampleOptions, "sampling"> {
  const size = unet.checkpoint.config.imageSize;
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
    seeds: batch.map(({ seed }) => seed),
    classes: taken.length > 0 ? taken : undefined,
    known: knownOf(batch),
  };
}

/** One batch's progress as that of its run; its last x, or x̂₀ where it was stopped, and the model calls it made. */
async function* batchProgress(
  run: AsyncGenerator<SampleProgress, Float32Array, undefined>,
  { before, steps, callsAhead }: { before: number; steps: number; callsAhead: number },
  preview: (xStart: Float32Array) => ReadonlyMap<number, NewPicture>,
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
