/** Copies a range of a buffer to the host: previews, results, tests. The step loop never calls it by itself. */
import type { Device } from "./device.ts";
import { bufferUsage, mapModeRead } from "./usage.ts";

/** Bytes `offset` … `offset + size` of a buffer with usage COPY_SRC. Waits for the work submitted before. */
export async function readBuffer(
  device: Device,
  buffer: GPUBuffer,
  offset = 0,
  size = buffer.size - offset,
): Promise<ArrayBuffer> {
  const bytes = Math.ceil(size / 4) * 4;
  const staging = await device.createBuffer("readback", bytes, bufferUsage.mapRead | bufferUsage.copyDst);
  try {
    const encoder = device.gpu.createCommandEncoder({ label: "readback" });
    encoder.copyBufferToBuffer(buffer, offset, staging, 0, bytes);
    device.gpu.queue.submit([encoder.finish()]);
    device.counters.readbacks++;
    await staging.mapAsync(mapModeRead, 0, bytes).catch(async (error: unknown) => {
      throw await device.explain(error);
    });
    device.check();
    const copy = staging.getMappedRange(0, bytes).slice(0, size);
    staging.unmap();
    return copy;
  } finally {
    device.destroyBuffer(staging);
  }
}

/** The same as numbers in f32. */
export async function readFloats(
  device: Device,
  buffer: GPUBuffer,
  count = buffer.size / 4,
  offset = 0,
): Promise<Float32Array> {
  return new Float32Array(await readBuffer(device, buffer, offset, count * 4));
}
