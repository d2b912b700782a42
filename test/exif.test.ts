/** EXIF blocks: which way up, and what of them goes into results. */
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { carriedExif, exifOrientation } from "../src/node/pictures/exif.ts";

type Directory = readonly (readonly [tag: number, type: number, value: string | readonly number[]])[];
interface Block {
  main?: Directory;
  exif?: Directory;
  gps?: Directory;
}

/** A TIFF block, written in another way than the program does: values first, then directories. */
function tiff({ main = [], exif, gps }: Block, little: boolean): Uint8Array {
  const out = new DataView(new ArrayBuffer(8192));
  const u16 = (at: number, value: number) => out.setUint16(at, value, little);
  const u32 = (at: number, value: number) => out.setUint32(at, value, little);
  u16(0, little ? 0x4949 : 0x4d4d);
  u16(2, 42);
  let at = 8;
  const write = (entries: Directory): number => {
    const places = entries.map(([, type, value]) => {
      const start = at;
      if (typeof value === "string") for (const char of `${value}\0`) out.setUint8(at++, char.charCodeAt(0));
      else
        for (const number of value) {
          if (type === 3) u16(at, number);
          else u32(at, number);
          at += type === 3 ? 2 : 4;
        }
      return [start, at - start] as const;
    });
    const start = at;
    u16(at, entries.length);
    at += 2;
    entries.forEach(([tag, type], i) => {
      const [from, length] = places[i]!;
      u16(at, tag);
      u16(at + 2, type);
      u32(at + 4, length / { 2: 1, 3: 2, 4: 4, 5: 8 }[type]!);
      if (length <= 4) for (let b = 0; b < length; b++) out.setUint8(at + 8 + b, out.getUint8(from + b));
      else u32(at + 8, from);
      at += 12;
    });
    at += 4;
    return start;
  };
  const pointers: Directory = [
    ...(exif ? [[0x8769, 4, [write(exif)]] as const] : []),
    ...(gps ? [[0x8825, 4, [write(gps)]] as const] : []),
  ];
  u32(4, write([...main, ...pointers]));
  return new Uint8Array(out.buffer, 0, at);
}

const photo: Block = {
  main: [
    [0x010f, 2, "Maker"],
    [0x0110, 2, "Model 1"],
    [0x0112, 3, [6]],
    [0x013b, 2, "A Person"],
  ],
  exif: [
    [0x829a, 5, [1, 125]],
    [0x9003, 2, "2026:11:30 11:22:33"],
    [0x927c, 2, "a maker's note"],
    [0xa431, 2, "serial 123"],
  ],
  gps: [[0x0002, 5, [48, 1, 12, 1, 0, 1]]],
};
const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("latin1");

describe.each([true, false])("EXIF, little endian: %s", (little) => {
  const block = tiff(photo, little);

  it("says which way up", () => {
    expect(exifOrientation(block)).toBe(6);
    for (const orientation of [0, 9, 700])
      expect(exifOrientation(tiff({ main: [[0x0112, 3, [orientation]]] }, little))).toBe(1);
    expect(exifOrientation(undefined)).toBe(1);
  });

  it("is carried with camera and date, upright, without person, place, serial number and notes", () => {
    const carried = carriedExif(block, "camera")!;
    expect(exifOrientation(carried)).toBe(1);
    for (const words of ["Maker\0", "Model 1", "2026:11:30 11:22:33"]) expect(text(carried)).toContain(words);
    for (const words of ["A Person", "note", "serial"]) expect(text(carried)).not.toContain(words);
    // What is carried is all that there is to carry.
    expect(carriedExif(carried, "all")).toEqual(carried);
  });

  it("is carried with the place only where it is asked for, and not at all where it is not wanted", () => {
    const all = carriedExif(block, "all")!;
    expect(all.length).toBeGreaterThan(carriedExif(block, "camera")!.length);
    expect(carriedExif(all, "all")).toEqual(all);
    expect(carriedExif(all, "camera")).toEqual(carriedExif(block, "camera"));
    expect(carriedExif(block, "none")).toBeUndefined();
    expect(carriedExif(tiff({ main: [[0x0112, 3, [6]]] }, little), "camera")).toBeUndefined();
    expect(carriedExif(tiff({ main: [[0x0112, 3, [6]]], gps: photo.gps! }, little), "camera")).toBeUndefined();
  });

  it("that is damaged is an orientation and a block all the same, and never longer than it was by more than a directory", () => {
    const change = fc.record({ at: fc.nat(block.length - 1), byte: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 8 }), fc.nat(block.length), (changes, length) => {
        const damaged = block.slice(0, length);
        for (const { at, byte } of changes) if (at < length) damaged[at] = byte;
        expect(exifOrientation(damaged)).toBeGreaterThanOrEqual(1);
        expect(carriedExif(damaged, "all")?.length ?? 0).toBeLessThan(8000);
      }),
      { numRuns: 500 },
    );
  });
});
