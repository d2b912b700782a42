/** PNGs as they are written: pixels come back, and so do the texts. */
import { deflateSync } from "node:zlib";
import fc from "fast-check";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { decodePicture, encodePng } from "../src/node/pictures.ts";
import { readPngText } from "../src/node/pictures/pngText.ts";
import { noise, refusal } from "./support/pictures.ts";
import { pngChunk } from "./support/rawPictures.ts";

describe("encodePng", () => {
  it("comes back unchanged, with and without alpha, and drops an alpha channel that says nothing", async () => {
    for (const opaque of [true, false]) {
      const picture = noise(13, 7, opaque);
      const bytes = encodePng(picture, { seed: "7" });
      expect(await decodePicture(bytes, "out")).toMatchObject({ ...picture, sourceFormat: "png" });
      expect(bytes[25]).toBe(opaque ? 2 : 6);
    }
  });

  it("carries texts that come back, with checksums that a strict reader accepts", () => {
    const keyword = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9 :_]{0,70}[a-z]$/).filter((key) => !key.includes("  "));
    const text = fc.string({ unit: "grapheme", maxLength: 60 }).filter((value) => !value.includes("\0"));
    fc.assert(
      fc.property(fc.dictionary(keyword, text, { maxKeys: 5, noNullPrototype: true }), (texts) => {
        const bytes = encodePng(noise(2, 2), texts);
        expect(Object.entries(readPngText(bytes)).sort()).toEqual(Object.entries(texts).sort());
        expect(PNG.sync.read(Buffer.from(bytes), { checkCRC: true }).width).toBe(2);
      }),
    );
    expect(readPngText(encodePng(noise(2, 2), { a: "ä€", "b c": "line\nline", ["__proto__"]: "x" }))).toMatchObject({
      a: "ä€",
      "b c": "line\nline",
    });
  });

  it("reads compressed texts of others, and leaves damaged and huge ones out", () => {
    const plain = encodePng(noise(2, 2));
    const compressed = (text: Buffer): Buffer => deflateSync(text);
    const chunks = [
      pngChunk("zTXt", Buffer.concat([Buffer.from("z\0\0"), compressed(Buffer.from("caf\xe9", "latin1"))])),
      pngChunk("iTXt", Buffer.concat([Buffer.from("i\0\x01\0de\0Wort\0"), compressed(Buffer.from("€"))])),
      pngChunk("zTXt", Buffer.concat([Buffer.from("huge\0\0"), compressed(Buffer.alloc(1 << 22))])),
      pngChunk("iTXt", Buffer.from("cut\0\0\0de")),
      pngChunk("tEXt", Buffer.from("no separator")),
    ];
    const bytes = Buffer.concat([plain.subarray(0, 33), ...chunks, plain.subarray(33)]);
    expect({ ...readPngText(bytes) }).toEqual({ z: "café", i: "€" });
    expect(() => readPngText(Uint8Array.of(1, 2, 3))).toThrow(InputError);
  });

  it("refuses keywords and texts that PNG does not allow", async () => {
    for (const key of ["", " a", "a ", "a  b", "a\nb", "€", "k".repeat(80)])
      expect(await refusal(() => encodePng(noise(1, 1), { [key]: "x" }))).toMatch(/keyword/);
    expect(await refusal(() => encodePng(noise(1, 1), { a: "x\0y" }))).toMatch(/NUL/);
  });
});
