/**
 * A file as a ByteSource: opened once, read anywhere, never held whole. And its sha256. Not here: what is in it.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { InputError } from "../errors.ts";
import { asInputError } from "./files.ts";
import type { ByteSource } from "../files/bytes.ts";

export interface FileSource extends ByteSource {
  close(): Promise<void>;
}

/** @throws InputError if there is no such file, or if it is none that can be read anywhere (a folder, a pipe) */
export async function openFileSource(path: string): Promise<FileSource> {
  const what = `cannot read ${path}`;
  let file: FileHandle;
  try {
    file = await open(path, "r");
  } catch (error) {
    throw asInputError(error, what);
  }
  try {
    const stats = await file.stat();
    if (!stats.isFile())
      throw new InputError(`${what}: it is ${stats.isDirectory() ? "a folder" : "no ordinary file"}; give a file`);
    return {
      name: path,
      size: stats.size,
      read: (offset, length) => readAt(file, offset, length, what),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readAt(file: FileHandle, offset: number, length: number, what: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  try {
    while (done < length) {
      const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
      if (bytesRead === 0) break;
      done += bytesRead;
    }
  } catch (error) {
    throw asInputError(error, what);
  }
  return bytes.subarray(0, done);
}

/** In hexadecimal. @throws the signal's reason */
export async function sha256(
  source: ByteSource,
  { onProgress, signal }: { onProgress?: (doneBytes: number) => void; signal?: AbortSignal } = {},
): Promise<string> {
  const hash = createHash("sha256");
  const chunk = 1 << 22;
  for (let at = 0; at < source.size; at += chunk) {
    signal?.throwIfAborted();
    hash.update(await source.read(at, Math.min(chunk, source.size - at)));
    onProgress?.(Math.min(source.size, at + chunk));
  }
  return hash.digest("hex");
}
