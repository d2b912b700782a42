/**
 * What tools do to a mask: shapes painted into it, and operations on all of it. Pure; nothing here knows of a page.
 * Not here: what is undone (history.ts), where shapes come from (tools.ts).
 */
import { intersection, type Box } from "../../pictures/holes.ts";
import type { Mask } from "../../pictures/image.ts";

/** One byte a pixel, row by row: 1 = to be filled, 0 = known. */
export interface FillMask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** In pixels of the picture, (0, 0) being the corner of the first one. A pixel is inside where its centre is. */
export type Shape =
  | {
      readonly kind: "stroke";
      readonly from: Point & { readonly radius: number };
      readonly to: Point & { readonly radius: number };
    }
  | { readonly kind: "rectangle"; readonly from: Point; readonly to: Point }
  | { readonly kind: "polygon"; readonly points: readonly Point[] };

export function createFillMask(width: number, height: number): FillMask {
  return { width, height, data: new Uint8Array(width * height) };
}

/** The pixels that the shape can touch; its width or height is 0 where it lies outside of the mask. */
export function shapeBox(shape: Shape, { width, height }: FillMask): Box {
  const [left, top, right, bottom] = extent(shape);
  const [x, y] = [Math.floor(left), Math.floor(top)];
  const box = { x, y, width: Math.ceil(right) - x, height: Math.ceil(bottom) - y };
  return intersection(box, { x: 0, y: 0, width, height });
}

function extent(shape: Shape): readonly [number, number, number, number] {
  if (shape.kind === "polygon") {
    const [xs, ys] = [shape.points.map(({ x }) => x), shape.points.map(({ y }) => y)];
    return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
  }
  const { from, to } = shape;
  const [a, b] = shape.kind === "stroke" ? [shape.from.radius, shape.to.radius] : [0, 0];
  return [
    Math.min(from.x - a, to.x - b),
    Math.min(from.y - a, to.y - b),
    Math.max(from.x + a, to.x + b),
    Math.max(from.y + a, to.y + b),
  ];
}

/** Sets the pixels inside the shape to `value`. A dab hits at least the pixel that it stands on. */
export function paint(mask: FillMask, shape: Shape, value: 0 | 1): void {
  const box = shapeBox(shape, mask);
  if (box.width === 0 || box.height === 0) return;
  if (shape.kind === "stroke") paintStroke(mask, box, shape, value);
  else if (shape.kind === "rectangle") paintRectangle(mask, shape, value);
  else paintPolygon(mask, box, shape.points, value);
}

function paintStroke(
  { width, data }: FillMask,
  box: Box,
  { from, to }: Extract<Shape, { kind: "stroke" }>,
  value: 0 | 1,
): void {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.hypot(dx, dy);
  const growth = length > 0 ? (to.radius - from.radius) / length : 0;
  // Of all discs along the line, the one that reaches farthest towards a pixel lies this far from its foot, for each
  // pixel of distance; where one end's disc holds the other's, it is that end.
  const lean = Math.abs(growth) < 1 ? growth / Math.sqrt(1 - growth * growth) : Math.sign(growth) * Infinity;
  for (let y = box.y; y < box.y + box.height; y++) {
    const py = y + 0.5 - from.y;
    for (let x = box.x; x < box.x + box.width; x++) {
      const px = x + 0.5 - from.x;
      let along = 0;
      if (length > 0) {
        const away = Math.abs(px * dy - py * dx) / length;
        const leaning = away > 0 || Number.isFinite(lean) ? lean * away : lean;
        along = Math.min(Math.max(((px * dx + py * dy) / length + leaning) / length, 0), 1);
      }
      const [ox, oy] = [px - along * dx, py - along * dy];
      // √½ reaches the centre of the pixel that the point lies in.
      const radius = Math.max(from.radius + along * (to.radius - from.radius), Math.SQRT1_2);
      if (ox * ox + oy * oy <= radius * radius) data[y * width + x] = value;
    }
  }
}

