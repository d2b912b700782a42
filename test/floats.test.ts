/** 16-bit floats: every value there is, and every rounding boundary between two of them. */
import { expect, test } from "vitest";
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from "../src/numbers/floats.ts";

const allBits = Uint16Array.from({ length: 65536 }, (_, i) => i);
const halfValue = (bits: number) => {
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  const magnitude =
    exponent === 31
      ? mantissa
        ? NaN
        : Infinity
      : exponent
        ? (1 + mantissa / 1024) * 2 ** (exponent - 15)
        : mantissa * 2 ** -24;
  return bits & 0x8000 ? -magnitude : magnitude;
};

test("every binary16 and bfloat16 value is exact", () => {
  const halves = float16ToFloat32(allBits);
  const brains = bfloat16ToFloat32(allBits);
  const view = new DataView(new ArrayBuffer(4));
  for (const bits of allBits) {
    expect(Object.is(halves[bits], halfValue(bits)), `f16 ${bits}`).toBe(true);
    view.setUint16(0, bits);
    expect(Object.is(brains[bits], view.getFloat32(0)), `bf16 ${bits}`).toBe(true);
  }
});

test("every binary16 value survives the way there and back", () => {
  const back = float32ToFloat16(float16ToFloat32(allBits));
  for (const bits of allBits) {
    if (Number.isNaN(halfValue(bits))) expect(halfValue(back[bits]!)).toBeNaN();
    else expect(back[bits]).toBe(bits);
  }
});

test("between two neighbours the nearer wins, and the even one on a tie; 65520 is infinite", () => {
  for (let low = 0; low < 0x7c00; low++) {
    const middle = low === 0x7bff ? 65520 : (halfValue(low) + halfValue(low + 1)) / 2;
    const values = Float32Array.of(middle * (1 - 2 ** -23), middle, middle * (1 + 2 ** -22), -middle);
    const even = low % 2 === 0 ? low : low + 1;
    expect([...float32ToFloat16(values)], String(middle)).toEqual([low, even, low + 1, even | 0x8000]);
  }
  expect([...float32ToFloat16(Float32Array.of(1e-45, -1e-45, Infinity, -Infinity, 3e38))]).toEqual([
    0, 0x8000, 0x7c00, 0xfc00, 0x7c00,
  ]);
});

test("views into larger buffers are read in their bounds", () => {
  const values = new Float32Array([9, 1, 2, 9]).subarray(1, 3);
  expect([...float32ToFloat16(values)]).toEqual([0x3c00, 0x4000]);
  expect([...float16ToFloat32(Uint16Array.of(0, 0x3c00, 0).subarray(1, 2))]).toEqual([1]);
});
