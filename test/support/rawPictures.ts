/**
 * PNG and JPEG files of any kind, made from the specifications for tests: a second implementation beside the packages
 * that the program reads with. Not here: files a user would want (PNG filter 0 only, JPEG of flat 8x8 blocks only).
 */
import { crc32, deflateSync } from "node:zlib";

export interface RawPng {
  width: number;
  height: number;
  depth: number;
  colorType: 0 | 2 | 3 | 4 | 6;
  interlaced?: boolean;
  /** Samples of one pixel, of `depth` bits each. */
  sample: (x: number, y: number) => number[];
  palette?: number[];
  transparency?: number[];
}

export function rawPng(png: RawPng): Uint8Array {
  const { width, height, depth, colorType, interlaced = false, palette, transparency } = png;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, colorType, 0, 0, interlaced ? 1 : 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    pngChunk("IHDR", header),
    ...(palette ? [pngChunk("PLTE", Buffer.from(palette))] : []),
    ...(transparency ? [pngChunk("tRNS", Buffer.from(transparency))] : []),
    pngChunk("IDAT", deflateSync(Buffer.from(interlaced ? adam7(png) : scanlines(png, 0, 0, 1, 1)))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
}

export function pngChunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}

function scanlines({ width, height, depth, sample }: RawPng, x0: number, y0: number, dx: number, dy: number): number[] {
  const bytes: number[] = [];
  for (let y = y0; y < height && x0 < width; y += dy) {
    let bits = "";
    for (let x = x0; x < width; x += dx)
      for (const value of sample(x, y)) bits += value.toString(2).padStart(depth, "0");
    bytes.push(0);
    for (let at = 0; at < bits.length; at += 8) bytes.push(Number.parseInt(bits.slice(at, at + 8).padEnd(8, "0"), 2));
  }
  return bytes;
}

function adam7(png: RawPng): number[] {
  const passes = [
    [0, 0, 8, 8],
    [4, 0, 8, 8],
    [0, 4, 4, 8],
    [2, 0, 4, 4],
    [0, 2, 2, 4],
    [1, 0, 2, 2],
    [0, 1, 1, 2],
  ] as const;
  return passes.flatMap(([x, y, dx, dy]) => scanlines(png, x, y, dx, dy));
}

export interface FlatJpeg {
  /** Blocks of 8x8 pixels, row by row: the value of each component, exact in the file. */
  blocks: number[][][];
  ids?: number[];
  /** The transform of an Adobe marker: 0 RGB or CMYK, 1 YCbCr, 2 YCCK. */
  adobe?: number;
  orientation?: number;
  littleEndian?: boolean;
}

/**
 * Baseline JPEG without subsampling; its DC tables code every category 0 to 11 in four bits, its AC table only ends
 * blocks.
 */
export function flatJpeg({ blocks, ids, adobe, orientation, littleEndian = false }: FlatJpeg): Uint8Array {
  const components = blocks[0]![0]!.length;
  const names = ids ?? Array.from({ length: components }, (_, i) => i + 1);
  const width = 8 * blocks[0]!.length;
  const height = 8 * blocks.length;
  const segments: number[][] = [];
  if (orientation !== undefined) segments.push([0xe1, ...exif(orientation, littleEndian)]);
  if (adobe !== undefined) segments.push([0xee, ...Buffer.from("Adobe"), 0, 100, 0, 0, 0, 0, adobe]);
  // Quantiser 1 everywhere: DC = 8 * (value - 128).
  segments.push([0xdb, 0, ...Array.from({ length: 64 }, () => 1)]);
  segments.push([0xc0, 8, height >> 8, height & 255, width >> 8, width & 255, components]);
  for (const id of names) segments.at(-1)!.push(id, 0x11, 0);
  segments.push([
    0xc4,
    0x00,
    0,
    0,
    0,
    12,
    ...Array.from({ length: 12 }, () => 0),
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
    11,
  ]);
  segments.push([0xc4, 0x10, 1, ...Array.from({ length: 15 }, () => 0), 0]);
  segments.push([0xda, components, ...names.flatMap((id) => [id, 0x00]), 0, 63, 0]);
  let bits = "";
  const before = names.map(() => 0);
  for (const row of blocks)
    for (const values of row)
      values.forEach((value, c) => {
        const dc = 8 * (value - 128);
        const difference = dc - before[c]!;
        before[c] = dc;
        const category = difference === 0 ? 0 : Math.floor(Math.log2(Math.abs(difference))) + 1;
        const code = difference < 0 ? difference + 2 ** category - 1 : difference;
        bits += category.toString(2).padStart(4, "0");
        if (category > 0) bits += code.toString(2).padStart(category, "0");
        bits += "0";
      });
  const data: number[] = [];
  for (let at = 0; at < bits.length; at += 8) {
    const byte = Number.parseInt(bits.slice(at, at + 8).padEnd(8, "1"), 2);
    data.push(byte, ...(byte === 0xff ? [0] : []));
  }
  const header = segments.flatMap(([marker, ...body]) => {
    return [0xff, marker!, (body.length + 2) >> 8, (body.length + 2) & 255, ...body];
  });
  return Uint8Array.from([0xff, 0xd8, ...header, ...data, 0xff, 0xd9]);
}

function exif(orientation: number, littleEndian: boolean): Buffer {
  const tiff = Buffer.alloc(26);
  const view = new DataView(tiff.buffer, tiff.byteOffset, tiff.length);
  view.setUint16(0, littleEndian ? 0x4949 : 0x4d4d);
  view.setUint16(2, 42, littleEndian);
  view.setUint32(4, 8, littleEndian);
  view.setUint16(8, 1, littleEndian);
  view.setUint16(10, 0x0112, littleEndian);
  view.setUint16(12, 3, littleEndian);
  view.setUint32(14, 1, littleEndian);
  view.setUint16(18, orientation, littleEndian);
  return Buffer.concat([Buffer.from("Exif\0\0"), tiff]);
}
