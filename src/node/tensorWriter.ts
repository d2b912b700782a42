/**
 * A safetensors file written tensor by tensor: one is in memory at a time, the file appears whole or not at all, and it
 * is read back and compared before it gets its name. Not here: where the tensors come from.
 */
import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";
import { statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InputError } from "../errors.ts";
import { elementCount } from "../engine/tensor.ts";
import { inFileOrder, openSafetensors, safetensorsHeader, type TensorHeader } from "../files/safetensors.ts";
import { fileTypes } from "../files/types.ts";
import { refuseOutput, writeAtomic } from "./files.ts";
import type { ByteSource } from "../files/bytes.ts";

/** The header and the bytes of a tensor, made when they are written. */
export interface StreamedTensor extends TensorHeader {
  /** Exactly as many bytes as type and shape say, little-endian. */
  bytes(): Promise<ArrayBufferView> | ArrayBufferView;
}

export interface TensorWriterOptions {
  readonly force?: boolean;
  readonly signal?: AbortSignal;
  /** Bytes written, then bytes read back, of the file's. */
  readonly onProgress?: (what: "written" | "verified", done: number, total: number) => void;
  /** Called when everything is written: what it throws keeps the file from appearing. */
  readonly beforeVerifying?: () => void;
}

export function tensorBytes({ dtype, shape }: Pick<TensorHeader, "dtype" | "shape">): number {
  return elementCount(shape) * fileTypes[dtype].bytes;
}

const readBackBytes = 1 << 22;

/**
 * @returns the file's size in bytes
 * @throws InputError where the output cannot be written, the disk has no room, or what is read back differs; the
 * signal's reason
 */
export async function writeTensorFile(
  path: string,
  tensors: Iterable<StreamedTensor>,
  metadata: Record<string, string>,
  { force = false, signal, onProgress, beforeVerifying }: TensorWriterOptions = {},
): Promise<number> {
  const ordered = inFileOrder(tensors);
  const header = safetensorsHeader(ordered, metadata);
  const total = ordered.reduce((sum, tensor) => sum + tensorBytes(tensor), header.length);
  await refuseOutput(path, { force });
  await refuseFullDisk(path, total);
  const write = async (file: FileHandle) => {
    const hashes: string[] = [];
    let done = header.length;
    await writeAll(file, header);
    for (const tensor of ordered) {
      signal?.throwIfAborted();
      const view = await tensor.bytes();
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      if (bytes.length !== tensorBytes(tensor))
        throw new Error(`${tensor.name}: ${bytes.length} bytes for ${tensor.dtype} [${tensor.shape}]`);
      hashes.push(createHash("sha256").update(bytes).digest("hex"));
      await writeAll(file, bytes);
      done += bytes.length;
      onProgress?.("written", done, total);
    }
    beforeVerifying?.();
    await verify(path, file, { ordered, hashes, total, metadata }, (read) => {
      signal?.throwIfAborted();
      onProgress?.("verified", read, total);
    });
  };
  await writeAtomic(path, write, { force });
  return total;
}

/** FileHandle.write may write less than it was given. */
async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at, null)).bytesWritten;
}

async function refuseFullDisk(path: string, needed: number): Promise<void> {
  const space = await statfs(dirname(resolve(path))).catch(() => undefined);
  // Some file systems say 0 blocks of 0.
  if (!space || space.blocks === 0) return;
  const free = space.bavail * space.bsize;
  if (free >= needed) return;
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en-US")} MiB`;
  throw new InputError(
    `cannot write ${path}: no space left on the disk: it needs ${mib(needed)}, and ${mib(free)} are free`,
  );
}

async function verify(
  path: string,
  file: FileHandle,
  wanted: {
    ordered: readonly StreamedTensor[];
    hashes: readonly string[];
    total: number;
    metadata: Record<string, string>;
  },
  onProgress: (done: number) => void,
): Promise<void> {
  const differs = (what: string): never => {
    throw new InputError(`cannot write ${path}: ${what} differs when it is read back; is the disk damaged?`);
  };
  const buffer = new Uint8Array(readBackBytes);
  const source: ByteSource = {
    name: path,
    size: (await file.stat()).size,
    read: async (offset, length) => {
      const bytes = length > buffer.length ? new Uint8Array(length) : buffer;
      let done = 0;
      while (done < length) {
        const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) break;
        done += bytesRead;
      }
      return bytes.subarray(0, done);
    },
  };
  if (source.size !== wanted.total) differs("its size");
  const written = await openSafetensors(source);
  const sameMetadata = Object.entries(wanted.metadata).every(([key, text]) => written.metadata.get(key) === text);
  if (written.tensors.size !== wanted.ordered.length || !sameMetadata) differs("its header");
  for (const [index, { name, dtype, shape }] of wanted.ordered.entries()) {
    const info = written.tensors.get(name);
    if (info?.dtype !== dtype || info.shape.join() !== shape.join()) return differs(`the header of ${name}`);
    const hash = createHash("sha256");
    for (let at = info.begin; at < info.end; at += readBackBytes)
      hash.update(await source.read(at, Math.min(readBackBytes, info.end - at)));
    if (hash.digest("hex") !== wanted.hashes[index]) differs(name);
    onProgress(info.end);
  }
}
