/**
 * PNG and JPEG files to pictures, pictures to PNG. Every input is damaged or hostile until it has been checked.
 * Not here: text in a PNG (pngText.ts), what is in a JPEG's header (jpegHeader.ts), writing files (files.ts).
 */
import { readFile } from "node:fs/promises";
import { inflateSync } from "node:zlib";
import jpeg from "jpeg-js";
import { PNG } from "pngjs";
import { InputError } from "../errors.ts";
import { type Picture, checkSize, createPicture } from "../pictures/image.ts";
import { asInputError } from "./files.ts";
import { readJpegHeader } from "./jpegHeader.ts";
import { insertPngText, pngChunks, pngSignature } from "./pngText.ts";

export interface FilePicture extends Picture {
  readonly sourceFormat: "png" | "jpeg";
}

/** More than any camera's picture; decoding takes 4 to 20 bytes a pixel, and a header of 30 bytes can claim any size. */
const mostMegapixels = 100;

/**
 * Reads a PNG (any colour type, bit depth, transparency and interlacing) or a JPEG (gray, colour, CMYK; EXIF
 * orientation applied). The result has 8 bits a channel: 16-bit samples become round(value * 255 / 65535). Colour
 * profiles and gamma are not applied.
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
export function decodePicture(bytes: Uint8Array, name: string): FilePicture {
  if (bytes.length === 0) throw new InputError(`${name} is empty; a PNG or a JPEG is needed`);
  if (startsWith(bytes, pngSignature)) return { ...decodePng(bytes, name), sourceFormat: "png" };
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return { ...decodeJpeg(bytes, name), sourceFormat: "jpeg" };
  const other = otherFormat(bytes);
  throw new InputError(
    other
      ? `${name} is ${other}; convert it to PNG or JPEG first`
      : `${name} is neither a PNG nor a JPEG (it begins with ${hex(bytes)}); give a picture in one of these formats`,
  );
}

function decodePng(bytes: Uint8Array, name: string): Picture {
  try {
    const header = readPngHeader(bytes);
    checkPixels(header.width, header.height, name);
    checkInflated(bytes, header);
    const { width, height, data } = PNG.sync.read(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    const picture = { width, height, data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length) };
    checkSize(name, picture, 4);
    return picture;
  } catch (error) {
    throw asDamaged(error, name, "PNG");
  }
}

interface PngHeader {
  width: number;
  height: number;
  bitsPerPixel: number;
  interlaced: boolean;
}

/** Samples a pixel by colour type. */
const pngChannels: Record<number, number> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

function readPngHeader(bytes: Uint8Array): PngHeader {
  const first = pngChunks(bytes).next().value;
  if (first?.type !== "IHDR" || first.data.length !== 13) throw new Error("it has no header");
  const view = new DataView(first.data.buffer, first.data.byteOffset, 13);
  const channels = pngChannels[view.getUint8(9)];
  if (channels === undefined) throw new Error(`it has the unknown colour type ${view.getUint8(9)}`);
  const bitsPerPixel = channels * view.getUint8(8);
  return { width: view.getUint32(0), height: view.getUint32(4), bitsPerPixel, interlaced: view.getUint8(12) === 1 };
}

/**
 * pngjs inflates interlaced data without a limit, and shows uninitialised memory where other data are too short, so the
 * data are unpacked once just to see that they are as long as the header says. A few odd bytes at the end do no harm.
 */
function checkInflated(bytes: Uint8Array, header: PngHeader): void {
  const parts: Uint8Array[] = [];
  for (const { type, data } of pngChunks(bytes)) if (type === "IDAT") parts.push(data);
  const expected = inflatedLength(header);
  const { length } = inflateSync(Buffer.concat(parts), { maxOutputLength: expected + 65_536 });
  if (length < expected) throw new Error(`its data end after ${length} of ${expected} bytes`);
}

/** Bytes of all rows, each with its filter byte; interlaced in the seven passes of Adam7 (PNG specification, 8.2). */
function inflatedLength({ width, height, bitsPerPixel, interlaced }: PngHeader): number {
  let length = 0;
  for (const [x, y, dx, dy] of interlaced ? adam7 : wholePicture) {
    const columns = Math.max(0, Math.ceil((width - x) / dx));
    const rows = Math.max(0, Math.ceil((height - y) / dy));
    if (columns > 0) length += rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  }
  return length;
}

/** First column and row, steps across and down. */
type Pass = readonly [x: number, y: number, dx: number, dy: number];
const wholePicture: Pass[] = [[0, 0, 1, 1]];
const adam7: Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];

