/**
 * Which parts of a picture of any size go through the model: a crop around each hole, with context.
 * Not here: cropping and pasting themselves (cropPaste.ts), finding the holes (holes.ts).
 *
 * A crop has the model's aspect, up to half a pixel. In this order:
 * - A picture of the model's size is one region, itself.
 * - A hole that fits in the model's size, with at least a quarter of the crop known, is cropped at scale 1: nothing is
 *   resampled. In a picture that is smaller than the model, the short side takes the place of scale 1.
 * - Any other crop holds the hole with an eighth of its size on every side, and grows until half of it is known.
 * - A crop lies inside the picture where it can. It reaches beyond only if the hole is larger than any crop of the
 *   model's aspect inside the picture; what lies outside is unknown, like the fill, and is thrown away afterwards.
 *
 * Holes share a region where that costs neither of them resolution, and always where their bounding boxes overlap. So
 * the `fill` boxes of the regions never overlap and every filled pixel belongs to exactly one region; a crop may show
 * another region's hole, which is then unknown in it, too.
 */
import { InputError } from "../errors.ts";
import { type Box, fillBoxes, inReadingOrder, intersection, knownCounter, overlap, union } from "./holes.ts";
import { type Mask, checkSize } from "./image.ts";

/** The crop that goes through the model, in pixels of the picture; it may reach beyond the picture. */
export interface Region extends Box {
  /** Only unknown pixels in here take the region's result; inside the picture and inside the crop. */
  readonly fill: Box;
}

export interface RegionOptions {
  readonly modelWidth: number;
  readonly modelHeight: number;
  /**
   * The crop to use instead of a planned one. If its aspect is not the model's, it is grown to it. Holes wholly
   * outside of it stay as they are; one that it cuts through is an InputError.
   */
  readonly region?: Box;
}

/** Scale 1 keeps every detail, so it is worth a thinner context than a crop that is resampled anyway. */
const enoughKnownAtScale1 = 1 / 4;
const enoughKnown = 1 / 2;
const margin = 1 / 8;
/** Holes share a crop that is at most this much coarser than each would have by itself. */
const acceptedCoarsening = 1.25;
/** Pairs of holes are compared, so very many of them (dust, dither) are first joined on a grid. */
const mostHoles = 1000;

/**
 * The regions to inpaint, in reading order of their holes; none if nothing is to be filled.
 * @throws InputError for a model size that is not positive, and for a `region` that is not of whole pixels inside the
 *   picture, that holds none of the fill, or that cuts through a hole.
 */
export function planRegions(keep: Mask, options: RegionOptions): Region[] {
  checkSize("mask", keep, 1);
  const { modelWidth, modelHeight } = options;
  if (!(modelWidth >= 1 && modelHeight >= 1))
    throw new InputError(`the model's size must be at least 1x1, got ${modelWidth}x${modelHeight}`);
  const picture: Box = { x: 0, y: 0, width: keep.width, height: keep.height };
  const planner = createPlanner(picture, knownCounter(keep), modelWidth, modelHeight);
  if (options.region) {
    checkExplicit(keep, picture, options.region);
    if (!keep.data.some((value) => !(value >= 0.5))) return [];
    checkHoles(keep, options.region);
    const { region } = options;
    const scale = Math.max(region.width / modelWidth, region.height / modelHeight);
    return [{ ...planner.place(region, scale), fill: { ...region } }];
  }
  const holes = fillBoxes(keep);
  if (holes.length === 0) return [];
  if (keep.width === modelWidth && keep.height === modelHeight)
    return [{ ...picture, fill: holes.reduce((all, hole) => union(all, hole)) }];
  return shareRegions(joinOnGrid(holes, modelWidth, modelHeight), planner)
    .map(({ box, scale }) => ({ ...planner.place(box, scale), fill: box }))
    .sort((a, b) => inReadingOrder(a.fill, b.fill));
}

interface Planner {
  /** The least scale at which a crop holds the box; no crop for it has a smaller one. */
  fit(box: Box): number;
  /** Picture pixels a model pixel, for a crop that serves the hole well. */
  scaleFor(hole: Box): number;
  /** The crop at that scale around the box, inside the picture where it can be. */
  place(box: Box, scale: number): Box;
}

function createPlanner(picture: Box, known: (box: Box) => number, modelWidth: number, modelHeight: number): Planner {
  const fit = (box: Box): number => Math.max(box.width / modelWidth, box.height / modelHeight);
  const widest = Math.min(picture.width / modelWidth, picture.height / modelHeight);
  const native = Math.min(1, widest);
  const place = (box: Box, scale: number): Box => {
    const width = Math.max(box.width, Math.round(scale * modelWidth));
    const height = Math.max(box.height, Math.round(scale * modelHeight));
    return {
      x: placeAlong(box.x, box.width, width, picture.width),
      y: placeAlong(box.y, box.height, height, picture.height),
      width,
      height,
    };
  };
  const knownShare = (box: Box, scale: number): number => {
    const crop = place(box, scale);
    return known(crop) / (crop.width * crop.height);
  };
  const scaleFor = (hole: Box): number => {
    if (fit(hole) <= native && knownShare(hole, native) >= enoughKnownAtScale1) return native;
    let scale = Math.max(native, fit(intersection(grow(hole, margin), picture)));
    let best = { scale, share: knownShare(hole, scale) };
    // Where the picture cannot give enough, the crop with the most known is the best there is.
    for (; best.share < enoughKnown && scale < fit(picture);) {
      scale = Math.min(scale * 1.1, fit(picture));
      const share = knownShare(hole, scale);
      if (share > best.share) best = { scale, share };
    }
    return best.scale;
  };
  return { fit, scaleFor, place };
}

