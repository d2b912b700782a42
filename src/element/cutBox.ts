/** A rectangle of a picture, copied: what travels and is kept of previews and results. */
import type { Box } from "../pictures/holes.ts";
import type { NewPicture, Picture } from "../pictures/image.ts";

/** The box lies inside the picture. */
export function cutBox(picture: Picture, { x, y, width, height }: Box): NewPicture {
  const data = new Uint8ClampedArray(4 * width * height);
  for (let row = 0; row < height; row++) {
    const from = 4 * ((y + row) * picture.width + x);
    data.set(picture.data.subarray(from, from + 4 * width), 4 * row * width);
  }
  return { width, height, data };
}
