/** Which regions are planned, and that cropping and pasting leave known pixels alone. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/engine/errors.ts";
import { decodePicture } from "../src/node/pictures.ts";
import { cropToModel, pasteBack } from "../src/repaint/cropPaste.ts";
import { type Box, fillBoxes, knownCounter, overlap } from "../src/repaint/holes.ts";
import { type Mask, type Picture, keepMask } from "../src/repaint/image.ts";
import { type Region, planRegions } from "../src/repaint/region.ts";
import { resizeAndCentreCrop } from "../src/repaint/resize.ts";

/** A mask with rectangular holes. */
function maskOf(width: number, height: number, ...holes: Box[]): Mask {
  const data = new Float32Array(width * height).fill(1);
  for (const { x, y, width: w, height: h } of holes)
    for (let v = y; v < y + h; v++) data.fill(0, v * width + x, v * width + x + w);
  return { width, height, data };
}

const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });
const model = { modelWidth: 64, modelHeight: 64 };

/** Every byte differs from its neighbours', alpha included. */
function noise(width: number, height: number, seed = 1): Picture {
  const data = new Uint8ClampedArray(width * height * 4);
  for (let i = 0, state = seed; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  return { width, height, data };
}

const inside = (x: number, y: number, area: Box): boolean =>
  x >= area.x && y >= area.y && x < area.x + area.width && y < area.y + area.height;

/** Masks as people and programs make them: blobs, lines, dust, nothing, everything. */
const anyMask = fc
  .record({
    width: fc.integer({ min: 1, max: 150 }),
    height: fc.integer({ min: 1, max: 150 }),
    kind: fc.constantFrom("boxes", "boxes", "dust", "lines", "all"),
    places: fc.array(
      fc.tuple(fc.nat(149), fc.nat(149), fc.integer({ min: 1, max: 70 }), fc.integer({ min: 1, max: 70 })),
      {
        maxLength: 6,
      },
    ),
  })
  .map(({ width, height, kind, places }) => {
    if (kind === "all") return maskOf(width, height, box(0, 0, width, height));
    if (kind === "lines")
      return maskOf(width, height, ...Array.from({ length: height >> 1 }, (_, i) => box(0, 2 * i + 1, width, 1)));
    const limit = kind === "dust" ? 2 : 70;
    const holes = places.flatMap(([x, y, w, h]) => {
      const [u, v] = [x % width, y % height];
      return [box(u, v, Math.min(w, limit, width - u), Math.min(h, limit, height - v))];
    });
    return maskOf(width, height, ...holes);
  });
const anyModel = fc.record({
  modelWidth: fc.integer({ min: 1, max: 80 }),
  modelHeight: fc.integer({ min: 1, max: 80 }),
});

describe("holes", () => {
  it("joins what touches, corners included, and nothing else", () => {
    const rows = ["#..##", ".#..#", ".....", "#.#.#", "#.#.#", "#####"];
    const data = Float32Array.from(rows.join(""), (cell) => (cell === "#" ? 0 : 1));
    expect(fillBoxes({ width: 5, height: 6, data })).toEqual([box(0, 0, 2, 2), box(3, 0, 2, 2), box(0, 3, 5, 3)]);
  });

  it("agrees with a flood fill and a count pixel by pixel", () => {
    const cells = fc.array(fc.constantFrom(0, 0.4, 0.5, 1, Number.NaN), { minLength: 60, maxLength: 60 });
    fc.assert(
      fc.property(cells, fc.constantFrom(1, 5, 6, 12, 60), (values, width) => {
        const keep = { width, height: 60 / width, data: Float32Array.from(values) };
        const left = new Set(values.flatMap((value, i) => (value >= 0.5 ? [] : [i])));
        const expected: string[] = [];
        for (const start of left) {
          const stack = [start];
          left.delete(start);
          const [xs, ys]: [number[], number[]] = [[], []];
          for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
            const [x, y] = [at % width, Math.floor(at / width)];
            xs.push(x);
            ys.push(y);
            for (const other of left)
              if (Math.abs((other % width) - x) <= 1 && Math.abs(Math.floor(other / width) - y) <= 1) {
                left.delete(other);
                stack.push(other);
              }
          }
          const [x, y] = [Math.min(...xs), Math.min(...ys)];
          expected.push(JSON.stringify(box(x, y, Math.max(...xs) - x + 1, Math.max(...ys) - y + 1)));
        }
        expect(
          fillBoxes(keep)
            .map((hole) => JSON.stringify(hole))
            .sort(),
        ).toEqual(expected.sort());
        const known = knownCounter(keep);
        for (const area of [box(0, 0, width, 60 / width), box(-2, -1, 5, 4), box(3, 2, 9, 1), box(99, 99, 3, 3)]) {
          const count = values.filter((v, i) => v >= 0.5 && inside(i % width, Math.floor(i / width), area)).length;
          expect(known(area)).toBe(count);
        }
      }),
    );
  });
});

