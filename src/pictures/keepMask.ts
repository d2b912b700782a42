/**
 * What a picture means as a mask: people have white on black, brushes of a colour, layers, and pictures with a hole.
 */
import { checkSize, type Mask, type Picture } from "./image.ts";

/**
 * What the value of a pixel is, 0 to 1.
 *
 * - `luminance`: Rec. 601's, laid over black where it is transparent.
 * - `brush`: its brightest channel, as nothing is light in all three: a coloured brush on black.
 * - `numbers`: 0 or 1, as programs that compute masks save them.
 * - `layer`: its alpha, as everything visible has one colour: a painted layer.
 * - `picture`: not a mask but a picture that is transparent where it is to be filled, whatever white means.
 */
export type MaskReading = "luminance" | "brush" | "numbers" | "layer" | "picture";

/**
 * The keep mask that a mask picture means. `white` says what its white stands for: "fill" or "keep".
 * Soft masks are cut at one half: a pixel is known where keep >= 0.5.
 * @throws InputError for what is no picture
 */
export function keepMask(picture: Picture, white: "fill" | "keep", given?: MaskReading): Mask {
  checkSize("mask", picture, 4);
  const reading = given ?? readingOf(picture);
  const { width, height, data } = picture;
  const isKnownWhite = white === "keep" || reading === "picture";
  const keep = new Float32Array(width * height);
  for (let i = 0; i < keep.length; i++) {
    const [r, g, b, alpha] = [data[4 * i]!, data[4 * i + 1]!, data[4 * i + 2]!, data[4 * i + 3]! / 255];
    let value = alpha;
    if (reading === "luminance") value *= (0.299 * r + 0.587 * g + 0.114 * b) / 255;
    else if (reading === "brush") value *= Math.max(r, g, b) / 255;
    else if (reading === "numbers") value = r;
    keep[i] = (isKnownWhite ? value : 1 - value) >= 0.5 ? 1 : 0;
  }
  return { width, height, data: keep };
}

/** How `keepMask` reads the picture: by what is visible in it. */
export function readingOf({ data }: Picture): MaskReading {
  const least = [255, 255, 255];
  const most = [0, 0, 0];
  let [lightest, visible, colourful] = [0, 0, 0];
  let isTransparent = false;
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3]! < 255) isTransparent = true;
    if (data[i + 3]! < 128) continue;
    for (let c = 0; c < 3; c++) {
      least[c] = Math.min(least[c]!, data[i + c]!);
      most[c] = Math.max(most[c]!, data[i + c]!);
    }
    const darkest = Math.min(data[i]!, data[i + 1]!, data[i + 2]!);
    const brightest = Math.max(data[i]!, data[i + 1]!, data[i + 2]!);
    lightest = Math.max(lightest, darkest);
    visible++;
    if (brightest >= 32 && darkest < 224) colourful++;
  }
  // An editor rounds the colour of a layer.
  if (isTransparent && most.every((value, c) => value - least[c]! <= 8)) return "layer";
  // Soft edges of a mask are neither black nor white, too, but few.
  if (isTransparent) return colourful > visible / 4 ? "picture" : "luminance";
  const brightest = Math.max(...most);
  if (brightest === 1) return "numbers";
  return lightest < 128 && brightest >= 128 ? "brush" : "luminance";
}
