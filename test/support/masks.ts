/** Masks for tests of regions and pasting, by hand and at random. */
import fc from "fast-check";
import type { Box } from "../../src/pictures/holes.ts";
import type { Mask } from "../../src/pictures/image.ts";

/** A mask with rectangular holes. */
export function maskOf(width: number, height: number, ...holes: Box[]): Mask {
  const data = new Float32Array(width * height).fill(1);
  for (const { x, y, width: w, height: h } of holes)
    for (let v = y; v < y + h; v++) data.fill(0, v * width + x, v * width + x + w);
  return { width, height, data };
}

export const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });

export const inside = (x: number, y: number, area: Box): boolean =>
  x >= area.x && y >= area.y && x < area.x + area.width && y < area.y + area.height;

/** Masks as people and programs make them: blobs, lines, dust, nothing, everything. */
export const anyMask = fc
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
export const anyModel = fc.record({
  modelWidth: fc.integer({ min: 1, max: 80 }),
  modelHeight: fc.integer({ min: 1, max: 80 }),
});
