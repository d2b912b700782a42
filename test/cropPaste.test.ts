/** Cropping and pasting: known pixels are left alone, and nothing under the fill shows. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { cropToModel, pasteBack } from "../src/pictures/cropPaste.ts";
import type { Picture } from "../src/pictures/image.ts";
import { type Region, planRegions } from "../src/pictures/region.ts";
import { resizeAndCentreCrop } from "../src/pictures/resize.ts";
import { anyMask, anyModel, box, inside, maskOf } from "./support/masks.ts";

/** Every byte differs from its neighbours', alpha included. */
function noise(width: number, height: number, seed = 1): Picture {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0, state = seed; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

describe("cropToModel", () => {
  it("copies known pixels at scale 1 and says what is unknown, outside of the picture, too", () => {
    const picture = noise(30, 20);
    const keep = maskOf(30, 20, box(4, 4, 3, 3));
    const crop = cropToModel(picture, keep, box(-2, 1, 34, 25), 34, 25);
    for (let v = 0; v < 25; v++)
      for (let u = 0; u < 34; u++) {
        const [x, y, at] = [u - 2, v + 1, v * 34 + u];
        const known = inside(x, y, box(0, 0, 30, 20)) && !inside(x, y, box(4, 4, 3, 3));
        expect(crop.keep.data[at]).toBe(known ? 1 : 0);
        const from = 4 * (y * 30 + x);
        const colour = known ? [...picture.data.subarray(from, from + 3)] : [128, 128, 128];
        expect([...crop.picture.data.subarray(4 * at, 4 * at + 4)]).toEqual([...colour, 255]);
      }
  });

  it("resamples as the program does where everything is known", () => {
    for (const size of [150, 64, 50]) {
      const picture = noise(size, size);
      const crop = cropToModel(picture, maskOf(size, size), box(0, 0, size, size), 32, 32);
      const expected = resizeAndCentreCrop(picture, 32);
      expect(crop.keep.data.every((value) => value === 1)).toBe(true);
      // 8-bit rounding between the passes of the program.
      crop.picture.data.forEach((value, i) => {
        if (i % 4 < 3) expect(Math.abs(value - expected.data[i]!)).toBeLessThanOrEqual(2);
      });
    }
  });

  it("does not depend on what lies under the fill", () => {
    fc.assert(
      fc.property(anyMask, anyModel, (keep, size) => {
        const one = noise(keep.width, keep.height);
        const other: Picture = {
          ...one,
          data: one.data.map((value, i) => (keep.data[i >> 2]! >= 0.5 ? value : 255 - value)),
        };
        for (const region of planRegions(keep, size).slice(0, 2)) {
          const a = cropToModel(one, keep, region, size.modelWidth, size.modelHeight);
          expect(cropToModel(other, keep, region, size.modelWidth, size.modelHeight)).toEqual(a);
          expect([...new Set(a.keep.data)].every((value) => value === 0 || value === 1)).toBe(true);
        }
      }),
    );
  });

  it("keeps a flat colour flat beside a hole at every scale", () => {
    const picture: Picture = { width: 100, height: 100, data: new Uint8ClampedArray(40_000).fill(77) };
    const keep = maskOf(100, 100, box(20, 30, 41, 33));
    for (const size of [16, 33, 64, 99, 160]) {
      const crop = cropToModel(picture, keep, box(0, 0, 100, 100), size, size);
      crop.keep.data.forEach((known, i) => expect(crop.picture.data[4 * i]).toBe(known ? 77 : 128));
      const share = crop.keep.data.filter((known) => known === 0).length / size ** 2;
      expect(Math.abs(share - (41 * 33) / 1e4)).toBeLessThan(0.04);
    }
  });
});

describe("pasteBack", () => {
  it("never changes a known pixel, and fills every other one opaquely, feathered or not", () => {
    fc.assert(
      fc.property(anyMask, anyModel, fc.nat(9), fc.boolean(), (keep, size, feather, native) => {
        const original = noise(keep.width, keep.height);
        let out = original;
        for (const region of planRegions(keep, size)) {
          const result = native ? noise(region.width, region.height, 7) : noise(size.modelWidth, size.modelHeight, 7);
          out = pasteBack(out, keep, region, result, { feather });
        }
        expect([out.width, out.height]).toEqual([keep.width, keep.height]);
        for (let i = 0; i < keep.data.length; i++) {
          const [before, after] = [original, out].map(({ data }) => data.slice(4 * i, 4 * i + 4).join());
          if (keep.data[i]! >= 0.5 && before !== after) expect.fail(`known pixel ${i} was ${before}, is ${after}`);
          if (!(keep.data[i]! >= 0.5) && !after!.endsWith(",255")) expect.fail(`filled pixel ${i} is ${after}`);
        }
      }),
    );
  });

  it("takes the result's own bytes at scale 1, of the region's own fill only", () => {
    const original = noise(90, 80);
    const keep = maskOf(90, 80, box(10, 10, 5, 5), box(20, 20, 5, 5));
    const region: Region = { ...box(-3, 4, 64, 64), fill: box(10, 10, 5, 5) };
    const result = noise(64, 64, 9);
    const out = pasteBack(original, keep, region, result);
    for (let y = 0; y < 80; y++)
      for (let x = 0; x < 90; x++) {
        const at = 4 * (y * 90 + x);
        const from = 4 * ((y - 4) * 64 + x + 3);
        const filled = inside(x, y, box(10, 10, 5, 5));
        const expected = filled
          ? [...result.data.subarray(from, from + 3), 255]
          : [...original.data.subarray(at, at + 4)];
        expect([...out.data.subarray(at, at + 4)]).toEqual(expected);
      }
  });

  it("brings a result of another size to the region's", () => {
    const original = noise(50, 50);
    const flat: Picture = { width: 10, height: 10, data: new Uint8ClampedArray(400).fill(200) };
    const keep = maskOf(50, 50, box(5, 5, 30, 30));
    const out = pasteBack(original, keep, { ...box(0, 0, 40, 40), fill: box(5, 5, 30, 30) }, flat);
    for (let y = 5; y < 35; y++) for (let x = 5; x < 35; x++) expect(out.data[4 * (y * 50 + x)]).toBe(200);
  });

  it("feathers by the tent's known share: values by hand at a straight border", () => {
    // Known 100 for x < 10, result 200 beyond. Radius 3: tent 1 2 3 4 3 2 1 over 16; shares 6, 3, 1 and 0 of 16.
    const original: Picture = { width: 20, height: 20, data: new Uint8ClampedArray(1600).fill(100) };
    const result: Picture = { width: 20, height: 20, data: new Uint8ClampedArray(1600).fill(200) };
    const keep = maskOf(20, 20, box(10, 0, 10, 20));
    const region = { ...box(0, 0, 20, 20), fill: box(10, 0, 10, 20) };
    const out = pasteBack(original, keep, region, result, { feather: 3 });
    const row = Array.from({ length: 6 }, (_, i) => out.data[4 * (10 * 20 + 8 + i)]);
    expect(row).toEqual(
      [100, 100, 200 - 37.5, 200 - 18.75, 200 - 6.25, 200].map((value) => Uint8ClampedArray.of(value)[0]),
    );
  });

  it("refuses sizes that differ and a feather that is none", () => {
    const keep = maskOf(10, 10, box(0, 0, 2, 2));
    const region = { ...box(0, 0, 10, 10), fill: box(0, 0, 2, 2) };
    expect(() => pasteBack(noise(10, 11), keep, region, noise(10, 10))).toThrow(/must have the same size/);
    for (const feather of [-1, 0.5, Number.NaN, 257, Infinity])
      expect(() => pasteBack(noise(10, 10), keep, region, noise(10, 10), { feather })).toThrow(InputError);
  });
});
