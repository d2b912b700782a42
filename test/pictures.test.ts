/** Picture files of every kind and damage. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import jpeg from "jpeg-js";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { decodePicture, encodePng, readPicture } from "../src/node/pictures.ts";
import type { Picture } from "../src/pictures/image.ts";
import { noise, pixelsOf, refusal } from "./support/pictures.ts";
import { type FlatJpeg, type RawPng, flatJpeg, pngChunk, rawPng } from "./support/rawPictures.ts";

const root = mkdtempSync(join(tmpdir(), "repaint-pictures-"));
let folder = root;
let count = 0;
beforeEach(async () => {
  folder = join(root, String(count++));
  await mkdir(folder);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe("PNG", () => {
  const palette = [10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 254, 253];
  const scaled = (value: number, depth: number): number => Math.round((value * 255) / (2 ** depth - 1));
  const value = (x: number, y: number, depth: number): number => (x * 2731 + y * 9377 + 5) % 2 ** depth;
  const gray = (v: number): number[] => [v, v, v, 255];
  type Kind = Pick<RawPng, "depth" | "colorType" | "palette" | "transparency">;
  const kinds: [string, Kind, (samples: number[], depth: number) => number[]][] = [];
  for (const depth of [1, 2, 4, 8, 16])
    kinds.push([`gray ${depth}`, { depth, colorType: 0 }, ([v]) => gray(scaled(v!, depth))]);
  for (const depth of [1, 2, 4, 8])
    kinds.push([
      `palette ${depth}`,
      { depth, colorType: 3, palette },
      ([v]) => [...palette.slice(3 * v!, 3 * v! + 3), 255],
    ]);
  for (const depth of [8, 16]) {
    kinds.push([`colour ${depth}`, { depth, colorType: 2 }, (s) => [...s.map((v) => scaled(v, depth)), 255]]);
    kinds.push([
      `gray+alpha ${depth}`,
      { depth, colorType: 4 },
      ([v, a]) => [...gray(scaled(v!, depth)).slice(0, 3), scaled(a!, depth)],
    ]);
    kinds.push([`colour+alpha ${depth}`, { depth, colorType: 6 }, (s) => s.map((v) => scaled(v, depth))]);
  }
  const transparency = [0, 128];
  kinds.push([
    "palette with transparency",
    { depth: 2, colorType: 3, palette, transparency },
    ([v]) => [...palette.slice(3 * v!, 3 * v! + 3), transparency[v!] ?? 255],
  ]);
  const channels = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

  it.each(kinds)("reads %s, plain and interlaced, at any size", async (_, kind, expected) => {
    for (const interlaced of [false, true])
      for (const [width, height] of [
        [1, 1],
        [5, 3],
        [17, 9],
      ] as const) {
        const sample = (x: number, y: number): number[] =>
          Array.from({ length: channels[kind.colorType] }, (_unused, c) => {
            const limited = value(x + 3 * c, y, kind.depth);
            return kind.colorType === 3 ? limited % 4 : limited;
          });
        const path = join(folder, "in.png");
        writeFileSync(path, rawPng({ ...kind, width, height, interlaced, sample }));
        const picture = await readPicture(path);
        expect(picture).toMatchObject({ width, height, sourceFormat: "png" });
        const pixels = Array.from({ length: width * height }, (_unused, i) => {
          return expected(sample(i % width, Math.floor(i / width)), kind.depth);
        });
        expect(pixelsOf(picture)).toEqual(pixels);
      }
  });

  it("makes the one transparent colour transparent, compared at full depth", async () => {
    const at16 = { width: 2, height: 1, depth: 16, colorType: 0, sample: (x: number) => [0x1234 + x] } as const;
    const picture = await decodePicture(rawPng({ ...at16, transparency: [0x12, 0x34] }), "in.png");
    expect(pixelsOf(picture).map((pixel) => pixel[3])).toEqual([0, 255]);
    const colours = { width: 2, height: 1, depth: 8, colorType: 2, sample: (x: number) => [1, 2, 3 + x] } as const;
    const other = await decodePicture(rawPng({ ...colours, transparency: [0, 1, 0, 2, 0, 4] }), "in.png");
    expect(pixelsOf(other).map((pixel) => pixel[3])).toEqual([255, 0]);
  });

  it("refuses a header that claims too much before it unpacks anything", async () => {
    const small = rawPng({ width: 1, height: 1, depth: 8, colorType: 0, sample: () => [0] });
    const claiming = (width: number, height: number): Uint8Array => {
      const header = Buffer.from(small.subarray(16, 29));
      header.writeUInt32BE(width, 0);
      header.writeUInt32BE(height, 4);
      return Buffer.concat([small.subarray(0, 8), pngChunk("IHDR", header), small.subarray(33)]);
    };
    for (const [width, height, message] of [
      [20_000, 20_000, /more than 268 megapixels/],
      [0xffffffff, 0xffffffff, /more than 268 megapixels/],
      [268_000_001, 1, /more than 268 megapixels/],
      [16_000, 16_000, /data are too short for 16000x16000/],
      [0, 1, /holds no picture/],
    ] as const)
      expect(await refusal(() => decodePicture(claiming(width, height), "bomb.png"))).toMatch(message);
  });

  it.each([0, 1])(
    "refuses data that unpack to more or to less than the header says, interlace %i",
    async (interlace) => {
      const good = rawPng({
        width: 4,
        height: 4,
        depth: 8,
        colorType: 0,
        interlaced: interlace === 1,
        sample: () => [9],
      });
      const rebuilt = (size: number): Uint8Array => {
        const data = pngChunk("IDAT", deflateSync(Buffer.alloc(size)));
        return Buffer.concat([good.subarray(0, 33), data, pngChunk("IEND", Buffer.alloc(0))]);
      };
      for (const size of [0, 1, 7, interlace ? 22 : 19, 1e8])
        expect(await refusal(() => decodePicture(rebuilt(size), "bad.png"))).toMatch(/damaged or unsupported PNG/);
    },
  );
});

describe("JPEG", () => {
  const blocks = [
    [[10], [60], [110]],
    [[160], [210], [250]],
  ];
  /** Which block is where: one digit a block, read at its centre. */
  const layout = (picture: Picture): string => {
    const rows = Array.from({ length: picture.height / 8 }, (_, y) =>
      Array.from({ length: picture.width / 8 }, (_unused, x) => {
        const level = picture.data[4 * ((8 * y + 4) * picture.width + 8 * x + 4)]!;
        return "abcdef"[blocks.flat().findIndex(([v]) => Math.abs(v! - level) <= 1)] ?? "?";
      }).join(""),
    );
    return rows.join("/");
  };

  it.each([
    [1, "abc/def"],
    [2, "cba/fed"],
    [3, "fed/cba"],
    [4, "def/abc"],
    [5, "ad/be/cf"],
    [6, "da/eb/fc"],
    [7, "fc/eb/da"],
    [8, "cf/be/ad"],
    [9, "abc/def"],
  ])("is turned by EXIF orientation %i", async (orientation, expected) => {
    for (const littleEndian of [false, true])
      expect(layout(await decodePicture(flatJpeg({ blocks, orientation, littleEndian }), "in.jpg"))).toBe(expected);
  });

  const colours: [string, Omit<FlatJpeg, "blocks">, number[], number[]][] = [
    ["YCbCr", {}, [76, 85, 255], [254, 0, 0]],
    ["RGB by its Adobe marker", { adobe: 0 }, [200, 100, 50], [200, 100, 50]],
    ["RGB by its component names", { ids: [82, 71, 66] }, [200, 100, 50], [200, 100, 50]],
    // Adobe stores inverted inks: 255 is none. Red = 255 * (C / 255) * (K / 255) of the stored values.
    ["CMYK", { adobe: 0 }, [255, 128, 0, 255], [255, 128, 0]],
    ["CMYK with black", { adobe: 0 }, [255, 128, 0, 51], [51, 26, 0]],
    // The stored inks are the complement of what the YCbCr says, as libjpeg has it: its red means cyan.
    ["YCCK", { adobe: 2 }, [76, 85, 255, 255], [1, 255, 255]],
  ];
  it.each(colours)("reads %s", async (_, options, stored, expected) => {
    const picture = await decodePicture(flatJpeg({ ...options, blocks: [[stored]] }), "in.jpg");
    expect(picture).toMatchObject({ width: 8, height: 8, sourceFormat: "jpeg" });
    for (const [r, g, b, a] of pixelsOf(picture)) {
      expect(a).toBe(255);
      [r, g, b].forEach((level, c) => expect(Math.abs(level! - expected[c]!)).toBeLessThanOrEqual(2));
    }
  });

  it("comes close to a picture that was compressed", async () => {
    const source = await decodePicture(
      readFileSync(new URL("../weights/examples/1-half-right.png", import.meta.url)),
      "in.png",
    );
    const { data } = jpeg.encode({ ...source, data: Buffer.from(source.data) }, 95);
    const picture = await decodePicture(data, "in.jpg");
    expect([picture.width, picture.height]).toEqual([64, 64]);
    const error = picture.data.reduce((sum, value, i) => sum + Math.abs(value - source.data[i]!), 0);
    expect(error / picture.data.length).toBeLessThan(3);
  });

  it("refuses absurd sizes before decoding, and 12-bit samples", async () => {
    const good = Buffer.from(flatJpeg({ blocks }));
    const frame = good.indexOf(Buffer.from([0xff, 0xc0]));
    const large = Buffer.from(good);
    large.fill(0xff, frame + 5, frame + 9);
    expect(await refusal(() => decodePicture(large, "bomb.jpg"))).toMatch(/65535x65535.*more than 268 megapixels/);
    const deep = Buffer.from(good);
    deep[frame + 4] = 12;
    expect(await refusal(() => decodePicture(deep, "deep.jpg"))).toMatch(/12 bits a sample/);
  });
});

