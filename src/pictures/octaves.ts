/**
 * From a crop at the model's size to the picture's own scale: the sizes between, how many of them have something to
 * gain, and the windows in which a size is gone through. Not here: running them (repaint/refine.ts).
 */
import { InputError } from "../errors.ts";
import { cropToModel } from "./cropPaste.ts";
import { type Box, intersection, knownCounter } from "./holes.ts";
import type { Mask, Picture } from "./image.ts";
import type { Region } from "./region.ts";
import { resize, resizeMask } from "./resize.ts";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * How far a hole goes that is larger than the network's pictures. model: it is filled at the network's size and scaled
 * up. full: to the picture's own scale. auto: as far as the picture around the hole has detail.
 */
export type Detail = "auto" | "model" | "full";

/** What a size more is to be worth: RMS of the detail that it adds around the hole, in levels of 255. */
const leastDetail = 1;

/** The sizes of a region above the model's, spread evenly by about an octave; the last is its own. None at scale 1. */
export function octavesOf(region: Size, side: number): Size[] {
  const scale = Math.max(region.width, region.height) / side;
  if (scale <= 1) return [];
  // One step of up to 2.4 is better than two small ones.
  const count = Math.max(1, Math.ceil(Math.log2(scale) - 0.25));
  return Array.from({ length: count }, (_, i) => {
    const at = (length: number) => Math.round(side * (length / side) ** ((i + 1) / count));
    return { width: at(region.width), height: at(region.height) };
  });
}

/** Those of a region's sizes that are gone through. `picture`: without it, auto is full. */
export function chosenOctaves(
  { picture, keep }: { readonly picture?: Picture | undefined; readonly keep: Mask },
  region: Region,
  { side, detail }: { readonly side: number; readonly detail: Exclude<Detail, "model"> },
): Size[] {
  const sizes = octavesOf(region, side);
  if (detail === "full" || !picture || sizes.length === 0) return sizes;
  const at = ({ width, height }: Size) => cropToModel(picture, keep, region, width, height);
  let worth = sizes.length;
  for (let finer = at(sizes.at(-1)!); worth > 0; worth--) {
    const coarser = at(sizes[worth - 2] ?? { width: side, height: side });
    if (detailBetween(coarser, finer) >= leastDetail) break;
    finer = coarser;
  }
  return sizes.slice(0, worth);
}

interface Crop {
  readonly picture: Picture;
  readonly keep: Mask;
}

/** RMS of what is known at the finer size and is not in the coarser one. */
function detailBetween(coarser: Crop, finer: Crop): number {
  const { width, height, data } = finer.picture;
  const smooth = resize(coarser.picture, width, height, "bicubic").data;
  const clear = resizeMask(coarser.keep, width, height, "bicubic").data;
  let [sum, count] = [0, 0];
  for (let i = 0; i < width * height; i++) {
    // The coarser picture has a grey under its holes, which bicubic carries two of its pixels far.
    if (!finer.keep.data[i] || Math.abs(clear[i]! - 1) > 1e-3) continue;
    for (let c = 0; c < 3; c++) sum += (data[4 * i + c]! - smooth[4 * i + c]!) ** 2;
    count += 3;
  }
  return Math.sqrt(sum / Math.max(count, 1));
}

/** A part of a size that is gone through at once: `core` is what it fills, the rest of `box` is context. */
export interface DetailWindow {
  readonly box: Box;
  readonly core: Box;
}

/**
 * The windows over the holes of a region at a size, in reading order: one where its box has at most so many pixels,
 * else several, and none where nothing is to be filled.
 * @throws InputError where not even the smallest window has so few
 */
export function windowsOf(
  keep: Mask,
  region: Region,
  size: Size,
  { side, mostPixels }: { readonly side: number; readonly mostPixels: number },
): DetailWindow[] {
  const [across, down] = [size.width / region.width, size.height / region.height];
  const { fill } = region;
  const x = Math.floor((fill.x - region.x) * across);
  const y = Math.floor((fill.y - region.y) * down);
  const width = Math.ceil((fill.x - region.x + fill.width) * across) - x;
  const height = Math.ceil((fill.y - region.y + fill.height) * down) - y;
  const columns = cut({ start: x, length: width }, size.width, side);
  const rows = cut({ start: y, length: height }, size.height, side);
  let [n, m] = [1, 1];
  for (; largest(columns(n)) * largest(rows(m)) > mostPixels;)
    if (width / n >= height / m && n < width) n++;
    else if (m < height) m++;
    else
      throw new InputError(
        `detail: a part of ${side}x${side} with its surroundings does not fit into ${mostPixels} pixels of device memory: give detail "model"`,
      );
  const known = knownCounter(keep);
  const windows = rows(m).flatMap((row) =>
    columns(n).map((column) => ({ box: boxOf(column.wide, row.wide), core: boxOf(column.core, row.core) })),
  );
  return windows.filter(({ core }) => {
    // In the picture, outwards.
    const left = region.x + Math.floor(core.x / across);
    const top = region.y + Math.floor(core.y / down);
    const right = region.x + Math.ceil((core.x + core.width) / across);
    const bottom = region.y + Math.ceil((core.y + core.height) / down);
    const inside = intersection(fill, { x: left, y: top, width: right - left, height: bottom - top });
    return known(inside) < inside.width * inside.height;
  });
}

interface Span {
  readonly start: number;
  readonly length: number;
}

/**
 * Cuts a span into n, each with half a tile of context on both sides, at least as long as a tile, within a whole of
 * `room`.
 */
function cut(span: Span, room: number, side: number): (n: number) => { core: Span; wide: Span }[] {
  return (n) =>
    Array.from({ length: n }, (_, i) => {
      const start = span.start + Math.floor((i * span.length) / n);
      const length = span.start + Math.floor(((i + 1) * span.length) / n) - start;
      const wide = Math.min(room, Math.max(side, length + 2 * Math.ceil(side / 2)));
      const centred = start + Math.floor((length - wide) / 2);
      return { core: { start, length }, wide: { start: Math.max(0, Math.min(centred, room - wide)), length: wide } };
    });
}

const largest = (spans: readonly { readonly wide: Span }[]) => Math.max(...spans.map(({ wide }) => wide.length));

function boxOf(column: Span, row: Span): Box {
  return { x: column.start, y: row.start, width: column.length, height: row.length };
}
