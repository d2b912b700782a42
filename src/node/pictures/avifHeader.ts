/**
 * What has to be known of an AVIF beside its pixels: its size, how it is turned and mirrored, its colours.
 * Sources: ISO/IEC 14496-12 (boxes), 23008-12 section 6.5 (properties of a picture), AVIF 1.1.
 */
import { latin1, readAssociations, readBoxes, uint } from "./avifBoxes.ts";

export interface AvifHeader {
  readonly width: number;
  readonly height: number;
  /** As EXIF's orientation, 1 to 8. */
  readonly orientation: number;
  readonly profile: Uint8Array | undefined;
  /** Code points of H.273. */
  readonly codes: { readonly primaries: number; readonly transfer: number } | undefined;
}

/** @throws Error with the reason */
export function readAvifHeader(bytes: Uint8Array): AvifHeader {
  const meta = readBoxes(bytes).find(({ type }) => type === "meta");
  const inside = readBoxes(meta?.data.subarray(4) ?? new Uint8Array());
  const properties = readBoxes(inside.find(({ type }) => type === "iprp")?.data ?? new Uint8Array());
  const all = readBoxes(properties.find(({ type }) => type === "ipco")?.data ?? new Uint8Array());
  const main = primaryItem(inside.find(({ type }) => type === "pitm")?.data);
  const indices = properties
    .filter(({ type }) => type === "ipma")
    .flatMap(({ data }) => readAssociations(data).get(main) ?? []);
  const own = indices.flatMap(({ index }) => all[index - 1] ?? []);
  const size = own.find(({ type }) => type === "ispe")?.data;
  if (!size || size.length < 12) throw new Error("it does not say its size");
  let codes: AvifHeader["codes"];
  let profile: Uint8Array | undefined;
  for (const { data } of own.filter(({ type }) => type === "colr")) {
    const kind = latin1(data, 0, 4);
    if (kind === "nclx" && data.length >= 8) codes ??= { primaries: uint(data, 4, 2), transfer: uint(data, 6, 2) };
    else if (kind === "prof" || kind === "rICC") profile ??= data.subarray(4);
  }
  const turns = (own.find(({ type }) => type === "irot")?.data[0] ?? 0) & 3;
  const mirror = own.find(({ type }) => type === "imir")?.data[0];
  return {
    width: uint(size, 4, 4),
    height: uint(size, 8, 4),
    orientation: orientationOf(turns, mirror === undefined ? undefined : mirror & 1),
    profile,
    codes,
  };
}

/**
 * Quarter turns against the clock, then a mirror (0: top to bottom, 1: left to right), as EXIF's number: the rows are
 * the mirrors, the columns the turns.
 */
function orientationOf(turns: number, mirror: number | undefined): number {
  const table = mirror === undefined ? [1, 8, 3, 6] : mirror === 0 ? [4, 5, 2, 7] : [2, 7, 4, 5];
  return table[turns]!;
}

const primaryItem = (pitm: Uint8Array | undefined): number => (pitm ? uint(pitm, 4, pitm[0] === 0 ? 2 : 4) : 0);
