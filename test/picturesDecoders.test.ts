/**
 * Files as other decoders read them: to the bit as PIL reads JPEG and WebP, and as tolerant of odd files as browsers
 * are.
 */
import { readdirSync, readFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodePicture, encodePng } from "../src/node/pictures.ts";
import { noise, pixelsOf, refusal } from "./support/pictures.ts";
import { flatJpeg, pngChunk, rawPng } from "./support/rawPictures.ts";

/** test/goldens/pictures/make_files.py says how they were made. */
const files = new URL("goldens/pictures/files/", import.meta.url);
const golden = (name: string): Buffer => readFileSync(new URL(name, files));
const names = readdirSync(files)
  .filter((name) => name !== "expected.png")
  .sort();
const [width, height] = [37, 29];

describe("decoders' files", () => {
  it("are all there", () => {
    expect(names.length).toBe(27);
  });

  // AVIF: another version of its library converts to RGB, and 10 bits are rounded, not cut off.
  it.each(names.map((name) => [name, name.endsWith(".avif") ? 3 : 0] as const))(
    "%s is what other programs make of it, within %i levels",
    async (name, tolerance) => {
      const expected = await decodePicture(golden("expected.png"), "expected.png");
      const picture = await decodePicture(golden(name), name);
      const isTurned = picture.width === height;
      expect([picture.width, picture.height].sort()).toEqual([height, width]);
      const from = 4 * width * height * names.indexOf(name);
      let worst = 0;
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          // What is turned stands a quarter against the clock in `expected`.
          const at = isTurned ? x * picture.width + (picture.width - 1 - y) : y * width + x;
          for (let c = 0; c < 4; c++) {
            const value = expected.data[from + 4 * (y * width + x) + c]!;
            worst = Math.max(worst, Math.abs(value - picture.data[4 * at + c]!));
          }
        }
      expect(worst).toBeLessThanOrEqual(tolerance);
    },
  );

  it("say what they are and whether they were turned", async () => {
    const of = async (name: string) => decodePicture(golden(name), name);
    expect(await of("orientation-6.jpg")).toMatchObject({ isTurned: true, sourceFormat: "jpeg", remark: undefined });
    expect(await of("orientation-3.jpg")).toMatchObject({ isTurned: false });
    expect(await of("lossy.webp")).toMatchObject({ isTurned: false, sourceFormat: "webp" });
    expect(await of("turned.avif")).toMatchObject({ isTurned: true, sourceFormat: "avif" });
  });
});

describe("odd PNGs that browsers read", () => {
  const rows = Buffer.alloc(4 * 5, 7);
  for (let y = 0; y < 4; y++) rows[5 * y] = 0;
  const good = rawPng({ width: 4, height: 4, depth: 8, colorType: 0, sample: () => [7] });
  const header = good.subarray(0, 33);
  const end = pngChunk("IEND", Buffer.alloc(0));
  const data = deflateSync(rows);
  const empty = pngChunk("IDAT", Buffer.alloc(0));
  const odd: [string, Buffer[]][] = [
    ["bytes behind the end", [pngChunk("IDAT", data), end, Buffer.from([0])]],
    ["no end", [pngChunk("IDAT", data)]],
    ["an end that is cut off", [pngChunk("IDAT", data), end.subarray(0, 7)]],
    ["a film behind the end", [pngChunk("IDAT", data), end, Buffer.alloc(3000, 0x5a)]],
    ["padding behind the compressed data", [pngChunk("IDAT", Buffer.concat([data, Buffer.alloc(10)])), end]],
    ["a chunk of nothing but padding", [pngChunk("IDAT", data), pngChunk("IDAT", Buffer.alloc(100)), end]],
    [
      "empty chunks of data",
      [empty, pngChunk("IDAT", data.subarray(0, 3)), empty, pngChunk("IDAT", data.subarray(3)), empty, end],
    ],
    ["more rows than the header says", [pngChunk("IDAT", deflateSync(Buffer.concat([rows, rows]))), end]],
    [
      "data behind other chunks",
      [pngChunk("IDAT", data), pngChunk("tEXt", Buffer.from("a\0b")), pngChunk("IDAT", data), end],
    ],
  ];
  it.each(odd)("%s", async (_, chunks) => {
    const picture = await decodePicture(Buffer.concat([header, ...chunks]), "odd.png");
    expect(pixelsOf(picture)).toEqual(Array.from({ length: 16 }, () => [7, 7, 7, 255]));
  });

  it("but not a wrong checksum of what is needed to show them", async () => {
    const damaged = Buffer.from(good);
    damaged[45]! ^= 1;
    expect(await refusal(() => decodePicture(damaged, "bad.png"))).toMatch(/checksum of its IDAT is wrong/);
  });
});

