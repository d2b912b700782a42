/**
 * The whole benchmark, wherever it runs: peak, kernels, forward, step. Node (src/cli/commands/bench.ts) and pages (thread.ts)
 * bring the device and the model's bytes, and show what it reports.
 */
import type { Device } from "../src/engine/device.ts";
import type { Checkpoint } from "../src/checkpoints/checkpoint.ts";
import type { TensorFile } from "../src/files/safetensors.ts";
import { UNet } from "../src/unet/unet.ts";
import { benchCases } from "./cases.ts";
import { benchForward } from "./forward.ts";
import { benchKernels } from "./kernels.ts";
import { benchNetworks } from "./networks.ts";
import { measurePeak } from "./peak.ts";
import { resultFormat, type BenchResult, type KernelRow } from "./result.ts";
import { benchStep } from "./step.ts";
import { adapterName } from "../src/engine/adapter.ts";
import { loadTraits } from "../src/operators/traits.ts";

export interface SuiteOptions {
  readonly device: Device;
  /** Whose forward and step are timed: the shipped one, or whichever is asked for. */
  readonly model: BenchModel;
  readonly version: string;
  readonly platform: string;
  readonly precision?: "f32" | "f16" | undefined;
  /** The model only. */
  readonly quick?: boolean | undefined;
  /** Every way to run a convolution, not only the chosen one. */
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
  const { device, model, precision = "f32", only, signal, onProgress } = options;
  const caseSeconds = options.caseSeconds ?? (device.kind === "cpu" ? 2 : 5);
  const { checkpoint } = model;
  const networks = benchNetworks(
    { name: model.name, architecture: checkpoint.architecture },
    { quick: options.quick ?? false },
  );
  const cases = benchCases(networks, {
    traits: await loadTraits(device),
    precision,
    candidates: options.candidates ?? false,
  }).filter((test) =>
    matches(only, `${test.kernel} ${test.variant} ${test.shape} ${Object.keys(test.uses).join(" ")}`),
  );
  const wantsForward = matches(only, "forward");
  // Nothing of RePaint runs an upsampler.
  const wantsStep = matches(only, "step") && !checkpoint.config.superRes;
  const kernels: KernelRow[] = [];
  let result: BenchResult = {
    format: resultFormat,
    version: options.version,
    date: new Date().toISOString(),
    adapter: adapterName(device.info),
    kind: device.kind,
    half: device.half,
    timestamps: device.hasTimestamps,
    platform: options.platform,
    precision,
    peak: { gflops: NaN, gigabytes: NaN, variant: "" },
    kernels,
    forward: undefined,
    step: undefined,
    interrupted: true,
  };
  const total = cases.length + 1 + (wantsForward ? 1 : 0) + (wantsStep ? 1 : 0);
  let done = 0;
  const begin = performance.now();
  const report = (what: string, row?: KernelRow) => {
    const elapsed = (performance.now() - begin) / 1000;
    // Cases come in order of growing work, so the mean so far is too low; the last few tell more.
    const secondsLeft = done > 5 ? { secondsLeft: (elapsed / done) * (total - done) } : {};
    onProgress?.({ what, done, total, ...secondsLeft, ...(row ? { row } : {}), partial: result });
  };
  try {
    report("peak");
    result = { ...result, peak: await measurePeak(device, signal) };
    done++;
    for await (const row of benchKernels(device, cases, { peak: result.peak, caseSeconds, signal })) {
      kernels.push(row);
      done++;
      report(`${row.kernel}, ${row.shape}`, row);
    }
    if (wantsForward || wantsStep) {
      const unet = await UNet.load(device, checkpoint, { precision, signal });
      try {
        const network = { network: model.name, signal };
        if (wantsForward) {
          report(`forward of ${model.name}`);
          const { selfTest } = model;
          result = { ...result, forward: await benchForward(unet, { ...network, selfTest, samples: 7 }) };
          done++;
        }
        if (wantsStep) {
          report(`step of ${model.name}`);
          result = { ...result, step: await benchStep(unet, network) };
          done++;
        }
      } finally {
        unet.dispose();
      }
    }
    result = { ...result, interrupted: false };
    report("done");
    return result;
  } catch (error) {
    if (!signal?.aborted) throw error;
    return result;
  }
}

function matches(only: RegExp | undefined, text: string): boolean {
  return !only || only.test(text);
}

/** Whether a kernel computed wrongly: the program's exit status says so. */
export function failures({ kernels }: BenchResult): readonly KernelRow[] {
  return kernels.filter(({ failed }) => failed !== undefined);
}
