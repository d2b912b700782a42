/**
 * Every kernel against its twin, as test/kernels.test.ts does it in Node: in a page of any browser, or as a program of
 * a runtime with a WebGPU of its own.
 */
import { Device, requestDevice } from "../../src/engine/device.ts";
import type { Kernel } from "../../src/engine/kernel.ts";
import { kernels } from "../../src/shaders/index.ts";
import { kernelCases } from "../kernelCases.ts";
import { exampleMatrix, matrixCases } from "../kernelCasesConvolution.ts";
import { checkKernel, type KernelCase } from "../support/kernelCase.ts";

export type Storage = "f32" | "packed f16" | "native f16";

export interface KernelTable {
  /** The device's features that kernels ask for. */
  readonly features: readonly string[];
  readonly passed: number;
  /** Cases by the feature that the adapter lacks. */
  readonly skipped: Readonly<Record<string, number>>;
  /** A line each: kernel, case and what is wrong. */
  readonly failed: readonly string[];
}

export async function run({ storage }: { storage: Storage }): Promise<KernelTable> {
  const shared = await requestDevice((await navigator.gpu.requestAdapter())!);
  const device = storage === "packed f16" ? new Device(shared.gpu, shared.info, { half: "packed" }) : shared;
  const cases = [
    ...kernelCases.filter(({ kernel, half }) => kernel !== "convolutionMatrix" && (storage === "f32" || half)),
    ...(storage === "native f16" ? matrixCases(device.matrix ?? exampleMatrix) : []),
  ];
  const table = { features: [...device.gpu.features], passed: 0, skipped: {} as Record<string, number> };
  const failed: string[] = [];
  for (const test of cases) {
    const [missing] = neededFeatures(test, storage).filter((feature) => !device.gpu.features.has(feature));
    if (missing) table.skipped[missing] = (table.skipped[missing] ?? 0) + 1;
    else
      try {
        await checkKernel(device, test, storage === "f32" ? "f32" : "f16");
        table.passed++;
      } catch (error) {
        failed.push(`${test.kernel}, ${test.title}: ${(error as Error).message}`);
      }
  }
  return Object.assign({ failed }, table);
}

/** WebGPU's names of what WGSL enables. */
function neededFeatures(test: KernelCase, storage: Storage): string[] {
  const enabled = (kernels[test.kernel] as unknown as Kernel).features?.(test.variant) ?? [];
  return [...(storage === "native f16" ? ["shader-f16"] : []), ...enabled.map((name) => name.replaceAll("_", "-"))];
}

/** For the log of a test: what came out, in one line. */
export function tableLine(storage: Storage, { features, passed, failed, skipped }: KernelTable): string {
  const left = Object.entries(skipped).map(([feature, count]) => `${count} without ${feature}`);
  return `${storage}: ${passed} passed, ${failed.length} failed, skipped: ${left.join(", ") || 0} (the device has ${features.join(", ")})`;
}
