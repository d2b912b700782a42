/**
 * Masks from pictures and as pictures: what is white, or what is transparent, is to be filled. Pure but for reading.
 */
import { InputError } from "../../errors.ts";
import type { Picture } from "../../pictures/image.ts";
import { keepMask } from "../../pictures/keepMask.ts";
import { countFilled, createFillMask, fromKeep, resized, type FillMask } from "./maskOperations.ts";
import { readPicture, type PictureSource } from "./pictureInput.ts";

/** Brought to the picture's size. @throws InputError for other proportions */
export async function readMask(source: PictureSource, { width, height }: Picture): Promise<FillMask> {
  const mask = fromKeep(keepMask((await readPicture(source)).picture, "fill"));
  // Rounded sizes of the same picture differ by up to a pixel.
  if (Math.abs(mask.width * height - mask.height * width) > Math.max(width, height))
    throw new InputError(
      `The mask is ${mask.width}×${mask.height}, the picture ${width}×${height}: expected the same proportions`,
    );
  return resized(mask, width, height);
}

export function maskPicture({ width, height, data }: FillMask): Picture {
  const pixels = new Uint32Array(width * height);
  // Opaque black and opaque white are the same in either order of bytes but for alpha.
  for (let i = 0; i < data.length; i++) pixels[i] = data[i] === 1 ? 0xffffffff : opaqueBlack;
  return { width, height, data: new Uint8ClampedArray(pixels.buffer) };
}

const opaqueBlack = new Uint32Array(Uint8Array.of(0, 0, 0, 255).buffer)[0]!;

/** undefined: nothing is transparent. */
export function transparentParts({ width, height, data }: Picture): FillMask | undefined {
  const mask = createFillMask(width, height);
  for (let i = 0; i < mask.data.length; i++) mask.data[i] = data[4 * i + 3]! < 128 ? 1 : 0;
  return countFilled(mask) > 0 ? mask : undefined;
}
