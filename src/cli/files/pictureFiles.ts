/**
 * Which pictures to fill, with which masks, into which files. Reading and writing them is src/node's business.
 *
 * In a folder, `NAME.fill.png` and `NAME.keep.png` are masks and all other files of formats that are read are pictures.
 * A folder of masks is paired with the pictures by name, with or without that middle part.
 */
import { readdir, stat } from "node:fs/promises";
import { basename, extname, join, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { asInputError } from "../../node/files.ts";
import { about } from "../values.ts";
import { type FilePicture, readPicture, toSrgb } from "../../node/pictures.ts";
import { checkPixels } from "../../node/pictures/limits.ts";
import { extendCanvas, extendedSize } from "../../pictures/extend.ts";
import { checkPair, type Mask, type Picture } from "../../pictures/image.ts";
import { keepMask, type MaskReading, readingOf } from "../../pictures/keepMask.ts";
import { type Extension, sidesOf } from "../given/extend.ts";

/** What white means in a mask. */
export type MaskKind = "fill" | "keep";

/** In place of a mask's name: what is transparent in the picture itself is to be filled. */
export const ownAlpha = "alpha";

export interface Pair {
  readonly image: string;
  /** undefined: all of the picture is known, and what a larger canvas adds is filled. */
  readonly mask: string | undefined;
  readonly kind: MaskKind;
  /** The picture's name without folder and extension. */
  readonly stem: string;
}

export interface Pairs {
  readonly pairs: readonly Pair[];
  /** A folder, or more than one --image: results then go to a folder. */
  readonly many: boolean;
  readonly unusedMasks: readonly string[];
  /** Pictures in the folders of formats that are not read. */
  readonly leftOut: readonly string[];
}

/** @throws InputError that lists the pictures without a mask */
export async function pairPictures(
  images: readonly string[],
  mask: string | undefined,
  kind: MaskKind,
): Promise<Pairs> {
  const paths = await listPictureFiles(images);
  const leftOut = (await Promise.all(images.map(listLeftOut))).flat();
  const many = images.length > 1 || paths[0] !== images[0];
  const pairWith = (maskOf: (image: string) => string | undefined): Pair[] =>
    paths.map((image) => ({ image, mask: maskOf(image), kind, stem: stemOf(image) }));
  if (mask === ownAlpha) return { pairs: pairWith((image) => image), many, unusedMasks: [], leftOut };
  if (mask === undefined || !(await isFolder(mask)))
    return { pairs: pairWith(() => mask), many, unusedMasks: [], leftOut };

  const masks = await listMasks(mask, kind);
  // In one folder with its masks a picture must not be taken for its own mask.
  const maskFor = (image: string): string | undefined => {
    const found = masks.get(stemOf(image));
    return found !== undefined && resolve(found) !== resolve(image) ? found : undefined;
  };
  const unmatched = paths.filter((image) => maskFor(image) === undefined);
  if (unmatched.length > 0) {
    const stems = new Set(paths.map(stemOf));
    const spare = [...masks].filter(([stem]) => !stems.has(stem)).map(([, path]) => basename(path));
    throw new InputError(
      `${mask} has no mask for ${list(unmatched.map((path) => basename(path)))}: a mask is named as its picture` +
        (spare.length > 0 ? `; masks without a picture: ${list(spare)}` : ""),
    );
  }
  const pairs = pairWith((image) => maskFor(image)!);
  const used = new Set(pairs.map((pair) => pair.mask));
  return { pairs, many, unusedMasks: [...masks.values()].filter((path) => !used.has(path)), leftOut };
}

/** "3 files are left out, of formats that are not read (.gif, .heic): convert them to PNG or JPEG." */
export function leftOutWords(files: readonly string[]): string {
  const extensions = [...new Set(files.map((path) => extname(path).toLowerCase()))].sort().join(", ");
  const [subject, object] = files.length === 1 ? ["file is", "it"] : ["files are", "them"];
  return `${files.length} ${subject} left out, of formats that are not read (${extensions}): convert ${object} to PNG or JPEG.`;
}

/**
 * Of each pair the picture that its run begins with: the file, or those of a folder by the names of the pictures.
 * @throws InputError for pictures without one
 */
export async function pairStarts({ pairs, many }: Pairs, path: string): Promise<ReadonlyMap<Pair, string>> {
  if (!(await isFolder(path))) {
    if (many)
      throw new InputError(`--start-from ${path} is one picture for several: give a folder with one for each, by name`);
    return new Map(pairs.map((pair) => [pair, path]));
  }
  const starts = new Map((await listPictures(path)).map((file) => [stemOf(file), file]));
  const missing = pairs.filter(({ stem }) => !starts.has(stem)).map(({ image }) => basename(image));
  if (missing.length > 0)
    throw new InputError(`--start-from ${path} has none for ${list(missing)}: each is named as its picture`);
  return new Map(pairs.map((pair) => [pair, starts.get(pair.stem)!]));
}

/** What a run begins with, in sRGB. @throws InputError where it has another size than the pair's picture */
export async function readStart(path: string, { image }: Pair, { width, height }: Picture): Promise<Picture> {
  const start = await readPicture(path);
  if (start.width !== width || start.height !== height)
    throw new InputError(
      `${path} is ${start.width}x${start.height} and ${image} ${width}x${height}: paint the guess into a copy of the picture`,
    );
  return toSrgb(start, start.colours);
}

/** Files and the pictures of folders, in order. @throws InputError for a folder without any */
export async function listPictureFiles(images: readonly string[]): Promise<string[]> {
  const listed = await Promise.all(images.map(async (path) => ((await isFolder(path)) ? listImages(path) : [path])));
  return listed.flat();
}

export interface ReadPair {
  /** The file's picture in sRGB, which networks know. */
  readonly picture: Picture;
  readonly keep: Mask;
  readonly file: FilePicture;
  /** undefined: no mask was given. */
  readonly reading: MaskReading | undefined;
  /** Of the file, where the canvas is larger. */
  readonly before: { readonly width: number; readonly height: number } | undefined;
}

/**
 * `extension`: what a larger canvas adds; `file` and all else is of its size.
 * @throws InputError for files that are no pictures, for sizes that differ, and for a canvas that is too large
 */
export async function readPair(pair: Pair, extension?: Extension): Promise<ReadPair> {
  const { image, mask } = pair;
  const file = await readPicture(image);
  const read = mask === undefined ? undefined : await readMask({ ...pair, mask }, file);
  if (!extension) {
    const { keep, reading } = read!;
    return { picture: toSrgb(file, file.colours), keep, file, reading, before: undefined };
  }
  return about(image, () => {
    const sides = sidesOf(extension, file);
    checkPixels({ ...extendedSize(file, sides), name: "the larger canvas", bytesPerPixel: 16 });
    const { picture, keep } = extendCanvas(file, sides, read?.keep);
    const before = { width: file.width, height: file.height };
    const larger = { ...file, ...picture };
    return { picture: toSrgb(larger, file.colours), keep, file: larger, reading: read?.reading, before };
  });
}

async function readMask(
  { image, mask, kind }: Pair & { mask: string },
  file: FilePicture,
): Promise<{ keep: Mask; reading: MaskReading }> {
  const isOwn = mask === image;
  const drawn = isOwn ? file : await readPicture(mask);
  const reading = isOwn ? "picture" : readingOf(drawn);
  const keep = keepMask(drawn, kind, reading);
  if (isOwn && keep.data.every((value) => value === 1))
    throw new InputError(`${image} has no transparent part that could be filled: give a mask with --fill F`);
  if (file.isTurned && keep.width === file.height && keep.height === file.width && keep.width !== keep.height)
    throw new InputError(
      `${image} with ${mask}: the mask is ${keep.width}x${keep.height}, as the picture lies in its file, and its EXIF data turn it to ` +
        `${file.width}x${file.height}: turn the mask, or make it from the picture as viewers show it`,
    );
  about(`${image} with ${mask}`, () => checkPair(file, keep));
  return { keep, reading };
}

/** The name of a picture's file without its last extension. */
function stemOf(path: string): string {
  return basename(path, extname(path));
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw asInputError(error, `cannot read ${path}`);
  }
}

