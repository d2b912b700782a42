/** Pictures turned and mirrored as EXIF's orientation wants them seen. */
import { createPicture, type Picture } from "../../pictures/image.ts";

/** @param orientation 1 to 8 (EXIF 2.3, tag 0x0112) */
export function orient(
  { width, height, data }: { readonly width: number; readonly height: number; readonly data: Uint8Array },
  orientation: number,
): Picture {
  const isTransposed = orientation >= 5;
  const flipsX = [2, 3, 7, 8].includes(orientation);
  const flipsY = [3, 4, 6, 7].includes(orientation);
  const out = createPicture(isTransposed ? height : width, isTransposed ? width : height);
  if (orientation === 1) {
    out.data.set(data);
    return out;
  }
  // A pixel of four bytes is one number. (u, v) in the file is seen at (x, y); the flips are those of the file's own
  // axes.
  const from = new Uint32Array(data.buffer, data.byteOffset, width * height);
  const to = new Uint32Array(out.data.buffer);
  for (let y = 0, at = 0; y < out.height; y++)
    for (let x = 0; x < out.width; x++, at++) {
      const [u, v] = isTransposed ? [y, x] : [x, y];
      to[at] = from[(flipsY ? height - 1 - v : v) * width + (flipsX ? width - 1 - u : u)]!;
    }
  return out;
}