/** Centred on the box and moved into the picture, or centred on the picture if it is longer than that. */
function placeAlong(start: number, length: number, cropLength: number, pictureLength: number): number {
  if (cropLength > pictureLength) return Math.floor((pictureLength - cropLength) / 2);
  const centred = Math.floor(start + (length - cropLength) / 2);
  return Math.min(Math.max(centred, 0), pictureLength - cropLength);
}

function grow(box: Box, share: number): Box {
  const dx = Math.ceil(box.width * share);
  const dy = Math.ceil(box.height * share);
  return { x: box.x - dx, y: box.y - dy, width: box.width + 2 * dx, height: box.height + 2 * dy };
}

/**
 * Joins the holes whose centres fall into one cell of a grid, of half the model's size or coarser, until few are left.
 */
function joinOnGrid(holes: Box[], modelWidth: number, modelHeight: number): Box[] {
  let boxes = holes;
  for (let size = 0.5; boxes.length > mostHoles; size *= 2) {
    const cells = new Map<string, Box>();
    for (const box of boxes) {
      const column = Math.floor((box.x + box.width / 2) / (modelWidth * size));
      const row = Math.floor((box.y + box.height / 2) / (modelHeight * size));
      const cell = cells.get(`${column},${row}`);
      cells.set(`${column},${row}`, cell ? union(cell, box) : box);
    }
    boxes = [...cells.values()];
  }
  return boxes;
}

interface Group {
  readonly box: Box;
  readonly scale: number;
}

/** Joins holes until no two overlap and no two could share a crop without becoming coarser. */
function shareRegions(holes: Box[], planner: Planner): Group[] {
  const groups: Group[] = holes.map((box) => ({ box, scale: planner.scaleFor(box) }));
  // A group that has grown may reach one that it could not before, so passes repeat until one changes nothing.
  for (let changed = true; changed;) {
    changed = false;
    for (let i = 0; i < groups.length; i++)
      for (let k = i + 1; k < groups.length;) {
        const joined = join(groups[i]!, groups[k]!, planner);
        if (joined) {
          groups[i] = joined;
          groups.splice(k, 1);
          changed = true;
        } else k++;
      }
  }
  return groups;
}

/** Both as one group, or undefined where they are better off apart. */
function join(a: Group, b: Group, planner: Planner): Group | undefined {
  const box = union(a.box, b.box);
  const coarsest = overlap(a.box, b.box) ? Infinity : acceptedCoarsening * Math.min(a.scale, b.scale);
  if (planner.fit(box) > coarsest) return undefined;
  const scale = planner.scaleFor(box);
  return scale <= coarsest ? { box, scale } : undefined;
}

function checkExplicit(keep: Mask, picture: Box, region: Box): void {
  const { x, y, width, height } = region;
  const name = `region ${x},${y},${width},${height}`;
  if (![x, y, width, height].every(Number.isInteger) || width < 1 || height < 1)
    throw new InputError(`${name}: expected X,Y,W,H in whole pixels with W and H of at least 1`);
  if (x < 0 || y < 0 || x + width > picture.width || y + height > picture.height)
    throw new InputError(`${name} is not inside the picture, which is ${keep.width}x${keep.height}`);
}

/** The region must hold some of the fill, and no hole may go on beyond its border. */
function checkHoles(keep: Mask, region: Box): void {
  const { x, y, width, height } = region;
  const name = `region ${x},${y},${width},${height}`;
  const isFill = (u: number, v: number): boolean =>
    u >= 0 && v >= 0 && u < keep.width && v < keep.height && !(keep.data[v * keep.width + u]! >= 0.5);
  const goesOn = (u: number, v: number): boolean => {
    if (!isFill(u, v)) return false;
    for (let dv = -1; dv <= 1; dv++)
      for (let du = -1; du <= 1; du++) {
        const outside = u + du < x || v + dv < y || u + du >= x + width || v + dv >= y + height;
        if (outside && isFill(u + du, v + dv)) return true;
      }
    return false;
  };
  let any = false;
  for (let v = y; v < y + height; v++)
    for (let u = x; u < x + width; u++) {
      any ||= isFill(u, v);
      const onBorder = u === x || v === y || u === x + width - 1 || v === y + height - 1;
      if (onBorder && goesOn(u, v))
        throw new InputError(
          `${name} does not cover the hole at ${u},${v}, which goes on beyond it: enlarge the region`,
        );
    }
  if (!any)
    throw new InputError(`${name} holds nothing to fill: move it over the part of the mask that is to be filled`);
}
