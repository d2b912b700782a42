/**
 * A larger canvas: a border around a picture that is to be filled, which is called outpainting, too. Not here: which
 * crops fill it (region.ts).
 */
import { InputError } from "../errors.ts";
import { checkPair, checkSize, createPicture, mostPixels, type Mask, type NewPicture, type Picture } from "./image.ts";

/** Whole pixels on each side of a picture, from 0 on. */
export interface Sides {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/**
 * The picture on a larger canvas with its keep mask, as `RePaint.inpaint` takes them: the border is transparent and to
 * be filled, everything else is what it was, bit for bit.
 *
 * @param sides pixels to add; what is left out is 0
 * @param keep of the picture's size; default: all of it is known
 * @throws InputError for sides that are no whole numbers from 0 on or add nothing, and for more than 2²⁸ pixels in all
 */
export function extendCanvas(
  picture: Picture,
  sides: Partial<Sides>,
  keep?: Mask,
): { picture: NewPicture; keep: Mask } {
  if (keep) checkPair(picture, keep);
  else checkSize("picture", picture, 4);
  const { left, top, ...size } = extendedSize(picture, sides);
  const larger = createPicture(size.width, size.height);
  lay(picture, larger, left, top);
  const data = new Float32Array(size.width * size.height);
  const known = keep ?? { width: picture.width, height: picture.height, data: allKnown(picture) };
  lay(known, { ...size, data }, left, top);
  return { picture: larger, keep: { ...size, data } };
}

/** The canvas's size, and where the picture begins in it. @throws InputError as `extendCanvas` */
export function extendedSize(
  { width, height }: { readonly width: number; readonly height: number },
  { left = 0, top = 0, right = 0, bottom = 0 }: Partial<Sides>,
  most = mostPixels,
): { width: number; height: number; left: number; top: number } {
  const all = [left, top, right, bottom];
  const given = all.join(", ");
  if (!all.every((side) => Number.isInteger(side) && side >= 0))
    throw new InputError(`extend: expected whole pixels from 0 on for left, top, right, bottom, got ${given}`);
  if (all.every((side) => side === 0))
    throw new InputError(`extend: ${given} adds nothing: expected at least 1 pixel on one side`);
  const size = { width: left + width + right, height: top + height + bottom };
  if (size.width * size.height > most)
    throw new InputError(
      `extend: the canvas would be ${size.width}×${size.height}, more than ${Math.floor(most / 1e6)} megapixels: add less`,
    );
  return { ...size, left, top };
}

function allKnown({ width, height }: Picture): Float32Array {
  return new Float32Array(width * height).fill(1);
}

interface Raster<Data> {
  readonly width: number;
  readonly height: number;
  readonly data: Data;
}

/** Writes `source` over `target` with its first pixel at (x, y) there; what lies outside of the target is left out. */
export function lay<Data extends Uint8Array | Uint8ClampedArray | Float32Array>(
  source: Raster<Data>,
  target: Raster<Data>,
  x: number,
  y: number,
): void {
  const channels = source.data.length / (source.width * source.height);
  const [first, end] = [Math.max(0, -x), Math.min(source.width, target.width - x)];
  if (end <= first) return;
  for (let row = Math.max(0, -y); row < Math.min(source.height, target.height - y); row++) {
    const from = row * source.width;
    const part = source.data.subarray((from + first) * channels, (from + end) * channels);
    target.data.set(part, ((y + row) * target.width + x + first) * channels);
  }
}
