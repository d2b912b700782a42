/** Error scopes around what a test does with a device, in Node and in pages. */
import type { Device } from "../../src/engine/device.ts";

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
