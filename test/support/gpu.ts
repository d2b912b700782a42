/**
 * The device that all test files share (one costs seconds on a software adapter), and error scopes around tests.
 * Which adapter: hardware if there is one, else SwiftShader; REPAINT_ADAPTER or VK_DRIVER_FILES say otherwise.
 */
import { type Device, type DeviceOptions, requestDevice } from "../../src/engine/device.ts";
import { openGpu } from "../../src/node/adapter.ts";

/** Vitest evaluates this module again for some files even without isolation, so the device is kept on globalThis. */
const shared = globalThis as { repaintTestDevice?: Promise<Device> };

/** SwiftShader compiles a shader 25 times faster without the zeroing of workgroup memory: for tests only. */
const dawnToggles = ["disable_workgroup_init"];

export function gpuDevice(): Promise<Device> {
  return (shared.repaintTestDevice ??= freshDevice());
}

/** A device of its own, for tests that break it or that need other options. The caller disposes of it. */
export async function freshDevice(options?: DeviceOptions): Promise<Device> {
  const { adapter } = await openGpu({ dawnToggles });
  return requestDevice(adapter, options);
}

/**
 * Runs `body` and throws what WebGPU has against it, as an error of the test that caused it.
 * Error scopes are a stack per device: do not run two at once.
 */
export async function withErrorScope<T>(device: Device, body: () => T | Promise<T>): Promise<T> {
  const filters = ["validation", "internal", "out-of-memory"] as const;
  for (const filter of filters) device.gpu.pushErrorScope(filter);
  const errors: string[] = [];
  try {
    return await body();
  } finally {
    // Popped even when the body throws: a scope left open would swallow the next test's errors.
    for (const filter of filters.toReversed()) {
      const error = await device.gpu.popErrorScope();
      if (error) errors.push(`${filter}: ${error.message}`);
    }
    // oxlint-disable-next-line no-unsafe-finally -- the GPU's error explains the body's, which only follows from it
    if (errors.length > 0) throw new Error(`WebGPU ${errors.join("\n")}`);
  }
}

/** Throws if the shared device, once there is one, was lost or met an error outside a scope. */
export async function checkSharedDevice(): Promise<void> {
  if (!shared.repaintTestDevice) return;
  const device = await shared.repaintTestDevice;
  await device.gpu.queue.onSubmittedWorkDone();
  device.check();
}
