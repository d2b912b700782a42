/** 2×2 sums, nearest ×2 and bilinear. */
import type { meanPool } from "../../src/shaders/meanPool.ts";
import type { upsampleBilinear } from "../../src/shaders/upsampleBilinear.ts";
import type { upsampleNearest } from "../../src/shaders/upsampleNearest.ts";
import type { TwinOf } from "./twin.ts";

/** Fills y[n, oy, ox, c] of a given size. */
function each(
  [batch, height, width, channels]: readonly [number, number, number, number],
  value: (n: number, oy: number, ox: number, c: number) => number,
): { y: Float64Array } {
  const y = new Float64Array(batch * height * width * channels);
  let at = 0;
  for (let n = 0; n < batch; n++)
    for (let oy = 0; oy < height; oy++)
      for (let ox = 0; ox < width; ox++) for (let c = 0; c < channels; c++) y[at++] = value(n, oy, ox, c);
  return { y };
}

export const meanPoolTwin: TwinOf<typeof meanPool> = ({ tensors: { x }, parameters: p }) =>
  each([p.batch, Math.floor(p.height / 2), Math.floor(p.width / 2), p.channels], (n, oy, ox, c) => {
    const at = (dy: number, dx: number) => x[((n * p.height + 2 * oy + dy) * p.width + 2 * ox + dx) * p.channels + c]!;
    return p.scale * (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1));
  });

export const upsampleNearestTwin: TwinOf<typeof upsampleNearest> = ({ tensors: { x, add }, parameters: p }) =>
  each([p.batch, 2 * p.height, 2 * p.width, p.channels], (n, oy, ox, c) => {
    const value = x[((n * p.height + Math.floor(oy / 2)) * p.width + Math.floor(ox / 2)) * p.channels + c]!;
    const to = ((n * 2 * p.height + oy) * 2 * p.width + ox) * p.channels + c;
    return p.scale * value + (add?.[to] ?? 0);
  });

export const upsampleBilinearTwin: TwinOf<typeof upsampleBilinear> = ({ tensors: { x }, parameters: p }) =>
  each([p.batch, p.outHeight, p.outWidth, p.channels], (n, oy, ox, c) => {
    const fy = Math.max(((oy + 0.5) * p.height) / p.outHeight - 0.5, 0);
    const fx = Math.max(((ox + 0.5) * p.width) / p.outWidth - 0.5, 0);
    const at = (y: number, x_: number) =>
      x[((n * p.height + Math.min(y, p.height - 1)) * p.width + Math.min(x_, p.width - 1)) * p.channels + c]!;
    const [y0, x0] = [Math.floor(fy), Math.floor(fx)];
    const top = at(y0, x0) * (1 - (fx - x0)) + at(y0, x0 + 1) * (fx - x0);
    const bottom = at(y0 + 1, x0) * (1 - (fx - x0)) + at(y0 + 1, x0 + 1) * (fx - x0);
    return top * (1 - (fy - y0)) + bottom * (fy - y0);
  });
