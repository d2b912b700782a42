/**
 * Where the holes of a mask are: bounding boxes of its connected fills, and how much of a rectangle is known.
 * Not here: what is cropped around them (region.ts).
 */
import type { Mask } from "./image.ts";

/** A rectangle of whole pixels; (x, y) is its upper left pixel. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** The smallest box around both. */
export function union(a: Box, b: Box): Box {
  const x = Math.min(a.x, b.x);
  const y = Math.min(a.y, b.y);
  const width = Math.max(a.x + a.width, b.x + b.width) - x;
  const height = Math.max(a.y + a.height, b.y + b.height) - y;
  return { x, y, width, height };
}

/** What the boxes share; its width or height is 0 where they share nothing. */
export function intersection(a: Box, b: Box): Box {
  const x = Math.max(a.x, b.x);
  const y = Math.max(a.y, b.y);
  const width = Math.max(0, Math.min(a.x + a.width, b.x + b.width) - x);
  const height = Math.max(0, Math.min(a.y + a.height, b.y + b.height) - y);
  return { x, y, width, height };
}

export function overlap(a: Box, b: Box): boolean {
  const { width, height } = intersection(a, b);
  return width > 0 && height > 0;
}

/** By the first row, then by the first column. */
export function inReadingOrder(a: Box, b: Box): number {
  return a.y - b.y || a.x - b.x;
}

/**
 * Bounding boxes of the 8-connected fills (keep < 0.5), in reading order. One pass over the rows: a run of fill takes
 * the label of a run that it touches in the row above, and joins the labels where it touches several.
 */
export function fillBoxes(keep: Mask): Box[] {
  const { width, height, data } = keep;
  const parent: number[] = [];
  const boxes: Box[] = [];
  const rootOf = (label: number): number => {
    let root = label;
    while (parent[root]! !== root) root = parent[root] = parent[parent[root]!]!;
    return root;
  };
  let above = new Int32Array(width + 2).fill(-1); // one column of no label on each side
  let current = new Int32Array(width + 2).fill(-1);
  for (let y = 0; y < height; y++) {
    current.fill(-1);
    for (let x = 0; x < width; x++) {
      if (data[y * width + x]! >= 0.5) continue;
      const begin = x;
      while (x + 1 < width && !(data[y * width + x + 1]! >= 0.5)) x++;
      let label = -1;
      let box: Box = { x: begin, y, width: x - begin + 1, height: 1 };
      for (let u = begin; u <= x + 2; u++) {
        if (above[u]! < 0) continue;
        const other = rootOf(above[u]!);
        if (other === label) continue;
        box = union(box, boxes[other]!);
        if (label < 0) label = other;
        else parent[other] = label;
      }
      if (label < 0) {
        label = parent.length;
        parent.push(label);
      }
      boxes[label] = box;
      current.fill(label, begin + 1, x + 2);
    }
    [above, current] = [current, above];
  }
  return boxes.filter((_, label) => parent[label] === label).sort(inReadingOrder);
}

/**
 * Counts of known pixels (keep >= 0.5) in any rectangle, in constant time, from sums over all rectangles from (0, 0).
 */
export function knownCounter(keep: Mask): (box: Box) => number {
  const { width, height, data } = keep;
  const stride = width + 1;
  const sums = new Uint32Array(stride * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      if (data[y * width + x]! >= 0.5) row++;
      sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1]! + row;
    }
  }
  return (box) => {
    const inside = intersection(box, { x: 0, y: 0, width, height });
    const top = inside.y * stride + inside.x;
    const bottom = top + inside.height * stride;
    if (inside.width === 0 || inside.height === 0) return 0;
    return sums[bottom + inside.width]! - sums[bottom]! - sums[top + inside.width]! + sums[top]!;
  };
}
