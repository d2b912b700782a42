/**
 * A result small: the middle square of the picture with the patch in it. Pure; by samples, so that no size holds the
 * page.
 */
import { createPicture, type Picture } from "../../pictures/image.ts";
import type { Result } from "./workspace.ts";

/** Samples a pixel of the thumbnail takes each way: enough for faces to be told apart. */
const samples = 3;

export function thumbnail(picture: Picture, { x, y, patch }: Pick<Result, "x" | "y" | "patch">, side: number): Picture {
  const out = createPicture(side, side);
  const square = Math.min(picture.width, picture.height);
  const [left, top] = [(picture.width - square) / 2, (picture.height - square) / 2];
  const step = square / side;
  const sum = new Float64Array(4);
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++) {
      sum.fill(0);
      for (let v = 0; v < samples; v++)
        for (let u = 0; u < samples; u++) {
          const px = Math.floor(left + (column + (u + 0.5) / samples) * step);
          const py = Math.floor(top + (row + (v + 0.5) / samples) * step);
          const isInside = px >= x && py >= y && px < x + patch.width && py < y + patch.height;
          const [from, at] = isInside
            ? [patch.data, 4 * ((py - y) * patch.width + px - x)]
            : [picture.data, 4 * (py * picture.width + px)];
          const alpha = from[at + 3]!;
          for (let c = 0; c < 3; c++) sum[c]! += from[at + c]! * alpha;
          sum[3]! += alpha;
        }
      const to = 4 * (row * side + column);
      for (let c = 0; c < 3; c++) out.data[to + c] = sum[3] === 0 ? 0 : sum[c]! / sum[3]!;
      out.data[to + 3] = sum[3]! / samples ** 2;
    }
  return out;
}
