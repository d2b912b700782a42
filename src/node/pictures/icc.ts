/**
 * What an ICC profile says of RGB and gray pictures: a curve for each channel and the primaries, which is what cameras,
 * phones and screens have. Not here: profiles of tables (A2B0) and of inks, which are carried on but not calculated
 * with. Source: ICC.1:2010, sections 7.2 (header), 7.3 (tags), 9.2 and 10 (types).
 */
import type { Matrix, Tristimulus } from "./primaries.ts";

export interface IccProfile {
  /** Its description, as far as it has one in ASCII or UTF-16. */
  readonly name: string;
  readonly colours: "RGB" | "gray" | "other";
  /** Of red, green and blue (or of gray): what share of the light the share `value` of the full number stands for. */
  readonly curves: readonly ((value: number) => number)[] | undefined;
  /** Columns: the CIE XYZ of the primaries, adapted to the profile's white, D50. */
  readonly primaries: Matrix | undefined;
  /** Of gray: the curve's own bytes, to be used in a profile for colour. */
  readonly grayCurve: Uint8Array | undefined;
}

/** @returns nothing for bytes that are no profile: a picture is worth more than its damaged profile. */
export function readIccProfile(bytes: Uint8Array): IccProfile | undefined {
  if (bytes.length < 132 || latin1(bytes, 36, 4) !== "acsp") return undefined;
  const space = latin1(bytes, 16, 4);
  const tags = readTags(bytes);
  const name = readDescription(tags.get("desc")) ?? "ICC profile";
  const grayCurve = tags.get("kTRC");
  if (space === "GRAY") {
    const curve = readCurve(grayCurve);
    return { name, colours: "gray", curves: curve && [curve], primaries: undefined, grayCurve };
  }
  if (space !== "RGB ")
    return { name, colours: "other", curves: undefined, primaries: undefined, grayCurve: undefined };
  const curves = ["rTRC", "gTRC", "bTRC"].map((tag) => readCurve(tags.get(tag)));
  const columns = ["rXYZ", "gXYZ", "bXYZ"].map((tag) => readXyz(tags.get(tag)));
  const isComplete = curves.every((curve) => curve !== undefined) && columns.every((column) => column !== undefined);
  return {
    name,
    colours: "RGB",
    curves: isComplete ? (curves as ((value: number) => number)[]) : undefined,
    primaries: isComplete ? transposed(columns as Tristimulus[]) : undefined,
    grayCurve: undefined,
  };
}

/**
 * A profile for colour that shows equal red, green and blue as a gray profile shows their value: a filled gray picture
 * has three channels, and a profile for gray may not stand beside them.
 * @param primaries columns, for white D50
 */
export function colourProfile(name: string, curve: Uint8Array, primaries: Matrix): Uint8Array {
  const xyz = (values: readonly number[]): Buffer => Buffer.concat([Buffer.from("XYZ \0\0\0\0"), ...values.map(fixed)]);
  const text = Buffer.from(`${name.replaceAll(/[^ -~]/g, "?")}\0`);
  const description = Buffer.concat([Buffer.from("desc\0\0\0\0"), uint32(text.length), text, Buffer.alloc(78)]);
  const column = (index: number): Buffer => xyz(primaries.map((row) => row[index]!));
  const white = primaries.map((row) => row[0] + row[1] + row[2]);
  const tags: (readonly [string, Uint8Array])[] = [
    ["desc", description],
    ["cprt", Buffer.from("text\0\0\0\0none\0")],
    ["wtpt", xyz(white)],
    ["rXYZ", column(0)],
    ["gXYZ", column(1)],
    ["bXYZ", column(2)],
    ...["rTRC", "gTRC", "bTRC"].map((tag) => [tag, curve] as const),
  ];
  const table: Buffer[] = [uint32(tags.length)];
  const bodies: Buffer[] = [];
  let at = 128 + 4 + 12 * tags.length;
  for (const [tag, data] of tags) {
    table.push(Buffer.from(tag), uint32(at), uint32(data.length));
    const padded = Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
    bodies.push(padded);
    at += padded.length;
  }
  const header = Buffer.alloc(128);
  header.writeUInt32BE(at, 0);
  header.writeUInt32BE(0x02400000, 8);
  header.write("mntrRGB XYZ ", 12);
  header.write("acsp", 36);
  Buffer.concat(white.map(fixed)).copy(header, 68);
  return new Uint8Array(Buffer.concat([header, ...table, ...bodies]));
}

