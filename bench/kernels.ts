/** Measures cases one after another: fills the inputs, checks the output against the twin, and only then times it. */
import type { Device } from "../src/engine/device.ts";
import { Executor } from "../src/engine/executor.ts";
import { readBuffer } from "../src/engine/readback.ts";
import { byteLength, elementCount, type Tensor } from "../src/engine/tensor.ts";
import { timeExecutor } from "../src/engine/timing.ts";
import { tensorUsage } from "../src/engine/usage.ts";
import type { BenchCase } from "./cases.ts";
import { checkCase, decode, fillCase, type Verdict } from "./check.ts";
import type { Peak } from "./peak.ts";
import type { KernelRow } from "./result.ts";

export interface KernelOptions {
  readonly peak: Peak;
  /** Cases whose run is predicted to take longer than these seconds are skipped. */
  readonly caseSeconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Yields rows in the order of the cases. A case's time is predicted from the slowest rate of its kernel so far. */
export async function* benchKernels(
  device: Device,
  cases: readonly BenchCase[],
  options: KernelOptions,
): AsyncGenerator<KernelRow, void, undefined> {
  const rates = new Map<string, number>();
  for (const test of cases) {
    options.signal?.throwIfAborted();
    const row = describe(test);
    const predicted = predictSeconds(test, rates.get(test.kernel), options.peak);
    if (predicted > options.caseSeconds) {
      yield { ...row, skipped: `not timed: would take ${predicted.toFixed(1)} s a run` };
      continue;
    }
    const largest = Math.max(...Object.values(test.tensors).map(byteLength));
    if (largest > device.limits.maxStorageBufferBindingSize) {
      yield { ...row, skipped: `not timed: a tensor of ${largest} bytes is more than this adapter binds` };
      continue;
    }
    const timed = await benchCase(device, test, row, options);
    if (timed.gflops) rates.set(test.kernel, Math.min(timed.gflops, rates.get(test.kernel) ?? Infinity));
    yield timed;
  }
}

/** Seconds of one dispatch, from the kernel's rate so far or a fifth of the peak. */
function predictSeconds({ macs, bytes }: BenchCase, gflops: number | undefined, peak: Peak): number {
  return Math.max((2 * macs) / (gflops ?? peak.gflops / 5) / 1e9, bytes / peak.gigabytes / 1e9);
}

function describe(test: BenchCase): KernelRow {
  const { key, kernel, variant, shape, uses, macs, bytes } = test;
  const half = Object.values(test.tensors).some(({ dtype }) => dtype === "f16");
  const dispatches = test.plan.dispatches.length;
  return { key, kernel, variant, shape, storage: half ? "f16" : "f32", uses, dispatches, macs, bytes };
}

async function benchCase(
  device: Device,
  test: BenchCase,
  row: KernelRow,
  { peak, caseSeconds, signal }: KernelOptions,
): Promise<KernelRow> {
  const inputs = fillCase(test);
  const buffers = new Map<Tensor, { buffer: GPUBuffer }>();
  try {
    for (const [name, tensor] of Object.entries(test.tensors)) {
      const buffer = await device.createBuffer(name, byteLength(tensor), tensorUsage);
      buffers.set(tensor, { buffer });
      // An element that the kernel does not write stays NaN.
      const input = inputs.get(name);
      device.upload(buffer, 0, input ? input.bytes : new Uint32Array(byteLength(tensor) / 4).fill(0x7fc07e00));
    }
    const executor = await Executor.create(device, test.plan, buffers);
    try {
      executor.submit();
      const outputs = new Map<string, Float64Array>();
      for (const [name, tensor] of Object.entries(test.tensors)) {
        if (test.bindings[name]!.access === "read") continue;
        const bytes = new Uint8Array(await readBuffer(device, buffers.get(tensor)!.buffer, 0, byteLength(tensor)));
        outputs.set(name, decode(bytes, elementCount(tensor.shape), tensor.dtype));
      }
      const verdict = checkCase(test, inputs, outputs);
      const checked = { ...row, error: verdict.error, checked: verdict.compared };
      if (!(verdict.error <= verdict.tolerance)) return { ...checked, failed: words(verdict) };
      const budget = Math.max(200, Math.min(caseSeconds * 1000, 1000));
      const { milliseconds } = await timeExecutor(device, executor, { samples: 5, budget, signal });
      return { ...checked, milliseconds, ...rate(test, milliseconds, peak) };
    } finally {
      executor.dispose();
    }
  } finally {
    for (const { buffer } of buffers.values()) device.destroyBuffer(buffer);
  }
}

/** Achieved rates, and their share of what the roofline allows. */
function rate({ macs, bytes }: { macs: number; bytes: number }, milliseconds: number, peak: Peak) {
  const least = Math.max((2 * macs) / peak.gflops, bytes / peak.gigabytes) / 1e6;
  return {
    gflops: (2 * macs) / milliseconds / 1e6,
    gigabytes: bytes / milliseconds / 1e6,
    share: least / milliseconds,
  };
}

function words({ error, tolerance, compared, elements }: Verdict): string {
  const of = compared === elements ? `${elements} elements` : `${compared} of ${elements} elements`;
  if (error === Infinity) return `wrong: an element is not finite or was not written (${elements} elements)`;
  return `wrong: relative error ${error.toExponential(1)} over ${of}, at most ${tolerance} is allowed`;
}