describe("planRegions", () => {
  it("covers every filled pixel once, in crops of the model's aspect that lie inside where they can", () => {
    fc.assert(
      fc.property(anyMask, anyModel, (keep, size) => {
        const regions = planRegions(keep, size);
        for (let i = 0; i < keep.data.length; i++) {
          if (keep.data[i]! >= 0.5) continue;
          const [x, y] = [i % keep.width, Math.floor(i / keep.width)];
          const owners = regions.filter(({ fill }) => inside(x, y, fill)).length;
          if (owners !== 1) expect.fail(`${owners} regions fill ${x},${y}`);
        }
        regions.forEach((region, i) => {
          const { fill, x, y, width, height } = region;
          expect(
            inside(fill.x, fill.y, region) && inside(fill.x + fill.width - 1, fill.y + fill.height - 1, region),
          ).toBe(true);
          expect([x, y, width, height].every(Number.isInteger)).toBe(true);
          for (const other of regions.slice(i + 1)) expect(overlap(fill, other.fill)).toBe(false);
          // Half a pixel of rounding on each side of the aspect.
          const scale = Math.max((width - 1) / size.modelWidth, (height - 1) / size.modelHeight);
          expect(width).toBeGreaterThan(scale * size.modelWidth - 1);
          expect(height).toBeGreaterThan(scale * size.modelHeight - 1);
          // Outside only along a side on which the crop is longer than the picture, and then on all of that side.
          if (width <= keep.width) expect(x >= 0 && x + width <= keep.width).toBe(true);
          else expect(x <= 0 && x + width >= keep.width).toBe(true);
          if (height <= keep.height) expect(y >= 0 && y + height <= keep.height).toBe(true);
          else expect(y <= 0 && y + height >= keep.height).toBe(true);
        });
        if (!keep.data.some((value) => value < 0.5)) expect(regions).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it("uses a picture of the model's size as it is, however little or much is to be filled", () => {
    for (const holes of [[box(0, 0, 64, 64)], [box(5, 5, 1, 1)], [box(0, 0, 2, 2), box(60, 60, 4, 4)]])
      expect(planRegions(maskOf(64, 64, ...holes), model)).toMatchObject([box(0, 0, 64, 64)]);
  });

  it("crops at scale 1 around a hole that fits, moved into the picture", () => {
    expect(planRegions(maskOf(300, 200, box(100, 90, 20, 10)), model)).toMatchObject([box(78, 63, 64, 64)]);
    expect(planRegions(maskOf(300, 200, box(295, 0, 5, 5)), model)).toMatchObject([box(236, 0, 64, 64)]);
  });

  it("takes a wider crop where scale 1 would show too little that is known", () => {
    const [region] = planRegions(maskOf(300, 300, box(100, 100, 60, 60)), model);
    expect(region!.width).toBeGreaterThan(80);
    expect(region!.width).toBeLessThan(100);
    expect(region!.height).toBe(region!.width);
    // At least half is known.
    expect(60 * 60).toBeLessThanOrEqual(region!.width ** 2 / 2);
  });

  it("enlarges the short side of a picture smaller than the model", () => {
    expect(planRegions(maskOf(40, 50, box(10, 30, 5, 5)), model)).toMatchObject([box(0, 10, 40, 40)]);
  });

  it("reaches beyond the picture only for a hole that no crop inside can hold", () => {
    const [region] = planRegions(maskOf(1000, 100, box(100, 20, 300, 60)), model);
    expect(region).toMatchObject({ width: region!.height, x: 250 - region!.width / 2 });
    expect(region!.width).toBeGreaterThanOrEqual(375);
    expect(region!.y).toBeLessThan(0);
  });

  it("joins near holes, splits far ones, and joins what lies inside another", () => {
    const near = [box(10, 10, 9, 9), box(40, 30, 9, 9)];
    const far = [box(10, 10, 9, 9), box(200, 10, 9, 9)];
    expect(planRegions(maskOf(300, 300, ...near), model).map(({ fill }) => fill)).toEqual([box(10, 10, 39, 29)]);
    expect(planRegions(maskOf(300, 300, ...far), model).map(({ fill }) => fill)).toEqual(far);
    const frame = [box(0, 0, 300, 9), box(0, 0, 9, 300), box(0, 291, 300, 9), box(291, 0, 9, 300), box(150, 150, 4, 4)];
    expect(planRegions(maskOf(300, 300, ...frame), model).map(({ fill }) => fill)).toEqual([box(0, 0, 300, 300)]);
  });

  it("makes one region of a pattern over the whole picture", () => {
    const lines = Array.from({ length: 128 }, (_, i) => box(0, 2 * i, 256, 1));
    expect(planRegions(maskOf(256, 256, ...lines), model)).toMatchObject([box(0, 0, 256, 256)]);
  });

  it("plans dust on a large picture in seconds and at scale 1", () => {
    const dust = Array.from({ length: 20_000 }, (_, i) => box((i * 7919) % 1999, (i * 104_729) % 1999, 1, 1));
    const regions = planRegions(maskOf(2000, 2000, ...dust), { modelWidth: 256, modelHeight: 256 });
    expect(regions.length).toBeLessThan(200);
    for (const region of regions) expect([region.width, region.height]).toEqual([256, 256]);
  }, 10_000);

  it("finds the two holes of the poster", () => {
    const bytes = readFileSync(new URL("../weights/examples/poster.fill.png", import.meta.url));
    const keep = keepMask(decodePicture(bytes, "poster.fill.png"), "fill");
    const fills = [box(290, 150, 26, 22), box(458, 264, 20, 22)];
    const automatic = planRegions(keep, model);
    expect(automatic.map(({ fill }) => fill)).toEqual(fills);
    for (const { width, height } of automatic) expect([width, height]).toEqual([64, 64]);
    expect(planRegions(keep, { ...model, region: box(256, 128, 64, 64) })).toMatchObject([box(256, 128, 64, 64)]);
    expect(planRegions(keep, { modelWidth: 256, modelHeight: 256 })).toMatchObject([{ width: 256, height: 256 }]);
  });
});

describe("an explicit region", () => {
  const keep = maskOf(200, 100, box(50, 40, 10, 10), box(150, 40, 10, 10));
  const plan = (region: Box, mask = keep): Region[] => planRegions(mask, { ...model, region });

  it("is used as it is in the model's aspect, and grown to it otherwise", () => {
    expect(plan(box(30, 20, 50, 50))).toEqual([{ ...box(30, 20, 50, 50), fill: box(30, 20, 50, 50) }]);
    expect(plan(box(45, 35, 40, 20))).toEqual([{ ...box(45, 25, 40, 40), fill: box(45, 35, 40, 20) }]);
    expect(plan(box(0, 0, 200, 100))).toEqual([{ ...box(0, -50, 200, 200), fill: box(0, 0, 200, 100) }]);
  });

  it("must be whole pixels inside the picture, hold some fill and cut no hole", () => {
    expect(() => plan(box(150, 60, 64, 64))).toThrow(/not inside the picture, which is 200x100/);
    for (const bad of [
      box(-1, 0, 64, 64),
      box(0, 0, 201, 10),
      box(0.5, 0, 9, 9),
      box(0, 0, 0, 9),
      box(0, 0, 9, Number.NaN),
    ])
      expect(() => plan(bad)).toThrow(InputError);
    expect(() => plan(box(80, 20, 40, 40))).toThrow(/nothing to fill/);
    expect(() => plan(box(55, 20, 40, 40))).toThrow(/does not cover the hole/);
    // Touching by a corner is being cut, too; ending exactly at the border is not.
    expect(() => plan(box(60, 50, 40, 40), maskOf(200, 100, box(50, 40, 10, 10), box(60, 50, 3, 3)))).toThrow(/cover/);
    expect(plan(box(50, 40, 10, 10))).toHaveLength(1);
  });

  it("is no region if nothing is to be filled, but still has to be one", () => {
    expect(plan(box(0, 0, 64, 64), maskOf(200, 100))).toEqual([]);
    expect(() => plan(box(0, 0, 64, 101), maskOf(200, 100))).toThrow(InputError);
  });
});

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
        const colour = known ? [...picture.data.slice(from, from + 3)] : [128, 128, 128];
        expect([...crop.picture.data.slice(4 * at, 4 * at + 4)]).toEqual([...colour, 255]);
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
        const expected = filled ? [...result.data.slice(from, from + 3), 255] : [...original.data.slice(at, at + 4)];
        expect([...out.data.slice(at, at + 4)]).toEqual(expected);
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
