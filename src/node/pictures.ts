/**
 * Picture files to pictures, pictures to PNG. Every input is damaged or hostile until it has been checked.
 * Not here: the formats (pictures/), writing files (files.ts).
 */
import { readFile } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { checkSize, type Picture } from "../pictures/image.ts";
import { asInputError } from "./files.ts";
import { type Colours, coloursOfCodes, coloursOfPng, coloursOfProfile } from "./pictures/colours.ts";
import { inSrgbCurve } from "./pictures/linearLight.ts";
import { exifOrientation } from "./pictures/exif.ts";
import { orient } from "./pictures/orient.ts";
import { otherFormat } from "./pictures/otherFormats.ts";
import { openPng } from "./pictures/png.ts";
import { pngSignature } from "./pictures/pngChunks.ts";
import { textChunks } from "./pictures/pngText.ts";
import { writePicture } from "./pictures/pngWriter.ts";

export { fromSrgb, toSrgb, type Colours } from "./pictures/colours.ts";
export { carriedExif, type KeptExif } from "./pictures/exif.ts";

export interface FilePicture extends Picture {
  readonly sourceFormat: "png" | "jpeg" | "webp" | "avif";
  /**
   * What the file says of its colours; without it they are sRGB's. The picture's numbers are as they stand in the file.
   */
  readonly colours: Colours | undefined;
  /** The file's EXIF block, from its TIFF header on. */
  readonly exif: Uint8Array | undefined;
  /** Whether width and height were exchanged to bring it upright. */
  readonly isTurned: boolean;
  /** A sentence where the file was read as browsers read it although something in it is out of order. */
  readonly remark: string | undefined;
}

/**
 * Reads a PNG (any colour type, bit depth, transparency and interlacing), a JPEG (gray, colour, CMYK; EXIF orientation
 * applied), a WebP (of an animation the first picture) or, with the package @jsquash/avif, an AVIF. The result has 8
 * bits a channel: 16-bit samples become round(value * 255 / 65535), those of linear light what shows the same by sRGB's
 * curve. Otherwise numbers are not changed by colour profiles: see `colours`.
 * @throws InputError, in one line, for anything else.
 */
export async function readPicture(path: string): Promise<FilePicture> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw asInputError(error, `cannot read the picture ${path}`);
  }
  return decodePicture(bytes, path);
}

/** The picture in the bytes of a file; `name` is how errors call it. Otherwise as `readPicture`. */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<FilePicture> {
  if (bytes.length === 0) throw new InputError(`${name} is empty; a PNG or a JPEG is needed`);
  const format = formatOf(bytes);
  if (!format) {
    const other = otherFormat(bytes);
    throw new InputError(
      `${name} ${other ?? `is neither a PNG nor a JPEG (it begins with ${hex(bytes)}); give a picture in one of these formats`}`,
    );
  }
  try {
    const picture = await decoders[format](bytes, name);
    checkSize(name, picture, 4);
    return picture;
  } catch (error) {
    throw asDamaged(error, name, formatNames[format]);
  }
}

type Format = FilePicture["sourceFormat"];
const formatNames: Readonly<Record<Format, string>> = { png: "PNG", jpeg: "JPEG", webp: "WebP", avif: "AVIF" };

function formatOf(bytes: Uint8Array): Format | undefined {
  if (pngSignature.every((byte, i) => bytes[i] === byte)) return "png";
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return "jpeg";
  const ascii = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  if (/^RIFF.{4}WEBP/s.test(ascii)) return "webp";
  return /^.{4}ftypavi[fs]/s.test(ascii) ? "avif" : undefined;
}

const decoders: Readonly<Record<Format, (bytes: Uint8Array, name: string) => FilePicture | Promise<FilePicture>>> = {
  png: (bytes, name) => {
    const { isGray, depth, chunks, decode } = openPng(bytes, name);
    const exif = chunks.find(({ type }) => type === "eXIf")?.data;
    const said = coloursOfPng(chunks, isGray);
    const fine = depth === 16 && said ? inSrgbCurve(said) : undefined;
    const { width, height, data } = decode(fine?.levels);
    const colours = fine?.colours ?? said;
    return { width, height, data, colours, exif, isTurned: false, remark: undefined, sourceFormat: "png" };
  },
  // Loaded for such files alone.
  jpeg: async (bytes, name) => {
    const { decodeJpeg } = await import("./pictures/jpeg.ts");
    const decoded = decodeJpeg(bytes, name);
    const { profile, exif, components } = decoded.header;
    const orientation = exifOrientation(exif);
    const { width, height, data } = orient(decoded, orientation);
    const colours = profile && coloursOfProfile(profile, components === 1);
    const remark = decoded.odd
      ? `${name}: its data are not quite in order, as browsers and other programs would not tell you: look at it first`
      : undefined;
    return { width, height, data, colours, exif, isTurned: orientation >= 5, remark, sourceFormat: "jpeg" };
  },
  webp: async (bytes, name) => {
    const { decodeWebp } = await import("./pictures/webp.ts");
    const { width, height, data, profile, exif } = decodeWebp(bytes, name);
    const colours = profile && coloursOfProfile(profile, false);
    return { width, height, data, colours, exif, isTurned: false, remark: undefined, sourceFormat: "webp" };
  },
  avif: async (bytes, name) => {
    const { decodeAvif } = await import("./pictures/avif.ts");
    const decoded = await decodeAvif(bytes, name);
    const { profile, codes, orientation } = decoded.header;
    const { width, height, data } = orient(decoded, orientation);
    const colours = profile
      ? coloursOfProfile(profile, false)
      : codes && coloursOfCodes(codes.primaries, codes.transfer);
    return {
      width,
      height,
      data,
      colours,
      exif: undefined,
      isTurned: orientation >= 5,
      remark: undefined,
      sourceFormat: "avif",
    };
  },
};

/** What a PNG carries beside its pixels. */
export interface PngExtras {
  /** Of the file that the picture is from. */
  readonly colours?: Colours | undefined;
  /** From its TIFF header on. */
  readonly exif?: Uint8Array | undefined;
}

/**
 * The picture as a PNG, 8 bits a channel, without an alpha channel where everything is opaque. `text` becomes tEXt
 * chunks (iTXt where a value is not Latin-1) in front of the pixels.
 * @throws InputError for a keyword that PNG does not allow.
 */
export function encodePng(
  picture: Picture,
  text: Readonly<Record<string, string>> = {},
  { colours, exif }: PngExtras = {},
): Uint8Array {
  checkSize("picture", picture, 4);
  const exifChunk = exif ? [{ type: "eXIf", data: exif }] : [];
  return writePicture(picture, [...(colours?.chunks ?? []), ...exifChunk, ...textChunks(text)]);
}

function asDamaged(error: unknown, name: string, format: string): InputError {
  if (error instanceof InputError) return error;
  const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, " ") : "its data cannot be unpacked";
  return new InputError(`${name} is a damaged or unsupported ${format} (${reason}); save it again or use another file`);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
