/**
 * Zip archives as torch.save writes them, over ranges of a source: the central directory, and where an entry's bytes
 * lie. ZIP64 and data descriptors included (sizes come from the central directory). Not here: compressed, encrypted or
 * split archives, which torch.save never makes, and CRCs, which it may leave out. Own code, since @zip.js/zip.js is 51
 * kB gzip against 2 kB and hands out whole entries, while a tensor is a range inside one.
 */
import { quoted } from "../../text/quoted.ts";
import { type Fail, forEachParallel, type Reader, u64 } from "./reader.ts";

export interface ZipEntry {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly headerOffset: number;
  /** Compressed: such an entry can be named, and not read. */
  readonly isPacked: boolean;
}

export interface ZipArchive {
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** Where each entry's bytes begin in the file, by name, from the entries' local headers. */
  locate(names: Iterable<string>): Promise<Map<string, number>>;
}

const endSize = 22;
/** A checkpoint has an entry for each storage; released networks have under 1,000. */
const maxEntries = 100_000;
const maxDirectoryBytes = 16 * 2 ** 20;
/** Local headers that lie this close together come in one read. */
const nearBytes = 64 * 1024;

/** @throws CheckpointError (through `fail`) for an archive that is cut off, damaged, or of a kind that is not read */
export async function openZip({ size, read, fail }: Reader): Promise<ZipArchive> {
  const { count, begin, end } = await findDirectory({ size, read, fail });
  if (count > maxEntries) fail(`expected at most ${maxEntries} entries in the archive, got ${count}`);
  if (end - begin > maxDirectoryBytes) fail(`expected a zip directory of at most 16 MiB, got ${end - begin} bytes`);
  const entries = readDirectory(await read(begin, end - begin), count, begin, fail);
  return { entries, locate: (names) => locate(names, entries, begin, { size, read, fail }) };
}

interface Directory {
  readonly count: number;
  readonly begin: number;
  readonly end: number;
}

/** The end record is the last thing in the file but a comment of up to 64 KiB. */
async function findDirectory({ size, read, fail }: Reader): Promise<Directory> {
  const tailOffset = Math.max(0, size - endSize - 0xffff);
  const tail = await read(tailOffset, size - tailOffset);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.length);
  for (let at = tail.length - endSize; at >= 0; at--) {
    if (view.getUint32(at, true) !== 0x06054b50 || at + endSize + view.getUint16(at + 20, true) > tail.length) continue;
    const end = tailOffset + at;
    let directory = {
      disks: view.getUint16(at + 4, true) + view.getUint16(at + 6, true),
      count: view.getUint16(at + 10, true),
      bytes: view.getUint32(at + 12, true),
      begin: view.getUint32(at + 16, true),
      end,
    };
    const isSaturated = directory.count === 0xffff || [directory.bytes, directory.begin].includes(0xffffffff);
    if (at >= 20 && view.getUint32(at - 20, true) === 0x07064b50) {
      directory = await readZip64End(u64(view, at - 12, fail), end - 20, { size, read, fail });
    } else if (isSaturated) fail("expected a ZIP64 end record, got none: the archive is damaged; download it again");
    if (directory.disks !== 0) fail("expected a zip archive in one piece, got a part of several");
    if (directory.begin + directory.bytes > directory.end) {
      fail(
        `expected the zip directory before ${directory.end}, got ${directory.bytes} bytes at ${directory.begin}: the archive is damaged; download it again`,
      );
    }
    return { count: directory.count, begin: directory.begin, end: directory.begin + directory.bytes };
  }
  return fail("expected the end record of a zip archive, got none: the file is cut off; download it again");
}

async function readZip64End(offset: number, before: number, { read, fail }: Reader) {
  if (offset + 56 > before) fail(`expected the ZIP64 end record before ${before}, got offset ${offset}`);
  const record = await read(offset, 56);
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  if (view.getUint32(0, true) !== 0x06064b50) fail(`expected a ZIP64 end record at ${offset}, got other bytes`);
  return {
    disks: view.getUint32(16, true) + view.getUint32(20, true),
    count: u64(view, 32, fail),
    bytes: u64(view, 40, fail),
    begin: u64(view, 48, fail),
    end: offset,
  };
}

