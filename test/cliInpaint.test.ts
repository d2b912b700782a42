/**
 * `repaint inpaint` from files to files on a tiny network: names, known pixels, texts, previews, nothing overwritten.
 */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { encodePng, readPicture, type FilePicture } from "../src/node/pictures.ts";
import { readPngText } from "../src/node/pictures/pngText.ts";
import type { Sides } from "../src/pictures/extend.ts";
import { createPicture, type Picture } from "../src/pictures/image.ts";
import { cli, events, filesIn, folder, golden, shipped } from "./support/cli.ts";
import { pixelsOf } from "./support/pictures.ts";
import { rawPng } from "./support/rawPictures.ts";
import { uniform } from "./support/random.ts";

const weights = golden("unet/new-attention-order.weights.safetensors");
const quick = ["--weights", weights, "--steps", "2", "--resamples", "1"];

function randomPicture(width: number, height: number, seed: number): Picture {
  const next = uniform(seed);
  const picture = createPicture(width, height);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = 256 * next();
  return picture;
}

/** White from x = 8 to 11 and y = 4 to 9. */
function maskPicture(width: number, height: number, isFill = true): Picture {
  const picture = createPicture(width, height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const inside = x >= 8 && x < 12 && y >= 4 && y < 10;
    picture.data.set(inside === isFill ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * i);
  }
  return picture;
}

/** A folder with a.png (16x16, alpha), b.png (23x17) and masks for both in masks/. */
async function inputs(): Promise<string> {
  const here = await folder();
  await mkdir(join(here, "masks"));
  for (const [name, width, height] of [
    ["a", 16, 16],
    ["b", 23, 17],
  ] as const) {
    await writeFile(join(here, `${name}.png`), encodePng(randomPicture(width, height, width)));
    await writeFile(join(here, "masks", `${name}.png`), encodePng(maskPicture(width, height)));
    await writeFile(join(here, "masks", `${name}.keep.png`), encodePng(maskPicture(width, height, false)));
  }
  return here;
}

async function expectKnownUntouched(original: string, result: string): Promise<void> {
  const [before, after] = [await readPicture(original), await readPicture(result)];
  expect([after.width, after.height]).toEqual([before.width, before.height]);
  const mask = maskPicture(before.width, before.height);
  let changed = 0;
  for (let i = 0; i < before.width * before.height; i++) {
    const [was, is] = [before.data.subarray(4 * i, 4 * i + 4), after.data.subarray(4 * i, 4 * i + 4)];
    if (mask.data[4 * i] === 0) expect([...is]).toEqual([...was]);
    else if (was.some((value, c) => value !== is[c])) changed++;
  }
  expect(changed).toBe(24);
}

