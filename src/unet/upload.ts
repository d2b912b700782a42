/**
 * Brings packed weights to the device, tensor by tensor.
 */
import type { Device } from "../engine/device.ts";
import { byteLength, type Tensor } from "../engine/tensor.ts";
import type { BufferRange } from "../engine/executor.ts";
import { tensorUsage } from "../engine/usage.ts";
import { storages } from "../numbers/storage.ts";
import type { ReadTensor, PackedWeights } from "./weights.ts";

const mostQueuedBytes = 64 * 2 ** 20;

export interface UploadedWeights {
  readonly ranges: ReadonlyMap<Tensor, BufferRange>;
  readonly bytes: number;
  dispose(): void;
}

/** Of all weights on the device. */
export function packedBytes(weights: PackedWeights): number {
  return [...weights.values()].reduce((sum, { tensor }) => sum + byteLength(tensor), 0);
}

export interface UploadOptions {
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs and uploads every weight, one at a time.
 * @throws OutOfMemoryError; an aborted `signal` throws its reason and leaves nothing on the device.
 */
export async function uploadWeights(
  device: Device,
  weights: PackedWeights,
  read: ReadTensor,
  { onProgress, signal }: UploadOptions = {},
): Promise<UploadedWeights> {
  const ranges = new Map<Tensor, BufferRange>();
  const dispose = () => {
    for (const { buffer } of ranges.values()) device.destroyBuffer(buffer);
    ranges.clear();
  };
  const total = packedBytes(weights);
  let done = 0;
  let queued = 0;
  try {
    for (const { tensor, pack } of weights.values()) {
      signal?.throwIfAborted();
      const packed = await pack(read);
      const buffer = await device.createBuffer(tensor.name, byteLength(tensor), tensorUsage);
      ranges.set(tensor, { buffer });
      device.upload(buffer, 0, storages[tensor.dtype].encode(packed));
      done += byteLength(tensor);
      queued += byteLength(tensor);
      // Uploads are queued in host memory until a submit.
      if (queued >= mostQueuedBytes || done === total) {
        device.gpu.queue.submit([]);
        await device.idle();
        queued = 0;
      }
      onProgress?.(done, total);
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { ranges, bytes: total, dispose };
}
