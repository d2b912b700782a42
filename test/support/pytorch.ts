/**
 * Writes files as torch.save does, from values written out by hand, so that tests can make every kind and every damage
 * of them: pickles of protocol 2, zip archives (ZIP64, data descriptors, alignment), the legacy stream, and sources of
 * gigabytes of which only a few bytes exist. It shares no code with the reader.
 */
import type { ByteSource } from "../../src/files/bytes.ts";

const utf8 = new TextEncoder();

/** A piece of pickle. */
export class Code {
  readonly bytes: readonly number[];
  constructor(bytes: readonly number[]) {
    this.bytes = bytes;
  }
}

const u16 = (value: number) => [value & 255, (value >>> 8) & 255];
const u32 = (value: number) => [...u16(value), ...u16(value >>> 16)];
const u64 = (value: number | bigint) =>
  Array.from({ length: 8 }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
const ascii = (text: string) => [...utf8.encode(text)];

export const global = (module: string, name: string) => new Code(ascii(`c${module}\n${name}\n`));
export const reduce = (callable: Code, args: unknown[]) =>
  new Code([...callable.bytes, ...encode(args), ...ascii("R")]);
export const newObject = (type: Code, args: unknown[]) => new Code([...type.bytes, ...encode(args), 0x81]);
export const build = (object: Code, state: unknown) => new Code([...object.bytes, ...encode(state), ...ascii("b")]);
export const list = (items: unknown[]) => new Code([...ascii("]("), ...items.flatMap(encode), ...ascii("e")]);
export const orderedDict = (dict: Record<string, unknown>) =>
  new Code([...global("collections", "OrderedDict").bytes, ...ascii(")R("), ...items(dict), ...ascii("u")]);

function items(dict: Record<string, unknown> | Map<unknown, unknown>): number[] {
  const pairs = dict instanceof Map ? [...dict] : Object.entries(dict);
  return pairs.flatMap(([key, value]) => [...encode(key), ...encode(value)]);
}

/** Arrays become tuples, objects and Maps dicts. */
function encode(value: unknown): number[] {
  if (value instanceof Code) return [...value.bytes];
  if (value === null) return ascii("N");
  if (typeof value === "boolean") return [value ? 0x88 : 0x89];
  if (typeof value === "string") {
    const bytes = ascii(value);
    return [...ascii("X"), ...u32(bytes.length), ...bytes];
  }
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    return [...ascii("J"), ...u32(value >>> 0)];
  }
  if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) {
    return [0x8a, 9, ...u64(value), BigInt(value) < 0n ? 255 : 0];
  }
  if (typeof value === "number") {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, false);
    return [...ascii("G"), ...bytes];
  }
  if (Array.isArray(value))
    return value.length === 0 ? ascii(")") : [...ascii("("), ...value.flatMap(encode), ...ascii("t")];
  return [...ascii("}("), ...items(value as Record<string, unknown>), ...ascii("u")];
}

export function pickle(value: unknown): Uint8Array {
  return Uint8Array.from([0x80, 2, ...encode(value), ...ascii(".")]);
}

export interface TensorSpec {
  key: string;
  /** Elements of the storage. */
  count: number;
  type?: string;
  offset?: unknown;
  size: unknown;
  strides: unknown;
  /** Legacy views: [key, offset, count]. */
  view?: unknown;
}

export function storage({ key, count, type = "Float", view }: Omit<TensorSpec, "size" | "strides">): Code {
  const id = ["storage", global("torch", `${type}Storage`), key, "cpu", count, ...(view === undefined ? [] : [view])];
  return new Code([...encode(id), ...ascii("Q")]);
}

export function tensor(spec: TensorSpec): Code {
  const args = [storage(spec), spec.offset ?? 0, spec.size, spec.strides, false, orderedDict({})];
  return reduce(global("torch._utils", "_rebuild_tensor_v2"), args);
}

