/**
 * Brings packed weights to the device, tensor by tensor.
 */
import type { Device } from "../engine/device.ts";
import { byteLength, type Tensor } from "../engine/tensor.ts";
import type { BufferRange } from "../engine/executor.ts";
import { tensorUsage } from "../engine/usage.ts";
import { storages } from "../numbers/storage.ts";
import { readFloat32 } from "../files/safetensors.ts";
import type { TensorFile } from "../files/tensorFile.ts";
import { CheckpointError, InputError } from "../errors.ts";
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
 * A tensor of a checkpoint as float32, all of it finite: one NaN makes everything that a network gives NaN.
 * @throws CheckpointError that names the tensor
 */
export async function readWeights(file: TensorFile, name: string): Promise<Float32Array<ArrayBuffer>> {
  const values = await readFloat32(file, name);
  // Of NaN and infinity alone the difference from itself is not 0.
  let wrong = 0;
  while (wrong < values.length && values[wrong]! - values[wrong]! === 0) wrong++;
  if (wrong === values.length) return values;
  throw new CheckpointError(
    `${file.name}: ${name} holds ${values[wrong]} (element ${wrong} of ${values.length}): the file is damaged; take another copy`,
  );
}

/** @throws InputError for finite values that are infinite as they are stored */
function refuseOverflow({ name, dtype }: Tensor, packed: Float32Array): void {
  const { overflowsFrom } = storages[dtype];
  let largest = 0;
  for (let i = 0; i < packed.length; i++) largest = Math.max(largest, Math.abs(packed[i]!));
  if (largest < overflowsFrom) return;
  throw new InputError(
    `the weights ${name} are too large for ${dtype} (the largest is ${largest.toPrecision(6)}): load the model in f32`,
  );
}

/**
 * Packs and uploads every weight, one at a time.
 * @throws OutOfMemoryError, InputError for weights that their storage does not hold; an aborted `signal` throws its
 * reason and leaves nothing on the device.
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
      if (storages[tensor.dtype].overflowsFrom < Infinity) refuseOverflow(tensor, packed);
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
