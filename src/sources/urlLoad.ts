/**
 * How a file on a server comes: blocks by range requests, from a cache where they are in it, verified where digests are
 * known. Not here: HTTP (http.ts), the memory window (blocks.ts), caches (cache.ts, cacheGuard.ts).
 */
import { CheckpointError } from "../errors.ts";
import { BlockReader } from "./blocks.ts";
import type { SourceCache } from "./cache.ts";
import type { CacheEntry } from "./cacheEntry.ts";
import { CacheGuard, type Warn } from "./cacheGuard.ts";
import type { HttpFile, HttpOptions } from "./http.ts";
import { changedError, noRangesError, UnreachableError } from "./httpWords.ts";
import type { Integrity } from "./integrity.ts";
import { digestMatches, verifyWhole } from "./verify.ts";
import { locked } from "./locks.ts";
import { type Hasher, Sha256 } from "./sha256.ts";

export interface UrlOptions extends HttpOptions {
  /** Where blocks are kept for the next time: `pageCache()`, Node's disk cache. Default: nowhere. */
  readonly cache?: SourceCache | undefined;
  readonly integrity?: Integrity | undefined;
  /** Bytes of the file that were loaded by now, from the server or the cache; each counts once. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  /** A cache that fails, a server that is away while the cache has everything. One line each. */
  readonly onWarning?: Warn | undefined;
  /** Bytes of one request and one cached block. Default 8 MiB, or the pieces' of `integrity`. */
  readonly blockBytes?: number | undefined;
  /** An incremental SHA-256 that is faster than ours. */
  readonly hasher?: (() => Hasher) | undefined;
}

/** To learn whether a complete copy is still current; without an answer it is used as it is. */
const secondsToAsk = 5;
/** A file whose server knows no ranges is kept whole up to this size. */
const mostInMemory = 64 * 2 ** 20;

export class UrlLoad {
  readonly http: HttpFile;
  reader: BlockReader | undefined;
  readonly #options: UrlOptions;
  readonly #integrity: Integrity;
  readonly #guard: CacheGuard;
  /** Bytes of each block that are told of. */
  readonly #counted = new Map<number, number>();
  #blockBytes: number;
  #size = 0;
  #doneBytes = 0;
  #digests: readonly string[] | undefined;
  /** Block 0, where opening brought it, until it is read. */
  #first: Uint8Array | undefined;
  /** All of a file whose server knows no ranges. */
  #whole: Uint8Array | undefined;
  #ranges = true;
  /** Entries of what the server had before. They go when the new file has begun to come, not for a mere answer. */
  #stale: readonly CacheEntry[] = [];

  constructor(http: HttpFile, options: UrlOptions, integrity: Integrity, blockBytes: number) {
    this.http = http;
    this.#options = options;
    this.#integrity = integrity;
    this.#blockBytes = blockBytes;
    this.#guard = new CacheGuard(options.cache, (message) => options.onWarning?.(message));
  }

