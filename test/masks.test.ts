/** The paper's six masks: what they keep, at any size, from the API and the command line. */
import fc from "fast-check";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { decodePicture } from "../src/node/pictures.ts";
import { type Mask } from "../src/pictures/image.ts";
import { keepMask } from "../src/pictures/keepMask.ts";
import { drawKeepMask, MASK_PATTERNS, type MaskPattern } from "../src/pictures/masks.ts";
import { splitMix64 } from "../src/pictures/random.ts";
import { cli, events, filesIn, folder } from "./support/cli.ts";

const patterns = Object.keys(MASK_PATTERNS) as MaskPattern[];
const known = ({ data }: Mask) => data.reduce((sum, value) => sum + value, 0) / data.length;
const square = { width: 256, height: 256 };
const hash = ({ data }: Mask) => data.reduce((sum, value, i) => (Math.imul(sum, 31) + (value ? i : 0)) | 0, 0);

it("draws SplitMix64's published words", () => {
  const next = splitMix64(1234567n);
  expect([next(), next(), next()]).toEqual([6457827717110365317n, 3203168211198807973n, 9817491932198370423n]);
});

describe("drawKeepMask", () => {
  it("keeps the paper's fractions of a 256×256 picture", () => {
    const of = (pattern: MaskPattern) => known(drawKeepMask(pattern, square));
    expect([of("half"), of("expand"), of("alternating-lines"), of("super-resolve")]).toEqual([
      1 / 2,
      1 / 16,
      1 / 2,
      1 / 4,
    ]);
    const mean = (pattern: MaskPattern, size: { width: number; height: number }) => {
      const seeds = Array.from({ length: 40 }, (_, i) => BigInt(i));
      return seeds.reduce((sum, seed) => sum + known(drawKeepMask(pattern, { ...size, seed })), 0) / seeds.length;
    };
    for (const size of [square, { width: 64, height: 64 }, { width: 400, height: 100 }]) {
      expect(mean("wide", size)).toBeGreaterThan(0.45);
      expect(mean("wide", size)).toBeLessThan(0.75);
      expect(mean("narrow", size)).toBeGreaterThan(0.65);
      expect(mean("narrow", size)).toBeLessThan(0.9);
    }
  });

  it("keeps what it says: the left half, the middle, the rows and columns of a phase", () => {
    const row = (mask: Mask, y: number) => [...mask.data.subarray(y * mask.width, (y + 1) * mask.width)].join("");
    expect(row(drawKeepMask("half", { width: 5, height: 1 }), 0)).toBe("11000");
    const expand = drawKeepMask("expand", { width: 64, height: 64 });
    expect(row(expand, 24)).toBe("0".repeat(24) + "1".repeat(16) + "0".repeat(24));
    expect(row(expand, 23)).toBe("0".repeat(64));
    const lines = (y: number) => drawKeepMask("alternating-lines", { width: 2, height: 4, phase: { y } });
    expect([...lines(0).data].join("")).toBe("11001100");
    expect([...lines(1).data].join("")).toBe("00110011");
    const grid = drawKeepMask("super-resolve", { width: 4, height: 4, phase: { x: 1, y: 0 } });
    expect([...grid.data].join("")).toBe("0101000001010000");
  });

  it("is the same for a seed, everywhere: these numbers never change", () => {
    const drawn = (pattern: MaskPattern, seed: bigint) => hash(drawKeepMask(pattern, { ...square, seed }));
    expect([drawn("wide", 0n), drawn("narrow", 0n), drawn("wide", 2n ** 64n - 1n)]).toMatchInlineSnapshot(`
      [
        -2091831875,
        1790225122,
        -346858506,
      ]
    `);
    expect(drawn("wide", 1n)).not.toBe(drawn("wide", 0n));
  });

  it("draws a mask of zeros and ones at any size, the same twice", () => {
    const sizes = fc.record({ width: fc.integer({ min: 1, max: 70 }), height: fc.integer({ min: 1, max: 70 }) });
    const phases = fc.record({ x: fc.integer({ min: 0, max: 1 }), y: fc.integer({ min: 0, max: 1 }) });
    fc.assert(
      fc.property(
        fc.constantFrom(...patterns),
        sizes,
        fc.bigInt(0n, 2n ** 64n - 1n),
        phases,
        (pattern, size, seed, phase) => {
          const mask = drawKeepMask(pattern, { ...size, seed, phase });
          expect(mask.data.length).toBe(size.width * size.height);
          expect(mask.data.every((value) => value === 0 || value === 1)).toBe(true);
          expect(drawKeepMask(pattern, { ...size, seed, phase })).toEqual(mask);
        },
      ),
      { numRuns: 150 },
    );
  });

  it.each([
    ["wave", square],
    ["half", { width: 0, height: 4 }],
    ["half", { width: 2.5, height: 4 }],
    ["half", { width: 1e6, height: 1e6 }],
    ["wide", { ...square, seed: -1n }],
    ["alternating-lines", { ...square, phase: { y: 2 } }],
  ])("refuses %s of %o", (pattern, options) => {
    expect(() => drawKeepMask(pattern as MaskPattern, options as never)).toThrow(InputError);
  });
});

