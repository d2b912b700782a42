/**
 * The number formats in which the device stores activations and weights; kernels compute in f32. Everything that
 * differs from one to the other on the host stands in this table, what kernels write to read them in engine/kernel.ts.
 * Not here: types of tensors in files (src/files/types.ts).
 */
import { float16ToFloat32, float32ToFloat16 } from "./floats.ts";

/** What users choose from, the default first. */
export const precisions = ["f32", "f16"] as const;
export type Precision = (typeof precisions)[number];

/** u32 is for seeds, labels and the like. */
export type DType = Precision | "u32";

interface Storage {
  /** Of an element. */
  readonly bytes: number;
  /** Magnitudes from here up are stored as infinity. */
  readonly overflowsFrom: number;
  readonly encode: (values: Float32Array) => Float32Array | Uint16Array | Uint32Array;
  readonly decode: (stored: ArrayBuffer) => Float32Array | Uint32Array;
}

export const storages: Readonly<Record<DType, Storage>> = {
  f32: { bytes: 4, overflowsFrom: Infinity, encode: (values) => values, decode: (stored) => new Float32Array(stored) },
  f16: {
    bytes: 2,
    overflowsFrom: 65520,
    encode: float32ToFloat16,
    decode: (stored) => float16ToFloat32(new Uint16Array(stored)),
  },
  u32: {
    bytes: 4,
    overflowsFrom: Infinity,
    encode: (values) => Uint32Array.from(values),
    decode: (stored) => new Uint32Array(stored),
  },
};
