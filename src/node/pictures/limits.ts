/** How large a picture may be: by what a mask can cover, and by the memory that there is. */
import { totalmem } from "node:os";
import { InputError } from "../../errors.ts";

/** More than any phone's 200 megapixels, and what a mask can have; a header of 30 bytes can claim any size. */
const mostMegapixels = 268;

/**
 * @param bytesPerPixel what decoding takes at its peak
 * @throws InputError for a size that is none, too large, or too large for this machine
 */
export function checkPixels(size: { width: number; height: number; name: string; bytesPerPixel: number }): void {
  const { width, height, name, bytesPerPixel } = size;
  const remedy = "make it smaller or cut out the part around the fill";
  if (width < 1 || height < 1) throw new InputError(`${name} says it is ${width}x${height}: it holds no picture`);
  if (width * height > mostMegapixels * 1e6)
    throw new InputError(
      `${name} says it is ${width}x${height}, which is more than ${mostMegapixels} megapixels; ${remedy}`,
    );
  const needed = width * height * bytesPerPixel;
  const available = availableMemory();
  if (needed > available)
    throw new InputError(
      `${name} is ${width}x${height}: to open it takes ${gigabytes(needed)} GB of memory, and ${gigabytes(available)} GB are free; ${remedy}`,
    );
}

/** Of the machine, or of the part of it that this process may use. */
function availableMemory(): number {
  const { availableMemory: ask } = process as { availableMemory?: () => number };
  return ask ? ask.call(process) : totalmem();
}

const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
