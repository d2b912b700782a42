/**
 * One step of RePaint's loop, as the sampler runs it: its time, the part of it outside the network, and whether the
 * loop allocates buffers or reads back. The loop runs twice: once plain, for the wall clock, and once with every
 * dispatch timed.
 */
import { Profiler } from "../src/engine/profiler.ts";
import { sample } from "../src/repaint/loop.ts";
import type { Sampling } from "../src/repaint/sampling.ts";
import type { UNet } from "../src/unet/unet.ts";
import type { StepResult } from "./result.ts";

/** Dispatches of the sampler; all others are the network's. */
const outside = new Set(["langevinStep", "reverseStep", "renoise", "watchFinite"]);

export interface StepOptions {
  readonly network: string;
  readonly signal?: AbortSignal | undefined;
}

/** RePaint's loop: every kernel of it is in so short a run. */
const shortSchedule: Sampling = { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 };

/** Times a schedule of 4 noise levels with jumps of 2, each resampled twice. */
export async function benchStep(unet: UNet, { network, signal }: StepOptions): Promise<StepResult> {
  const { device } = unet;
  const { total: _, ...plain } = await walk(unet, shortSchedule, signal);
  const profiler = new Profiler(device);
  device.profiler = profiler;
  try {
    await walk(unet, shortSchedule, signal);
  } finally {
    device.profiler = undefined;
  }
  const times = await profiler.finish();
  const shown = { network, ...plain };
  if (times.length === 0) return shown;
  const inNetwork = networkTime(times, plain.steps);
  const outsideTotal = times.filter(({ kernel }) => outside.has(kernel)).reduce((sum, t) => sum + t.milliseconds, 0);
  const perStep = outsideTotal / plain.steps;
  return { ...shown, inNetwork, outside: perStep, outsideShare: perStep / (perStep + inNetwork) };
}

/**
 * Milliseconds of the network in one step. Dispatches before the initial noise make the table of embeddings, once a
 * run, and belong to no step.
 */
function networkTime(times: Awaited<ReturnType<Profiler["finish"]>>, steps: number): number {
  const start = times.findIndex(({ kernel }) => kernel === "gaussianNoise");
  return (
    times
      .slice(start + 1)
      .filter(({ kernel }) => !outside.has(kernel))
      .reduce((sum, { milliseconds }) => sum + milliseconds, 0) / steps
  );
}

/**
 * A run over a picture of zeros of which every other pixel is known: milliseconds of a step in the loop, and of all.
 */
export async function walk(unet: UNet, sampling: Sampling, signal: AbortSignal | undefined) {
  const begin = performance.now();
  const { device, checkpoint } = unet;
  const { imageSize: size, inChannels: channels, numClasses } = checkpoint.config;
  const pixels = size * size;
  const run = sample({
    unet,
    shape: { batch: 1, channels, height: size, width: size },
    sampling,
    seeds: [1n],
    classes: numClasses === null ? undefined : [checkpoint.unconditionalClass ?? 0],
    known: { image: new Float32Array(channels * pixels), keep: Float32Array.from({ length: pixels }, (_, i) => i % 2) },
    signal,
  });
  let before = { ...device.counters };
  let after = before;
  let [first, last, steps] = [0, 0, 0];
  let next = await run.next();
  while (!next.done) {
    steps = next.value.steps;
    if (next.value.step === 1) {
      before = { ...device.counters };
      first = performance.now();
    }
    after = { ...device.counters };
    last = performance.now();
    next = await run.next();
  }
  return {
    steps,
    milliseconds: (last - first) / (steps - 1),
    total: performance.now() - begin,
    buffersCreated: after.buffersCreated - before.buffersCreated,
    readbacks: after.readbacks - before.readbacks,
  };
}
