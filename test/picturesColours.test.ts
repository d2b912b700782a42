/** Colours of picture files: carried into results as they are, and known well enough to show a network sRGB. */
import { deflateSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decodePicture, encodePng, fromSrgb, toSrgb, type FilePicture } from "../src/node/pictures.ts";
import { pngChunks } from "../src/node/pictures/pngChunks.ts";
import { createPicture } from "../src/pictures/image.ts";
import {
  curveTag,
  descriptionTag,
  p3Primaries,
  p3Profile,
  parametricTag,
  rawProfile,
  srgbCurveTag,
} from "./support/iccProfile.ts";
import { pixelsOf } from "./support/pictures.ts";
import { flatJpeg, pngChunk, type RawPng, rawPng } from "./support/rawPictures.ts";

const colours = [
  [80, 40, 60],
  [160, 160, 160],
  [0, 252, 126],
  [20, 120, 70],
  [200, 20, 110],
];

/** A PNG of the colours with chunks behind its header. */
function pngWith(chunks: readonly Buffer[], raw: Partial<RawPng> = {}): Promise<FilePicture> {
  const sample = (x: number): number[] => colours[x]!;
  const png = rawPng({ width: colours.length, height: 1, depth: 8, colorType: 2, sample, ...raw });
  return decodePicture(Buffer.concat([png.subarray(0, 33), ...chunks, png.subarray(33)]), "in.png");
}

const profileChunk = (profile: Uint8Array): Buffer =>
  pngChunk("iCCP", Buffer.concat([Buffer.from("name\0\0"), deflateSync(profile)]));
const numbersChunk = (type: string, ...values: number[]): Buffer => {
  const data = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => data.writeUInt32BE(Math.round(value * 1e5), 4 * i));
  return pngChunk(type, data);
};
const srgbOf = (picture: FilePicture): number[][] =>
  pixelsOf(toSrgb(picture, picture.colours)).map((p) => p.slice(0, 3));
const chunksOf = (png: Uint8Array): string[] => [...pngChunks(png)].map(({ type }) => type);

function expectNear(values: readonly number[][], expected: readonly number[][], levels = 1): void {
  const worst = Math.max(...values.flatMap((pixel, i) => pixel.map((value, c) => Math.abs(value - expected[i]![c]!))));
  expect(worst).toBeLessThanOrEqual(levels);
}