function decodeJpeg(bytes: Uint8Array, name: string): Picture {
  try {
    const header = readJpegHeader(bytes);
    checkPixels(header.width, header.height, name);
    const { width, height, data } = jpeg.decode(bytes, {
      useTArray: true,
      tolerantDecoding: false,
      maxResolutionInMP: mostMegapixels,
      maxMemoryUsageInMB: 4096,
      // Unless told, jpeg-js takes three components for YCbCr even where the file says RGB.
      ...(header.rgb ? { colorTransform: false } : {}),
    });
    const picture = { width, height, data: new Uint8ClampedArray(data.buffer, data.byteOffset, data.length) };
    checkSize(name, picture, 4);
    return orient(picture, header.orientation);
  } catch (error) {
    throw asDamaged(error, name, "JPEG");
  }
}

/** The picture as EXIF's orientation (1 to 8) wants it seen; other values mean 1. */
function orient(picture: Picture, orientation: number): Picture {
  if (!(orientation >= 2 && orientation <= 8)) return picture;
  const transposed = orientation >= 5;
  const flipX = [2, 3, 7, 8].includes(orientation);
  const flipY = [3, 4, 6, 7].includes(orientation);
  const width = transposed ? picture.height : picture.width;
  const height = transposed ? picture.width : picture.height;
  const out = createPicture(width, height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      // (u, v) in the file is seen at (x, y); the flips are those of the file's own axes.
      const u = transposed ? y : x;
      const v = transposed ? x : y;
      const column = flipX ? picture.width - 1 - u : u;
      const row = flipY ? picture.height - 1 - v : v;
      const from = 4 * (row * picture.width + column);
      for (let c = 0; c < 4; c++) out.data[4 * (y * width + x) + c] = picture.data[from + c]!;
    }
  return out;
}

/**
 * The picture as a PNG, 8 bits a channel, without an alpha channel where everything is opaque. `text` becomes tEXt
 * chunks (iTXt where a value is not Latin-1) in front of the pixels.
 * @throws InputError for a keyword that PNG does not allow.
 */
export function encodePng(picture: Picture, text: Readonly<Record<string, string>> = {}): Uint8Array {
  checkSize("picture", picture, 4);
  let opaque = true;
  for (let i = 3; i < picture.data.length && opaque; i += 4) opaque = picture.data[i] === 255;
  const png = new PNG({ width: picture.width, height: picture.height });
  png.data = Buffer.from(picture.data.buffer, picture.data.byteOffset, picture.data.length);
  return insertPngText(PNG.sync.write(png, { colorType: opaque ? 2 : 6, inputHasAlpha: true }), text);
}

function checkPixels(width: number, height: number, name: string): void {
  if (width < 1 || height < 1) throw new InputError(`${name} says it is ${width}x${height}: it holds no picture`);
  if (width * height > mostMegapixels * 1e6)
    throw new InputError(
      `${name} says it is ${width}x${height}, which is more than ${mostMegapixels} megapixels; ` +
        "make it smaller or cut out the part around the fill",
    );
}

function asDamaged(error: unknown, name: string, format: string): InputError {
  if (error instanceof InputError) return error;
  const reason = error instanceof Error ? error.message.replaceAll(/\s+/g, " ") : "its data cannot be unpacked";
  return new InputError(`${name} is a damaged or unsupported ${format} (${reason}); save it again or use another file`);
}

function startsWith(bytes: Uint8Array, prefix: ArrayLike<number>): boolean {
  return bytes.length >= prefix.length && Array.from(prefix).every((byte, i) => bytes[i] === byte);
}

function otherFormat(bytes: Uint8Array): string | undefined {
  const ascii = Buffer.from(bytes.subarray(0, 16)).toString("latin1");
  if (ascii.startsWith("RIFF") && ascii.slice(8, 12) === "WEBP") return "a WebP picture";
  if (ascii.startsWith("GIF8")) return "a GIF";
  if (ascii.startsWith("BM")) return "a BMP picture";
  if (ascii.startsWith("II*\0") || ascii.startsWith("MM\0*")) return "a TIFF picture";
  if (ascii.slice(4, 8) === "ftyp") return "a HEIC or AVIF picture, or a film";
  if (ascii.startsWith("%PDF")) return "a PDF";
  if (/^\s*<(\?xml|svg|!doctype)/i.test(ascii)) return "an SVG or another text document";
  return undefined;
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
