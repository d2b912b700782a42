/**
 * A buffer for one tensor, filled and read as numbers whatever the element type: for kernels of one's own, where
 * `readback.ts` and `Device.upload` move bytes.
 */
import { InputError } from "../errors.ts";
import { storages } from "../numbers/storage.ts";
import type { Device } from "./device.ts";
import type { BufferRange } from "./executor.ts";
import { readBuffer } from "./readback.ts";
import { byteLength, elementCount, type DType, type Tensor } from "./tensor.ts";
import { tensorUsage } from "./usage.ts";

/**
 * A buffer of the tensor's size. The caller destroys it (`device.destroyBuffer`).
 * @param values one for each element, rounded to the element type; none: the buffer is zero
 * @throws InputError where there are more or fewer, OutOfMemoryError
 */
export async function createTensorBuffer(
  device: Device,
  { name, dtype, shape }: Tensor,
  values?: ArrayLike<number>,
): Promise<BufferRange> {
  const count = elementCount(shape);
  if (values && values.length !== count)
    throw new InputError(`${name}: expected ${count} numbers for [${shape}], got ${values.length}`);
  const buffer = await device.createBuffer(name, byteLength({ dtype, shape }), tensorUsage);
  if (values) device.upload(buffer, 0, encodeNumbers(values, dtype));
  return { buffer };
}

/** A tensor's elements as numbers. Waits for the work submitted before. @throws what went wrong on the device */
export async function readTensor(
  device: Device,
  { dtype, shape }: Tensor,
  { buffer, offset = 0 }: BufferRange,
): Promise<Float32Array | Uint32Array> {
  const { bytes, decode } = storages[dtype];
  return decode(await readBuffer(device, buffer, offset, elementCount(shape) * bytes));
}

/** The bytes of numbers as a tensor of this type stores them. */
export function encodeNumbers(values: ArrayLike<number>, dtype: DType): Uint8Array {
  // Above 2^24 not every whole number is one of f32.
  const typed = dtype === "u32" ? Uint32Array.from(values) : storages[dtype].encode(Float32Array.from(values));
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}
