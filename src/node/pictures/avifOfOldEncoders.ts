/**
 * AVIFs of the format's first years as libavif insists on them: browsers read files whose tables of properties are
 * several (link-u's cavif) and that do not say how many bits a channel has (libheif before 1.12, and GIMP with it).
 */
import {
  type Association,
  type Box,
  latin1,
  readAssociations,
  readBoxes,
  uint,
  uint32,
  writeAssociations,
  writeBoxes,
} from "./avifBoxes.ts";

/** @returns the same bytes where nothing is to be mended, or where it cannot be */
export function mendAvif(bytes: Uint8Array): Uint8Array {
  const top = readBoxes(bytes);
  const meta = top.find(({ type }) => type === "meta");
  // A film has tables of places of its own.
  if (!meta || top.some(({ type }) => type === "moov")) return bytes;
  // A head of 8 bytes, as everybody writes it.
  if (latin1(bytes, meta.data.byteOffset - bytes.byteOffset - 4, 4) !== "meta") return bytes;
  const inside = readBoxes(meta.data.subarray(4));
  const properties = inside.find(({ type }) => type === "iprp");
  const mended = properties && mendProperties(readBoxes(properties.data), codedItems(inside));
  if (!mended) return bytes;
  const begin = meta.data.byteOffset - bytes.byteOffset;
  const end = begin + meta.data.length;
  // The length of what is written says where the places are moved to.
  const rewritten = (change: number): Buffer =>
    Buffer.concat([meta.data.subarray(0, 4), writeBoxes(inside.map((box) => rewrittenBox(box, mended, end, change)))]);
  const data = rewritten(rewritten(0).length - meta.data.length);
  const head = bytes.subarray(0, begin - 8);
  return new Uint8Array(Buffer.concat([head, writeBoxes([{ type: "meta", data }]), bytes.subarray(end)]));
}

function rewrittenBox({ type, data }: Box, properties: Uint8Array, end: number, change: number): Box {
  if (type === "iprp") return { type, data: properties };
  return { type, data: type === "iloc" ? moved(data, end, change) : data };
}

/** Items that are AV1 pictures. */
function codedItems(inside: readonly Box[]): number[] {
  const list = inside.find(({ type }) => type === "iinf")?.data ?? new Uint8Array();
  return readBoxes(list.subarray(list[0] === 0 ? 6 : 8)).flatMap(({ type, data }) => {
    const idSize = data[0] === 2 ? 2 : 4;
    const isCoded = type === "infe" && latin1(data, 6 + idSize, 4) === "av01";
    return isCoded ? [uint(data, 4, idSize)] : [];
  });
}

/** `ipco` and one `ipma`; nothing where they are in order. */
function mendProperties(boxes: readonly Box[], coded: readonly number[]): Buffer | undefined {
  const container = boxes.find(({ type }) => type === "ipco");
  const tables = boxes.filter(({ type }) => type === "ipma");
  if (!container || tables.length === 0) return undefined;
  const all = readBoxes(container.data);
  const items = new Map<number, Association[]>(tables.flatMap(({ data }) => [...readAssociations(data)]));
  const added: Box[] = [];
  for (const [id, own] of items) {
    const typed = own.map(({ index }) => all[index - 1]);
    const configuration = typed.find((box) => box?.type === "av1C")?.data;
    if (!configuration || !coded.includes(id) || typed.some((box) => box?.type === "pixi")) continue;
    added.push({ type: "pixi", data: bitsAChannel(configuration) });
    own.push({ index: all.length + added.length, essential: false });
  }
  if (tables.length === 1 && added.length === 0) return undefined;
  return writeBoxes([
    { type: "ipco", data: writeBoxes([...all, ...added]) },
    { type: "ipma", data: writeAssociations(items) },
  ]);
}

/** `pixi`, by the third byte of `av1C` (AV1-ISOBMFF, section 2.3.3). */
function bitsAChannel(configuration: Uint8Array): Buffer {
  const flags = configuration[2] ?? 0;
  const bits = flags & 0x40 ? (flags & 0x20 ? 12 : 10) : 8;
  const channels = flags & 0x10 ? 1 : 3;
  return Buffer.of(0, 0, 0, 0, channels, ...Array.from({ length: channels }, () => bits));
}

/** `iloc` with places from `end` on in the file moved by `change` (ISO/IEC 14496-12, section 8.11.3). */
function moved(iloc: Uint8Array, end: number, change: number): Uint8Array {
  const out = Buffer.from(iloc);
  const version = iloc[0] ?? 0;
  const [offsetSize, lengthSize] = [(iloc[4] ?? 0) >> 4, (iloc[4] ?? 0) & 15];
  const [baseSize, indexSize] = [(iloc[5] ?? 0) >> 4, version === 0 ? 0 : (iloc[5] ?? 0) & 15];
  const idSize = version < 2 ? 2 : 4;
  const move = (at: number, size: number): void => {
    const place = uint(iloc, at, size);
    if (size === 4 && at + 4 <= out.length && place >= end && place + change < 2 ** 32)
      uint32(place + change).copy(out, at);
  };
  let at = 6 + idSize;
  for (let item = uint(iloc, 6, idSize); item > 0 && at < iloc.length; item--) {
    at += idSize;
    // 0: in the file, as opposed to within this box.
    const isInFile = version === 0 || (uint(iloc, at, 2) & 15) === 0;
    at += (version === 0 ? 0 : 2) + 2;
    const base = uint(iloc, at, baseSize);
    if (isInFile && base > 0) move(at, baseSize);
    at += baseSize + 2;
    const extents = uint(iloc, at - 2, 2);
    const extentSize = indexSize + offsetSize + lengthSize;
    if (isInFile && base === 0 && offsetSize > 0)
      for (let i = 0, from = at + indexSize; i < extents && from < iloc.length; i++, from += extentSize)
        move(from, offsetSize);
    at += extents * extentSize;
  }
  return out;
}