function paintRectangle(mask: FillMask, { from, to }: { from: Point; to: Point }, value: 0 | 1): void {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  const first = Math.max(0, Math.round(left));
  const end = Math.min(mask.width, Math.round(right));
  for (let y = Math.max(0, Math.round(top)); y < Math.min(mask.height, Math.round(bottom)); y++)
    if (end > first) mask.data.fill(value, y * mask.width + first, y * mask.width + end);
}

/** Even-odd, by the crossings of each row of centres. */
function paintPolygon({ width, data }: FillMask, box: Box, points: readonly Point[], value: 0 | 1): void {
  for (let y = box.y; y < box.y + box.height; y++) {
    const crossings: number[] = [];
    for (const [i, a] of points.entries()) {
      const b = points[(i + 1) % points.length]!;
      if (a.y <= y + 0.5 !== b.y <= y + 0.5) crossings.push(a.x + ((y + 0.5 - a.y) / (b.y - a.y)) * (b.x - a.x));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const first = Math.max(box.x, Math.ceil(crossings[i]! - 0.5));
      const end = Math.min(box.x + box.width, Math.ceil(crossings[i + 1]! - 0.5));
      if (end > first) data.fill(value, y * width + first, y * width + end);
    }
  }
}

export function inverted({ width, height, data }: FillMask): FillMask {
  const out = createFillMask(width, height);
  for (let i = 0; i < data.length; i++) out.data[i] = 1 - data[i]!;
  return out;
}

/** Every pixel within `radius` of a filled one is filled. */
export function grown({ width, height, data }: FillMask, radius: number): FillMask {
  const out = createFillMask(width, height);
  const reach = Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.floor(Math.sqrt(radius ** 2 - (i - radius) ** 2)),
  );
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      if (data[y * width + x] === 0) continue;
      const begin = x;
      while (x + 1 < width && data[y * width + x + 1] === 1) x++;
      for (let row = Math.max(0, y - radius); row <= Math.min(height - 1, y + radius); row++) {
        const wide = reach[row - y + radius]!;
        out.data.fill(1, row * width + Math.max(0, begin - wide), row * width + Math.min(width, x + 1 + wide));
      }
    }
  }
  return out;
}

/** Every pixel within `radius` of a known one is known; the picture's edge takes nothing away. */
export function shrunk(mask: FillMask, radius: number): FillMask {
  return inverted(grown(inverted(mask), radius));
}

/** How many pixels one press of grow or shrink is worth: visible at any size. */
export function growStep({ width, height }: FillMask): number {
  return Math.max(1, Math.round(Math.max(width, height) / 200));
}

export function countFilled({ data }: FillMask): number {
  let count = 0;
  for (const value of data) count += value;
  return count;
}

/** The smallest box around all that is to be filled. */
export function filledBox({ width, height, data }: FillMask): Box | undefined {
  let [left, right, top, bottom] = [width, -1, -1, -1];
  for (let y = 0; y < height; y++) {
    const row = data.subarray(y * width, (y + 1) * width);
    const first = row.indexOf(1);
    if (first < 0) continue;
    if (top < 0) top = y;
    bottom = y;
    left = Math.min(left, first);
    right = Math.max(right, row.lastIndexOf(1));
  }
  return bottom < 0 ? undefined : { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

export function toKeep({ width, height, data }: FillMask): Mask {
  // A loop: `from` with a function takes twenty times as long.
  const keep = new Float32Array(data.length);
  for (let i = 0; i < keep.length; i++) keep[i] = 1 - data[i]!;
  return { width, height, data: keep };
}

export function fromKeep({ width, height, data }: Mask): FillMask {
  const mask = createFillMask(width, height);
  for (let i = 0; i < data.length; i++) mask.data[i] = data[i]! >= 0.5 ? 0 : 1;
  return mask;
}

/** To another size, each pixel taking the value of the nearest. */
export function resized(mask: FillMask, width: number, height: number): FillMask {
  const out = createFillMask(width, height);
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * mask.height) / height) * mask.width;
    for (let x = 0; x < width; x++)
      out.data[y * width + x] = mask.data[row + Math.floor(((x + 0.5) * mask.width) / width)]!;
  }
  return out;
}
