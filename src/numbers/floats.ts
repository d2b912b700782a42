/**
 * Exact conversions between binary16, bfloat16 and binary32 on whole arrays, and how far two arrays differ. 16-bit
 * values travel as their bits in a Uint16Array, since Node 20 has no Float16Array. Not here: byte order. Files and
 * every WebGPU host are little-endian.
 */

let table: Uint32Array | undefined;

/** The binary32 bits of all 65,536 binary16 values: a lookup is several times faster than the arithmetic. */
function float16Table(): Uint32Array {
  if (table) return table;
  table = new Uint32Array(65536);
  const value = new Float32Array(1);
  const bits = new Uint32Array(value.buffer);
  for (let half = 0; half < 65536; half++) {
    const sign = (half & 0x8000) * 0x10000;
    const exponent = (half >>> 10) & 0x1f;
    const mantissa = half & 0x3ff;
    if (exponent === 31) bits[0] = 0x7f800000 + mantissa * 0x2000;
    else value[0] = exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25);
    table[half] = sign + bits[0]!;
  }
  return table;
}

/** binary16 bits to float32, exactly: subnormals, ±0, ±Inf and the payloads of NaN included. */
export function float16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const lookup = float16Table();
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = lookup[bits[i]!]!;
  return new Float32Array(out.buffer);
}

/** bfloat16 bits to float32, exactly: bfloat16 is the upper half of binary32. */
export function bfloat16ToFloat32(bits: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i++) out[i] = bits[i]! << 16;
  return new Float32Array(out.buffer);
}

/**
 * float32 to binary16 bits, to nearest, ties to even (IEEE 754). Magnitudes from 65520 up become ±Inf, as in PyTorch
 * and as the hardware does: a clamp would hide that a network does not fit f16. Below 2^-25, and at it, the result is
 * ±0. NaN stays NaN (quiet, upper payload bits kept).
 */
export function float32ToFloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < source.length; i++) {
    const bits = source[i]!;
    const magnitude = bits & 0x7fffffff;
    let half: number;
    if (magnitude > 0x7f800000) half = 0x7e00 | ((magnitude >>> 13) & 0x3ff);
    else if (magnitude >= 0x477ff000) half = 0x7c00;
    else if (magnitude >= 0x38800000) {
      // The exponent's bias falls from 127 to 15; a carry out of the mantissa raises the exponent, as it should.
      const rebased = magnitude - 0x38000000;
      half = (rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13;
    } else if (magnitude <= 0x33000000) half = 0;
    else {
      // A subnormal result counts units of 2^-24.
      const mantissa = (magnitude & 0x7fffff) | 0x800000;
      const shift = 126 - (magnitude >>> 23);
      const rest = mantissa & ((1 << shift) - 1);
      const tie = 1 << (shift - 1);
      half = mantissa >>> shift;
      if (rest > tie || (rest === tie && (half & 1) === 1)) half++;
    }
    out[i] = ((bits >>> 16) & 0x8000) | half;
  }
  return out;
}

/**
 * float32 to bfloat16 bits, to nearest, ties to even. Magnitudes that round above the largest become ±Inf; NaN stays
 * NaN (quiet, upper payload bits kept).
 */
export function float32ToBfloat16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const source = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const out = new Uint16Array(values.length);
  for (let i = 0; i < source.length; i++) {
    const bits = source[i]!;
    const isNaN = (bits & 0x7fffffff) > 0x7f800000;
    // The sum wraps around for NaN only; a carry out of the mantissa raises the exponent, as it should.
    out[i] = isNaN ? (bits >>> 16) | 0x40 : (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }
  return out;
}

/** ‖a − b‖ / ‖b‖, 0 of equal arrays, all zeros too; NaN where there is one. */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [difference, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const value = b[i]!;
    difference += (a[i]! - value) ** 2;
    norm += value ** 2;
  }
  return difference === 0 ? 0 : Math.sqrt(difference / norm);
}
