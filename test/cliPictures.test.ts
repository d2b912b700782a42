/**
 * `repaint inpaint` on pictures and masks as people have them: photos' colours, EXIF and orientation; masks of all
 * kinds; folders.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { decodePicture, encodePng, readPicture, toSrgb } from "../src/node/pictures.ts";
import { exifOrientation } from "../src/node/pictures/exif.ts";
import { createPicture, type Picture } from "../src/pictures/image.ts";
import { cli, folder, golden } from "./support/cli.ts";
import { p3Profile } from "./support/iccProfile.ts";
import { pixelsOf } from "./support/pictures.ts";

const weights = golden("unet/new-attention-order.weights.safetensors");
const quick = ["--weights", weights, "--steps", "2", "--resamples", "1", "--force"];
const [width, height] = [37, 29];

/** White from x = 8 to 11 and y = 4 to 9, on black, of a size. */
const mask = (
  columns = width,
  rows = height,
  pixel: (inside: boolean) => number[] = (inside) => [inside ? 255 : 0, inside ? 255 : 0, inside ? 255 : 0, 255],
): Picture => {
  const picture = createPicture(columns, rows);
  for (let i = 0; i < columns * rows; i++) picture.data.set(pixel(isInside(i, columns)), 4 * i);
  return picture;
};
const isInside = (i: number, columns: number): boolean => {
  const [x, y] = [i % columns, Math.floor(i / columns)];
  return x >= 8 && x < 12 && y >= 4 && y < 10;
};

/** Neither a mask nor a layer. */
function scene(): Picture {
  const picture = createPicture(width, height);
  for (let i = 0; i < width * height; i++)
    picture.data.set([6 * (i % width), 8 * Math.floor(i / width), (i * 7) % 256, 255], 4 * i);
  return picture;
}

/** A photo of `test/goldens/pictures/files` with a profile, an EXIF orientation of its own. */
async function phonePhoto(name: string): Promise<Buffer> {
  const jpeg = await readFile(golden(`pictures/files/${name}`));
  const profile = Buffer.concat([Buffer.from("ICC_PROFILE\0\x01\x01"), p3Profile()]);
  const head = Buffer.of(0xff, 0xe2, 0, 0);
  head.writeUInt16BE(profile.length + 2, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, profile, jpeg.subarray(2)]);
}

