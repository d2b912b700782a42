/**
 * What has to be known of an AVIF beside its pixels: its size, how it is turned and mirrored, its colours.
 * Sources: ISO/IEC 14496-12 (boxes), 23008-12 section 6.5 (properties of a picture), AVIF 1.1.
 */
export interface AvifHeader {
  readonly width: number;
  readonly height: number;
  /** As EXIF's orientation, 1 to 8. */
  readonly orientation: number;
  readonly profile: Uint8Array | undefined;
  /** Code points of H.273. */
  readonly codes: { readonly primaries: number; readonly transfer: number } | undefined;
}

interface Box {
  readonly type: string;
  readonly data: Uint8Array;
}

/** @throws Error with the reason */
export function readAvifHeader(bytes: Uint8Array): AvifHeader {
  const meta = boxes(bytes).find(({ type }) => type === "meta");
  const inside = boxes(meta?.data.subarray(4) ?? new Uint8Array());
  const properties = boxes(inside.find(({ type }) => type === "iprp")?.data ?? new Uint8Array());
  const all = boxes(properties.find(({ type }) => type === "ipco")?.data ?? new Uint8Array());
  const main = primaryItem(inside.find(({ type }) => type === "pitm")?.data);
  const indices = properties.filter(({ type }) => type === "ipma").flatMap(({ data }) => associations(data, main));
  const own = indices.flatMap((index) => all[index - 1] ?? []);
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

function boxes(bytes: Uint8Array): Box[] {
  const found: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length;) {
    let length = uint(bytes, at, 4);
    let head = 8;
    if (length === 1) [length, head] = [uint(bytes, at + 8, 8), 16];
    // 0: up to the end.
    if (length === 0) length = bytes.length - at;
    if (length < head || length > bytes.length - at) break;
    found.push({ type: latin1(bytes, at + 4, 4), data: bytes.subarray(at + head, at + length) });
    at += length;
  }
  return found;
}

const primaryItem = (pitm: Uint8Array | undefined): number => (pitm ? uint(pitm, 4, pitm[0] === 0 ? 2 : 4) : 0);

/** Which properties belong to an item, counted from 1. */
function associations(ipma: Uint8Array, item: number): number[] {
  const idSize = ipma[0] === 0 ? 2 : 4;
  const indexSize = uint(ipma, 3, 1) & 1 ? 2 : 1;
  let at = 8;
  for (let i = 0; i < uint(ipma, 4, 4) && at < ipma.length; i++) {
    const id = uint(ipma, at, idSize);
    const count = ipma[at + idSize] ?? 0;
    at += idSize + 1;
    if (id === item)
      return Array.from(
        { length: count },
        (_, n) => uint(ipma, at + n * indexSize, indexSize) & (indexSize === 2 ? 0x7fff : 0x7f),
      );
    at += count * indexSize;
  }
  return [];
}

const latin1 = (bytes: Uint8Array, at: number, length: number): string =>
  Buffer.from(bytes.subarray(at, at + length)).toString("latin1");

function uint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