it("a WebP of one colour, whose frame is shorter than a lossy one's header, is read", async () => {
  // 100 × 4 pixels and five prefix codes of one symbol each: RFC 9649, section 3.
  const frame = Buffer.of(47, 99, 192, 0, 0, 200, 140, 254, 7);
  const file = Buffer.concat([Buffer.from("RIFF\x16\0\0\0WEBPVP8L\x09\0\0\0", "latin1"), frame, Buffer.of(0)]);
  const picture = await decodePicture(file, "one.webp");
  expect([picture.width, picture.height]).toEqual([100, 4]);
  expect(pixelsOf(picture)).toEqual(Array.from({ length: 400 }, () => [1, 1, 0, 255]));
});

describe("AVIFs of early encoders are read as today's", () => {
  const modern = golden("444.avif");
  const expectSame = async (bytes: Buffer): Promise<void> => {
    const [old, today] = [await decodePicture(bytes, "old.avif"), await decodePicture(modern, "today.avif")];
    expect([old.width, old.height]).toEqual([today.width, today.height]);
    expect(Buffer.compare(Buffer.from(old.data), Buffer.from(today.data))).toBe(0);
  };

  it("that do not say how many bits a channel has", async () => {
    const bytes = Buffer.from(modern);
    // Of colours and of alpha, by a name that nobody knows.
    for (let at = bytes.indexOf("pixi"); at >= 0; at = bytes.indexOf("pixi")) bytes.write("none", at);
    await expectSame(bytes);
  });

  it("whose items have a table of properties each", async () => {
    const table = modern.indexOf("ipma") - 4;
    const length = modern.readUInt32BE(table);
    // Version 0: two items, each its number in two bytes, how many properties, and a byte for each.
    const first = table + 16;
    const second = first + 3 + modern[first + 2]!;
    expect(modern.readUInt32BE(first - 4)).toBe(2);
    const single = (from: number, to: number): Buffer => {
      const box = Buffer.concat([modern.subarray(table, first), modern.subarray(from, to)]);
      box.writeUInt32BE(box.length, 0);
      box.writeUInt32BE(1, 12);
      return box;
    };
    const bytes = Buffer.concat([
      modern.subarray(0, table),
      single(first, second),
      single(second, table + length),
      modern.subarray(table + length),
    ]);
    for (const type of ["meta", "iprp"]) {
      const at = modern.indexOf(type) - 4;
      bytes.writeUInt32BE(modern.readUInt32BE(at) + 16, at);
    }
    // Version 0 of iloc: number, source and count of parts in front of a place of four bytes, and a length behind it.
    const places = modern.indexOf("iloc") + 4 + 4 + 2 + 2 + 6;
    for (const at of [places, places + 14]) bytes.writeUInt32BE(modern.readUInt32BE(at) + 16, at);
    await expectSame(bytes);
  });
});