describe("a phone's photo, 4:2:0 in Display P3, lying on its side", () => {
  it("comes back upright, its known pixels and their look untouched, with its profile", async () => {
    const here = await folder();
    const [image, fill, out] = ["photo.jpg", "m.png", "out.png"].map((name) => join(here, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(image, await phonePhoto("orientation-6.jpg"));
    await writeFile(fill, encodePng(mask(height, width)));
    const { status, err } = await cli(["inpaint", "--image", image, "--fill", fill, ...quick, "--out", out]);
    expect([status, err]).toEqual([
      0,
      expect.stringContaining(`${image}: its colours (Display P3) go into the result.`),
    ]);
    expect(err).toContain(`${image}: 2.2 % is to be filled.\n`);
    const [before, after] = [await readPicture(image), await readPicture(out)];
    expect([after.width, after.height]).toEqual([height, width]);
    expect(after.colours?.name).toBe("Display P3");
    const isKnown = (_: unknown, i: number): boolean => !isInside(i, height);
    expect(pixelsOf(after).filter(isKnown)).toEqual(pixelsOf(before).filter(isKnown));
    const [seenBefore, seenAfter] = [before, after].map((picture) => pixelsOf(toSrgb(picture, picture.colours)));
    expect(seenAfter!.filter(isKnown)).toEqual(seenBefore!.filter(isKnown));
    expect(
      pixelsOf(after).filter((pixel, i) => isInside(i, height) && pixelsOf(before)[i]!.some((v, c) => v !== pixel[c]))
        .length,
    ).toBeGreaterThan(12);
  });

  it("comes back upright on a larger canvas, its pixels untouched, with its profile", async () => {
    const here = await folder();
    const [image, out] = [join(here, "photo.jpg"), join(here, "out.png")];
    await writeFile(image, await phonePhoto("orientation-6.jpg"));
    expect((await cli(["inpaint", "--image", image, "--extend", "0,3,5,0", ...quick, "--out", out])).status).toBe(0);
    const [before, after] = [await readPicture(image), await readPicture(out)];
    expect([after.width, after.height, after.colours?.name]).toEqual([height + 5, width + 3, "Display P3"]);
    const isKnown = (_: unknown, i: number): boolean => i % (height + 5) < height && i >= 3 * (height + 5);
    expect(pixelsOf(after).filter(isKnown)).toEqual(pixelsOf(before));
  });

  it("says of a mask from the photo as it lies in its file what is wrong", async () => {
    const here = await folder();
    await writeFile(join(here, "photo.jpg"), await phonePhoto("orientation-6.jpg"));
    await writeFile(join(here, "m.png"), encodePng(mask()));
    const argv = ["inpaint", "--image", join(here, "photo.jpg"), "--fill", join(here, "m.png"), ...quick];
    const { status, err } = await cli([...argv, "--out", join(here, "out.png")]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/the mask is 37x29, as the picture lies in its file.*turn it to 29x37: turn the mask/),
    ]);
  });

  it("keeps camera and date of its EXIF, the place where it is asked for", async () => {
    const here = await folder();
    const [image, fill, out] = ["photo.png", "m.png", "out.png"].map((name) => join(here, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(image, encodePng(scene(), {}, { exif: exifWithPlace() }));
    await writeFile(fill, encodePng(mask()));
    const lengths: number[] = [];
    for (const exif of ["none", "camera", "all"]) {
      const { err } = await cli(["inpaint", "--image", image, "--fill", fill, ...quick, "--out", out, "--exif", exif]);
      if (exif === "camera")
        expect(err).toContain("its EXIF of camera and date go into the result; --exif all keeps the place, too.");
      const kept = (await readPicture(out)).exif;
      lengths.push(kept?.length ?? 0);
      if (kept) expect(exifOrientation(kept)).toBe(1);
    }
    expect(lengths[0]).toBe(0);
    expect(lengths[1]).toBeGreaterThan(0);
    expect(lengths[2]).toBeGreaterThan(lengths[1]!);
  });
});

/** Big endian: Model "Camera" and a GPS directory with one latitude. */
function exifWithPlace(): Uint8Array {
  const bytes = Buffer.alloc(90);
  bytes.write("MM\0*\0\0\0\x08", 0, "latin1");
  bytes.writeUInt16BE(2, 8);
  const entry = (at: number, tag: number, type: number, count: number, value: number): void => {
    bytes.writeUInt16BE(tag, at);
    bytes.writeUInt16BE(type, at + 2);
    bytes.writeUInt32BE(count, at + 4);
    bytes.writeUInt32BE(value, at + 8);
  };
  entry(10, 0x0110, 2, 7, 38);
  entry(22, 0x8825, 4, 1, 46);
  bytes.write("Camera\0", 38, "latin1");
  bytes.writeUInt16BE(1, 46);
  entry(48, 2, 5, 3, 66);
  return new Uint8Array(bytes);
}

describe("masks as people have them", () => {
  async function run(fill: Picture | "alpha", image = scene()) {
    const here = await folder();
    const path = join(here, "a.png");
    await writeFile(path, encodePng(image));
    await writeFile(join(here, "m.png"), encodePng(fill === "alpha" ? image : fill));
    const out = join(here, "out.png");
    const name = fill === "alpha" ? "alpha" : join(here, "m.png");
    const { status, err } = await cli(["inpaint", "--image", path, "--fill", name, ...quick, "--out", out]);
    if (status !== 0) return { err, changed: -1 };
    const after = pixelsOf(await readPicture(out));
    const changed = pixelsOf(image).flatMap((pixel, i) => (pixel.some((v, c) => v !== after[i]![c]) ? [i] : []));
    expect(changed.filter((i) => !isInside(i, width))).toEqual([]);
    return { err, changed: changed.length };
  }
  const holed = (picture: Picture): Picture => {
    const data = picture.data.slice();
    for (let i = 0; i < data.length / 4; i++) if (isInside(i, width)) data[4 * i + 3] = 0;
    return { width, height, data };
  };

  it.each([
    ["white on black", mask(), /is to be filled\./],
    [
      "0 and 1",
      mask(width, height, (inside) => [Number(inside), Number(inside), Number(inside), 255]),
      /has the numbers 0 and 1: 1 is to be filled/,
    ],
    [
      "a red brush on black",
      mask(width, height, (inside) => [inside ? 255 : 0, 0, 0, 255]),
      /is a coloured brush on black/,
    ],
    ["a layer", mask(width, height, (inside) => [0, 0, 255, inside ? 255 : 0]), /is a layer of one colour/],
    ["the picture with a transparent hole", holed(scene()), /is a picture, not a mask/],
  ])("%s", async (_, picture, said) => {
    const { err, changed } = await run(picture);
    expect(err).toMatch(said);
    expect(err).toMatch(/a\.png: 2\.2 % is to be filled\.\n/);
    expect(changed).toBeGreaterThan(20);
  });

  it("the picture's own transparency, by the word alpha", async () => {
    const { err, changed } = await run("alpha", holed(scene()));
    expect(err).toMatch(/2\.2 % is to be filled/);
    expect(changed).toBe(24);
    expect((await run("alpha")).err).toMatch(/a\.png has no transparent part that could be filled: give a mask/);
  });

  it("an odd share is questioned", async () => {
    const inverse = mask(width, height, (inside) => (inside ? [0, 0, 0, 255] : [255, 255, 255, 255]));
    const here = await folder();
    await writeFile(join(here, "a.png"), encodePng(scene()));
    await writeFile(join(here, "m.png"), encodePng(inverse));
    const argv = ["inpaint", "--image", join(here, "a.png"), "--fill", join(here, "m.png"), ...quick];
    const { err } = await cli([...argv, "--out", join(here, "out.png")]);
    expect(err).toMatch(/98 % is to be filled: is that meant\? If white means the opposite, use --keep/);
    expect((await cli([...argv.slice(0, 3), "--keep", "alpha", ...quick])).err).toMatch(/use --fill alpha/);
  });
});

it("folders take .jfif and .webp, and count what is left out", async () => {
  const here = await folder();
  await mkdir(join(here, "in"));
  const jpeg = await readFile(golden("pictures/files/baseline-420.jpg"));
  await writeFile(join(here, "in", "photo.JFIF"), jpeg);
  await writeFile(join(here, "in", "web.webp"), await readFile(golden("pictures/files/lossy.webp")));
  for (const name of ["a.heic", "b.gif", "c.gif"]) await writeFile(join(here, "in", name), "x");
  await writeFile(join(here, "m.png"), encodePng(mask()));
  const argv = ["inpaint", "--image", join(here, "in"), "--fill", join(here, "m.png"), ...quick];
  const { status, err } = await cli([...argv, "--out", join(here, "out")]);
  expect([status, err]).toEqual([
    0,
    expect.stringContaining(
      "3 files are left out, of formats that are not read (.gif, .heic): convert them to PNG or JPEG.",
    ),
  ]);
  const after = pixelsOf(await readPicture(join(here, "out", "photo-0.png")));
  const before = pixelsOf(await decodePicture(jpeg, "photo"));
  expect(after.filter((_, i) => !isInside(i, width))).toEqual(before.filter((_, i) => !isInside(i, width)));
  expect((await readPicture(join(here, "out", "web-0.png"))).width).toBe(width);
});