describe("colours of a PNG", () => {
  // Made with littleCMS 2 through PIL, relative colorimetric, from a profile of these primaries and gamma 2.2.
  const p3Gamma22 = [
    [85, 32, 58],
    [161, 161, 161],
    [0, 255, 110],
    [0, 123, 62],
    [220, 0, 112],
  ];

  it("of an ICC profile are converted as littleCMS converts them", async () => {
    const picture = await pngWith([profileChunk(p3Profile(curveTag(2.2)))]);
    expect(pixelsOf(picture).map((pixel) => pixel.slice(0, 3))).toEqual(colours);
    expect(picture.colours).toMatchObject({ name: "Display P3", isUnderstood: true });
    expectNear(srgbOf(picture), p3Gamma22);
  });

  it("are the same by a curve of samples, a gamma and a parametric one", async () => {
    const samples = Array.from({ length: 1024 }, (_, i) => (i / 1023) ** 2.2);
    for (const curve of [curveTag(...samples), parametricTag(0, 2.2), parametricTag(1, 2.2, 1, 0)])
      expectNear(srgbOf(await pngWith([profileChunk(p3Profile(curve))])), p3Gamma22);
  });

  it("of sRGB need no conversion, however they are said", async () => {
    const primaries = {
      rXYZ: [0.4361, 0.2225, 0.0139],
      gXYZ: [0.3851, 0.7169, 0.0971],
      bXYZ: [0.1431, 0.0606, 0.7141],
    };
    const tags = Object.fromEntries(
      Object.entries(primaries).map(([name, values]) => [
        name,
        Buffer.concat([
          Buffer.from("XYZ \0\0\0\0"),
          ...values.map((v) => {
            const b = Buffer.alloc(4);
            b.writeInt32BE(Math.round(v * 65536));
            return b;
          }),
        ]),
      ]),
    );
    const profile = rawProfile({ tags: { ...tags, rTRC: srgbCurveTag, gTRC: srgbCurveTag, bTRC: srgbCurveTag } });
    for (const chunk of [
      pngChunk("sRGB", Buffer.of(0)),
      profileChunk(profile),
      pngChunk("cICP", Buffer.of(1, 13, 0, 1)),
    ]) {
      const picture = await pngWith([chunk]);
      expect(picture.colours).toMatchObject({ space: undefined, isUnderstood: true });
      expect(toSrgb(picture, picture.colours)).toBe(picture);
      expect(encodePng(picture, {}, picture)).toSatisfy((png: Uint8Array) => png.length > 0);
    }
  });

  it("of a gamma and primaries are light of that power", async () => {
    const linear = await pngWith([numbersChunk("gAMA", 1)]);
    const toLevel = (light: number): number =>
      Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
    expectNear(
      srgbOf(linear),
      colours.map((pixel) => pixel.map((value) => toLevel(value / 255))),
    );
    // Display P3's primaries with white D65, as cHRM says them; the same as the profile.
    const chrm = numbersChunk("cHRM", 0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06);
    expectNear(srgbOf(await pngWith([numbersChunk("gAMA", 1 / 2.2), chrm])), p3Gamma22, 2);
    expect((await pngWith([chrm])).colours).toBeUndefined();
    // As the specification has writers of sRGB say it.
    expect((await pngWith([numbersChunk("gAMA", 0.45455)])).colours).toMatchObject({ space: undefined });
  });

  it("of code points go before a profile, this before sRGB, this before a gamma", async () => {
    const all = [
      numbersChunk("gAMA", 1),
      pngChunk("sRGB", Buffer.of(0)),
      profileChunk(p3Profile()),
      pngChunk("cICP", Buffer.of(9, 8, 0, 1)),
    ];
    const names = [];
    for (let kept = all.length; kept > 0; kept--) names.push((await pngWith(all.slice(0, kept))).colours?.name);
    expect(names).toEqual(["BT.2020", "Display P3", "sRGB", "gamma 1"]);
  });

  it("of 16 bits with a profile keep the profile", async () => {
    const sample = (x: number): number[] => colours[x]!.map((value) => value * 257);
    const picture = await pngWith([profileChunk(p3Profile(curveTag(2.2)))], { depth: 16, sample });
    expectNear(srgbOf(picture), p3Gamma22);
  });

  describe("of 16 bits in linear light are kept by sRGB's curve, without bands", () => {
    const linear = (level: number): number => Math.round(65_535 * (level / 255) ** 2.2);
    const sample = (x: number): number[] => colours[x]!.map(linear);
    const chrm = numbersChunk("cHRM", 0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06);
    it.each([
      ["a profile", [profileChunk(p3Profile(curveTag()))]],
      ["a profile's power of 1", [profileChunk(p3Profile(curveTag(1)))]],
      ["a gamma and primaries", [numbersChunk("gAMA", 1), chrm]],
      ["code points", [pngChunk("cICP", Buffer.of(12, 8, 0, 1))]],
    ])("said by %s", async (_, chunks) => {
      const picture = await pngWith(chunks, { depth: 16, sample });
      expectNear(srgbOf(picture), p3Gamma22);
      // The result says the same of itself.
      const again = await decodePicture(encodePng(picture, {}, picture), "out.png");
      expect(pixelsOf(again)).toEqual(pixelsOf(picture));
      expect(again.colours?.isUnderstood).toBe(true);
      expectNear(srgbOf(again), p3Gamma22);
    });

    it("in all levels that 8 bits have", async () => {
      const toLevel = (light: number): number =>
        Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
      const width = 4096;
      const gray = await pngWith([numbersChunk("gAMA", 1)], {
        width,
        depth: 16,
        colorType: 4,
        sample: (x) => [16 * x, 65_535 - 16 * x],
      });
      expect(gray.colours).toMatchObject({ space: undefined, isUnderstood: true });
      expect(chunksOf(encodePng(gray, {}, gray))).toContain("sRGB");
      const expected = Array.from({ length: width }, (_, x) => toLevel((16 * x) / 65_535));
      expect(pixelsOf(gray).map(([red]) => red)).toEqual(expected);
      // Of 8 bits of linear light 55 levels would be left in the darker half.
      expect(new Set(expected.filter((level) => level < 128)).size).toBe(128);
      expect(pixelsOf(gray).map(([, , , alpha]) => alpha)).toEqual(
        Array.from({ length: width }, (_, x) => Math.round((65_535 - 16 * x) / 257)),
      );
    });
  });

  it("of a gray profile go into a profile for colour of the same look", async () => {
    const gray = rawProfile({ space: "GRAY", tags: { desc: descriptionTag("Gamma 1.8"), kTRC: curveTag(1.8) } });
    const sample = (x: number): number[] => [x * 60];
    const picture = await pngWith([profileChunk(gray)], { colorType: 0, sample });
    const toLevel = (light: number): number =>
      Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
    const expected = colours.map((_, x) => {
      const level = toLevel(((x * 60) / 255) ** 1.8);
      return [level, level, level];
    });
    expectNear(srgbOf(picture), expected);
    // The result is a colour picture whose profile shows the same.
    const again = await decodePicture(encodePng(picture, {}, picture), "out.png");
    expect(pixelsOf(again)).toEqual(pixelsOf(picture));
    expectNear(srgbOf(again), expected);
    // A gray profile says nothing of colour pixels.
    expect((await pngWith([profileChunk(gray)])).colours).toBeUndefined();
  });

  it("that are not calculated with are carried on all the same", async () => {
    const table = rawProfile({ tags: { desc: descriptionTag("Table"), A2B0: Buffer.from("mft2\0\0\0\0") } });
    const picture = await pngWith([profileChunk(table)]);
    expect(picture.colours).toMatchObject({ name: "Table", space: undefined, isUnderstood: false });
    expect(toSrgb(picture, picture.colours)).toBe(picture);
    expect(chunksOf(encodePng(picture, {}, picture))).toContain("iCCP");
  });

  it.each([
    ["no profile", profileChunk(Buffer.alloc(200))],
    ["a cut profile", profileChunk(p3Profile().subarray(0, 100))],
    ["data that do not unpack", pngChunk("iCCP", Buffer.from("name\0\0garbage"))],
    [
      "a profile of a gigabyte",
      pngChunk("iCCP", Buffer.concat([Buffer.from("name\0\0"), deflateSync(Buffer.alloc(64 << 20))])),
    ],
    ["a gamma of 0", numbersChunk("gAMA", 0)],
    ["an empty sRGB", pngChunk("sRGB", Buffer.alloc(0))],
  ])("of %s are none", async (_, chunk) => {
    expect((await pngWith([chunk])).colours).toBeUndefined();
  });

  it("with a curve that falls, or primaries on one line, are not calculated with", async () => {
    const falling = rawProfile({
      tags: { ...p3Primaries, rTRC: curveTag(1, 0.5, 0), gTRC: curveTag(2.2), bTRC: curveTag(2.2) },
    });
    const line = rawProfile({
      tags: { ...p3Primaries, gXYZ: p3Primaries.rXYZ, rTRC: curveTag(2.2), gTRC: curveTag(2.2), bTRC: curveTag(2.2) },
    });
    for (const profile of [falling, line])
      expect((await pngWith([profileChunk(profile)])).colours).toMatchObject({ space: undefined, isUnderstood: false });
  });
});

