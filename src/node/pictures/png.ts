/**
 * PNGs to pixels, every colour type, depth and interlacing. Browsers and libpng pass over bytes behind the end of the
 * picture, of its compressed data, and of the file; so does this. Not here: writing (pngWriter.ts), colours
 * (colours.ts). Source: PNG specification (third edition), sections 7 to 11.
 */
import { inflateSync } from "node:zlib";
import { createPicture, type Picture } from "../../pictures/image.ts";
import { checkPixels } from "./limits.ts";
import { pngChunks, type PngChunk } from "./pngChunks.ts";

interface Header {
  readonly width: number;
  readonly height: number;
  /** Bits of a sample. */
  readonly depth: number;
  readonly colorType: number;
  readonly interlaced: boolean;
}

/** By colour type: samples a pixel, and the depths that there are. */
const kinds: Readonly<Record<number, { readonly samples: number; readonly depths: readonly number[] }>> = {
  0: { samples: 1, depths: [1, 2, 4, 8, 16] },
  2: { samples: 3, depths: [8, 16] },
  3: { samples: 1, depths: [1, 2, 4, 8] },
  4: { samples: 2, depths: [8, 16] },
  6: { samples: 4, depths: [8, 16] },
};

export interface PngFile {
  readonly isGray: boolean;
  /** Bits of a sample. */
  readonly depth: number;
  /** Those in front of the pixels and behind them, without the pixels' own. */
  readonly chunks: readonly PngChunk[];
  /** @param levels by a sample of red, green and blue what is stored for it, where that is not its share of 255 */
  readonly decode: (levels?: readonly Uint8Array[]) => Picture;
}

/** @throws Error with the reason, here and in `decode`; InputError for a size that is none or too large */
export function openPng(bytes: Uint8Array, name: string): PngFile {
  const parts = readChunks(bytes, name);
  const { header, chunks } = parts;
  const isGray = header.colorType === 0 || header.colorType === 4;
  return { isGray, depth: header.depth, chunks, decode: (levels) => decode(parts, levels) };
}

interface Parts {
  readonly header: Header;
  readonly chunks: PngChunk[];
  /** Compressed. */
  readonly data: Uint8Array;
  /** Whether the end of the picture was reached; where its pixels are all there, browsers do without. */
  readonly isWhole: boolean;
}

function decode(parts: Parts, levels?: readonly Uint8Array[]): Picture {
  const { header, chunks } = parts;
  const rows = inflateAll(parts);
  const write = pixelWriter(header, chunks, levels);
  const picture = createPicture(header.width, header.height);
  const bitsPerPixel = kinds[header.colorType]!.samples * header.depth;
  let at = 0;
  for (const [x, y, dx, dy] of passesOf(header)) {
    const columns = Math.ceil((header.width - x) / dx);
    if (columns <= 0) continue;
    const length = Math.ceil((columns * bitsPerPixel) / 8);
    let above: Uint8Array = new Uint8Array(length);
    for (let row = y; row < header.height; row += dy) {
      const line = rows.subarray(at + 1, at + 1 + length);
      unfilter(rows[at]!, line, above, Math.max(1, bitsPerPixel >> 3));
      write(line, columns, picture.data, 4 * (row * header.width + x), 4 * dx);
      above = line;
      at += 1 + length;
    }
  }
  return picture;
}

function readChunks(bytes: Uint8Array, name: string): Parts {
  let header: Header | undefined;
  const chunks: PngChunk[] = [];
  const parts: Uint8Array[] = [];
  let isWhole = false;
  for (const { type, data, isSound } of pngChunks(bytes)) {
    // Chunks whose first letter is a capital are needed to show the picture.
    if (/^[A-Z]/.test(type) && !isSound()) throw new Error(`the checksum of its ${type} is wrong`);
    if (!header) header = readHeader(type, data, name);
    else if (type === "IDAT") parts.push(data);
    else if (type === "IEND") isWhole = true;
    else if (isSound()) chunks.push({ type, data });
  }
  if (!header) throw new Error("it has no header");
  return { header, chunks, data: Buffer.concat(parts), isWhole };
}

function readHeader(type: string, data: Uint8Array, name: string): Header {
  if (type !== "IHDR" || data.length !== 13) throw new Error("it has no header");
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [width, height, depth, colorType] = [view.getUint32(0), view.getUint32(4), data[8]!, data[9]!];
  const kind = kinds[colorType];
  if (!kind) throw new Error(`it has the unknown colour type ${colorType}`);
  if (!kind.depths.includes(depth))
    throw new Error(`it has ${depth} bits a sample, which its colour type does not allow`);
  if (data[10] !== 0 || data[11] !== 0 || data[12]! > 1)
    throw new Error("it has an unknown compression, filter or interlacing");
  checkPixels({ width, height, name, bytesPerPixel: 4 + Math.ceil((kind.samples * depth) / 8) });
  return { width, height, depth, colorType, interlaced: data[12] === 1 };
}

function inflateAll({ data, header, isWhole }: Parts): Uint8Array {
  try {
    return inflate(data, header);
  } catch (error) {
    throw isWhole ? error : new Error("it ends before its end: the file is incomplete");
  }
}

