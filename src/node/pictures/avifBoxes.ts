/**
 * The boxes that an AVIF is made of, and its table of which properties belong to which item.
 * Sources: ISO/IEC 14496-12 section 4.2 (boxes), 23008-12 section 9.3 (properties).
 */

export interface Box {
  readonly type: string;
  readonly data: Uint8Array;
}

/** Ends before the first that is not all there. */
export function readBoxes(bytes: Uint8Array): Box[] {
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

export function writeBoxes(boxes: readonly Box[]): Buffer {
  return Buffer.concat(
    boxes.flatMap(({ type, data }) => {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(8 + data.length);
      head.write(type, 4, "latin1");
      return [head, data];
    }),
  );
}

export interface Association {
  /** Of a property, counted from 1. */
  readonly index: number;
  readonly essential: boolean;
}

/** By item, what an `ipma` box says. */
export function readAssociations(ipma: Uint8Array): Map<number, Association[]> {
  const idSize = ipma[0] === 0 ? 2 : 4;
  const indexSize = uint(ipma, 3, 1) & 1 ? 2 : 1;
  const essential = indexSize === 2 ? 0x8000 : 0x80;
  const items = new Map<number, Association[]>();
  let at = 8;
  for (let i = 0; i < uint(ipma, 4, 4) && at < ipma.length; i++) {
    const id = uint(ipma, at, idSize);
    const count = ipma[at + idSize] ?? 0;
    at += idSize + 1;
    const values = Array.from({ length: count }, (_, n) => uint(ipma, at + n * indexSize, indexSize));
    items.set(
      id,
      values.map((value) => ({ index: value & (essential - 1), essential: value >= essential })),
    );
    at += count * indexSize;
  }
  return items;
}

export function writeAssociations(items: ReadonlyMap<number, readonly Association[]>): Buffer {
  // Version 1, flags 1: the wide form of both numbers.
  const words: Buffer[] = [Buffer.of(1, 0, 0, 1), uint32(items.size)];
  for (const [id, own] of items) {
    words.push(uint32(id), Buffer.of(own.length));
    for (const { index, essential } of own) words.push(Buffer.of((index >> 8) | (essential ? 0x80 : 0), index & 255));
  }
  return Buffer.concat(words);
}

export function uint32(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value);
  return out;
}

export const latin1 = (bytes: Uint8Array, at: number, length: number): string =>
  Buffer.from(bytes.subarray(at, at + length)).toString("latin1");

/** Big-endian; 0 for what is not there. */
export function uint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}
