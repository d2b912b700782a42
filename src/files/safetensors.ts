/**
 * Strict reader and small writer of safetensors over any random-access source. Only the header is read on opening; each
 * tensor's bytes come when asked for, so a checkpoint is never held whole. Not here: what the tensors mean (infer.ts),
 * files and URLs (src/node, later the loader).
 */
import { CheckpointError, InputError } from "../errors.ts";
import { JsonObject, JsonSyntaxError, type JsonValue, OtherNumber, parseJson } from "./json.ts";
import { quoted } from "../text/quoted.ts";
import type { ByteSource } from "./bytes.ts";
import { checkScales, dequantize } from "./int8.ts";
import { fileTypes, type FileType } from "./types.ts";
import type { TensorInfo, TensorFile } from "./tensorFile.ts";

/** The format's own limit. */
const maxHeaderBytes = 100_000_000;

/**
 * Whether a file begins with a header's length that fits it, and with "{". What is wrong with others, `openSafetensors`
 * says.
 */
export async function beginsAsSafetensors(source: ByteSource): Promise<boolean> {
  if (source.size < 9) return false;
  const start = await source.read(0, 9);
  if (start.length < 9 || start[8] !== 0x7b) return false;
  return headerLength(start) <= BigInt(source.size - 8);
}

const headerLength = (start: Uint8Array) => new DataView(start.buffer, start.byteOffset, 8).getBigUint64(0, true);

/**
 * Reads and checks the header: its length, UTF-8, JSON without repeated keys, types, shapes, and offsets that cover the
 * data without overlap, hole or rest.
 * @throws CheckpointError that names file, tensor and what was expected
 */
export async function openSafetensors(source: ByteSource): Promise<TensorFile> {
  const fail = (problem: string): never => {
    throw new CheckpointError(`${source.name} is not a valid safetensors file: ${problem}`);
  };
  const readExactly = async (offset: number, length: number): Promise<Uint8Array> => {
    const bytes = await source.read(offset, length);
    if (bytes.length !== length) fail(`expected ${length} bytes at ${offset}, got ${bytes.length}; was it cut off?`);
    return bytes;
  };
  if (source.size < 8) fail(`expected at least 8 bytes, got ${source.size}`);
  const start = await readExactly(0, Math.min(16, source.size));
  const headerBytes = headerLength(start);
  if (headerBytes > BigInt(Math.min(maxHeaderBytes, source.size - 8))) {
    const limit = Math.min(maxHeaderBytes, source.size - 8);
    const { otherFormat } = await import("./otherFormats.ts");
    const other = otherFormat(start);
    fail(
      other
        ? `it looks like ${other}`
        : `expected a header of at most ${limit} bytes, but its length says ${headerBytes}`,
    );
  }
  const dataStart = 8 + Number(headerBytes);
  const header = parseHeader(await readExactly(8, Number(headerBytes)), fail);
  const tensors = readTensors(header, dataStart, fail);
  checkCover([...tensors.values()], dataStart, source.size, fail);
  return {
    name: source.name,
    metadata: readMetadata(header.get("__metadata__"), fail),
    tensors,
    read: async (name) => {
      const info = tensors.get(name);
      if (!info)
        throw new CheckpointError(`${source.name}: expected a tensor ${quoted(name)}, but it has none of that name`);
      return readExactly(info.begin, info.end - info.begin);
    },
  };
}

type Fail = (problem: string) => never;

function parseHeader(bytes: Uint8Array, fail: Fail): JsonObject {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return fail("expected a header in UTF-8, got other bytes");
  }
  if (text[0] !== "{") fail(`expected a header that begins with "{", got ${quoted(text.slice(0, 12))}`);
  try {
    return parseJson(text) as JsonObject;
  } catch (error) {
    if (error instanceof JsonSyntaxError) return fail(`header: ${error.message}`);
    throw error;
  }
}

function readMetadata(value: JsonValue | undefined, fail: Fail): Map<string, string> {
  if (value === undefined) return new Map();
  if (!(value instanceof JsonObject)) return fail(`__metadata__: expected an object, got ${show(value)}`);
  return new Map(
    value.keys.map((key, i) => {
      const text = value.values[i]!;
      return [
        key,
        typeof text === "string" ? text : fail(`__metadata__ ${quoted(key)}: expected a string, got ${show(text)}`),
      ];
    }),
  );
}

function readTensors(header: JsonObject, dataStart: number, fail: Fail): Map<string, TensorInfo> {
  const tensors = new Map<string, TensorInfo>();
  header.keys.forEach((name, i) => {
    if (name === "__metadata__") return;
    const entry = header.values[i]!;
    const wrong = (what: string, got: JsonValue | undefined): never =>
      fail(`tensor ${quoted(name)}: expected ${what}, got ${show(got)}`);
    if (!(entry instanceof JsonObject)) return wrong("an object with dtype, shape and data_offsets", entry);
    const dtype = entry.get("dtype");
    if (typeof dtype !== "string" || !Object.hasOwn(fileTypes, dtype)) {
      return wrong(`dtype one of ${Object.keys(fileTypes).join(", ")}`, dtype);
    }
    const shape = entry.get("shape");
    if (!isNaturals(shape)) return wrong("shape to be a list of whole numbers ≥ 0", shape);
    const offsets = entry.get("data_offsets");
    if (!isNaturals(offsets) || offsets.length !== 2) return wrong("data_offsets to be two whole numbers ≥ 0", offsets);
    const [begin, end] = offsets as [number, number];
    const type = dtype as FileType;
    const bytes = byteCount(shape, fileTypes[type].bytes);
    if (bytes === undefined) return wrong("a shape whose size does not overflow", shape);
    if (end - begin !== bytes) return wrong(`${bytes} bytes for ${type} ${show(shape)}`, offsets);
    tensors.set(name, { name, dtype: type, shape, begin: dataStart + begin, end: dataStart + end });
  });
  return tensors;
}