/** A parametric curve, section 10.16: sRGB's. */
export function srgbCurveTag(): Uint8Array {
  const numbers = [2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045];
  return new Uint8Array(Buffer.concat([Buffer.from("para\0\0\0\0\0\x03\0\0", "latin1"), ...numbers.map(fixed)]));
}

function readTags(bytes: Uint8Array): Map<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const tags = new Map<string, Uint8Array>();
  const count = Math.min(view.getUint32(128), 200);
  for (let i = 0, at = 132; i < count && at + 12 <= bytes.length; i++, at += 12) {
    const [offset, length] = [view.getUint32(at + 4), view.getUint32(at + 8)];
    if (offset + length <= bytes.length) tags.set(latin1(bytes, at, 4), bytes.subarray(offset, offset + length));
  }
  return tags;
}

function readXyz(tag: Uint8Array | undefined): Tristimulus | undefined {
  if (!tag || tag.length < 20 || latin1(tag, 0, 4) !== "XYZ ") return undefined;
  const view = new DataView(tag.buffer, tag.byteOffset, tag.length);
  return [view.getInt32(8) / 65536, view.getInt32(12) / 65536, view.getInt32(16) / 65536];
}

function readCurve(tag: Uint8Array | undefined): ((value: number) => number) | undefined {
  if (!tag || tag.length < 12) return undefined;
  const view = new DataView(tag.buffer, tag.byteOffset, tag.length);
  const type = latin1(tag, 0, 4);
  if (type === "curv") return readSampledCurve(view);
  return type === "para" ? readParametricCurve(view) : undefined;
}

function readSampledCurve(view: DataView): ((value: number) => number) | undefined {
  const count = view.getUint32(8);
  if (count === 0) return (value) => value;
  if (12 + 2 * count > view.byteLength) return undefined;
  if (count === 1) {
    const gamma = view.getUint16(12) / 256;
    return gamma > 0 ? (value) => value ** gamma : undefined;
  }
  return (value) => {
    const place = Math.min(Math.max(value, 0), 1) * (count - 1);
    const before = Math.min(Math.floor(place), count - 2);
    const [low, high] = [view.getUint16(12 + 2 * before), view.getUint16(14 + 2 * before)];
    return (low + (high - low) * (place - before)) / 65535;
  };
}

/** Section 10.16: a power, with a straight line below `d`. */
function readParametricCurve(view: DataView): ((value: number) => number) | undefined {
  const kind = view.getUint16(8);
  const count = [1, 3, 4, 5, 7][kind];
  if (count === undefined || 12 + 4 * count > view.byteLength) return undefined;
  const values = Array.from({ length: count }, (_, i) => view.getInt32(12 + 4 * i) / 65536);
  const [g, a = 1, b = 0, c = 0, d = 0, e = 0, f = 0] = values as [number, ...number[]];
  const power = (value: number): number => Math.max(0, a * value + b) ** g;
  if (kind === 0) return power;
  if (kind === 1) return (value) => (a * value + b >= 0 ? power(value) : 0);
  if (kind === 2) return (value) => (a * value + b >= 0 ? power(value) : 0) + c;
  return (value) => (value >= d ? power(value) + e : c * value + f);
}

/**
 * Version 2's `desc` is ASCII behind its length, version 4's `mluc` UTF-16 in several languages, of which the first.
 */
function readDescription(tag: Uint8Array | undefined): string | undefined {
  if (!tag || tag.length < 28) return undefined;
  const view = new DataView(tag.buffer, tag.byteOffset, tag.length);
  let text = "";
  if (latin1(tag, 0, 4) === "desc") text = latin1(tag, 12, Math.max(0, view.getUint32(8) - 1));
  if (latin1(tag, 0, 4) === "mluc") {
    const [length, offset] = [view.getUint32(20), view.getUint32(24)];
    for (let at = offset; at + 2 <= Math.min(offset + length, tag.length); at += 2)
      text += String.fromCharCode(view.getUint16(at));
  }
  // A name is shown to people and written into files.
  const clean = text
    .replaceAll(/[^ -~\u00a1-\u00ff]/g, " ")
    .replaceAll(/ +/g, " ")
    .trim()
    .slice(0, 79)
    .trim();
  return clean || undefined;
}

const transposed = (columns: readonly Tristimulus[]): Matrix =>
  [0, 1, 2].map((row) => columns.map((column) => column[row]!)) as unknown as Matrix;
const latin1 = (bytes: Uint8Array, at: number, length: number): string =>
  Buffer.from(bytes.subarray(at, at + length)).toString("latin1");

function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

function fixed(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32BE(Math.round(value * 65536));
  return out;
}