  async open(): Promise<void> {
    const { url } = this.http;
    const { sha256, pieces } = this.#integrity;
    const entries = (await this.#guard.find({ url, sha256 })).filter(
      ({ blockBytes }) => !pieces || blockBytes === pieces.bytes,
    );
    const known = await this.#pick(entries);
    if (known) await this.#takeEntry(known);
    else await this.#openAnew();
    this.#digests ??= pieces?.sha256 ?? this.#guard.entry?.digests;
    await this.#guard.checkRoom();
    this.reader = new BlockReader({
      name: this.http.name,
      size: this.#size,
      blockBytes: this.#blockBytes,
      load: (index) => this.#load(index),
    });
    if (sha256 !== undefined && !this.#digests) await this.#verify(sha256);
  }

  /** The entry to go on with, if the server still has the file that it is of. */
  async #pick(entries: readonly CacheEntry[]): Promise<CacheEntry | undefined> {
    const { sha256, pieces } = this.#integrity;
    const filled = await Promise.all(
      entries.map(async (entry) => ({ entry, full: (await this.#guard.stored(entry)).size === entry.blockCount })),
    );
    const best = filled.find(({ full }) => full) ?? filled[0];
    if (!best) return undefined;
    // A hash names the content, so nobody need be asked.
    if (best.full && sha256 !== undefined) return best.entry;
    try {
      await this.#identify(best.full);
    } catch (error) {
      if (!best.full || !(error instanceof UnreachableError)) throw error;
      this.#options.onWarning?.(`${error.message}; the copy in the cache is used`);
      return best.entry;
    }
    const { size, validator } = this.http.identity;
    // Where blocks have digests, it does not matter which version of the file they came from.
    const fits = ({ entry }: { entry: CacheEntry }): boolean =>
      (entry.validator === validator || pieces !== undefined || entry.digests !== undefined) &&
      (size === undefined || entry.size === size);
    this.#stale = filled.filter((other) => !fits(other)).map(({ entry }) => entry);
    const kept = filled.filter(fits);
    // A partial entry of a server without ranges is of no use: the whole file comes anyway.
    return (kept.find(({ full }) => full) ?? (this.#ranges ? kept[0] : undefined))?.entry;
  }

  /** Asks without data for what is complete; else with one byte, which shows whether there are ranges. */
  async #identify(full: boolean): Promise<void> {
    if (full && (await this.http.ask(secondsToAsk))) return;
    const started = await this.http.start(1);
    if (!("whole" in started)) return;
    started.whole.watch.end();
    this.#ranges = false;
  }

  async #takeEntry(entry: CacheEntry): Promise<void> {
    for (const other of this.#stale) await this.#guard.remove(other);
    this.#checkSize(entry.size);
    this.#size = entry.size;
    this.#blockBytes = entry.blockBytes;
    this.#guard.use(entry);
  }

  async #openAnew(): Promise<void> {
    const started = await this.http.start(this.#blockBytes, {
      onBytes: (done) => {
        this.#size = this.http.identity.size ?? 0;
        this.#progress(0, done);
      },
      onBroken: async (bytes) => {
        await this.#openEntry();
        // Another reader may have all of it by now.
        if (!(await this.#guard.read(0))) await this.#guard.write(0, bytes);
      },
    });
    if ("whole" in started) {
      this.#ranges = false;
      try {
        await this.#openWhole(started.whole);
      } finally {
        started.whole.watch.end();
      }
      return;
    }
    this.#size = this.http.identity.size ?? 0;
    this.#checkSize(this.#size);
    this.#ranges = true;
    this.#first = started.first;
    await this.#openEntry();
  }

  /** Without a name for the content (ETag, date, hash) a cache could give an old file for a new one. */
  async #openEntry(): Promise<void> {
    for (const entry of this.#stale) await this.#guard.remove(entry);
    const { sha256 } = this.#integrity;
    const { validator } = this.http.identity;
    if (validator === undefined && sha256 === undefined) {
      if (this.#options.cache)
        this.#options.onWarning?.(
          `${this.http.name}: the server sends neither ETag nor Last-Modified${this.http.crossOrigin ? ", or hides the ETag (it must also send Access-Control-Expose-Headers: Content-Range, ETag)" : ""}; not cached`,
        );
      return;
    }
    await this.#guard.open({ url: this.http.url, validator, sha256, size: this.#size, blockBytes: this.#blockBytes });
  }

  /** All of it now: into memory where it is small, else block by block into the cache. */
  async #openWhole(answer: Parameters<HttpFile["stream"]>[0]): Promise<void> {
    const { size } = this.http.identity;
    if (size !== undefined) this.#checkSize(size);
    if (size === undefined || size <= mostInMemory) {
      const parts: Uint8Array[] = [];
      let length = 0;
      this.#size = size ?? 0;
      await this.http.stream(answer, async (part) => {
        length += part.length;
        if (length > mostInMemory) throw noRangesError(this.http.name, mostInMemory);
        parts.push(part);
        if (size === undefined) return;
        for (let at = 0; at < length; at += this.#blockBytes)
          this.#progress(at / this.#blockBytes, Math.min(this.#blockBytes, length - at));
      });
      this.#checkSize(length);
      this.#size = length;
      this.#whole = concatenate(parts, length);
      await this.#openEntry();
      return;
    }
    this.#size = size;
    await this.#openEntry();
    await this.#guard.checkRoom();
    if (!this.#guard.entry) throw noRangesError(this.http.name, mostInMemory);
    const block = new Uint8Array(this.#blockBytes);
    let index = 0;
    let held = 0;
    await this.http.stream(answer, async (part) => {
      for (let at = 0; at < part.length;) {
        const taken = part.subarray(at, at + block.length - held);
        block.set(taken, held);
        held += taken.length;
        at += taken.length;
        this.#progress(index, held);
        if (held < block.length && index * block.length + held < size) continue;
        await this.#guard.write(index++, block.subarray(0, held));
        if (!this.#guard.entry) throw noRangesError(this.http.name, mostInMemory);
        held = 0;
      }
    });
    if (!this.#guard.entry) throw noRangesError(this.http.name, mostInMemory);
  }

  async #load(index: number): Promise<Uint8Array> {
    const begin = index * this.#blockBytes;
    const end = Math.min(begin + this.#blockBytes, this.#size);
    const cached = await this.#cached(index);
    const bytes = cached ?? (await this.#fetch(index, begin, end));
    this.#progress(index, end - begin);
    return bytes;
  }

  async #cached(index: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#guard.read(index);
    return bytes && (await digestMatches(bytes, this.#digests?.[index])) ? bytes : undefined;
  }

  async #fetch(index: number, begin: number, end: number): Promise<Uint8Array> {
    const { entry } = this.#guard;
    return locked(entry && `repaint-webgpu:${entry.id}:${index}`, this.#options.signal, async (waited) => {
      const others = waited ? await this.#cached(index) : undefined;
      if (others) return others;
      let have = await this.#guard.begun(index);
      // Once more, since what is damaged on its way is whole the next time.
      for (let tries = 2; tries > 0; tries--, have = undefined) {
        const bytes = await this.#bytes(index, begin, end, have);
        if (!(await digestMatches(bytes, this.#digests?.[index]))) continue;
        await this.#guard.write(index, bytes);
        return bytes;
      }
      const what = `bytes ${begin} to ${end - 1} have another sha256 than was expected`;
      throw new CheckpointError(`${this.http.name} is damaged: ${what}; tell whoever runs the server`);
    });
  }

  async #bytes(index: number, begin: number, end: number, have?: Uint8Array): Promise<Uint8Array> {
    if (this.#whole) return this.#whole.subarray(begin, end);
    const first = this.#first;
    if (index === 0 && first) {
      this.#first = undefined;
      return first;
    }
    if (this.#ranges) await this.#meet();
    if (this.#ranges)
      return this.http.range(begin, end, {
        have,
        onBytes: (done) => this.#progress(index, done),
        onBroken: (bytes) => this.#guard.write(index, bytes),
      });
    if (this.#guard.entry) await this.#guard.remove(this.#guard.entry);
    throw new CheckpointError(`${this.http.name}: the copy in the cache is damaged and was removed; load it again`);
  }

  /** A block is missing in an entry that was taken without asking for data: it must still be the same file. */
  async #meet(): Promise<void> {
    if (this.http.sentRange) return;
    await this.#identify(false);
    const { size } = this.http.identity;
    const { entry } = this.#guard;
    if (size !== undefined && size !== this.#size) throw changedError(this.http.name, "size", this.#size, size);
    const { validator } = this.http.identity;
    if (entry && this.#integrity.sha256 === undefined && entry.validator !== validator)
      throw changedError(this.http.name, "ETag", entry.validator, validator);
  }

  async #verify(expected: string): Promise<void> {
    const hash = (this.#options.hasher ?? (() => new Sha256()))();
    const { digests, sha256 } = await verifyWhole(this.reader!, this.#blockBytes, hash);
    if (sha256 !== expected) {
      if (this.#guard.entry) await this.#guard.remove(this.#guard.entry);
      throw new CheckpointError(
        `${this.http.name} is damaged or another file: its sha256 should be ${expected}, and is ${sha256}`,
      );
    }
    this.#digests = digests;
    await this.#guard.markVerified(digests);
  }

  #checkSize(size: number): void {
    const { size: expected, pieces } = this.#integrity;
    if (expected !== undefined && expected !== size)
      throw new CheckpointError(
        `${this.http.name}: expected ${expected} bytes, the server has ${size}; is it another file?`,
      );
    if (pieces && pieces.sha256.length !== Math.ceil(size / pieces.bytes))
      throw new CheckpointError(
        `${this.http.name}: ${pieces.sha256.length} pieces of ${pieces.bytes} bytes are no ${size} bytes; is it another file?`,
      );
  }

  /** So many bytes of a block are there; each counts once, however often it comes. */
  #progress(index: number, bytes: number): void {
    const more = bytes - (this.#counted.get(index) ?? 0);
    if (more <= 0) return;
    this.#counted.set(index, bytes);
    this.#doneBytes += more;
    this.#options.onProgress?.(this.#doneBytes, this.#size);
  }
}

function concatenate(parts: readonly Uint8Array[], length: number): Uint8Array {
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
