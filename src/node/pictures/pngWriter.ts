/**
 * Pictures to PNG: 8 bits a channel, each row behind the filter that leaves the smallest sum of differences, which is what
 * the specification advises (section 12.7). Not here: chunks in front of the pixels (colours.ts, pngText.ts).
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
  const tried = Array.from({ length: 5 }, () => new Uint8Array(length));
  for (let y = 0, at = 0; y < height; y++, at += 1 + length) {
    for (let x = 0, to = 0, from = 4 * y * width; x < width; x++, from += 4, to += channels)
      for (let c = 0; c < channels; c++) line[to + c] = data[from + c]!;
    for (let filter = 0; filter < 5; filter++) applyFilter(filter, line, above, channels, tried[filter]!);
    const sums = tried.map(sumOfDifferences);
    const best = sums.indexOf(Math.min(...sums));
    rows[at] = best;
    rows.set(tried[best]!, at + 1);
    [above, line] = [line, above];
  }
  return rows;
}

/** `step`: the bytes to the same sample on the left. */
function applyFilter(filter: number, line: Uint8Array, above: Uint8Array, step: number, out: Uint8Array): void {
  if (filter === 0) out.set(line);
  for (let i = 0; i < line.length && filter > 0; i++) {
    const left = i < step ? 0 : line[i - step]!;
    const corner = i < step ? 0 : above[i - step]!;
    if (filter === 1) out[i] = line[i]! - left;
    else if (filter === 2) out[i] = line[i]! - above[i]!;
    else if (filter === 3) out[i] = line[i]! - ((left + above[i]!) >> 1);
    else out[i] = line[i]! - paeth(left, above[i]!, corner);
  }
}

function sumOfDifferences(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += bytes[i]! < 128 ? bytes[i]! : 256 - bytes[i]!;
  return sum;
}