const readFormats = /\.(png|jpe?g|jfif|webp|avif)$/i;
const otherFormats = /\.(gif|bmp|tiff?|hei[cf]|jxl|jp2|psd|svg|tga|ppm|dng|cr[23]|nef|arw)$/i;

/** What is in a folder beside its pictures; nothing for a file. */
async function listLeftOut(path: string): Promise<string[]> {
  return (await isFolder(path)) ? listPictures(path, otherFormats) : [];
}

async function listPictures(folder: string, formats = readFormats): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => formats.test(name) && !name.startsWith("."))
      .sort()
      .map((name) => join(folder, name));
  } catch (error) {
    throw asInputError(error, `cannot read the folder ${folder}`);
  }
}

const maskName = /\.(fill|keep)$/;

async function listImages(folder: string): Promise<string[]> {
  const images = (await listPictures(folder)).filter((path) => !maskName.test(stemOf(path)));
  if (images.length === 0) throw new InputError(`the folder ${folder} has no pictures: PNG or JPEG files are needed`);
  return images;
}

/**
 * Masks by the name of their picture; `NAME.fill.png` goes before `NAME.png`, and masks of the other kind do not count.
 */
async function listMasks(folder: string, kind: MaskKind): Promise<Map<string, string>> {
  const masks = new Map<string, string>();
  const paths = await listPictures(folder);
  const [marked, plain] = [true, false].map((isMarked) =>
    paths.filter((path) => maskName.test(stemOf(path)) === isMarked),
  );
  for (const path of plain!) addMask(masks, stemOf(path), path);
  const own = new Map<string, string>();
  for (const path of marked!.filter((candidate) => stemOf(candidate).endsWith(`.${kind}`)))
    addMask(own, stemOf(path).replace(maskName, ""), path);
  // In a folder of pictures and their masks, what has no middle part is a picture.
  return own.size > 0 ? own : masks;
}

function addMask(masks: Map<string, string>, stem: string, path: string): void {
  const other = masks.get(stem);
  if (other) throw new InputError(`${other} and ${path} are both masks for ${stem}: remove one`);
  masks.set(stem, path);
}

function list(names: readonly string[]): string {
  return names.length > 10 ? `${names.slice(0, 10).join(", ")} and ${names.length - 10} more` : names.join(", ");
}
