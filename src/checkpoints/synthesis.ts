/**
 * Weights made by a rule that every language can follow, so that a released architecture runs at full size without a
 * download: hashes of a tensor's name and of the element's index, scaled so that activations neither vanish nor
 * explode. They paint noise. Not here: which tensors there are (architecture.ts), files (src/node).
 *
 * For element i of the tensor NAME, row-major: s = FNV-1a-32(NAME), u = lowbias32(s + i·0x9E3779B9 mod 2³²), r = (2·(u
 * >> 22) − 1023)/1024. Two or more dimensions: r·2^round(log2 √(3/fanIn)), fanIn = elements/shape[0], halves to even.
 * One dimension: a weight is 1 + r/4, a bias r/4. An input is 2·r.
 *
 * r has ten bits, so that all values but the one-dimensional weights (thirteen bits) are exact in f16.
 */
import { float32ToFloat16 } from "../numbers/floats.ts";

const goldenRatio = 0x9e3779b9;
const levels = 1024;

/** FNV-1a with 32 bits, of the name's UTF-8. */
export function fnv1a(name: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** values[i] = table[the upper ten bits of element i's hash]. */
function fillByHash<T extends Float32Array | Uint16Array>(name: string, table: T, values: T): T {
  let counter = fnv1a(name);
  for (let i = 0; i < values.length; i++) {
    // lowbias32 of Wellons' hash-prospector.
    let x = counter;
    x ^= x >>> 16;
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    // The last shift by 16 leaves the upper bits as they are.
    values[i] = table[x >>> 22]!;
    counter = (counter + goldenRatio) | 0;
  }
  return values;
}

/** The 1024 values that scale and offset make of r. */
function valueTable(scale: number, offset = 0): Float32Array {
  return Float32Array.from({ length: levels }, (_, level) => offset + (scale * (2 * level - (levels - 1))) / levels);
}

/**
 * 2^round(log2 √(3/fanIn)): the power of two nearest to what keeps the variance. Exact halves go to the even exponent.
 */
function fanInScale(fanIn: number): number {
  const exponent = Math.log2(Math.sqrt(3 / fanIn));
  const below = Math.floor(exponent);
  const isHalf = exponent - below === 0.5;
  return 2 ** (isHalf ? below + (below & 1) : Math.round(exponent));
}

function weightTable(name: string, shape: readonly number[]): Float32Array {
  if (shape.length > 1) return valueTable(fanInScale(elementCount(shape) / shape[0]!));
  return valueTable(1 / 4, name.endsWith(".weight") ? 1 : 0);
}

/** A weight of the state dict, row-major. */
export function synthesizeTensor(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  return fillByHash(name, weightTable(name, shape), new Float32Array(elementCount(shape))) as Float32Array<ArrayBuffer>;
}

/** Its binary16 bits, without the detour over float32. */
export function synthesizeFloat16(name: string, shape: readonly number[]): Uint16Array<ArrayBuffer> {
  const table = float32ToFloat16(weightTable(name, shape));
  return fillByHash(name, table, new Uint16Array(elementCount(shape))) as Uint16Array<ArrayBuffer>;
}

/** An input of the network ("x", "low_res"): 2·r. */
export function synthesizeInput(name: string, shape: readonly number[]): Float32Array<ArrayBuffer> {
  return fillByHash(name, valueTable(2), new Float32Array(elementCount(shape))) as Float32Array<ArrayBuffer>;
}

/** Whether all of a weight's values are exact in f16. */
export function isExactInFloat16(name: string, shape: readonly number[]): boolean {
  return shape.length > 1 || !name.endsWith(".weight");
}

const elementCount = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);
