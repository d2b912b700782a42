/**
 * RePaint's loop over a batch of images of the network's own kind of size, as an async iterator: start from noise,
 * walk the schedule, report each model call. Tensors in, tensors out. Not here: pictures, masks and crops
 * (`repaint.ts`), recorded noise (`replay.ts`).
 */
import { InputError, InterruptedError } from "../errors.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { UNet } from "../unet/unet.ts";
import type { RunControl } from "./control.ts";
import { createDiffusion, requireSteps, type Diffusion } from "./diffusion.ts";
import type { Guidance } from "./guidance.ts";
import { countModelCalls, scheduleTimes, type Schedule } from "./schedule.ts";
import { reverseKind, State, stateLayout, type Known } from "./state.ts";
import { stepTable, type Order } from "./steps.ts";
import { transitionsOf } from "./transitions.ts";

export interface SampleOptions {
  readonly unet: UNet;
  readonly shape: ImageShape;
  readonly schedule: Schedule;
  /** guided-diffusion's timestep_respacing. Default: as many steps as the schedule has. */
  readonly respacing?: string | undefined;
  /** A seed an image, 0 … 2⁶⁴ − 1: the same seed gives the same image at every batch size. */
  readonly seeds: readonly bigint[];
  /** What is known of the images; nothing is for a plain sample. */
  readonly known?: Known | undefined;
  /** Of a class-conditional network: one an image. */
  readonly classes?: readonly number[] | undefined;
  /** A classifier that draws every step towards a class. */
  readonly guidance?: Guidance | undefined;
  readonly order?: Order | undefined;
  /** Clamp x̂₀ to ±1. Default: as the order has it. */
  readonly clip?: boolean | undefined;
  /** DDIM's η, 0 (no noise) … 1, instead of DDPM with the network's own variance. */
  readonly eta?: number | undefined;
  /** Report x̂₀ with every n-th model call; 0: never, and nothing is read back before the end. */
  readonly previewEvery?: number | undefined;
  /** Pauses, stops and previews by time. A stopped run returns x̂₀ of its last model call. */
  readonly control?: RunControl | undefined;
  /** Hears where the run is, at most every `snapshotSeconds` (default 5): each costs one readback of x. */
  readonly onSnapshot?: ((snapshot: Snapshot) => void) | undefined;
  readonly snapshotSeconds?: number | undefined;
  /** Goes on from there instead of from noise: on the same kind of adapter with the same bits as without the break. */
  readonly resume?: Snapshot | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** All that a run is between two steps, since its noise is a function of seed and step. Valid for the same options only. */
export interface Snapshot {
  /** Index of the next step in the run's table, and the model calls before it. */
  readonly next: number;
  readonly calls: number;
  /** x as it lies on the device. */
  readonly x: ArrayBuffer;
}

export interface SampleProgress {
  /** Model calls done, of how many. */
  readonly step: number;
  readonly steps: number;
  /** Seconds since the first model call (after a resume) began, of the mean step since, and still to come; no pauses. */
  readonly elapsed: number;
  readonly secondsPerStep: number;
  readonly eta: number;
  /** x̂₀ of all images, NCHW in [−1, 1]. */
  readonly xStart?: Float32Array;
}

/** The diffusion that a network was trained with, respaced for a run. @throws InputError */
export function diffusionOf(
  unet: UNet,
  { schedule, respacing }: Pick<SampleOptions, "schedule" | "respacing">,
): Diffusion {
  const { diffusionSteps, noiseSchedule, rescaleTimesteps } = unet.checkpoint.diffusion;
  if (respacing === undefined && schedule.steps > diffusionSteps)
    throw new InputError(
      `steps: this network was trained with ${diffusionSteps} diffusion steps, so a run can have at most as many, got ${schedule.steps}`,
    );
  const diffusion = createDiffusion({
    noiseSchedule,
    diffusionSteps,
    respacing: respacing ?? String(schedule.steps),
    rescaleTimesteps,
  });
  requireSteps(diffusion, schedule);
  return diffusion;
}

/**
 * Runs the schedule and returns the final x, NCHW. Without a known picture the plain descent is sampled: jumps only
 * serve to make the known and the unknown part agree.
 * @throws InputError, OutOfMemoryError, DeviceLostError; InterruptedError when the signal aborts
 */
export async function* sample(options: SampleOptions): AsyncGenerator<SampleProgress, Float32Array, undefined> {
  const { unet, shape, schedule, seeds, known, signal, previewEvery = 0, order = "program", eta, guidance } = options;
  if (eta !== undefined && !(eta >= 0 && eta <= 1))
    throw new InputError(`eta: expected a number from 0 to 1, got ${eta}`);
  const diffusion = diffusionOf(unet, options);
  const times = known ? scheduleTimes(schedule) : scheduleTimes({ steps: schedule.steps, jumpLength: 1, resamples: 1 });
  const { variance, variant } = reverseKind(unet.checkpoint.diffusion, {
    clip: options.clip ?? order === "program",
    eta,
  });
  const layout = stateLayout(shape, unet.checkpoint.architecture.outChannels);
  const table = stepTable(transitionsOf(times), diffusion, layout, {
    variance,
    order,
    eta,
    scale: guidance?.scale,
  });
  throwIfAborted(signal);
  const state = await State.create({
    unet,
    diffusion,
    shape,
    variant,
    known,
    classes: options.classes,
    guidance,
    noise: { seeds },
    reverse: table.reverse,
    climbs: table.climbs,
  });
  try {
    const steps = countModelCalls(times);
    const { control, onSnapshot, resume } = options;
    const first = resume?.calls ?? 0;
    let done = first;
    if (resume) state.restore(resume.x);
    else state.start();
    await unet.device.idle();
    const clock = new Stopwatch();
    const [previewDue, snapshotDue] = [due(clock), due(clock)];
    // One step stays in flight, so that the next one is encoded while it runs.
    let previous = Promise.resolve();
    for (const [index, step] of table.steps.entries()) {
      if (index < (resume?.next ?? 0)) continue;
      throwIfAborted(signal);
      if (step.kind === "climb") {
        state.climb(step.row);
        continue;
      }
      state.reverse(step.from, step.row);
      const current = unet.device.idle();
      // Met by the await below or in the next round; until then a loss must not count as unhandled.
      current.catch(() => undefined);
      await previous;
      previous = current;
      done++;
      const preview =
        (previewEvery > 0 && done % previewEvery === 0) || previewDue(control?.previewSeconds || Infinity);
      // The first step is waited for so that its time can be told, the last because nothing follows.
      const settled = preview || done === first + 1 || done === steps || control?.paused;
      if (settled) await current;
      const elapsed = clock.seconds;
      const finished = (settled ? done : done - 1) - first;
      const secondsPerStep = elapsed / finished;
      yield {
        step: done,
        steps,
        elapsed,
        secondsPerStep,
        eta: secondsPerStep * (steps - first - finished),
        ...(preview ? { xStart: await state.read("xStart") } : {}),
      };
      if (control?.paused) {
        await current;
        await clock.without(() => control.wait(signal));
      }
      throwIfAborted(signal);
      if (control?.stopping && done < steps) return await state.read("xStart");
      if (onSnapshot && snapshotDue(options.snapshotSeconds ?? 5))
        onSnapshot({ next: index + 1, calls: done, x: await state.snapshot() });
    }
    throwIfAborted(signal);
    return await state.read("x");
  } finally {
    state.dispose();
  }
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

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  const reason: unknown = signal.reason;
  throw new InterruptedError(
    reason instanceof Error && reason.name !== "AbortError" ? `stopped: ${reason.message}` : "stopped",
  );
}
