/** Strided views against a naive gather, with pieces so small that every boundary is crossed. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { isTangled, readView, spanBytes, type View } from "../src/files/pytorch/views.ts";

/** Element by element, in row-major order. */
function naiveGather(storage: Uint8Array, { shape, strides, elementBytes, begin }: View): number[] {
  const bytes: number[] = [];
  const visit = (axis: number, at: number) => {
    if (axis === shape.length) bytes.push(...storage.subarray(at, at + elementBytes));
    else for (let i = 0; i < shape[axis]!; i++) visit(axis + 1, at + i * strides[axis]! * elementBytes);
  };
  visit(0, begin);
  return bytes;
}

async function check(view: View, maxPieceBytes: number): Promise<{ longest: number; total: number }> {
  const storage = Uint8Array.from({ length: view.begin + spanBytes(view) }, (_, i) => (i * 151 + (i >> 8)) & 255);
  let [longest, total] = [0, 0];
  const read = async (offset: number, length: number) => {
    expect(offset).toBeGreaterThanOrEqual(view.begin);
    expect(offset + length).toBeLessThanOrEqual(storage.length);
    longest = Math.max(longest, length);
    total += length;
    return storage.subarray(offset, offset + length);
  };
  expect([...(await readView(view, read, maxPieceBytes))]).toEqual(naiveGather(storage, view));
  return { longest, total };
}

const elementBytes = fc.constantFrom(1, 2, 4, 8);
const maxPieceBytes = fc.integer({ min: 8, max: 300 });

test("any strides", async () => {
  const axis = fc.record({ length: fc.integer({ min: 0, max: 5 }), stride: fc.integer({ min: 0, max: 40 }) });
  const axes = fc.array(axis, { maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(axes, elementBytes, fc.nat(20), maxPieceBytes, async (axes, elementBytes, begin, piece) => {
      const [shape, strides] = [axes.map(({ length }) => length), axes.map(({ stride }) => stride)];
      await check({ shape, strides, elementBytes, begin }, piece);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

test("slices and transpositions of whole tensors pass their storage once, in pieces", async () => {
  const axis = fc.record({
    length: fc.integer({ min: 1, max: 6 }),
    step: fc.integer({ min: 1, max: 3 }),
    key: fc.nat(),
  });
  const axes = fc.array(axis, { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(axes, elementBytes, maxPieceBytes, async (axes, elementBytes, piece) => {
      let stride = 1;
      const sliced = axes.map(({ length, step, key }) => {
        const own = stride * step;
        stride *= length * step;
        return { length, stride: own, key };
      });
      sliced.sort((a, b) => a.key - b.key);
      const [shape, strides] = [sliced.map(({ length }) => length), sliced.map(({ stride }) => stride)];
      const view = { shape, strides, elementBytes, begin: 3 };
      const { longest, total } = await check(view, piece);
      const bytes = shape.reduce((a, b) => a * b, elementBytes);
      const isOneRead = total === bytes && longest === bytes;
      if (!isOneRead) expect(longest).toBeLessThanOrEqual(piece);
      expect(total).toBeLessThanOrEqual(spanBytes(view));
      expect(isTangled(view)).toBe(false);
    }),
    { numRuns: 2000, seed: 2 },
  );
});

test("a contiguous tensor is one read, whatever its axes of length 1", async () => {
  const view = { shape: [2, 1, 3], strides: [3, 77, 1], elementBytes: 4, begin: 8 };
  expect(await check(view, 8)).toEqual({ longest: 24, total: 24 });
});

test("views that would read their storage again and again are known", () => {
  const [elementBytes, begin] = [4, 0];
  expect(isTangled({ shape: [4000, 4000], strides: [3001, 3000], elementBytes, begin })).toBe(true);
  expect(isTangled({ shape: [4000, 4000], strides: [1, 4000], elementBytes, begin })).toBe(false);
  expect(isTangled({ shape: [9, 4000, 4000], strides: [0, 1, 4000], elementBytes, begin })).toBe(false);
  // Small enough to be held at once.
  expect(isTangled({ shape: [40, 40], strides: [3, 2], elementBytes, begin })).toBe(false);
});
