/** The contact sheet: what is where, and how large. */
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { contactSheet, showHole } from "../src/node/contactSheet.ts";
import { type Picture, createPicture } from "../src/pictures/image.ts";
import { noise, pixelsOf } from "./support/pictures.ts";

describe("contactSheet", () => {
  const plain = (width: number, height: number, level: number, alpha = 255): Picture => {
    const picture = createPicture(width, height);
    for (let i = 0; i < picture.data.length; i++) picture.data[i] = i % 4 === 3 ? alpha : level;
    return picture;
  };
  const levels = ({ data }: Picture, level: number): number =>
    pixelsOf({ data } as Picture).filter((p) => p[0] === level).length;

  it("enlarges 64x64 cells twice and shows every pixel as 2x2", () => {
    const picture = noise(64, 64);
    const sheet = contactSheet([{ label: "", pictures: [picture, undefined, picture] }]);
    expect([sheet.width, sheet.height]).toEqual([3 * 136 + 8, 8 + 22 + 128 + 16]);
    for (const left of [8, 8 + 2 * 136])
      for (let i = 0; i < 128 * 128; i += 37) {
        const [x, y] = [i % 128, i >> 7];
        const shown = sheet.data.subarray(4 * ((30 + y) * sheet.width + left + x)).subarray(0, 4);
        expect([...shown]).toEqual([...picture.data.subarray(4 * ((y >> 1) * 64 + (x >> 1))).subarray(0, 4)]);
      }
    expect(pixelsOf(sheet).every((pixel) => pixel[3] === 255)).toBe(true);
  });

  it("reduces large pictures, centres small ones and lets transparent ones show the background", () => {
    const sheet = contactSheet([
      { label: "", pictures: [plain(1000, 500, 200), plain(100, 100, 90), plain(50, 50, 255, 0)] },
    ]);
    expect(levels(sheet, 200)).toBe(256 * 128);
    expect(levels(sheet, 90)).toBe(100 * 100);
    expect(levels(sheet, 255)).toBe(0);
  });

  it("writes each label, never over a picture, and makes room for a long one", () => {
    const cell = plain(64, 64, 99);
    const ink = (label: string): number => levels(contactSheet([{ label, pictures: [cell] }]), 0xd8);
    // The dots of "I" are 7 + 2 + 2, each 2x2 pixels.
    expect(ink("I")).toBe(4 * 11);
    expect(ink("I I")).toBe(8 * 11);
    expect(ink("\u{1f600}")).toBe(ink("?"));
    for (let code = 33; code < 127; code++)
      expect(ink(String.fromCharCode(code)), String.fromCharCode(code)).toBeGreaterThan(0);
    const long = contactSheet([
      { label: "W".repeat(100), pictures: [cell] },
      { label: "", pictures: [] },
    ]);
    expect(long.width).toBe(16 + 1200);
    expect(levels(long, 99)).toBe(256 * 256);
  });

  it("refuses to be empty", () => {
    expect(() => contactSheet([])).toThrow(InputError);
    expect(() => contactSheet([{ label: "x", pictures: [undefined] }])).toThrow(InputError);
  });

  it("shows holes in mid gray", () => {
    const keep = { width: 2, height: 1, data: Float32Array.of(1, 0) };
    expect(pixelsOf(showHole(plain(2, 1, 7, 9), keep))).toEqual([
      [7, 7, 7, 9],
      [128, 128, 128, 255],
    ]);
  });
});