/**
 * In the order of their offsets, tensors must follow each other without a hole, from the header's end to the file's.
 */
function checkCover(tensors: TensorInfo[], dataStart: number, size: number, fail: Fail): void {
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = dataStart;
  for (const tensor of tensors) {
    if (tensor.begin !== end) {
      const kind = tensor.begin < end ? "overlaps the tensor before it" : "leaves a hole before it";
      fail(
        `tensor ${quoted(tensor.name)}: expected data at ${end - dataStart}, got ${tensor.begin - dataStart}: it ${kind}`,
      );
    }
    if (tensor.end > size) {
      const cut = `its data end at ${tensor.end}, but the file at ${size}; was it cut off?`;
      fail(`tensor ${quoted(tensor.name)}: ${cut}`);
    }
    end = tensor.end;
  }
  if (end !== size) fail(`expected the file to end with its last tensor at ${end}, got ${size - end} bytes more`);
}

/** Undefined if the product leaves the integers that a double holds exactly. */
function byteCount(shape: number[], size: number): number | undefined {
  let bytes = size;
  for (const dimension of shape) {
    bytes *= dimension;
    if (!Number.isSafeInteger(bytes)) return undefined;
  }
  return bytes;
}

function isNaturals(value: JsonValue | undefined): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === "number");
}

function show(value: JsonValue | undefined): string {
  if (value === undefined) return "nothing";
  if (value instanceof OtherNumber) return value.literal.slice(0, 40);
  if (value instanceof JsonObject) return "an object";
  if (Array.isArray(value)) return `[${value.slice(0, 8).map(show).join(", ")}${value.length > 8 ? ", …" : ""}]`;
  return typeof value === "string" ? quoted(value) : String(value);
}

/**
 * One tensor as float32, whatever its type; F64 and large integers are rounded.
 * @throws CheckpointError for F8 and C64
 */
export async function readFloat32(file: TensorFile, name: string): Promise<Float32Array<ArrayBuffer>> {
  const bytes = await file.read(name);
  const { dtype, scale } = file.tensors.get(name)!;
  const { numbers } = fileTypes[dtype];
  if (!numbers)
    throw new CheckpointError(
      `${file.name}: tensor ${quoted(name)} is ${dtype}, which is not read as float32; convert it`,
    );
  // A copy starts at 0, so every typed array may lie on it: the format promises no alignment.
  const read = numbers(new Uint8Array(bytes).buffer);
  const values = read instanceof Float32Array ? (read as Float32Array<ArrayBuffer>) : new Float32Array(read);
  if (scale) {
    const scales = new Float32Array(new Uint8Array(await file.read(scale.name)).buffer);
    checkScales(file, name, scales);
    dequantize(values, scales);
  }
  return values;
}

/** A tensor to write; F16 comes as its bits. */
export type WritableTensor = { readonly name: string; readonly shape: readonly number[] } & (
  | { readonly dtype: "F32"; readonly data: Float32Array }
  | { readonly dtype: "F16"; readonly data: Uint16Array }
  | { readonly dtype: "I64"; readonly data: BigInt64Array }
);

/** What a header says of a tensor; its data follow in the same order. */
export type TensorHeader = Pick<TensorInfo, "name" | "dtype"> & { readonly shape: readonly number[] };

/** Wider types come first, so that every tensor is aligned to its type. Otherwise the order stays. */
export function inFileOrder<T extends Pick<TensorHeader, "dtype">>(tensors: Iterable<T>): T[] {
  return [...tensors].sort((a, b) => fileTypes[b.dtype].bytes - fileTypes[a.dtype].bytes);
}

/**
 * The bytes before the data of these tensors, which must follow each other in this order; padded to 8 bytes.
 * @throws InputError for a name that comes twice or is reserved
 */
export function safetensorsHeader(tensors: Iterable<TensorHeader>, metadata?: Record<string, string>): Uint8Array {
  const entries = metadata ? [`"__metadata__":${JSON.stringify(metadata)}`] : [];
  const names = new Set(["__metadata__"]);
  let end = 0;
  for (const { name, dtype, shape } of tensors) {
    if (names.has(name))
      throw new InputError(`expected each tensor's name once, and not __metadata__; got ${quoted(name)}`);
    names.add(name);
    const begin = end;
    end += byteCount([...shape], fileTypes[dtype].bytes) ?? NaN;
    entries.push(`${JSON.stringify(name)}:${JSON.stringify({ dtype, shape, data_offsets: [begin, end] })}`);
  }
  const json = new TextEncoder().encode(`{${entries.join(",")}}`);
  const header = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(header.length - 8), true);
  header.set(json, 8);
  return header;
}

/**
 * A whole file.
 * @throws InputError for a name that comes twice or is reserved, and for data that do not fit their shape
 */
export function writeSafetensors(tensors: Iterable<WritableTensor>, metadata?: Record<string, string>): Uint8Array {
  const ordered = inFileOrder(tensors);
  const header = safetensorsHeader(ordered, metadata);
  let size = header.length;
  for (const { name, dtype, shape, data } of ordered) {
    if (byteCount([...shape], fileTypes[dtype].bytes) !== data.byteLength)
      throw new InputError(
        `tensor ${quoted(name)}: expected ${dtype} data of shape [${shape}], got ${data.length} elements`,
      );
    size += data.byteLength;
  }
  const file = new Uint8Array(size);
  file.set(header);
  let at = header.length;
  for (const { data } of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