describe("repaint mask", () => {
  const drawn = async (path: string, white: "fill" | "keep") =>
    keepMask(await decodePicture(await readFile(path), path), white);

  it.each(patterns)("writes %s, and keep is the complement of fill", async (pattern) => {
    const here = await folder();
    const [fill, keep] = [join(here, "fill.png"), join(here, "keep.png")];
    const options = ["mask", pattern, "--size", "33x20", "--seed", "7"];
    expect(await cli([...options, "--out", fill])).toMatchObject({ status: 0, out: "" });
    const outcome = await cli([...options, "--keep", "--out", keep, "--json"]);
    const expected = drawKeepMask(pattern, { width: 33, height: 20, seed: 7n });
    expect(await drawn(fill, "fill")).toEqual(expected);
    expect(await drawn(keep, "keep")).toEqual(expected);
    expect(events(outcome.out)).toMatchObject([
      {
        event: "mask",
        file: keep,
        kind: pattern,
        width: 33,
        height: 20,
        seed: "7",
        white: "keep",
        known: known(expected),
      },
    ]);
    const inverted = await drawn(keep, "fill");
    expect(inverted.data).toEqual(expected.data.map((value) => 1 - value));
  });

  it("moves the lines by a phase", async () => {
    const out = join(await folder(), "m.png");
    await cli(["mask", "super-resolve", "--size", "4x4", "--phase", "1,0", "--out", out]);
    expect(await drawn(out, "fill")).toEqual(
      drawKeepMask("super-resolve", { width: 4, height: 4, phase: { x: 1, y: 0 } }),
    );
  });

  it.each([
    [["wid"], /"wid" is no kind of mask \(did you mean wide\?\); the kinds are wide, narrow, super-resolve/],
    [["sheep"], /"sheep" is no kind of mask; the kinds are/],
    [["half", "--phase", "1"], /--phase: half has none/],
    [["super-resolve", "--phase", "1"], /takes X,Y, 0 or 1 each, got "1"/],
    [["alternating-lines", "--phase", "2"], /takes Y, 0 or 1 each, got "2"/],
    [["half", "--size", "big"], /--size: expected WIDTHxHEIGHT/],
    [["half", "--size", "0x9"], /at least 1/],
    [["half", "--keep", "--fill"], /give one of them/],
    [["half", "--out", "m.jpg"], /masks are PNG/],
    [["wide", "--seed", "-1"], /--seed/],
  ])("%j: one line", async (options, message) => {
    const here = await folder();
    const all = ["mask", ...options];
    const complete = [
      ...(all.includes("--size") ? all : [...all, "--size", "8x8"]),
      ...(all.includes("--out") ? [] : ["--out", join(here, "m.png")]),
    ];
    const { status, err } = await cli(complete);
    expect(err).toMatch(message);
    expect([status, err.trimEnd().split("\n").length]).toEqual([2, 1]);
    expect(await filesIn(here)).toEqual([]);
  });

  it("overwrites nothing", async () => {
    const out = join(await folder(), "m.png");
    await writeFile(out, "mine");
    expect(await cli(["mask", "half", "--size", "4x4", "--out", out])).toMatchObject({ status: 2 });
    expect(await readFile(out, "utf8")).toBe("mine");
    expect(await cli(["mask", "half", "--size", "4x4", "--out", out, "--force"])).toMatchObject({ status: 0 });
  });
});