describe("odd JPEGs that browsers read", () => {
  const jpeg = golden("baseline-444.jpg");
  const segments = (bytes: Uint8Array): { marker: number; from: number; to: number }[] => {
    const found = [];
    for (let at = 2; bytes[at + 1] !== 0xda;) {
      const to = at + 2 + ((bytes[at + 2]! << 8) | bytes[at + 3]!);
      found.push({ marker: bytes[at + 1]!, from: at, to });
      at = to;
    }
    return found;
  };
  const first = segments(jpeg)[0]!.to;
  const insert = (at: number, ...bytes: number[]): Buffer =>
    Buffer.concat([jpeg.subarray(0, at), Buffer.from(bytes), jpeg.subarray(at)]);
  const exif = [0xff, 0xe1, 0, 16, ...Buffer.from("Exif\0\0MM\0*\0\0\0\x08"), ...Array.from({ length: 20 }, () => 0)];
  const odd: [string, Buffer][] = [
    ["fill bytes in front of a marker", insert(first, 0xff, 0xff, 0xff)],
    ["junk between segments", insert(first, 0x00, 0x11, 0x22, 0x33)],
    ["a marker that is none", insert(first, 0xff, 0x00, 0x00, 0x00)],
    ["an EXIF segment longer than it says", insert(2, ...exif)],
    ["bytes behind its end", Buffer.concat([jpeg, Buffer.alloc(1000, 0xff)])],
  ];
  it.each(odd)("%s", async (_, bytes) => {
    const expected = await decodePicture(jpeg, "good.jpg");
    expect(pixelsOf(await decodePicture(bytes, "odd.jpg"))).toEqual(pixelsOf(expected));
  });

  it("without Huffman tables, as films' frames are", async () => {
    // PIL's tables are the standard's unless it is told to optimise.
    const tables = segments(jpeg).filter(({ marker }) => marker === 0xc4);
    expect(tables.length).toBeGreaterThan(0);
    const kept = segments(jpeg).filter(({ marker }) => marker !== 0xc4);
    const end = segments(jpeg).at(-1)!.to;
    const bytes = Buffer.concat([
      jpeg.subarray(0, 2),
      ...kept.map(({ from, to }) => jpeg.subarray(from, to)),
      jpeg.subarray(end),
    ]);
    expect(pixelsOf(await decodePicture(bytes, "mjpeg.jpg"))).toEqual(pixelsOf(await decodePicture(jpeg, "good.jpg")));
  });

  it("are said to be out of order where the picture may have suffered", async () => {
    const damaged = Buffer.from(jpeg);
    damaged.fill(0x55, jpeg.length - 120, jpeg.length - 2);
    expect((await decodePicture(damaged, "odd.jpg")).remark).toMatch(/^odd\.jpg: its data are not quite in order/);
  });

  it("not kinds that few programs read: those are named", async () => {
    const good = Buffer.from(flatJpeg({ blocks: [[[9]]] }));
    const frame = good.indexOf(Buffer.from([0xff, 0xc0]));
    const kind = (marker: number): Buffer => {
      const bytes = Buffer.from(good);
      bytes[frame + 1] = marker;
      return bytes;
    };
    for (const [marker, words] of [
      [0xc3, /lossless JPEG/],
      [0xc9, /arithmetic coding/],
      [0xca, /arithmetic coding/],
      [0xc5, /hierarchical JPEG/],
    ] as const)
      expect(await refusal(() => decodePicture(kind(marker), "odd.jpg"))).toMatch(words);
  });

  it("not more than its bytes can hold, nor endless scans", async () => {
    const large = Buffer.from(jpeg);
    const frame = large.indexOf(Buffer.from([0xff, 0xc0]));
    large.writeUInt16BE(10_000, frame + 5);
    large.writeUInt16BE(10_000, frame + 7);
    expect(await refusal(() => decodePicture(large, "large.jpg"))).toMatch(/data are too short for 10000x10000 pixels/);
    const scan = jpeg.subarray(jpeg.indexOf(Buffer.from([0xff, 0xda])), -2);
    const scans = Buffer.concat([jpeg.subarray(0, -2), ...Array.from({ length: 200 }, () => scan), jpeg.subarray(-2)]);
    expect(await refusal(() => decodePicture(scans, "scans.jpg"))).toMatch(/201 scans, at most 100/);
  });
});

it.each([
  ["HEIC", "\0\0\0\x18ftypheic", /is a HEIC picture.*convert it to PNG or JPEG/],
  ["a film", "\0\0\0\x18ftypisom", /is a film/],
  ["GIF", "GIF89a", /is a GIF; convert/],
  ["BMP", "BM\0\0", /is a BMP picture; convert/],
  ["TIFF", "II*\0", /is a TIFF picture, or a camera's raw file; convert/],
  ["JPEG XL", "\xff\x0a\0\0", /is a JPEG XL picture; convert/],
  ["JPEG 2000", "\0\0\0\x0cjP  \r\n", /is a JPEG 2000 picture; convert/],
  ["PNM", "P6\n1 1\n255\n", /is a PNM picture; convert/],
  ["Photoshop", "8BPS\0\x01", /is a Photoshop picture; convert/],
  ["SVG", "<svg xmlns=", /is an SVG or another text document; convert/],
  ["safetensors", '@\0\0\0\0\0\0\0{"a":{}}', /is a safetensors or another data file, not a picture/],
])("%s is named, with what to do", async (_, bytes, message) => {
  expect(await refusal(() => decodePicture(Buffer.from(bytes, "latin1"), "file"))).toMatch(message);
});

it("writes PNGs of every filter that come back, smaller than the pixels where they follow each other", async () => {
  const smooth = {
    ...noise(64, 48),
    data: new Uint8ClampedArray(4 * 64 * 48).map((_, i) => (i % 4 === 3 ? 255 : (i * 3) >> 6)),
  };
  const bytes = encodePng(smooth);
  expect((await decodePicture(bytes, "out.png")).data).toEqual(smooth.data);
  expect(bytes.length).toBeLessThan(smooth.data.length / 8);
});
