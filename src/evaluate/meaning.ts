/**
 * Whether a filled half means what the known half says, on drawn portraits: the two eyes' colours, and symmetry. 0 … 255, as root
 * mean squares over colours; the true picture's own values are not 0, since pixels cut the shapes. Not here: drawing.
 */
import type { Mask, Picture } from "../repaint/image.ts";
import type { Portrait } from "./portraits.ts";

/** Distance of the two irises' mean colours, of which `half` fills one. */
export function eyeDifference(picture: Picture, portrait: Portrait): number {
  const [a, b] = [-1, 1].map((side) => irisColour(picture, portrait, side)) as [number[], number[]];
  return Math.sqrt(a.reduce((sum, value, c) => sum + (value - b[c]!) ** 2, 0) / 3);
}

/** Mean colour between pupil and rim, below the highlight. */
function irisColour({ width, data }: Picture, portrait: Portrait, side: number): number[] {
  const { centreX, eyeOffset, look, eyeY, eyeRadius } = portrait;
  const [x, y] = [centreX + side * eyeOffset + look, eyeY];
  const sums = [0, 0, 0];
  let weight = 0;
  // In quarters of pixels: an iris is four pixels wide.
  for (let v = -12; v <= 12; v++)
    for (let u = -12; u <= 12; u++) {
      const [dx, dy] = [u / 4, v / 4];
      const distance = Math.hypot(dx / (0.62 * eyeRadius), dy / (0.68 * eyeRadius));
      if (distance > 0.95 || distance < 0.55 || dy < 0) continue;
      const at = 4 * (Math.floor(y + dy) * width + Math.floor(x + dx));
      for (const c of sums.keys()) sums[c]! += data[at + c]!;
      weight++;
    }
  return sums.map((sum) => sum / weight);
}

/** Root mean square difference of the head's filled pixels to their mirror images, where those are known. */
export function asymmetry(picture: Picture, keep: Mask, portrait: Portrait): number {
  const { width, height, data } = picture;
  const { centreX, centreY, headWidth, headHeight } = portrait;
  let sum = 0;
  let count = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const inHead = ((x + 0.5 - centreX) / headWidth) ** 2 + ((y + 0.5 - centreY) / headHeight) ** 2 <= 1;
      if (keep.data[y * width + x]! >= 0.5 || !inHead) continue;
      // Between two pixels in general: linear.
      const mirrored = 2 * centreX - (x + 0.5) - 0.5;
      const left = Math.floor(mirrored);
      if (
        left < 0 ||
        left + 1 >= width ||
        !(keep.data[y * width + left]! >= 0.5 && keep.data[y * width + left + 1]! >= 0.5)
      )
        continue;
      const share = mirrored - left;
      for (let c = 0; c < 3; c++) {
        const at = 4 * (y * width + left) + c;
        const other = data[at]! * (1 - share) + data[at + 4]! * share;
        sum += (data[4 * (y * width + x) + c]! - other) ** 2;
        count++;
      }
    }
  return count === 0 ? 0 : Math.sqrt(sum / count);
}
