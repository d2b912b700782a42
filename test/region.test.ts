/** Where the holes are and which regions are planned around them. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { decodePicture } from "../src/node/pictures.ts";
import { type Box, fillBoxes, knownCounter, overlap } from "../src/pictures/holes.ts";
import { keepMask } from "../src/pictures/keepMask.ts";
import { type Region, planRegions } from "../src/pictures/region.ts";
import { anyMask, anyModel, box, inside, maskOf } from "./support/masks.ts";

const model = { modelWidth: 64, modelHeight: 64 };

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

  it("finds the two holes of the poster", async () => {
    const bytes = readFileSync(new URL("../site/pictures/poster.fill.png", import.meta.url));
    const keep = keepMask(await decodePicture(bytes, "poster.fill.png"), "fill");
    const fills = fillBoxes(keep);
    expect(fills.map(({ x, y }) => [x - (x % 64), y - (y % 64)])).toEqual([
      [256, 128],
      [448, 256],
    ]);
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
