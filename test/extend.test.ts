/** A larger canvas: its pixels by definition, and every way to ask wrongly. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { extendCanvas, extendedSize, lay, type Sides } from "../src/pictures/extend.ts";
import { createPicture, type Mask, type Picture } from "../src/pictures/image.ts";
import { uniform } from "./support/random.ts";

function randomPicture(width: number, height: number): Picture {
  const next = uniform(width * 1000 + height);
  const picture = createPicture(width, height);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = 256 * next();
  return picture;
}

/** The pixel of the picture that stands at (x, y) of the canvas; undefined in the border. */
function sourceOf(x: number, y: number, { width, height }: Picture, { left, top }: Pick<Sides, "left" | "top">) {
  const [u, v] = [x - left, y - top];
  return u >= 0 && v >= 0 && u < width && v < height ? v * width + u : undefined;
}

describe("extendCanvas", () => {
  const side = fc.nat(9);
  const sizes = fc.record({ width: fc.integer({ min: 1, max: 12 }), height: fc.integer({ min: 1, max: 12 }) });

  test("every pixel is the picture's own with its keep, or a transparent one to be filled", () => {
    fc.assert(
      fc.property(sizes, fc.tuple(side, side, side, side), fc.boolean(), ({ width, height }, all, hasKeep) => {
        fc.pre(all.some((one) => one > 0));
        const [left, top, right, bottom] = all;
        const picture = randomPicture(width, height);
        const keep: Mask = { width, height, data: Float32Array.from({ length: width * height }, (_, i) => i % 2) };
        const before = picture.data.slice();
        const larger = extendCanvas(picture, { left, top, right, bottom }, hasKeep ? keep : undefined);
        expect(picture.data).toEqual(before);
        for (const one of [larger.picture, larger.keep])
          expect([one.width, one.height]).toEqual([left + width + right, top + height + bottom]);
        for (let i = 0; i < larger.keep.data.length; i++) {
          const from = sourceOf(i % larger.keep.width, Math.floor(i / larger.keep.width), picture, { left, top });
          const pixel = [...larger.picture.data.subarray(4 * i, 4 * i + 4)];
          expect(pixel).toEqual(from === undefined ? [0, 0, 0, 0] : [...before.subarray(4 * from, 4 * from + 4)]);
          expect(larger.keep.data[i]).toBe(from === undefined ? 0 : hasKeep ? keep.data[from] : 1);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("what is laid beyond a canvas is left out, on every side", () => {
    const offset = fc.integer({ min: -14, max: 14 });
    fc.assert(
      fc.property(sizes, sizes, offset, offset, (small, large, x, y) => {
        const source = { ...small, data: Uint8Array.from({ length: small.width * small.height }, (_, i) => i + 1) };
        const target = { ...large, data: new Uint8Array(large.width * large.height) };
        lay(source, target, x, y);
        const expected = target.data.map((_, i) => {
          const [u, v] = [(i % large.width) - x, Math.floor(i / large.width) - y];
          const isInside = u >= 0 && v >= 0 && u < small.width && v < small.height;
          return isInside ? source.data[v * small.width + u]! : 0;
        });
        expect(target.data).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  const picture = createPicture(4, 3);
  test.each([
    [{}, /^extend: 0, 0, 0, 0 adds nothing: expected at least 1 pixel on one side$/],
    [{ left: 0, top: 0, right: 0, bottom: 0 }, /adds nothing/],
    [{ left: -3 }, /^extend: expected whole pixels from 0 on for left, top, right, bottom, got -3, 0, 0, 0$/],
    [{ right: 1.5 }, /got 0, 0, 1.5, 0$/],
    [{ bottom: NaN }, /got 0, 0, 0, NaN$/],
    [{ top: "9" as unknown as number }, /expected whole pixels/],
    [{ left: 20_000, top: 20_000 }, /^extend: the canvas would be 20004×20003, more than 268 megapixels: add less$/],
    [{ left: Infinity }, /expected whole pixels/],
  ] as const)("refuses %j", (sides, words) => {
    expect(() => extendCanvas(picture, sides)).toThrow(InputError);
    expect(() => extendCanvas(picture, sides)).toThrow(words);
  });

  test("refuses a mask of another size, and what is no picture, before it makes anything", () => {
    const keep = { width: 3, height: 3, data: new Float32Array(9) };
    expect(() => extendCanvas(picture, { left: 1 }, keep)).toThrow(/the mask is 3x3, the picture 4x3/);
    expect(() => extendCanvas({ ...picture, width: 5 }, { left: 1 })).toThrow(/picture: 5x3 needs 60 values/);
    expect(() => extendedSize(picture, { left: 100 }, 300)).toThrow(/104×3/);
  });
});
