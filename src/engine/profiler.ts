/**
 * Time per dispatch by timestamp queries: each dispatch in a compute pass of its own. Inert where the adapter has no
 * timestamp-query. Timestamps are quantised (65 to 100 µs) unless a Dawn toggle says otherwise.
 */
import type { Device, DispatchTimer, EncodableDispatches } from "./device.ts";
import type { Executor } from "./executor.ts";
import { readBuffer } from "./readback.ts";
import { bufferUsage } from "./usage.ts";

export interface DispatchTime {
  readonly kernel: string;
  readonly label: string;
  readonly macs: number;
  /** GPU time, milliseconds. */
  readonly milliseconds: number;
}

const queriesPerSet = 4096;

export class Profiler implements DispatchTimer {
  readonly #device: Device;
  readonly #sets: { set: GPUQuerySet; buffer: GPUBuffer; used: number }[] = [];
  readonly #timed: Omit<DispatchTime, "milliseconds">[] = [];

  constructor(device: Device) {
    this.#device = device;
  }

  /** Encodes dispatches of an executor, timed. Called by `Executor.submit`. */
  encode(
    encoder: GPUCommandEncoder,
    executor: EncodableDispatches,
    { row, from, to }: { row: number; from: number; to: number },
  ): void {
    for (let index = from; index < to; index++) {
      const { kernel, label, macs } = executor.plan.dispatches[index]!;
      const pass = encoder.beginComputePass(this.#device.hasTimestamps ? { timestampWrites: this.#next() } : {});
      executor.encode(pass, { row, from: index, to: index + 1 });
      pass.end();
      this.#timed.push({ kernel: kernel.name, label, macs });
    }
  }

  #next(): GPUComputePassTimestampWrites {
    let last = this.#sets.at(-1);
    if (!last || last.used + 2 > queriesPerSet) {
      const { gpu } = this.#device;
      const usage = bufferUsage.queryResolve | bufferUsage.copySrc;
      last = {
        set: gpu.createQuerySet({ type: "timestamp", count: queriesPerSet }),
        buffer: gpu.createBuffer({ label: "timestamps", size: queriesPerSet * 8, usage }),
        used: 0,
      };
      this.#sets.push(last);
    }
    const begin = last.used;
    last.used += 2;
    return { querySet: last.set, beginningOfPassWriteIndex: begin, endOfPassWriteIndex: begin + 1 };
  }

  /** The times of everything encoded so far, in order; empty where the adapter has no timestamps. */
  async finish(): Promise<DispatchTime[]> {
    const nanoseconds: number[] = [];
    for (const { set, buffer, used } of this.#sets) {
      const encoder = this.#device.gpu.createCommandEncoder();
      encoder.resolveQuerySet(set, 0, used, buffer, 0);
      this.#device.gpu.queue.submit([encoder.finish()]);
      const stamps = new BigUint64Array(await readBuffer(this.#device, buffer, 0, used * 8));
      for (let index = 0; index < used; index += 2) nanoseconds.push(Number(stamps[index + 1]! - stamps[index]!));
      set.destroy();
      buffer.destroy();
    }
    this.#sets.length = 0;
    return this.#timed.splice(0).flatMap((timed, index) => {
      const time = nanoseconds[index];
      return time === undefined ? [] : [{ ...timed, milliseconds: time / 1e6 }];
    });
  }
}

/** Times every dispatch of one run, in order: by timestamps, or where there are none a submission each, waited for. */
export async function profileExecutor(device: Device, executor: Executor): Promise<DispatchTime[]> {
  if (device.hasTimestamps) {
    const profiler = new Profiler(device);
    device.profiler = profiler;
    try {
      executor.submit();
    } finally {
      device.profiler = undefined;
    }
    return profiler.finish();
  }
  const times: DispatchTime[] = [];
  for (const [index, { kernel, label, macs }] of executor.plan.dispatches.entries()) {
    const begin = performance.now();
    const encoder = device.gpu.createCommandEncoder();
    const pass = encoder.beginComputePass();
    executor.encode(pass, { from: index, to: index + 1 });
    pass.end();
    device.gpu.queue.submit([encoder.finish()]);
    await device.idle();
    times.push({ kernel: kernel.name, label, macs, milliseconds: performance.now() - begin });
  }
  return times;
}
