/**
 * Pictures to PNG: 8 bits a channel, each row behind the filter that leaves the smallest sum of differences, which is
 * what the specification advises (section 12.7). Not here: chunks in front of the pixels (colours.ts, pngText.ts).
 */
import { deflateSync } from "node:zlib";
import type { Picture } from "../../pictures/image.ts";
import { paeth } from "./png.ts";
import { type PngChunk, writePng } from "./pngChunks.ts";

/** The file; without an alpha channel where everything is opaque. */
export function writePicture({ width, height, data }: Picture, chunks: readonly PngChunk[]): Uint8Array {
  let isOpaque = true;
  for (let i = 3; i < data.length && isOpaque; i += 4) isOpaque = data[i] === 255;
  const channels = isOpaque ? 3 : 4;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, isOpaque ? 2 : 6, 0, 0, 0], 8);
  const pixels = deflateSync(filterRows(width, height, data, channels));
  return writePng([
    { type: "IHDR", data: header },
    ...chunks,
    { type: "IDAT", data: pixels },
    { type: "IEND", data: new Uint8Array() },
  ]);
}

function filterRows(width: number, height: number, data: Uint8ClampedArray, channels: number): Uint8Array {
  const length = width * channels;
  const rows = new Uint8Array(height * (1 + length));
  let above = new Uint8Array(length);
  let line = new Uint8Array(length);
  const tried = filters.map(() => new Uint8Array(length));
  for (let y = 0, at = 0; y < height; y++, at += 1 + length) {
    for (let x = 0, to = 0, from = 4 * y * width; x < width; x++, from += 4, to += channels)
      for (let c = 0; c < channels; c++) line[to + c] = data[from + c]!;
    const sums = filters.map((filter, i) => filter(line, above, channels, tried[i]!));
    const best = sums.indexOf(Math.min(...sums));
    rows[at] = best;
    rows.set(tried[best]!, at + 1);
    [above, line] = [line, above];
  }
  return rows;
}

/**
 * Writes a row's filtered bytes and returns the sum of their sizes as signed numbers. `step`: the bytes to the same
 * sample on the left, which in the first pixel are 0. A loop for each filter: this is most of the time that a large
 * picture takes.
 */
type Filter = (line: Uint8Array, above: Uint8Array, step: number, out: Uint8Array) => number;

const size = (byte: number): number => (byte < 128 ? byte : 256 - byte);

const filters: readonly Filter[] = [
  function none(line, _above, _step, out) {
    let sum = 0;
    for (let i = 0; i < line.length; i++) sum += size((out[i] = line[i]!));
    return sum;
  },
  function sub(line, _above, step, out) {
    let sum = 0;
    for (let i = 0; i < step; i++) sum += size((out[i] = line[i]!));
    for (let i = step; i < line.length; i++) sum += size((out[i] = (line[i]! - line[i - step]!) & 255));
    return sum;
  },
  function up(line, above, _step, out) {
    let sum = 0;
    for (let i = 0; i < line.length; i++) sum += size((out[i] = (line[i]! - above[i]!) & 255));
    return sum;
  },
  function average(line, above, step, out) {
    let sum = 0;
    for (let i = 0; i < step; i++) sum += size((out[i] = (line[i]! - (above[i]! >> 1)) & 255));
    for (let i = step; i < line.length; i++)
      sum += size((out[i] = (line[i]! - ((line[i - step]! + above[i]!) >> 1)) & 255));
    return sum;
  },
  function predicted(line, above, step, out) {
    let sum = 0;
    for (let i = 0; i < step; i++) sum += size((out[i] = (line[i]! - above[i]!) & 255));
    for (let i = step; i < line.length; i++)
      sum += size((out[i] = (line[i]! - paeth(line[i - step]!, above[i]!, above[i - step]!)) & 255));
    return sum;
  },
];