describe("inpaint", () => {
  it("fills one picture: known pixels bit for bit, seed and settings in the file, the same again", async () => {
    const here = await inputs();
    const [image, mask, out] = [join(here, "a.png"), join(here, "masks", "a.png"), join(here, "out.png")];
    const argv = ["inpaint", "--image", image, "--fill", mask, ...quick, "--seed", "7"];
    const { status, out: text, err } = await cli([...argv, "--out", out]);
    expect([status, text]).toEqual([0, ""]);
    expect(err).toContain("2 steps, no jumps: 2 model calls\n");
    expect(err).toContain(`Wrote ${out}`);
    await expectKnownUntouched(image, out);
    const texts = readPngText(await readFile(out));
    expect(texts).toMatchObject({
      Seed: "7",
      Model: basename(weights),
      Software: expect.stringMatching(/^repaint-webgpu \d/),
    });
    expect(texts["Model SHA-256"]).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.parse(texts.Settings!)).toMatchObject({
      sampling: { sampler: "repaint", steps: 2, resamples: 1 },
      precision: "f32",
      feather: 0,
    });

    const again = join(here, "again.png");
    const keep = join(here, "masks", "a.keep.png");
    await cli(["inpaint", "--image", image, "--keep", keep, ...quick, "--seed", "7", "--out", again]);
    expect(await readFile(again)).toEqual(await readFile(out));
    await cli([...argv, "--precision", "f16", "--out", again, "--force"]);
    await expectKnownUntouched(image, again);
    expect(await readFile(again)).not.toEqual(await readFile(out));
  });

  it("overwrites only when told, and finds out before it opens a device", async () => {
    const here = await inputs();
    const out = join(here, "out.png");
    await writeFile(out, "mine");
    const argv = [
      "inpaint",
      "--image",
      join(here, "a.png"),
      "--fill",
      join(here, "masks", "a.png"),
      ...quick,
      "--out",
      out,
    ];
    const { status, err } = await cli(argv);
    expect([status, err]).toEqual([2, `repaint: ${out} exists; use --force to overwrite it, or choose another name\n`]);
    expect(await readFile(out, "utf8")).toBe("mine");
    expect((await cli([...argv, "--force"])).status).toBe(0);
    expect((await readPicture(out)).width).toBe(16);
  });

  it("names several results after picture and seed, in a folder that it makes", async () => {
    const here = await inputs();
    const out = join(here, "made", "here");
    const argv = ["inpaint", "--image", join(here, "a.png"), "--fill", join(here, "masks", "a.png"), ...quick];
    expect((await cli([...argv, "--seed", "41", "--count", "3", "--out", out])).status).toBe(0);
    expect(await filesIn(out)).toEqual(["a-41.png", "a-42.png", "a-43.png"]);
    const files = await Promise.all([41, 42, 43].map((seed) => readFile(join(out, `a-${seed}.png`))));
    expect(files[0]).not.toEqual(files[1]);
    const alone = join(here, "alone.png");
    expect((await cli([...argv, "--seed", "42", "--out", alone])).status).toBe(0);
    expect(await readFile(alone)).toEqual(files[1]);
  });

  it("takes a folder of pictures of different sizes with a folder of masks", async () => {
    const here = await inputs();
    const out = join(here, "out");
    const argv = ["inpaint", "--image", here, ...quick, "--out", out];
    const kept = await cli([...argv, "--keep", join(here, "masks"), "--json", "--seed", "3"]);
    expect(kept.status).toBe(0);
    expect(await filesIn(out)).toEqual(["a-3.png", "b-3.png"]);
    for (const name of ["a", "b"]) await expectKnownUntouched(join(here, `${name}.png`), join(out, `${name}-3.png`));
    const all = events(kept.out);
    expect(all.map(({ event }) => event)).toEqual([
      "adapter",
      "run",
      "progress",
      "estimate",
      "progress",
      "result",
      "progress",
      "progress",
      "result",
      "done",
    ]);
    const progress = all.filter(({ event }) => event === "progress");
    expect(progress.map(({ step, steps }) => [step, steps])).toEqual([1, 2, 3, 4].map((step) => [step, 4]));
    expect(progress.at(-1)!.secondsLeft).toBeCloseTo(0, 5);
    expect(all.at(-1)).toMatchObject({ results: 2, modelCalls: 4, seconds: expect.any(Number) });
    // Masks of the other kind do not count, and these mean the same.
    const files = await Promise.all(["a-3.png", "b-3.png"].map((name) => readFile(join(out, name))));
    const filled = await cli([...argv, "--fill", join(here, "masks"), "--seed", "3", "--force"]);
    expect(filled.status).toBe(0);
    expect(await Promise.all(["a-3.png", "b-3.png"].map((name) => readFile(join(out, name))))).toEqual(files);
  });

  it("lists pictures without a mask, and takes none for its own", async () => {
    const here = await inputs();
    const itself = await cli(["inpaint", "--image", here, "--fill", here, ...quick]);
    expect([itself.status, itself.err]).toEqual([2, expect.stringMatching(/no mask for a\.png, b\.png/)]);
    await writeFile(join(here, "c.png"), encodePng(createPicture(4, 4)));
    await writeFile(join(here, "masks", "d.keep.png"), encodePng(createPicture(4, 4)));
    const { status, err } = await cli(["inpaint", "--image", here, "--keep", join(here, "masks"), ...quick]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/no mask for c\.png: .*masks without a picture: d\.keep\.png\n$/),
    ]);
  });

  it("writes previews, and does not overwrite those of another run", async () => {
    const here = await inputs();
    const [out, previews] = [join(here, "out.png"), join(here, "previews")];
    const argv = [
      "inpaint",
      "--image",
      join(here, "b.png"),
      "--fill",
      join(here, "masks", "b.png"),
      "--weights",
      weights,
    ];
    const run = [...argv, "--steps", "3", "--resamples", "1", "--preview-every", "1", "--preview-dir", previews];
    expect((await cli([...run, "--out", out])).status).toBe(0);
    expect(await filesIn(previews)).toEqual([1, 2, 3].map((step) => `b-0-step000${step}.png`));
    await expectKnownUntouched(join(here, "b.png"), join(previews, "b-0-step0001.png"));
    const { status, err } = await cli([...run, "--out", join(here, "other.png")]);
    expect([status, err]).toEqual([2, expect.stringMatching(/step0001.png exists; use --force to overwrite previews/)]);
    expect((await cli([...run, "--out", out, "--force"])).status).toBe(0);
  });

  it("gives the input back where nothing is to be filled, without a device", async () => {
    const here = await inputs();
    const black = join(here, "black.png");
    await writeFile(
      black,
      encodePng({ ...createPicture(16, 16), data: new Uint8ClampedArray(1024).map((_, i) => (i % 4 === 3 ? 255 : 0)) }),
    );
    const out = join(here, "out.png");
    const {
      status,
      out: text,
      err,
    } = await cli(["inpaint", "--image", join(here, "a.png"), "--fill", black, "--out", out, "--json"]);
    expect([status, err]).toEqual([0, expect.stringContaining("leaves nothing to fill")]);
    expect(events(text).map(({ event }) => event)).toEqual(["result", "done"]);
    expect((await readPicture(out)).data).toEqual((await readPicture(join(here, "a.png"))).data);
  });

  it("fills everything where nothing is known", async () => {
    const here = await inputs();
    const out = join(here, "out.png");
    const white = join(here, "white.png");
    await writeFile(white, encodePng({ ...createPicture(16, 16), data: new Uint8ClampedArray(1024).fill(255) }));
    expect(
      (await cli(["inpaint", "--image", join(here, "a.png"), "--fill", white, ...quick, "--out", out])).status,
    ).toBe(0);
    expect((await readPicture(out)).data.every((value, i) => i % 4 !== 3 || value === 255)).toBe(true);
  });

  it("takes a class, a region, a feather, and a seed of 64 bits", async () => {
    const here = await inputs();
    const out = join(here, "out.png");
    const classCond = ["--weights", golden("unet/class-cond.weights.safetensors"), "--class", "9", "--steps", "2"];
    const argv = ["inpaint", "--image", join(here, "b.png"), "--fill", join(here, "masks", "b.png"), ...classCond];
    const settings = ["--region", "2,0,16,16", "--feather", "2", "--seed", "18446744073709551615"];
    const { status, err } = await cli([...argv, ...settings, "--out", out]);
    expect([status, err]).toEqual([0, expect.stringContaining("nothing is resampled")]);
    const texts = readPngText(await readFile(out));
    expect(texts.Seed).toBe("18446744073709551615");
    expect(JSON.parse(texts.Settings!)).toMatchObject({
      class: 9,
      feather: 2,
      region: { x: 2, y: 0, width: 16, height: 16 },
    });
  });

  it("draws a bar on a terminal and clears up behind it", async () => {
    const here = await inputs();
    const argv = ["inpaint", "--image", join(here, "a.png"), "--fill", join(here, "masks", "a.png"), ...quick];
    const { err } = await cli([...argv, "--out", join(here, "out.png")], { terminal: true });
    expect(err).toMatch(/\r\[#+-+\] 1\/2 model calls, [\d.e-]+ s each, \d+ s left/);
    expect(err).toMatch(/\[#+\] 2\/2 model calls.*\nWrote /);
  });
});

/** The pixel of the original that a pixel of the larger canvas is; undefined in its border. */
function sourceOf(i: number, original: Picture, canvas: Picture, { left, top }: Sides): number | undefined {
  const [x, y] = [(i % canvas.width) - left, Math.floor(i / canvas.width) - top];
  const isInside = x >= 0 && y >= 0 && x < original.width && y < original.height;
  return isInside ? y * original.width + x : undefined;
}

/** What was known is the original's, and most of the rest was painted. */
function expectBorderFilled(original: FilePicture, result: FilePicture, sides: Sides, isHole = (_: number) => false) {
  const { left, top, right, bottom } = sides;
  expect([result.width, result.height]).toEqual([left + original.width + right, top + original.height + bottom]);
  const [before, after] = [pixelsOf(original), pixelsOf(result)];
  const wrong: number[] = [];
  for (const [i, pixel] of after.entries()) {
    const from = sourceOf(i, original, result, sides);
    const isKnown = from !== undefined && !isHole(from);
    const isRight = isKnown ? before[from]!.every((value, c) => value === pixel[c]) : pixel[3] === 255;
    if (!isRight) wrong.push(i);
  }
  expect(wrong).toEqual([]);
}

describe("inpaint --extend", () => {
  it("fills the border of a picture, by percent, and says so", async () => {
    const here = await folder();
    const [image, out] = [join(here, "a.png"), join(here, "out.png")];
    await writeFile(image, encodePng(randomPicture(20, 12, 1)));
    const { status, err, out: json } = await cli(["inpaint", "--image", image, "--extend", "25%", ...quick, "--out", out, "--json"]); // prettier-ignore
    expect([status, err]).toEqual([0, expect.stringContaining(`${image}: 20×12 become 30×18, of which 56 % is to be filled.\n`)]); // prettier-ignore
    const sides = { left: 5, top: 3, right: 5, bottom: 3 };
    expectBorderFilled(await readPicture(image), await readPicture(out), sides);
    expect(events(json).find(({ event }) => event === "run")).toMatchObject({ extend: "25%,25%,25%,25%" });
    expect(JSON.parse(readPngText(await readFile(out)).Settings!)).toMatchObject({ extend: "25%,25%,25%,25%" });
  });

  it("fills a mask's hole, too, and takes pixels beside percentages", async () => {
    const here = await folder();
    const [image, fill, out] = ["a.png", "m.png", "out.png"].map((name) => join(here, name)) as [string, string, string]; // prettier-ignore
    await writeFile(image, encodePng(randomPicture(16, 16, 2)));
    const mask = createPicture(16, 16);
    const isHole = (i: number): boolean => i % 16 >= 6 && i % 16 < 9 && i >= 64 && i < 128;
    for (let i = 0; i < 256; i++) mask.data.set(isHole(i) ? [255, 255, 255, 255] : [0, 0, 0, 255], 4 * i);
    await writeFile(fill, encodePng(mask));
    const argv = ["inpaint", "--image", image, "--fill", fill, "--extend", "0, 12.5%,7,0", ...quick, "--out", out];
    expect((await cli(argv)).status).toBe(0);
    const sides = { left: 0, top: 2, right: 7, bottom: 0 };
    expectBorderFilled(await readPicture(image), await readPicture(out), sides, isHole);
  });

  it("takes folders; photos upright and in their colours; 16 bits as 8", async () => {
    const here = await folder();
    await mkdir(join(here, "in"));
    const photo = await readFile(golden("pictures/files/orientation-6.jpg"));
    await writeFile(join(here, "in", "photo.jpg"), photo);
    const gamma = { width: 9, height: 8, depth: 16, colorType: 2, sample: (x: number, y: number) => [x << 12, y << 12, 0x1234] } as const; // prettier-ignore
    await writeFile(join(here, "in", "deep.png"), rawPng(gamma));
    const argv = ["inpaint", "--image", join(here, "in"), "--extend", "2,0,0,3", ...quick, "--out", join(here, "out")];
    const { status, err } = await cli(argv);
    expect([status, err]).toEqual([0, expect.stringContaining("become 11×11")]);
    expect(await filesIn(join(here, "out"))).toEqual(["deep-0.png", "photo-0.png"]);
    for (const [from, to] of [["photo.jpg", "photo-0.png"], ["deep.png", "deep-0.png"]] as const) // prettier-ignore
      expectBorderFilled(await readPicture(join(here, "in", from)), await readPicture(join(here, "out", to)), { left: 2, top: 0, right: 0, bottom: 3 }); // prettier-ignore
  });

  it.each([
    [["--extend", "0"], /--extend: "0" adds nothing: expected more than 0 on one side/],
    [["--extend", "0%,0,0,0"], /adds nothing/],
    [["--extend=-10"], /--extend: expected LEFT,TOP,RIGHT,BOTTOM in pixels or % from 0 on, .* got "-10"/],
    [["--extend=1,2"], /expected LEFT,TOP,RIGHT,BOTTOM .* got "1,2"/],
    [["--extend", "1,2,3,4,5"], /expected LEFT,TOP,RIGHT,BOTTOM/],
    [["--extend", "1.5"], /got "1.5"/],
    [["--extend", "10px"], /got "10px"/],
    [["--extend", ""], /--extend needs a value/],
    [["--extend", "1%"], /a\.png: extend: 0, 0, 0, 0 adds nothing/],
    [["--extend", "999999"], /a\.png: extend: the canvas would be 2000014×2000010, more than 268 megapixels: add less/],
    [["--extend", "4", "--region", "0,0,8,8"], /does not cover the hole at .*, which goes on beyond it/],
  ])("refuses %j in one line", async (options, words) => {
    const here = await folder();
    const image = join(here, "a.png");
    await writeFile(image, encodePng(randomPicture(16, 12, 3)));
    const { status, err } = await cli([
      "inpaint",
      "--image",
      image,
      ...options,
      ...quick,
      "--out",
      join(here, "o.png"),
    ]);
    expect([status, err]).toEqual([2, expect.stringMatching(words)]);
    expect(err.trimEnd().split("\n")).toHaveLength(1);
    expect(await filesIn(here)).toEqual(["a.png"]);
  });
});

describe("demo", () => {
  it("leaves nothing where its folder cannot be made", async () => {
    const here = await folder();
    await writeFile(join(here, "file"), "");
    const { status, err } = await cli(["demo", "--out", join(here, "file")]);
    expect([status, err]).toEqual([2, expect.stringMatching(/repaint: cannot make the folder/)]);
    expect((await stat(join(here, "file"))).isFile()).toBe(true);
    expect(shipped("examples")).toContain("weights");
  });
});
