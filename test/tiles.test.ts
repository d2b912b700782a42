/** Where tiles stand over a region, how they are averaged, and which of them are needed. */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { tileBatches, tileOrigins, tilesToFill, tileWeights } from "../src/repaint/tiles.ts";

const sizes = [fc.integer({ min: 2, max: 64 }), fc.integer({ min: 0, max: 300 })] as const;

describe("tiles along a side", () => {
  it("are one where it is the region", () => {
    expect(tileOrigins(8, 8)).toEqual([0]);
  });

  it("touch both ends and share three eighths with their neighbours, or more", () => {
    fc.assert(
      fc.property(...sizes, (tile, more) => {
        const side = tile + more;
        const origins = tileOrigins(side, tile);
        expect([origins[0], origins.at(-1)! + tile]).toEqual([0, side]);
        for (let i = 1; i < origins.length; i++)
          expect(origins[i]! - origins[i - 1]!).toBeLessThanOrEqual(Math.ceil((5 / 8) * tile));
      }),
    );
  });

  it("count more the nearer a pixel is to their middle, and never nothing", () => {
    const weights = tileWeights(64);
    for (let i = 0; i < 32; i++) expect(weights[i]).toBeCloseTo(weights[63 - i]!, 6);
    for (let i = 1; i < 32; i++) expect(weights[i]).toBeGreaterThan(weights[i - 1]!);
    expect(Math.min(...tileWeights(256), ...weights, ...tileWeights(2))).toBeGreaterThan(0);
  });
});

test("tiles to fill are those that cover anything unknown, of every image", () => {
  const shape = { batch: 2, height: 20, width: 30 };
  const tile = { height: 8, width: 8 };
  const [rows, columns] = [tileOrigins(20, 8), tileOrigins(30, 8)];
  const all = 2 * rows.length * columns.length;
  expect(tilesToFill(shape, tile, undefined).length).toBe(all);
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1199 }), { minLength: 1, maxLength: 4 }),
      fc.double({ max: 0.999, min: 0 }),
      (at, value) => {
        const keep = new Float32Array(1200).fill(1);
        for (const i of at) keep[i] = value;
        const expected = new Set<number>();
        for (const i of at) {
          const [image, y, x] = [Math.floor(i / 600), Math.floor((i % 600) / 30), i % 30];
          for (const [row, top] of rows.entries())
            for (const [column, left] of columns.entries())
              if (y >= top && y < top + 8 && x >= left && x < left + 8)
                expected.add((image * rows.length + row) * columns.length + column);
        }
        expect(tilesToFill(shape, tile, keep)).toEqual([...expected].sort((a, b) => a - b));
      },
    ),
  );
  expect(tilesToFill(shape, tile, new Float32Array(1200).fill(1)).length).toBe(all);
});

test("batches of tiles are as equal as they can be, and all there is", () => {
  expect(tileBatches(10, 4)).toEqual([
    { firstTile: 0, tiles: 4 },
    { firstTile: 4, tiles: 4 },
    { firstTile: 8, tiles: 2 },
  ]);
  expect(tileBatches(3, 8)).toEqual([{ firstTile: 0, tiles: 3 }]);
});
