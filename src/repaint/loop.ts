/**
 * The loop of a run over a batch of images, as an async iterator: start from noise, take the steps of the sampler's
 * plan, report each model call. Tensors in, tensors out. Not here: what the steps are (samplers/), pictures, masks and
 * crops (`repaint.ts`), recorded noise (`replay.ts`).
 */
import type { ImageShape } from "../unet/layout.ts";
import type { UNet } from "../unet/unet.ts";
import type { RunControl } from "./control.ts";
import type { Guidance } from "./guidance.ts";
import { diffusionOf, planRun } from "./planRun.ts";
import { stateLayout, type RunPlan, type Step } from "./runPlan.ts";
import { resolveSampling, type Sampling } from "./sampling.ts";
import type { Tiles } from "./tiles.ts";
import { State, type Carried, type Known } from "./state.ts";

export interface SampleOptions {
  readonly unet: UNet;
  readonly shape: ImageShape;
  readonly sampling: Sampling;
  /** A seed an image, 0 … 2⁶⁴ − 1: the same seed gives the same image at every batch size. */
  readonly seeds: readonly bigint[];
  /** What is known of the images; nothing is for a plain sample. */
  readonly known?: Known | undefined;
  /** With a `strength` of the sampling: the pictures that the run begins with, NCHW in [−1, 1]. */
  readonly startFrom?: ArrayLike<number> | undefined;
  /** Of a class-conditional network: one an image. */
  readonly classes?: readonly number[] | undefined;
  /** A classifier that draws every step towards a class. */
  readonly guidance?: Guidance | undefined;
  /**
   * Where `shape` is larger than the network's own images: they go through it by tiles. Default: as they are, at once.
   */
  readonly tiles?: Tiles | undefined;
  /** Report x̂₀ with every n-th step that calls the model; 0: never, and nothing is read back before the end. */
  readonly previewEvery?: number | undefined;
  /**
   * Pauses, stops and previews by time. A stopped run returns x̂₀ of its last whole step, or what it started from where
   * it had none.
   */
  readonly control?: RunControl | undefined;
  /**
   * Called with a snapshot of the run, at most every `snapshotSeconds` (default 5). Each one reads back what the
   * sampler carries.
   */
  readonly onSnapshot?: ((snapshot: Snapshot) => void) | undefined;
  readonly snapshotSeconds?: number | undefined;
  /** Continues from this snapshot. On the same kind of adapter the result has the bits of a run without the break. */
  readonly resume?: Snapshot | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * All that a run is between two steps, since its noise is a function of seed and step. Valid for the same options only.
 */
export interface Snapshot {
  /** Index of the next step in the run's plan, and the steps before it that call the model. */
  readonly next: number;
  readonly calls: number;
  readonly carried: Carried;
}

export interface SampleProgress {
  /** Model calls done, of how many: by tiles a step takes several. */
  readonly step: number;
  readonly steps: number;
  /**
   * Seconds since the first model call (after a resume) began, of the mean step since, and still to come; no pauses.
   */
  readonly elapsed: number;
  readonly secondsPerStep: number;
  readonly secondsLeft: number;
  /** x̂₀ of all images, NCHW in [−1, 1]. */
  readonly xStart?: Float32Array;
}

/**
 * Runs a sampler and returns the final x, NCHW.
 * @throws InputError, OutOfMemoryError, DeviceLostError, NotFiniteError, or the signal's reason
 */
export async function* sample(options: SampleOptions): AsyncGenerator<SampleProgress, Float32Array, undefined> {
  const { seeds, signal, resume } = options;
  const plan = await planOf(options);
  signal?.throwIfAborted();
  const { unet, shape, known, startFrom, classes, guidance, tiles } = options;
  const parts = { unet, shape, plan, known, startFrom, classes, guidance, tiles };
  const state = await State.create({ ...parts, noise: { seeds } });
  try {
    if (resume) state.restore(resume.carried, resume.calls);
    else state.start();
    await unet.device.idle();
    return yield* takeSteps(state, plan, options);
  } finally {
    state.dispose();
  }
}

function planOf({ unet, shape, sampling, known, guidance }: SampleOptions): Promise<RunPlan> {
  const { diffusion: settings, architecture } = unet.checkpoint;
  return planRun(resolveSampling(sampling), {
    settings,
    diffusion: diffusionOf(settings, sampling),
    layout: stateLayout(shape, architecture.outChannels),
    hasKnown: known !== undefined,
    scale: guidance?.scale ?? 0,
  });
}

async function* takeSteps(
  state: State,
  { steps }: RunPlan,
  options: SampleOptions,
): AsyncGenerator<SampleProgress, Float32Array, undefined> {
  const { unet, startFrom, previewEvery = 0, control, onSnapshot, snapshotSeconds = 5, resume, signal } = options;
  const { device } = unet;
  // By tiles a step takes several calls; the run is watched, paused and stopped between them.
  const { callsAStep } = state;
  const calls = callsAStep * steps.filter(({ call }) => call !== undefined).length;
  const first = callsAStep * (resume?.calls ?? 0);
  let done = first;
  const clock = new Stopwatch();
  const [previewDue, snapshotDue] = [due(clock), due(clock)];
  // One call stays in flight, so that the next one is encoded while it runs.
  let previous = Promise.resolve();
  for (const { step, index, part, isWhole } of partsOf(steps, callsAStep)) {
    if (index < (resume?.next ?? 0)) continue;
    signal?.throwIfAborted();
    state.perform(step, part);
    if (step.call === undefined) continue;
    const current = device.idle();
    // Met by the await below or in the next round; until then a loss must not count as unhandled.
    current.catch(() => undefined);
    await previous;
    previous = current;
    done++;
    const whole = Math.floor(done / callsAStep);
    const preview =
      isWhole && ((previewEvery > 0 && whole % previewEvery === 0) || previewDue(control?.previewSeconds || Infinity));
    const isFirst = done === first + callsAStep;
    // The first call is waited for so that its time can be told, the last because nothing follows.
    const settled = preview || isFirst || done === first + 1 || done === calls || control?.paused;
    if (settled) await current;
    // What is wrong with a network mostly shows at once, and nobody should wait for the end to learn it.
    if (isFirst) await state.check();
    const elapsed = clock.seconds;
    const finished = (settled ? done : done - 1) - first;
    const secondsPerStep = elapsed / finished;
    const secondsLeft = secondsPerStep * (calls - first - finished);
    const place = { step: done, steps: calls, elapsed, secondsPerStep, secondsLeft };
    yield preview ? { ...place, xStart: await state.read("xStart") } : place;
    if (control?.paused) {
      await current;
      await clock.without(() => control.wait(signal));
    }
    signal?.throwIfAborted();
    if (control?.stopping && done < calls) {
      if (done >= first + callsAStep) return await state.read("xStart");
      // No step is whole yet, so that there is no x̂₀.
      if (startFrom && !resume) return Float32Array.from(startFrom);
    }
    if (isWhole && onSnapshot && snapshotDue(snapshotSeconds))
      onSnapshot({ next: index + 1, calls: whole, carried: await state.snapshot() });
  }
  signal?.throwIfAborted();
  return await state.read("x");
}

/** Steps one after the other, those that call the network in as many parts as they have calls. */
function* partsOf(steps: readonly Step[], callsAStep: number) {
  for (const [index, step] of steps.entries())
    for (let part = 0, last = step.call === undefined ? 0 : callsAStep - 1; part <= last; part++)
      yield { step, index, part, isWhole: part === last };
}

/** Seconds since it was made, less those that are left out. */
class Stopwatch {
  #begin = performance.now();

  get seconds(): number {
    return (performance.now() - this.#begin) / 1000;
  }

  async without(body: () => Promise<void>): Promise<void> {
    const begin = performance.now();
    await body();
    this.#begin += performance.now() - begin;
  }
}

/** Whether so many seconds have passed since it last said yes. */
function due(clock: Stopwatch): (seconds: number) => boolean {
  let last = 0;
  return (seconds) => {
    const now = clock.seconds;
    if (now - last < seconds) return false;
    last = now;
    return true;
  };
}
