/**
 * ICC profiles of curves and primaries, made from the specification for tests: a second writer beside
 * src/node/pictures/icc.ts.
 */

export interface RawProfile {
  space?: "RGB " | "GRAY";
  /** Tags by their name. */
  tags: Readonly<Record<string, Uint8Array>>;
}

export function rawProfile({ space = "RGB ", tags }: RawProfile): Uint8Array {
  const names = Object.keys(tags);
  const head = Buffer.alloc(132 + 12 * names.length);
  const bodies: Uint8Array[] = [];
  let at = head.length;
  names.forEach((name, i) => {
    const body = tags[name]!;
    head.write(name, 132 + 12 * i, "latin1");
    head.writeUInt32BE(at, 136 + 12 * i);
    head.writeUInt32BE(body.length, 140 + 12 * i);
    bodies.push(body);
    at += body.length;
  });
  head.writeUInt32BE(at, 0);
  head.writeUInt32BE(0x02400000, 8);
  head.write(`mntr${space}XYZ `, 12, "latin1");
  head.write("acsp", 36, "latin1");
  head.writeUInt32BE(names.length, 128);
  return new Uint8Array(Buffer.concat([head, ...bodies]));
}

const numbers = (type: string, values: readonly number[]): Buffer => {
  const out = Buffer.alloc(8 + 4 * values.length);
  out.write(type, 0, "latin1");
  values.forEach((value, i) => out.writeInt32BE(Math.round(value * 65536), 8 + 4 * i));
  return out;
};
const xyzTag = (...values: number[]): Uint8Array => numbers("XYZ ", values);
export const descriptionTag = (text: string): Uint8Array => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length + 1);
  return Buffer.concat([Buffer.from("desc\0\0\0\0"), length, Buffer.from(`${text}\0`), Buffer.alloc(78)]);
};
/** One value is a gamma, more are samples from 0 to 1. */
export const curveTag = (...values: number[]): Uint8Array => {
  const out = Buffer.alloc(12 + 2 * values.length);
  out.write("curv", 0, "latin1");
  out.writeUInt32BE(values.length, 8);
  values.forEach((value, i) => out.writeUInt16BE(Math.round(value * (values.length === 1 ? 256 : 65535)), 12 + 2 * i));
  return out;
};
export const parametricTag = (kind: number, ...values: number[]): Uint8Array => {
  const out = numbers("para", [0, ...values]);
  out.writeUInt16BE(kind, 8);
  return out;
};

/** Display P3's primaries for white D50. */
export const p3Primaries = {
  wtpt: xyzTag(0.9642, 1, 0.8249),
  rXYZ: xyzTag(0.5151, 0.2412, -0.0011),
  gXYZ: xyzTag(0.292, 0.6922, 0.0419),
  bXYZ: xyzTag(0.1571, 0.0666, 0.7841),
};
/** sRGB's curve as phones write it. */
export const srgbCurveTag = parametricTag(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045);
export const p3Profile = (curve: Uint8Array = srgbCurveTag): Uint8Array =>
  rawProfile({ tags: { desc: descriptionTag("Display P3"), ...p3Primaries, rTRC: curve, gTRC: curve, bTRC: curve } });
