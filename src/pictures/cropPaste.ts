/**
 * A region of a picture on its way to the model and back: crop, resize, paste, feather.
 * Not here: which regions there are (region.ts).
 */
import { InputError } from "../errors.ts";
import { type Box, intersection } from "./holes.ts";
import { type Mask, type NewPicture, type Picture, checkPair, checkSize, createPicture } from "./image.ts";
import type { Region } from "./region.ts";
import { type Rows, resize, resizeRows } from "./resize.ts";

/** What unknown pixels show; the model does not see it. */
const holeGray = 128;
const widestFeather = 256;

/**
 * The region at the model's size, opaque, with its keep mask (0 or 1).
 *
 * What lies under the fill never shows: resampling weights every pixel by keep, so a hole's colour does not bleed into
 * the known ones. A model pixel is known if at least half of its weight is. It is resampled as the program does it,
 * halved with the box filter while that is possible and then bicubic, but without rounding in between. Pixels outside
 * of the picture are unknown.
 */
export function cropToModel(
  picture: Picture,
  keep: Mask,
  region: Box,
  modelWidth: number,
  modelHeight: number,
): { picture: NewPicture; keep: Mask } {
  checkPair(picture, keep);
  let rows = weightedRows(picture, keep, region);
  while (Math.min(rows.width / modelWidth, rows.height / modelHeight) >= 2) {
    const [width, height] = [rows.width >> 1, rows.height >> 1];
    rows = rowsOf(resizeRows(rows, width, height, "box"), width, height);
  }
  // At the same size the bicubic weights are exactly 0 and 1, so that nothing changes.
  const weighted = resizeRows(rows, modelWidth, modelHeight, "bicubic");
  const out = createPicture(modelWidth, modelHeight);
  const outKeep = new Float32Array(modelWidth * modelHeight);
  for (let i = 0; i < outKeep.length; i++) {
    const weight = weighted[4 * i + 3]!;
    // Float sums of weights that are a half can fall just short of it.
    const known = weight >= 0.5 - 1e-6;
    outKeep[i] = known ? 1 : 0;
    for (let c = 0; c < 3; c++) out.data[4 * i + c] = known ? weighted[4 * i + c]! / weight : holeGray;
    out.data[4 * i + 3] = 255;
  }
  return { picture: out, keep: { width: modelWidth, height: modelHeight, data: outKeep } };
}

/** Rows of (r, g, b, 1) times keep; zero outside of the picture. */
function weightedRows(picture: Picture, keep: Mask, region: Box): Rows {
  const line = new Float32Array(region.width * 4);
  const row = (v: number): Float32Array => {
    const y = region.y + v;
    for (let u = 0; u < region.width; u++) {
      const x = region.x + u;
      const inside = x >= 0 && y >= 0 && x < picture.width && y < picture.height;
      const at = y * picture.width + x;
      const known = inside && keep.data[at]! >= 0.5;
      for (let c = 0; c < 3; c++) line[4 * u + c] = known ? picture.data[4 * at + c]! : 0;
      line[4 * u + 3] = known ? 1 : 0;
    }
    return line;
  };
  return { width: region.width, height: region.height, channels: 4, row };
}

function rowsOf(data: Float32Array, width: number, height: number): Rows {
  return { width, height, channels: 4, row: (y) => data.subarray(y * width * 4, (y + 1) * width * 4) };
}

export interface PasteOptions {
  /**
   * Pixels over which the filled side fades towards the known side, at most 256; 0 is off. Near the border a filled
   * pixel is mixed with the mean of the known pixels around it, weighted by a tent of this radius; its share is the
   * known share under the tent: just below a half at a straight border, nothing at the radius. Known pixels never
   * change.
   */
  readonly feather?: number;
}

/**
 * A copy of `original` with the unknown pixels (keep < 0.5) of the region's `fill` box taken from `result`, the model's
 * picture of the region at any size, opaque. Every other pixel is the original's bit for bit, alpha included.
 * @throws InputError for sizes that differ, and for a feather that is not a whole number from 0 to 256.
 */
export function pasteBack(
  original: Picture,
  keep: Mask,
  region: Region,
  result: Picture,
  { feather = 0 }: PasteOptions = {},
): NewPicture {
  checkPair(original, keep);
  checkSize("result", result, 4);
  if (!Number.isInteger(feather) || feather < 0 || feather > widestFeather)
    throw new InputError(`feather: expected a whole number of pixels from 0 to ${widestFeather}, got ${feather}`);
  const sized =
    result.width === region.width && result.height === region.height
      ? result
      : resize(result, region.width, region.height, "bicubic");
  const fill = intersection(intersection(region.fill, region), { x: 0, y: 0, ...sizeOf(original) });
  const near = feather > 0 ? knownNearby(original, keep, fill, feather) : undefined;
  const data = original.data.slice();
  for (let v = 0; v < fill.height; v++)
    for (let u = 0; u < fill.width; u++) {
      const to = (fill.y + v) * original.width + fill.x + u;
      if (keep.data[to]! >= 0.5) continue;
      const from = 4 * ((fill.y - region.y + v) * region.width + fill.x - region.x + u);
      const at = 4 * (v * fill.width + u);
      const share = near ? near[at + 3]! : 0;
      for (let c = 0; c < 3; c++) {
        const filled = sized.data[from + c]!;
        data[4 * to + c] = near ? near[at + c]! + (1 - share) * filled : filled;
      }
      data[4 * to + 3] = 255;
    }
  return { ...sizeOf(original), data };
}

function sizeOf({ width, height }: Picture): { width: number; height: number } {
  return { width, height };
}

/** For every pixel of the box the tent-weighted sums of known (r, g, b, 1) around it; the weights sum to 1. */
function knownNearby(picture: Picture, keep: Mask, box: Box, radius: number): Float32Array {
  const wide = { x: box.x - radius, y: box.y - radius, width: box.width + 2 * radius, height: box.height + 2 * radius };
  const rows = weightedRows(picture, keep, wide);
  const tent = Float64Array.from({ length: 2 * radius + 1 }, (_, k) => {
    return (radius + 1 - Math.abs(k - radius)) / (radius + 1) ** 2;
  });
  const sums = new Float32Array(box.width * box.height * 4);
  const line = new Float32Array(box.width * 4);
  for (let y = 0; y < wide.height; y++) {
    const row = rows.row(y);
    for (let i = 0; i < line.length; i++) {
      let sum = 0;
      for (let k = 0; k < tent.length; k++) sum += row[i + 4 * k]! * tent[k]!;
      line[i] = sum;
    }
    // Input row y lies under the tents of the output rows y - 2 * radius to y.
    for (let v = Math.max(0, y - 2 * radius); v <= Math.min(box.height - 1, y); v++) {
      const weight = tent[y - v]!;
      for (let i = 0; i < line.length; i++) sums[v * line.length + i] = sums[v * line.length + i]! + weight * line[i]!;
    }
  }
  return sums;
}
