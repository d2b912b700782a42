/**
 * What a tensor is: a name, an element type and a shape. Where its bytes lie is the arena's and the executor's
 * business. Activations are NHWC with the channel count padded to a multiple of 4, so that every kernel moves vec4s.
 */

import { storages, type DType } from "../numbers/storage.ts";

export type { DType };

/**
 * A handle: identity is the object itself. `temporary` tensors live in arenas, `external` ones in a buffer that the
 * caller gives, `constant` ones are computed once, by a plan's preparation, and belong to the executor.
 */
export interface Tensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly place: "temporary" | "external" | "constant";
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Bytes of a tensor, rounded up to 16: a vec4 view must never be cut, and WebGPU copies in multiples of 4. */
export function byteLength(tensor: Pick<Tensor, "dtype" | "shape">): number {
  return Math.ceil((elementCount(tensor.shape) * storages[tensor.dtype].bytes) / 16) * 16;
}

/** The next multiple of 4: the padded channel count. */
export function padTo4(count: number): number {
  return Math.ceil(count / 4) * 4;
}
