/**
 * The whole benchmark, wherever it runs: peak, kernels, forward, step. Node (src/cli/commands/bench.ts) and pages
 * (thread.ts) bring the device and the model's bytes, and show what it reports.
 */
import type { Device } from "../src/engine/device.ts";
import type { Checkpoint } from "../src/checkpoints/checkpoint.ts";
import { UNet } from "../src/unet/unet.ts";
import { benchCases, type BenchCase } from "./cases.ts";
import { benchForward } from "./forward.ts";
import { benchKernels } from "./kernels.ts";
import { benchNetworks } from "./networks.ts";
import { measurePeak } from "./peak.ts";
import { resultFormat, type BenchResult, type KernelRow } from "./result.ts";
import { benchPictures } from "./picture.ts";
import { benchStep } from "./step.ts";
import { adapterName } from "../src/engine/adapter.ts";
import { loadTraits } from "../src/operators/traits.ts";
import type { Precision } from "../src/numbers/storage.ts";
import type { TensorFile } from "../src/files/tensorFile.ts";

export interface SuiteOptions {
  readonly device: Device;
  /** Whose forward and step are timed: the shipped one, or whichever is asked for. */
  readonly model: BenchModel;
  readonly version: string;
  readonly platform: string;
  readonly precision?: Precision | undefined;
  /** The model only. */
  readonly quick?: boolean | undefined;
  /** Every candidate of each layer, not only the chosen one. */
  readonly candidates?: boolean | undefined;
  /** Cases whose kernel, shape or network matches. Forward and step are then left out, unless they match, too. */
  readonly only?: RegExp | undefined;
  /** Seconds that one dispatch may take. Default: 2 on a CPU adapter, 5 on a GPU. */
  readonly caseSeconds?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: SuiteProgress) => void) | undefined;
}

interface BenchModel {
  readonly name: string;
  readonly checkpoint: Checkpoint;
  /** PyTorch's answer `out` to `x`, `t` and `y`; without one the forward is not compared with anything. */
  readonly selfTest?: TensorFile | undefined;
}

export interface SuiteProgress {
  /** What is done now. */
  readonly what: string;
  readonly done: number;
  readonly total: number;
  /** Seconds to come, once there is something to tell it from. */
  readonly secondsLeft?: number;
  readonly row?: KernelRow;
  /** All that is known so far, as a result that was interrupted. */
  readonly partial: BenchResult;
}

/** Runs until the end or the signal; what was measured before an abort is returned, marked as interrupted. */
export async function runSuite(options: SuiteOptions): Promise<BenchResult> {
  const { device, model, precision = "f32", only, signal } = options;
  const caseSeconds = options.caseSeconds ?? (device.kind === "cpu" ? 2 : 5);
  const cases = await suiteCases(options, precision);
  // No sampler runs upsamplers.
  const paints = !model.checkpoint.config.superRes;
  const wants = {
    forward: matches(only, "forward"),
    step: matches(only, "step") && paints,
    pictures: matches(only, "picture") && paints,
  };
  const ofModel = Object.values(wants).filter(Boolean).length;
  const total = cases.length + 1 + ofModel;
  const recording = new Recording(emptyResult(options, precision), total, options.onProgress);
  try {
    recording.report("peak");
    recording.add({ peak: await measurePeak(device, signal) });
    for await (const row of benchKernels(device, cases, { peak: recording.result.peak, caseSeconds, signal })) {
      recording.add({ kernels: [...recording.result.kernels, row] });
      recording.report(`${row.kernel}, ${row.shape}`, row);
    }
    if (ofModel > 0) await measureModel(options, precision, wants, recording);
    recording.result = { ...recording.result, interrupted: false };
    recording.report("done");
    return recording.result;
  } catch (error) {
    if (!signal?.aborted) throw error;
    return recording.result;
  }
}

async function suiteCases(
  { device, model, quick = false, candidates = false, only }: SuiteOptions,
  precision: Precision,
): Promise<BenchCase[]> {
  const networks = benchNetworks({ name: model.name, architecture: model.checkpoint.architecture }, { quick });
  return benchCases(networks, { traits: await loadTraits(device), precision, candidates }).filter((test) =>
    matches(only, `${test.kernel} ${test.variant} ${test.shape} ${Object.keys(test.uses).join(" ")}`),
  );
}

async function measureModel(
  { device, model, signal }: SuiteOptions,
  precision: Precision,
  wants: Readonly<Record<"forward" | "step" | "pictures", boolean>>,
  recording: Recording,
): Promise<void> {
  const { name: network, selfTest } = model;
  const unet = await UNet.load(device, model.checkpoint, { precision, signal });
  try {
    if (wants.forward) {
      recording.report(`forward of ${network}`);
      recording.add({ forward: await benchForward(unet, { network, selfTest, samples: 7, signal }) });
    }
    if (wants.step) {
      recording.report(`step of ${network}`);
      recording.add({ step: await benchStep(unet, { network, signal }) });
    }
    if (wants.pictures) {
      recording.report(`a picture by ${network}`);
      recording.add({ pictures: await benchPictures(unet, { network, signal }) });
    }
  } finally {
    unet.dispose();
  }
}

function emptyResult({ device, version, platform }: SuiteOptions, precision: Precision): BenchResult {
  return {
    format: resultFormat,
    version,
    date: new Date().toISOString(),
    adapter: adapterName(device.info),
    kind: device.kind,
    half: device.half,
    timestamps: device.hasTimestamps,
    platform,
    precision,
    peak: { gflops: NaN, gigabytes: NaN, variant: "" },
    kernels: [],
    forward: undefined,
    step: undefined,
    interrupted: true,
  };
}

/** The result as it grows, and how far it is. */
class Recording {
  result: BenchResult;
  readonly #total: number;
  readonly #onProgress: SuiteOptions["onProgress"];
  readonly #begin = performance.now();
  #done = 0;

  constructor(empty: BenchResult, total: number, onProgress: SuiteOptions["onProgress"]) {
    this.result = empty;
    this.#total = total;
    this.#onProgress = onProgress;
  }

  /** Adds one measurement. */
  add(measured: Partial<BenchResult>): void {
    this.result = { ...this.result, ...measured };
    this.#done++;
  }

  report(what: string, row?: KernelRow): void {
    const [done, total] = [this.#done, this.#total];
    const elapsed = (performance.now() - this.#begin) / 1000;
    // Cases come in order of growing work, so the mean so far is too low; the last few tell more.
    const secondsLeft = done > 5 ? { secondsLeft: (elapsed / done) * (total - done) } : {};
    this.#onProgress?.({ what, done, total, ...secondsLeft, ...(row ? { row } : {}), partial: this.result });
  }
}

function matches(only: RegExp | undefined, text: string): boolean {
  return !only || only.test(text);
}

/** Whether a kernel computed wrongly: the program's exit status says so. */
export function failures({ kernels }: BenchResult): readonly KernelRow[] {
  return kernels.filter(({ failed }) => failed !== undefined);
}
