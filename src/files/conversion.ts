/**
 * One tensor's bytes from one floating type to another, and what does not fit the new one. Not here: files, and which
 * tensors there are.
 */
import { CheckpointError } from "../errors.ts";
import { float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from "../numbers/floats.ts";
import { fileTypes, floatTypes, type FileType, type FloatType } from "./types.ts";

export interface Converted {
  readonly data: ArrayBufferView;
  /** Finite values that are infinite in the new type. */
  readonly overflows: number;
  /** The largest magnitude among them; 0 where there is none. */
  readonly largest: number;
}

type Values = ArrayLike<number>;
const singles = (values: Values) => (values instanceof Float32Array ? values : Float32Array.from(values));

interface Target {
  readonly type: FloatType;
  /** Magnitudes from here up are rounded to infinity. */
  readonly overflowsFrom: number;
  readonly encode: (values: Values) => ArrayBufferView;
}

/** What tensors are converted to, by the word that users have for it; wider ranges follow narrower ones. */
const targets = {
  f16: { type: "F16", overflowsFrom: 65520, encode: (values) => float32ToFloat16(singles(values)) },
  // The largest number and half a unit in its last place.
  bf16: { type: "BF16", overflowsFrom: 2 ** 128 - 2 ** 119, encode: (values) => float32ToBfloat16(singles(values)) },
  f32: { type: "F32", overflowsFrom: 2 ** 128 - 2 ** 103, encode: singles },
} as const satisfies Record<string, Target>;

export type ConversionTarget = keyof typeof targets;
export const conversionTargets = Object.keys(targets) as readonly ConversionTarget[];

export const targetType = (target: ConversionTarget): FloatType => targets[target].type;

/** Targets that hold larger numbers. */
export function widerTargets(than: ConversionTarget): readonly ConversionTarget[] {
  return conversionTargets.filter((target) => targets[target].overflowsFrom > targets[than].overflowsFrom);
}

export const isFloatType = (type: FileType): type is FloatType => (floatTypes as readonly FileType[]).includes(type);

/** An eight-bit float with four bits of exponent, bias 7, without infinities. */
function float8(bits: number): number {
  const [sign, exponent, fraction] = [bits & 0x80 ? -1 : 1, (bits >> 3) & 15, bits & 7];
  if (exponent === 15 && fraction === 7) return NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -9 : (1 + fraction / 8) * 2 ** (exponent - 7));
}

/** Types that no network is read in, whose values are numbers all the same. */
const eightBits: Partial<Record<FileType, (bytes: Uint8Array) => Float32Array>> = {
  F8_E4M3: (bytes) => Float32Array.from(bytes, float8),
  // float16's upper byte.
  F8_E5M2: (bytes) => float16ToFloat32(Uint16Array.from(bytes, (bits) => bits << 8)),
};

export const isConvertible = (type: FileType): boolean => isFloatType(type) || type in eightBits;

/**
 * Row-major little-endian bytes of type `from` to type `to`, to nearest, ties to even; equal types stay the same bytes.
 * F64 goes to the 16-bit types by way of float32.
 * @throws CheckpointError where `from` is no floating type
 */
export function convertFloats(bytes: Uint8Array, from: FileType, to: ConversionTarget): Converted {
  const { type, overflowsFrom, encode }: Target = targets[to];
  if (from === type) return { data: bytes, overflows: 0, largest: 0 };
  const eight = eightBits[from];
  if (!isFloatType(from) && !eight)
    throw new CheckpointError(`expected a tensor of ${floatTypes.join(", ")}, got ${from}, which is not converted`);
  // A copy starts at 0, so every typed array may lie on it.
  const values = eight ? eight(bytes) : fileTypes[from].numbers!(new Uint8Array(bytes).buffer);
  let overflows = 0;
  let largest = 0;
  for (let i = 0; i < values.length; i++) {
    const magnitude = Math.abs(values[i]!);
    if (magnitude < overflowsFrom || magnitude === Infinity || Number.isNaN(magnitude)) continue;
    overflows++;
    if (magnitude > largest) largest = magnitude;
  }
  return { data: encode(values), overflows, largest };
}