describe("damaged files", () => {
  const png = encodePng(noise(23, 17));
  const interlaced = rawPng({
    width: 9,
    height: 9,
    depth: 8,
    colorType: 6,
    interlaced: true,
    sample: (x, y) => [x, y, 3, 200],
  });
  const turned = flatJpeg({
    blocks: [
      [
        [10, 20, 30],
        [200, 100, 3],
      ],
      [
        [9, 8, 7],
        [1, 2, 250],
      ],
    ],
    orientation: 6,
    adobe: 1,
  });

  it("are refused wherever they are cut off in front of their end", async () => {
    for (const bytes of [png, interlaced, turned]) {
      // A PNG's last chunk says that it ends, and nothing else.
      const needed = bytes === turned ? bytes.length : bytes.length - 12;
      for (let length = 0; length < needed; length++) {
        const message = await refusal(() => decodePicture(bytes.slice(0, length), "cut"));
        expect(message).toMatch(length === 0 ? /is empty/ : /damaged|neither/);
      }
      const whole = await decodePicture(bytes, "whole");
      for (let length = needed; length < bytes.length; length++)
        expect((await decodePicture(bytes.slice(0, length), "cut")).data).toEqual(whole.data);
    }
  });

  it("are a picture or an InputError, whatever bytes are changed", async () => {
    const change = fc.record({ at: fc.nat(5000), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(png, interlaced, turned),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (file, changes) => {
          const bytes = file.slice();
          for (const { at, byte } of changes) bytes[at % bytes.length] = byte;
          try {
            const { width, height, data } = await decodePicture(bytes, "changed");
            expect(data.length).toBe(4 * width * height);
          } catch (error) {
            expect(error).toBeInstanceOf(InputError);
            expect((error as Error).message).not.toMatch(/\n/);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("readPicture", () => {
  it("says in one line what a path is instead of a picture", async () => {
    writeFileSync(join(folder, "empty.png"), "");
    writeFileSync(join(folder, "text.png"), "hello\nworld");
    writeFileSync(join(folder, "photo.webp"), "RIFF\0\0\0\0WEBPVP8 ");
    writeFileSync(join(folder, "a.gif"), "GIF89a");
    const at = (name: string) => () => readPicture(join(folder, name));
    expect(await refusal(at("missing.png"))).toMatch(/missing\.png: no such file/);
    expect(await refusal(at("."))).toMatch(/folder/);
    expect(await refusal(at("empty.png/x"))).toMatch(/part of the path is a file/);
    expect(await refusal(at("empty.png"))).toMatch(/is empty/);
    expect(await refusal(at("text.png"))).toMatch(/neither a PNG nor a JPEG \(it begins with 68 65 6c 6c\)/);
    expect(await refusal(at("photo.webp"))).toMatch(/damaged or unsupported WebP/);
    expect(await refusal(at("a.gif"))).toMatch(/GIF.*convert/);
  });
});