describe("colours of a JPEG", () => {
  const jpeg = flatJpeg({ blocks: [[[76, 85, 255]]] });
  const segment = (part: number, count: number, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from("ICC_PROFILE\0"), Buffer.of(part, count), data]);
    const head = Buffer.of(0xff, 0xe2, 0, 0);
    head.writeUInt16BE(body.length + 2, 2);
    return Buffer.concat([head, body]);
  };
  const profile = p3Profile();
  const withSegments = (...segments: Buffer[]): Promise<FilePicture> =>
    decodePicture(Buffer.concat([jpeg.subarray(0, 2), ...segments, jpeg.subarray(2)]), "in.jpg");

  it("are put together from segments in any order", async () => {
    const [first, second] = [profile.subarray(0, 100), profile.subarray(100)];
    const picture = await withSegments(segment(2, 2, second), segment(1, 2, first));
    expect(picture.colours?.name).toBe("Display P3");
    const [red] = srgbOf(picture);
    expect(red![0]).toBe(255);
  });

  it("are none where a segment is missing", async () => {
    expect((await withSegments(segment(1, 2, profile.subarray(0, 100)))).colours).toBeUndefined();
  });
});

it("a filled picture has its original's known pixels and profile, and what was filled in its colours", async () => {
  const original = await pngWith([profileChunk(p3Profile())]);
  const keep = { width: 5, height: 1, data: Float32Array.of(1, 0, 1, 0, 1) };
  const filled = createPicture(5, 1);
  filled.data.set(toSrgb(original, original.colours).data);
  // sRGB's red, and gray, where it was unknown.
  filled.data.set([255, 0, 0, 255], 4);
  filled.data.set([128, 128, 128, 255], 12);
  const result = fromSrgb(filled, { picture: original, keep, colours: original.colours });
  const png = encodePng(result, { Seed: "1" }, original);
  expect(chunksOf(png)).toEqual(["IHDR", "iCCP", "tEXt", "IDAT", "IEND"]);
  const again = await decodePicture(png, "out.png");
  expect([0, 2, 4].map((i) => pixelsOf(again)[i])).toEqual([0, 2, 4].map((i) => pixelsOf(original)[i]));
  expectNear(
    srgbOf(again).filter((_, i) => i % 2 === 1),
    [
      [255, 0, 0],
      [128, 128, 128],
    ],
  );
  // Display P3's own numbers of sRGB's red.
  expectNear([pixelsOf(again)[1]!.slice(0, 3)], [[234, 51, 35]]);
});
