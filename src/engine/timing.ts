/**
 * How long a plan takes on the device: medians of passes that each repeat the plan until a pass is long against the
 * clock's grain. Shared by the tuner and the benchmark. Not here: times of single dispatches (`profiler.ts`).
 */
import type { Device } from "./device.ts";
import type { Executor } from "./executor.ts";
import { readBuffer } from "./readback.ts";
import { bufferUsage } from "./usage.ts";

export interface Timing {
  /** Median time of one run of the plan. */
  readonly milliseconds: number;
  /** The fastest sample: what the plan takes when nothing else runs. */
  readonly fastest: number;
  readonly samples: number;
  /** Runs of the plan in a sample. */
  readonly repeats: number;
}

export interface TimingOptions {
  /** Samples wanted; fewer where they would not fit into the budget, but at least one after the warm-up. Default 5. */
  readonly samples?: number | undefined;
  /** Milliseconds that all of it may take, warm-up included; a run that is longer than that is still finished. */
  readonly budget?: number | undefined;
  /** Milliseconds of load before the first sample on a GPU, whose clocks sleep between loads. Default 150. */
  readonly runUp?: number | undefined;
  /** A run that takes more milliseconds need not be known well: it is not timed further. */
  readonly atMost?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A pass shorter than this says little: timestamps come in steps of 65 to 100 µs. */
const grainMilliseconds = 5;
/** Wall clocks see the round trip of a submission, too; this many of them make it 2 %. */
const roundTrips = 50;
const mostRepeats = 1000;
/**
 * An H200 that waited for a check on the host ran at a sixth of its speed until it had been busy for some tens of
 * milliseconds.
 */
const gpuRunUp = 150;
/** Watchdogs: a pass stays well under half a second, unless one run alone is longer. */
const longestPass = 200;

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** @throws what went wrong on the device, or the signal's reason */
export async function timeExecutor(device: Device, executor: Executor, options: TimingOptions = {}): Promise<Timing> {
  const { samples = 5, budget = Infinity, atMost = Infinity, signal } = options;
  const runUp = device.kind === "gpu" ? (options.runUp ?? gpuRunUp) : 0;
  const begin = performance.now();
  const clock = await Clock.create(device);
  try {
    // The first run pages memory in. Then passes grow until one is long against the clock's grain: a single short run
    // may have been interrupted, and says too little about how many fit.
    const wanted = clock.exact ? grainMilliseconds : Math.max(grainMilliseconds, clock.roundTrip * roundTrips);
    const target = Math.min(wanted, longestPass);
    const elapsed = () => performance.now() - begin;
    let repeats = 1;
    let pass = await clock.time(executor, repeats);
    if (elapsed() * 2 <= budget) pass = await clock.time(executor, repeats);
    const isShort = () => pass < target && repeats < mostRepeats;
    while ((isShort() || elapsed() < runUp) && elapsed() < budget / 2) {
      if (isShort())
        repeats = Math.min(mostRepeats, Math.ceil(repeats * Math.min(10, Math.max(2, (1.2 * target) / pass))));
      pass = await clock.time(executor, repeats);
    }
    const one = pass / repeats;
    if (one > atMost) return { milliseconds: one, fastest: one, samples: 1, repeats };
    const times: number[] = [];
    while (times.length < samples) {
      signal?.throwIfAborted();
      if (times.length > 0 && elapsed() + pass > budget) break;
      pass = await clock.time(executor, repeats);
      times.push(pass / repeats);
    }
    return { milliseconds: median(times), fastest: Math.min(...times), samples: times.length, repeats };
  } finally {
    clock.dispose();
  }
}

/** Timestamps where the adapter has them, else the time from submission to completion. */
class Clock {
  /** Milliseconds from an empty submission to its completion. */
  readonly roundTrip: number;
  readonly #device: Device;
  readonly #query: { set: GPUQuerySet; buffer: GPUBuffer } | undefined;

  private constructor(device: Device, query: { set: GPUQuerySet; buffer: GPUBuffer } | undefined, roundTrip: number) {
    this.#device = device;
    this.#query = query;
    this.roundTrip = roundTrip;
  }

  static async create(device: Device): Promise<Clock> {
    await device.idle();
    if (device.hasTimestamps) {
      const usage = bufferUsage.queryResolve | bufferUsage.copySrc;
      const buffer = await device.createBuffer("timestamps", 16, usage);
      return new Clock(device, { set: device.gpu.createQuerySet({ type: "timestamp", count: 2 }), buffer }, 0);
    }
    const begin = performance.now();
    device.gpu.queue.submit([device.gpu.createCommandEncoder().finish()]);
    await device.idle();
    return new Clock(device, undefined, performance.now() - begin);
  }

  get exact(): boolean {
    return this.#query !== undefined;
  }

  /** Milliseconds of `repeats` runs in one pass. */
  async time(executor: Executor, repeats: number): Promise<number> {
    const { gpu } = this.#device;
    const query = this.#query;
    const encoder = gpu.createCommandEncoder();
    const timestampWrites = query && { querySet: query.set, beginningOfPassWriteIndex: 0, endOfPassWriteIndex: 1 };
    const pass = encoder.beginComputePass(timestampWrites ? { timestampWrites } : {});
    for (let run = 0; run < repeats; run++) executor.encode(pass);
    pass.end();
    if (query) encoder.resolveQuerySet(query.set, 0, 2, query.buffer, 0);
    const begin = performance.now();
    gpu.queue.submit([encoder.finish()]);
    if (!query) {
      await this.#device.idle();
      return performance.now() - begin;
    }
    const [from, to] = new BigUint64Array(await readBuffer(this.#device, query.buffer, 0, 16));
    return Number(to! - from!) / 1e6;
  }

  dispose(): void {
    this.#query?.set.destroy();
    if (this.#query) this.#device.destroyBuffer(this.#query.buffer);
  }
}
