/**
 * What a command finds around it: its report, the signal that Ctrl-C gives, and a device when it needs one. `webgpu` is
 * loaded only then, through src/node/adapter.ts.
 */
import { requestDevice, type Device } from "../engine/device.ts";
import type { OpenGpuOptions } from "../node/adapter.ts";
import type { Report } from "../node/report.ts";
import { adapterName } from "../engine/adapter.ts";

export type OpenDevice = (
  adapter: string | undefined,
  options?: Pick<OpenGpuOptions, "dawnToggles" | "dawnTogglesOff" | "onPassedOver">,
) => Promise<Device>;

export interface Context {
  readonly report: Report;
  /** Aborts with an InterruptedError. */
  readonly signal: AbortSignal;
  /** The caller does not dispose of it; main does. @throws NoAdapterError */
  readonly openDevice: OpenDevice;
}

/** A device of this machine's adapter, by name or the best there is. @throws NoAdapterError */
export const openNodeDevice: OpenDevice = async (adapter, options) => {
  const { openGpu } = await import("../node/adapter.ts");
  return requestDevice((await openGpu({ ...options, adapter })).adapter);
};

/** Opens the device and says which it is. */
export async function announceDevice(
  context: Context,
  adapter: string | undefined,
  options?: Parameters<OpenDevice>[1],
): Promise<Device> {
  context.signal.throwIfAborted();
  const onPassedOver = (reason: string): void => context.report.say(reason);
  const device = await context.openDevice(adapter, { onPassedOver, ...options });
  context.report.event("adapter", { name: adapterName(device.info), kind: device.kind, half: device.half });
  context.report.say(`Adapter: ${adapterName(device.info)}${device.kind === "cpu" ? ", on the processor" : ""}`);
  return device;
}
