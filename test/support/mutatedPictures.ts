/**
 * Picture files of every format, mutated by a seed: bytes flipped, cut, copied, filled, sizes and lengths made absurd.
 */
import { readdirSync, readFileSync } from "node:fs";
import { InputError } from "../../src/errors.ts";
import { carriedExif } from "../../src/node/pictures/exif.ts";
import { decodePicture, toSrgb } from "../../src/node/pictures.ts";
import { uniform } from "./random.ts";
import { p3Profile } from "./iccProfile.ts";
import { deflateSync } from "node:zlib";
import { pngChunk, rawPng } from "./rawPictures.ts";

const files = new URL("../goldens/pictures/files/", import.meta.url);

/** Sound files to begin with: the goldens, PNGs of all kinds, and one with a profile. */
function seeds(): Uint8Array[] {
  const goldens = readdirSync(files)
    .sort()
    .filter((name) => name !== "expected.png")
    .map((name) => new Uint8Array(readFileSync(new URL(name, files))));
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 } as const;
  const pngs = ([0, 2, 3, 4, 6] as const).flatMap((colorType) =>
    [false, true].map((interlaced) => {
      const depth = colorType === 3 ? 4 : 8;
      const sample = (x: number, y: number): number[] =>
        Array.from({ length: channels[colorType] }, (_, c) => (x * 5 + y * 3 + c) % 2 ** depth);
      const palette = Array.from({ length: 48 }, (_, i) => i * 5);
      return rawPng({
        width: 19,
        height: 13,
        depth,
        colorType,
        interlaced,
        sample,
        ...(colorType === 3 ? { palette } : {}),
      });
    }),
  );
  const plain = pngs[2]!;
  const profile = pngChunk("iCCP", Buffer.concat([Buffer.from("P3\0\0"), deflateSync(p3Profile())]));
  const withProfile = new Uint8Array(Buffer.concat([plain.subarray(0, 33), profile, plain.subarray(33)]));
  // A Buffer would be sliced without being copied.
  return [...goldens, ...pngs, withProfile].map((bytes) => new Uint8Array(bytes));
}

/** A PNG with its checksums made right again, so that damage reaches what stands behind them. */
function repairChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const parts: Uint8Array[] = [bytes.subarray(0, 8)];
  for (let at = 8; at + 12 <= bytes.length;) {
    const length = view.getUint32(at);
    if (length > bytes.length - at - 12) break;
    const type = Buffer.from(bytes.subarray(at + 4, at + 8)).toString("latin1");
    parts.push(pngChunk(type, bytes.subarray(at + 8, at + 8 + length)));
    at += 12 + length;
  }
  return new Uint8Array(Buffer.concat(parts));
}

function mutate(file: Uint8Array, random: () => number): Uint8Array {
  const below = (count: number): number => Math.floor(random() * count);
  let bytes = file.slice();
  for (let left = 1 + below(6); left > 0 && bytes.length > 1; left--) {
    const at = below(bytes.length);
    const kind = below(8);
    if (kind === 0) bytes = bytes.slice(0, at + 1);
    else if (kind === 1) bytes = new Uint8Array(Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1))]));
    else if (kind === 2) bytes.fill(below(2) * 255, at, at + 1 + below(8));
    else if (kind === 3) bytes[at] = 1 << below(8);
    else if (kind === 4) bytes.copyWithin(at, below(bytes.length), below(bytes.length));
    else if (kind === 5 && bytes.length > 8) bytes[below(Math.min(bytes.length, 400))] = below(256);
    else bytes[at]! ^= 1 << below(8);
  }
  return bytes[0] === 0x89 && random() < 0.7 ? repairChecksums(bytes) : bytes;
}

export interface FuzzResult {
  read: number;
  refused: number;
  /** Of the slowest file, in milliseconds. */
  slowest: number;
}

/**
 * Reads `count` mutated files, from `first` on in one order for all.
 * @throws Error that names the file where one ends in anything but a picture or an InputError of one line, or takes 20
 * s
 */
export async function fuzzPictures(first: number, count: number): Promise<FuzzResult> {
  const all = seeds();
  const result: FuzzResult = { read: 0, refused: 0, slowest: 0 };
  for (let index = first; index < first + count; index++) {
    const bytes = mutate(all[index % all.length]!, uniform(index));
    const begin = performance.now();
    try {
      const picture = await decodePicture(bytes, "changed");
      if (picture.data.length !== 4 * picture.width * picture.height) throw new Error("the data are of another size");
      toSrgb(picture, picture.colours);
      carriedExif(picture.exif, "all");
      result.read++;
    } catch (error) {
      if (!(error instanceof InputError) || error.message.includes("\n"))
        throw new Error(`mutated file ${index} (${bytes.length} bytes)`, { cause: error });
      result.refused++;
    }
    const took = performance.now() - begin;
    if (took > 20_000) throw new Error(`mutated file ${index} took ${took} ms`);
    result.slowest = Math.max(result.slowest, took);
  }
  return result;
}