/** All rows, each behind its filter's byte. */
function inflate(data: Uint8Array, header: Header): Uint8Array {
  const expected = inflatedLength(header);
  // Deflate makes at most 1032 bytes of one, so that a small file cannot claim a large memory.
  if (expected > 1032 * data.length)
    throw new Error(`its data are too short for ${header.width}x${header.height} pixels`);
  const rows = inflateSync(data, { maxOutputLength: expected + 65_536 });
  if (rows.length < expected) throw new Error(`its data end after ${rows.length} of ${expected} bytes`);
  return rows;
}

function inflatedLength(header: Header): number {
  const bitsPerPixel = kinds[header.colorType]!.samples * header.depth;
  let length = 0;
  for (const [x, y, dx, dy] of passesOf(header)) {
    const columns = Math.max(0, Math.ceil((header.width - x) / dx));
    const rows = Math.max(0, Math.ceil((header.height - y) / dy));
    if (columns > 0) length += rows * (1 + Math.ceil((columns * bitsPerPixel) / 8));
  }
  return length;
}

/** First column and row, steps across and down. */
type Pass = readonly [x: number, y: number, dx: number, dy: number];
const wholePicture: readonly Pass[] = [[0, 0, 1, 1]];
const adam7: readonly Pass[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
];
const passesOf = ({ interlaced }: Header): readonly Pass[] => (interlaced ? adam7 : wholePicture);

/** Undoes a row's filter in place. `above` is the row before, `step` the bytes to the same sample on the left. */
function unfilter(filter: number, line: Uint8Array, above: Uint8Array, step: number): void {
  if (filter > 4) throw new Error(`it has the unknown filter ${filter}`);
  if (filter === 1) for (let i = step; i < line.length; i++) line[i]! += line[i - step]!;
  if (filter === 2) for (let i = 0; i < line.length; i++) line[i]! += above[i]!;
  if (filter === 3)
    for (let i = 0; i < line.length; i++) line[i]! += ((i < step ? 0 : line[i - step]!) + above[i]!) >> 1;
  if (filter === 4)
    for (let i = 0; i < line.length; i++)
      line[i]! += i < step ? above[i]! : paeth(line[i - step]!, above[i]!, above[i - step]!);
}

/** Of left, above and above left: the one nearest to left + above − above left. */
export function paeth(left: number, above: number, corner: number): number {
  const toLeft = Math.abs(above - corner);
  const toAbove = Math.abs(left - corner);
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

/** Writes `count` pixels of a row as RGBA into `out`, from `at` on and `step` bytes apart. */
type WritePixels = (line: Uint8Array, count: number, out: Uint8ClampedArray, at: number, step: number) => void;

function pixelWriter(
  { depth, colorType }: Header,
  chunks: readonly PngChunk[],
  levels: readonly Uint8Array[] | undefined,
): WritePixels {
  const transparency = chunks.find(({ type }) => type === "tRNS")?.data;
  if (colorType === 3) return paletteWriter(depth, chunks.find(({ type }) => type === "PLTE")?.data, transparency);
  const { samples } = kinds[colorType]!;
  const isColour = colorType === 2 || colorType === 6;
  const hasAlpha = colorType >= 4;
  // Without an alpha channel one colour may be named that is transparent, at the depth of the file.
  const hidden = hasAlpha || !transparency ? undefined : sampleReader(16)(transparency, samples);
  const read = sampleReader(depth);
  const scale = 255 / (2 ** depth - 1);
  const [reds, greens, blues] = levels ?? [];
  return (line, count, out, at, step) => {
    const values = read(line, count * samples);
    for (let i = 0, from = 0; i < count; i++, from += samples, at += step) {
      const r = values[from]!;
      const g = isColour ? values[from + 1]! : r;
      const b = isColour ? values[from + 2]! : r;
      // The array rounds.
      out[at] = reds ? reds[r]! : r * scale;
      out[at + 1] = greens ? greens[g]! : g * scale;
      out[at + 2] = blues ? blues[b]! : b * scale;
      if (hasAlpha) out[at + 3] = values[from + samples - 1]! * scale;
      else if (hidden && r === hidden[0] && (!isColour || (g === hidden[1] && b === hidden[2]))) out[at + 3] = 0;
      else out[at + 3] = 255;
    }
  };
}

function paletteWriter(
  depth: number,
  palette: Uint8Array | undefined,
  transparency: Uint8Array | undefined,
): WritePixels {
  if (!palette) throw new Error("it has no palette");
  const read = sampleReader(depth);
  return (line, count, out, at, step) => {
    const indices = read(line, count);
    for (let i = 0; i < count; i++, at += step) {
      const index = indices[i]!;
      if (3 * index + 3 > palette.length) throw new Error(`its palette has no colour ${index}`);
      out[at] = palette[3 * index]!;
      out[at + 1] = palette[3 * index + 1]!;
      out[at + 2] = palette[3 * index + 2]!;
      out[at + 3] = transparency?.[index] ?? 255;
    }
  };
}

/** The samples of a row as numbers of `depth` bits. */
function sampleReader(depth: number): (line: Uint8Array, count: number) => ArrayLike<number> {
  if (depth === 8) return (line) => line;
  const mask = 2 ** depth - 1;
  return (line, count) => {
    const samples = new Uint16Array(count);
    if (depth === 16) for (let i = 0; i < count; i++) samples[i] = (line[2 * i]! << 8) | line[2 * i + 1]!;
    else
      for (let i = 0, bit = 0; i < count; i++, bit += depth)
        samples[i] = (line[bit >> 3]! >> (8 - depth - (bit & 7))) & mask;
    return samples;
  };
}
