/**
 * Pictures and keep masks as plain arrays, and their way into and out of the model's range of values. Not here: masks
 * out of pictures (keepMask.ts), resizing (resize.ts), what is cropped and pasted back (region.ts), files
 * (node/pictures.ts).
 */
import { InputError } from "../errors.ts";

/** RGBA, 4 bytes a pixel, row by row, not premultiplied; an ImageData is one. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8ClampedArray;
}

/** A picture in memory of its own: `new ImageData(data, width, height)` takes it as it is. */
export interface NewPicture extends Picture {
  readonly data: Uint8ClampedArray<ArrayBuffer>;
}

/** One value a pixel, row by row: 1 = known (kept), 0 = to be filled. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Float32Array;
}

/** The most of a mask: more than any phone's 200 megapixels. */
export const mostPixels = 2 ** 28;

/** A new picture of the size, all zero (transparent black). */
export function createPicture(width: number, height: number): NewPicture {
  return { width, height, data: new Uint8ClampedArray(width * height * 4) };
}

/** Throws InputError unless the sizes are whole and positive and the data has `channels` values a pixel. */
export function checkSize(
  what: string,
  image: { width: number; height: number; data: { length: number } },
  channels: number,
): void {
  const { width, height, data } = Object(image) as Partial<typeof image>;
  if (!data) throw new InputError(`${what}: expected { width, height, data }, got no data`);
  if (!isSide(width) || !isSide(height))
    throw new InputError(`${what}: expected a width and a height of at least 1 pixel, got ${width}x${height}`);
  if (data.length !== width * height * channels)
    throw new InputError(
      `${what}: ${width}x${height} needs ${width * height * channels} values (${channels} a pixel), got ${data.length}`,
    );
}

const isSide = (length: number | undefined): length is number => Number.isInteger(length) && length! >= 1;

/** Throws InputError unless both are sound and of one size. */
export function checkPair(picture: Picture, keep: Mask): void {
  checkSize("picture", picture, 4);
  checkSize("mask", keep, 1);
  if (picture.width !== keep.width || picture.height !== keep.height)
    throw new InputError(
      `the mask is ${keep.width}x${keep.height}, the picture ${picture.width}x${picture.height}: ` +
        "they must have the same size; resize the mask to the picture's",
    );
}

/**
 * The picture as the model sees it: [3, H, W] (channels first), value / 127.5 - 1, so in [-1, 1]. Alpha is not seen.
 */
export function toModelRange(picture: Picture): Float32Array {
  checkSize("picture", picture, 4);
  const pixels = picture.width * picture.height;
  const out = new Float32Array(3 * pixels);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) out[c * pixels + i] = picture.data[4 * i + c]! / 127.5 - 1;
  return out;
}

/**
 * A model's [3, H, W] as an opaque picture: trunc(clamp((x + 1) * 127.5, 0, 255)) in float32, RePaint's rule. NaN
 * becomes 0. Truncation makes it no inverse of `toModelRange`: some levels come back one lower, so exact known pixels
 * are the input's own (`pasteBack`), never the model's.
 */
export function fromModelRange(values: Float32Array, width: number, height: number): NewPicture {
  checkSize("model output", { width, height, data: values }, 3);
  const picture = createPicture(width, height);
  const pixels = width * height;
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < 3; c++) {
      // The array itself clamps, but it rounds, so that the fraction has to go first.
      picture.data[4 * i + c] = Math.trunc(Math.fround(Math.fround(values[c * pixels + i]! + 1) * 127.5));
    }
    picture.data[4 * i + 3] = 255;
  }
  return picture;
}
