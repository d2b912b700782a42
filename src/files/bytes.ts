/**
 * Where the bytes of a file come from, wherever it lies: read by range. Not here: servers (src/sources), what the bytes
 * mean.
 */

/** Bytes that can be read anywhere: a file, a Blob, a URL with range requests, memory. `name` is for error messages. */
export interface ByteSource {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`; fewer mean that the source was cut after it was opened. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

export function bytesSource(name: string, bytes: Uint8Array | ArrayBuffer): ByteSource {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return { name, size: view.length, read: async (offset, length) => view.subarray(offset, offset + length) };
}

export function blobSource(blob: Blob, name = "blob"): ByteSource {
  const read = async (offset: number, length: number) =>
    new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
  return { name, size: blob.size, read };
}