function readDirectory(bytes: Uint8Array, count: number, dataEnd: number, fail: Fail): Map<string, ZipEntry> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const decoder = new TextDecoder();
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) {
      fail(`expected ${count} entries in the zip directory, but entry ${i} is damaged; download it again`);
    }
    const nameEnd = at + 46 + view.getUint16(at + 28, true);
    const next = nameEnd + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
    if (next > bytes.length) fail(`entry ${i} of the zip directory runs past its end; download it again`);
    const name = decoder.decode(bytes.subarray(at + 46, nameEnd));
    const damaged = (problem: string): never => fail(`zip entry ${quoted(name)} ${problem}`);
    if (entries.has(name)) damaged("comes twice");
    const [size, packedSize, headerOffset] = readSizes(view, at, nameEnd, damaged);
    if ((view.getUint16(at + 8, true) & 1) !== 0) damaged("is encrypted, which torch.save never does");
    const isPacked = view.getUint16(at + 10, true) !== 0 || size !== packedSize;
    if (headerOffset + 30 + packedSize > dataEnd) {
      damaged(`has ${packedSize} bytes at ${headerOffset}, past the entries' end at ${dataEnd}; download it again`);
    }
    entries.set(name, { name, size, headerOffset, isPacked });
    at = next;
  }
  return entries;
}

/** Size, packed size and offset; those that are all ones stand in the ZIP64 extra field, in this order. */
function readSizes(view: DataView, at: number, extra: number, fail: Fail): [number, number, number] {
  const sizes: [number, number, number] = [
    view.getUint32(at + 24, true),
    view.getUint32(at + 20, true),
    view.getUint32(at + 42, true),
  ];
  if (!sizes.includes(0xffffffff)) return sizes;
  const end = extra + view.getUint16(at + 30, true);
  for (let field = extra; field + 4 <= end; field += 4 + view.getUint16(field + 2, true)) {
    if (view.getUint16(field, true) !== 1) continue;
    const fieldEnd = Math.min(end, field + 4 + view.getUint16(field + 2, true));
    let value = field + 4;
    for (const [i, size] of sizes.entries()) {
      if (size !== 0xffffffff) continue;
      if (value + 8 > fieldEnd) fail("has a ZIP64 field that is too short");
      sizes[i] = u64(view, value, fail);
      value += 8;
    }
    return sizes;
  }
  return sizes;
}

async function locate(
  names: Iterable<string>,
  entries: ReadonlyMap<string, ZipEntry>,
  dataEnd: number,
  { read, fail }: Reader,
): Promise<Map<string, number>> {
  const wanted = [...new Set(names)].map((name) => entries.get(name) ?? fail(`expected an entry ${quoted(name)}`));
  const packed = wanted.find(({ isPacked }) => isPacked);
  if (packed)
    fail(
      `zip entry ${quoted(packed.name)} is compressed, which torch.save never does; unpack it, and pack it again without compression (zip -0)`,
    );
  wanted.sort((a, b) => a.headerOffset - b.headerOffset);
  const groups: ZipEntry[][] = [];
  const headerSize = ({ name }: ZipEntry) => 30 + new TextEncoder().encode(name).length;
  for (const entry of wanted) {
    const group = groups.at(-1);
    if (group && entry.headerOffset - group[0]!.headerOffset < nearBytes) group.push(entry);
    else groups.push([entry]);
  }
  const offsets = new Map<string, number>();
  await forEachParallel(groups, async (group) => {
    const begin = group[0]!.headerOffset;
    const last = group.at(-1)!;
    const end = last.headerOffset + headerSize(last);
    if (end > dataEnd) fail(`zip entry ${quoted(last.name)} has a header that is cut off; download it again`);
    const bytes = await read(begin, end - begin);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (const entry of group) {
      const at = entry.headerOffset - begin;
      const nameBytes = view.getUint16(at + 26, true);
      const name = new TextDecoder().decode(bytes.subarray(at + 30, at + 30 + nameBytes));
      if (view.getUint32(at, true) !== 0x04034b50 || name !== entry.name || view.getUint16(at + 8, true) !== 0) {
        fail(`expected the header of zip entry ${quoted(entry.name)} at ${entry.headerOffset}, got other bytes`);
      }
      const offset = entry.headerOffset + 30 + nameBytes + view.getUint16(at + 28, true);
      if (offset + entry.size > dataEnd)
        fail(`zip entry ${quoted(entry.name)} runs past the entries' end at ${dataEnd}`);
      offsets.set(entry.name, offset);
    }
  });
  return offsets;
}
