/**
 * One tensor's bytes from one floating type to another, and what does not fit the new one. Not here: files, and which
 * tensors there are.
 */
import { CheckpointError } from "../errors.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "./floats.ts";
import type { SafetensorsType } from "./safetensors.ts";

export const floatTypes = ["F16", "BF16", "F32", "F64"] as const;
export type FloatType = (typeof floatTypes)[number];

export interface Converted {
  readonly data: ArrayBufferView;
  /** Finite values that are infinite in the new type. */
  readonly overflows: number;
  /** The largest magnitude among them; 0 where there is none. */
  readonly largest: number;
}

/** Magnitudes from here up are rounded to infinity. */
const overflowsFrom: Record<FloatType, number> = {
  F16: 65520,
  // The largest number and half a unit in its last place.
  BF16: 2 ** 128 - 2 ** 119,
  F32: 2 ** 128 - 2 ** 103,
  F64: Infinity,
};

/**
 * Row-major little-endian bytes of type `from` to type `to`, to nearest, ties to even; equal types stay the same bytes.
 * F64 goes to the 16-bit types by way of float32. Throws CheckpointError where `from` is no floating type.
 */
export function convertFloats(bytes: Uint8Array, from: SafetensorsType, to: FloatType): Converted {
  if (from === to) return { data: bytes, overflows: 0, largest: 0 };
  const values = floatsOf(bytes, from);
  const limit = overflowsFrom[to];
  let overflows = 0;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude < limit || magnitude === Infinity || Number.isNaN(magnitude)) continue;
    overflows++;
    if (magnitude > largest) largest = magnitude;
  }
  return { data: store(values, to), overflows, largest };
}

function floatsOf(bytes: Uint8Array, type: SafetensorsType): Float32Array | Float64Array {
  // A copy starts at 0, so every typed array may lie on it.
  const { buffer } = bytes.byteOffset % 8 === 0 ? bytes : Uint8Array.from(bytes);
  const at = bytes.byteOffset % 8 === 0 ? bytes.byteOffset : 0;
  switch (type) {
    case "F64":
      return new Float64Array(buffer, at, bytes.length / 8);
    case "F32":
      return new Float32Array(buffer, at, bytes.length / 4);
    case "F16":
      return float16ToFloat32(new Uint16Array(buffer, at, bytes.length / 2));
    case "BF16":
      return bfloat16ToFloat32(new Uint16Array(buffer, at, bytes.length / 2));
    default:
      throw new CheckpointError(`expected a tensor of ${floatTypes.join(", ")}, got ${type}, which is not converted`);
  }
}

function store(values: Float32Array | Float64Array, type: FloatType): ArrayBufferView {
  if (type === "F64") return Float64Array.from(values);
  const singles = values instanceof Float32Array ? values : Float32Array.from(values);
  return type === "F32" ? singles : type === "F16" ? float32ToFloat16(singles) : float32ToBfloat16(singles);
}