/** Bytes at an offset; what no segment covers is zero. */
interface Segment {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

export interface SparseFile {
  readonly size: number;
  readonly segments: readonly Segment[];
}

export function sparseSource(name: string, { size, segments }: SparseFile): ByteSource & { readBytes: number } {
  const source = {
    name,
    size,
    readBytes: 0,
    read: async (offset: number, length: number) => {
      const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      source.readBytes += bytes.length;
      for (const { offset: at, bytes: part } of segments) {
        const begin = Math.max(at, offset);
        const end = Math.min(at + part.length, offset + bytes.length);
        if (begin < end) bytes.set(part.subarray(begin - at, end - at), begin - offset);
      }
      return bytes;
    },
  };
  return source;
}

export function flatten({ size, segments }: SparseFile): Uint8Array {
  const bytes = new Uint8Array(size);
  for (const { offset, bytes: part } of segments) bytes.set(part, offset);
  return bytes;
}

export interface ZipOptions {
  /** Sizes and offsets in ZIP64 fields even where they are small. */
  zip64?: boolean;
  /** Sizes behind the data instead of in the local header, as torch.save does it. */
  descriptors?: boolean;
  /** Data begin at a multiple of this, by an extra field. */
  align?: number;
  /** Compression method in the directory. */
  method?: number;
}

export function zipArchive(
  entries: readonly { name: string; data: Uint8Array | SparseFile }[],
  { zip64 = false, descriptors = true, align = 64, method = 0 }: ZipOptions = {},
): SparseFile {
  const segments: Segment[] = [];
  let at = 0;
  const write = (bytes: readonly number[]) => {
    segments.push({ offset: at, bytes: Uint8Array.from(bytes) });
    at += bytes.length;
  };
  const directory: number[] = [];
  const small = (value: number) => (zip64 || value >= 0xffffffff ? 0xffffffff : value);
  for (const { name, data } of entries) {
    const offset = at;
    const size = data instanceof Uint8Array ? data.length : data.size;
    const flags = descriptors ? 8 : 0;
    const bytes = ascii(name);
    const padding = (align - ((offset + 30 + bytes.length + 4) % align)) % align;
    const extra = [...ascii("FB"), ...u16(padding), ...Array.from({ length: padding }, () => 0x5a)];
    const sizes = descriptors ? [...u32(0), ...u32(0)] : [...u32(small(size)), ...u32(small(size))];
    const lengths = [...u16(bytes.length), ...u16(extra.length)];
    write([...u32(0x04034b50), ...u16(0), ...u16(flags), ...u16(method), ...u32(0), ...u32(0), ...sizes, ...lengths]);
    write([...bytes, ...extra]);
    const parts = data instanceof Uint8Array ? [{ offset: 0, bytes: data }] : data.segments;
    for (const part of parts) segments.push({ offset: at + part.offset, bytes: part.bytes });
    at += size;
    if (descriptors) write([...u32(0x08074b50), ...u32(0), ...u32(small(size)), ...u32(small(size))]);
    const wide = [size, size, offset].filter((value) => small(value) === 0xffffffff).flatMap(u64);
    const field = wide.length === 0 ? [] : [...u16(1), ...u16(wide.length), ...wide];
    directory.push(...u32(0x02014b50), ...u16(0), ...u16(0), ...u16(flags), ...u16(method), ...u32(0), ...u32(0));
    directory.push(...u32(small(size)), ...u32(small(size)), ...u16(bytes.length), ...u16(field.length), ...u16(0));
    directory.push(...u16(0), ...u16(0), ...u32(0), ...u32(small(offset)), ...bytes, ...field);
  }
  const begin = at;
  write(directory);
  const count = entries.length;
  if (zip64 || at >= 0xffffffff) {
    const end = at;
    write([...u32(0x06064b50), ...u64(44), ...u16(45), ...u16(45), ...u32(0), ...u32(0)]);
    write([...u64(count), ...u64(count), ...u64(directory.length), ...u64(begin)]);
    write([...u32(0x07064b50), ...u32(0), ...u64(end), ...u32(1)]);
  }
  const counts = zip64 ? [...u16(0xffff), ...u16(0xffff)] : [...u16(count), ...u16(count)];
  write([
    ...u32(0x06054b50),
    ...u16(0),
    ...u16(0),
    ...counts,
    ...u32(directory.length),
    ...u32(small(begin)),
    ...u16(0),
  ]);
  return { size: at, segments };
}

export function torchZip(
  value: unknown,
  storages: Record<string, Uint8Array | SparseFile>,
  { byteOrder, ...options }: ZipOptions & { byteOrder?: string } = {},
): SparseFile {
  return zipArchive(
    [
      { name: "archive/data.pkl", data: value instanceof Uint8Array ? value : pickle(value) },
      ...(byteOrder === undefined ? [] : [{ name: "archive/byteorder", data: utf8.encode(byteOrder) }]),
      ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
      { name: "archive/version", data: utf8.encode("3\n") },
    ],
    options,
  );
}

export function torchLegacy(
  value: unknown,
  storages: Record<string, { bytes: Uint8Array; count: number }>,
  keys: unknown = list(Object.keys(storages)),
): Uint8Array {
  const magic = Uint8Array.from([0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, 0x2e]);
  const parts = [magic, pickle(1001), pickle({ little_endian: true }), pickle(value), pickle(keys)];
  for (const { bytes, count } of Object.values(storages)) parts.push(Uint8Array.from(u64(count)), bytes);
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

export function floats(...values: number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}
