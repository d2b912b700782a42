/**
 * The device that all test files share (one costs seconds on a software adapter).
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

/** Throws if the shared device, once there is one, was lost or met an error outside a scope. */
export async function checkSharedDevice(): Promise<void> {
  if (!shared.repaintTestDevice) return;
  const device = await shared.repaintTestDevice;
  await device.gpu.queue.onSubmittedWorkDone();
  device.check();
}
