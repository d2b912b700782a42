/**
 * Reading a source exactly, and the words for what is wrong with it: shared by the containers. Not here: any format.
 */
import { CheckpointError } from "../../errors.ts";
import type { ByteSource } from "../bytes.ts";

/** Throws a CheckpointError that begins with the file's name. */
export type Fail = (problem: string) => never;

export interface Reader {
  readonly size: number;
  /** Exactly `length` bytes, or CheckpointError. */
  readonly read: (offset: number, length: number) => Promise<Uint8Array>;
  readonly fail: Fail;
}

export function sourceReader(source: ByteSource): Reader {
  const fail: Fail = (problem) => {
    throw new CheckpointError(`${source.name} cannot be read as a PyTorch checkpoint: ${problem}`);
  };
  return {
    size: source.size,
    read: async (offset, length) => {
      const bytes = await source.read(offset, length);
      if (bytes.length !== length) fail(`expected ${length} bytes at ${offset}, got ${bytes.length}; was it cut off?`);
      return bytes;
    },
    fail,
  };
}

/** A little-endian u64 that a double holds exactly. */
export function u64(view: DataView, at: number, fail: Fail): number {
  const value = Number(view.getBigUint64(at, true));
  return Number.isSafeInteger(value) ? value : fail(`expected an offset or a size below 2^53, got ${value}`);
}

const parallelReads = 8;

/** Does the work of all items, a few at a time: small reads from a URL wait for the network most of the time. */
export async function forEachParallel<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const pending = items[Symbol.iterator]();
  const worker = async () => {
    for (let next = pending.next(); !next.done; next = pending.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: parallelReads }, worker));
}
