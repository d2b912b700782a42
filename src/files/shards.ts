/**
 * A checkpoint that was saved in parts: an index names, for each tensor, the safetensors file that holds it
 * (…-00001-of-00003.safetensors, of Hugging Face's save_pretrained). Read as one safetensors file that is made of the
 * parts' data under a header of its own, so that nothing beyond knows of parts. Not here: where the parts lie.
 */
import { CheckpointError } from "../errors.ts";
import { quoted } from "../text/quoted.ts";
import { type ByteSource, bytesSource } from "./bytes.ts";
import { openSafetensors, safetensorsHeader, type TensorHeader } from "./safetensors.ts";

/** More than anybody's index; each part is an open file. */
const mostParts = 500;

/** Of each tensor the file that holds it. */
type ShardIndex = ReadonlyMap<string, string>;

export const isShardIndex = (file: string): boolean => file.endsWith(".index.json");

/** Parts are files beside their index: a name that leads elsewhere is refused. */
function readShardIndex(name: string, json: unknown): ShardIndex {
  const map: unknown = Object(json).weight_map;
  const fail = (problem: string): never => {
    throw new CheckpointError(`${name} is not an index of a checkpoint's parts: ${problem}`);
  };
  if (typeof map !== "object" || map === null || Array.isArray(map))
    return fail("expected a weight_map with the file of each tensor");
  const entries = Object.entries(map as Record<string, unknown>);
  const files = new Set<string>();
  for (const [tensor, file] of entries) {
    if (typeof file !== "string" || !/^[^/\\\0]{1,200}$/.test(file) || file.startsWith("."))
      fail(`weight_map ${quoted(tensor)}: expected the name of a file beside it, got ${quoted(String(file))}`);
    else if (!file.endsWith(".safetensors"))
      fail(
        `its parts are ${quoted(file)} and the like, and only safetensors are read in parts; save it in one file, or with safe_serialization=True`,
      );
    else files.add(file);
  }
  if (files.size === 0 || files.size > mostParts)
    fail(`expected tensors in 1 to ${mostParts} files, got ${files.size} files`);
  return new Map(entries as [string, string][]);
}

interface Piece {
  readonly source: ByteSource;
  /** Where it begins in its source, and where in the whole. */
  readonly from: number;
  readonly at: number;
  readonly bytes: number;
}

/** A source that is closed by whoever opened it. */
export interface OpenSource extends ByteSource {
  close(): Promise<void>;
}

/**
 * One file of the parts that an index (parsed JSON) names, which `open` opens; closing it closes them.
 * @throws CheckpointError for an index or a part that is damaged, or where they do not say the same, and as `open`
 */
export async function openShards(
  name: string,
  json: unknown,
  open: (part: string) => Promise<OpenSource>,
): Promise<OpenSource> {
  const index = readShardIndex(name, json);
  const parts = new Map<string, OpenSource>();
  const close = async (): Promise<void> => {
    await Promise.all([...parts.values()].map((part) => part.close()));
  };
  try {
    for (const part of new Set(index.values())) parts.set(part, await open(part));
    return { ...(await joinShards(name, index, parts)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** In the order of the parts' names. */
async function joinShards(
  name: string,
  index: ShardIndex,
  parts: ReadonlyMap<string, ByteSource>,
): Promise<ByteSource> {
  const headers: TensorHeader[] = [];
  const data: Omit<Piece, "at">[] = [];
  let metadata: ReadonlyMap<string, string> = new Map();
  for (const [part, source] of [...parts].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const file = await openSafetensors(source);
    const tensors = [...file.tensors.values()].sort((a, b) => a.begin - b.begin || a.end - b.end);
    for (const tensor of tensors) {
      const expected = index.get(tensor.name);
      if (expected === part) headers.push(tensor);
      else
        throw new CheckpointError(
          `${name}: ${part} has ${quoted(tensor.name)}, which the index ${expected === undefined ? "does not name" : `says is in ${expected}`}; download all parts and their index again`,
        );
    }
    // Tensors follow each other from the header to the file's end.
    const from = tensors[0]?.begin ?? source.size;
    data.push({ source, from, bytes: source.size - from });
    if (file.metadata.size > 0) metadata = file.metadata;
  }
  const found = new Set(headers.map((header) => header.name));
  const lost = [...index].find(([tensor]) => !found.has(tensor));
  if (lost)
    throw new CheckpointError(
      `${name}: the index says that ${quoted(lost[0])} is in ${lost[1]}, but it is not; download all parts again`,
    );
  const header = bytesSource(name, safetensorsHeader(headers, Object.fromEntries(metadata)));
  const pieces: Piece[] = [];
  let size = 0;
  for (const piece of [{ source: header, from: 0, bytes: header.size }, ...data]) {
    pieces.push({ ...piece, at: size });
    size += piece.bytes;
  }
  return { name, size, read: (offset, length) => readPieces(pieces, offset, Math.min(length, size - offset)) };
}

async function readPieces(pieces: readonly Piece[], offset: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(Math.max(0, length));
  let done = 0;
  for (const { source, from, at, bytes: own } of pieces) {
    const start = Math.max(offset, at);
    const end = Math.min(offset + length, at + own);
    if (start >= end) continue;
    const part = await source.read(from + start - at, end - start);
    bytes.set(part, start - offset);
    done += part.length;
    if (part.length < end - start) break;
  }
  return bytes.subarray(0, done);
}
