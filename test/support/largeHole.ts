/** A picture of noise with a hole that is larger than the tiny network, for runs in detail. */
import type { Box } from "../../src/pictures/holes.ts";
import { createPicture, type Mask, type Picture } from "../../src/pictures/image.ts";
import type { Sampling } from "../../src/repaint/sampling.ts";
import { uniform } from "./random.ts";

export function noise(width: number, height: number): Picture {
  const next = uniform(width + height);
  const picture = createPicture(width, height);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = i % 4 === 3 ? 255 : 60 + 130 * next();
  return picture;
}

export function maskOf(width: number, height: number, holes: readonly Box[]): Mask {
  const data = Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return holes.some((hole) => x >= hole.x && y >= hole.y && x < hole.x + hole.width && y < hole.y + hole.height)
      ? 0
      : 1;
  });
  return { width, height, data };
}

export const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });

export const langevin: Sampling = { sampler: "langevin", levels: 5, inner: 1, still: 1 };
export const samplings: readonly Sampling[] = [{ sampler: "repaint", steps: 5, jumpLength: 1, resamples: 2 }, langevin];

export const hole = box(10, 8, 14, 12);
export const job = (seed = 3n, holes = [hole]) => ({ picture: noise(40, 36), keep: maskOf(40, 36, holes), seed });
