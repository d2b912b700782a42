/**
 * The types that tensors have in files, by safetensors' names: how many bytes an element has, and its numbers where
 * they are read. Not here: types that tensors are converted to (conversion.ts), storage on the device
 * (src/numbers/storage.ts).
 */
import { bfloat16ToFloat32, float16ToFloat32 } from "../numbers/floats.ts";

type Numbers = (buffer: ArrayBuffer) => ArrayLike<number>;

const wide = (read: (buffer: ArrayBuffer) => BigInt64Array | BigUint64Array): Numbers => {
  return (buffer) => Float32Array.from(read(buffer), Number);
};

/** Types narrower than a byte (F4, F6) are refused. */
const types = {
  F64: { bytes: 8, numbers: (buffer) => new Float64Array(buffer) },
  F32: { bytes: 4, numbers: (buffer) => new Float32Array(buffer) },
  F16: { bytes: 2, numbers: (buffer) => float16ToFloat32(new Uint16Array(buffer)) },
  BF16: { bytes: 2, numbers: (buffer) => bfloat16ToFloat32(new Uint16Array(buffer)) },
  F8_E4M3: { bytes: 1 },
  F8_E5M2: { bytes: 1 },
  F8_E8M0: { bytes: 1 },
  C64: { bytes: 8 },
  I64: { bytes: 8, numbers: wide((buffer) => new BigInt64Array(buffer)) },
  I32: { bytes: 4, numbers: (buffer) => new Int32Array(buffer) },
  I16: { bytes: 2, numbers: (buffer) => new Int16Array(buffer) },
  I8: { bytes: 1, numbers: (buffer) => new Int8Array(buffer) },
  U64: { bytes: 8, numbers: wide((buffer) => new BigUint64Array(buffer)) },
  U32: { bytes: 4, numbers: (buffer) => new Uint32Array(buffer) },
  U16: { bytes: 2, numbers: (buffer) => new Uint16Array(buffer) },
  U8: { bytes: 1, numbers: (buffer) => new Uint8Array(buffer) },
  BOOL: { bytes: 1, numbers: (buffer) => new Uint8Array(buffer) },
} as const satisfies Record<string, { bytes: number; numbers?: Numbers }>;

export type FileType = keyof typeof types;

/** `numbers` takes a buffer that begins with the tensor; without it, values of the type are not read. */
export const fileTypes: Readonly<Record<FileType, { readonly bytes: number; readonly numbers?: Numbers }>> = types;

/** Types that weights may have. */
export const floatTypes = ["F32", "F16", "BF16", "F64"] as const satisfies FileType[];
export type FloatType = (typeof floatTypes)[number];
