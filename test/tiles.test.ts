/** Where tiles stand over a region, and how they are averaged. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { tileRow } from "../src/repaint/tiles.ts";

describe("a row of tiles", () => {
  test("is one tile where it is the region, with weight 1 everywhere", () => {
    expect(tileRow(8, 8)).toEqual({ side: 8, tile: 8, count: 1, origins: [0], weights: new Float32Array(8).fill(1) });
  });

  test("touches both edges, shares half a tile with its neighbours and averages to 1", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 64 }), fc.integer({ min: 0, max: 300 }), (tile, more) => {
        const side = tile + more;
        const { count, origins, weights } = tileRow(side, tile);
        expect([origins[0], origins.at(-1)! + tile]).toEqual([0, side]);
        for (let i = 1; i < count; i++) expect(origins[i]! - origins[i - 1]!).toBeLessThanOrEqual(Math.ceil(tile / 2));
        const sums = new Float64Array(side);
        for (let i = 0; i < weights.length; i++) sums[origins[Math.floor(i / tile)]! + (i % tile)]! += weights[i]!;
        for (const sum of sums) expect(Math.abs(sum - 1)).toBeLessThan(1e-6);
        expect(Math.min(...weights)).toBeGreaterThan(0);
      }),
    );
  });
});
