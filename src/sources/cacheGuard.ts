/**
 * A cache entry that may fail without failing the load: the first failure is said once, and from then on there is no
 * cache. Not here: what an entry is (cache.ts), loading (urlSource.ts).
 */
import type { SourceCache } from "./cache.ts";
import { type CacheEntry, findEntries, openEntry } from "./cacheEntry.ts";

export type Warn = (message: string) => void;

export class CacheGuard {
  readonly #cache: SourceCache | undefined;
  readonly #warn: Warn;
  #works: boolean;
  #entry: CacheEntry | undefined;

  constructor(cache: SourceCache | undefined, warn: Warn) {
    this.#cache = cache;
    this.#works = cache !== undefined;
    this.#warn = warn;
  }

  get entry(): CacheEntry | undefined {
    return this.#works ? this.#entry : undefined;
  }

  find(about: Parameters<typeof findEntries>[1]): Promise<CacheEntry[]> {
    return this.#try("cannot be read", ({ storage }) => findEntries(storage, about), []);
  }

  stored(entry: CacheEntry): Promise<Set<number>> {
    return this.#try("cannot be read", () => entry.stored(), new Set<number>());
  }

  use(entry: CacheEntry): void {
    this.#entry = entry;
  }

  /** Opens an entry if there is room for what it lacks. */
  async open(about: Parameters<typeof openEntry>[1]): Promise<void> {
    this.#entry = await this.#try<CacheEntry | undefined>(
      "cannot be written",
      ({ storage }) => openEntry(storage, about),
      undefined,
    );
  }

  /** Says so and does without where the storage tells that the rest of the file does not fit. */
  async checkRoom(): Promise<void> {
    const { entry } = this;
    if (!entry) return;
    const free = await this.#try("cannot be read", async ({ storage }) => storage.free?.(), undefined);
    const needed = await this.#missingBytes(entry);
    if (free === undefined || free >= needed) return;
    this.#works = false;
    this.#warn(
      `${this.#name}: ${mebibytes(needed)} are needed and ${mebibytes(free)} are free; loading without a cache`,
    );
  }

  read(index: number): Promise<Uint8Array | undefined> {
    const { entry } = this;
    return this.#try("cannot be read", async () => entry?.read(index), undefined);
  }

  /** See `CacheEntry.begun`. */
  begun(index: number): Promise<Uint8Array | undefined> {
    const { entry } = this;
    return this.#try("cannot be read", async () => entry?.begun(index), undefined);
  }

  async write(index: number, bytes: Uint8Array): Promise<void> {
    const { entry } = this;
    if (entry) await this.#try("cannot be written", () => entry.write(index, bytes), undefined);
  }

  async markVerified(digests: readonly string[]): Promise<void> {
    const { entry } = this;
    if (entry) await this.#try("cannot be written", () => entry.markVerified(digests), undefined);
  }

  async remove(entry: CacheEntry): Promise<void> {
    await this.#try("cannot be cleared", () => entry.remove(), undefined);
    if (this.#entry === entry) this.#entry = undefined;
  }

  get #name(): string {
    return `cache (${this.#cache?.storage.name ?? "none"})`;
  }

  async #try<T>(problem: string, work: (cache: SourceCache) => Promise<T>, otherwise: T): Promise<T> {
    if (!this.#works || !this.#cache) return otherwise;
    try {
      return await work(this.#cache);
    } catch (error) {
      // A second failure under way at the same time says nothing new.
      if (!this.#works) return otherwise;
      this.#works = false;
      const reason = error instanceof Error ? error.message || error.name : String(error);
      const isFull = error instanceof Error && /quota|ENOSPC|EDQUOT/i.test(`${error.name} ${error.message}`);
      const needed =
        isFull && this.#entry ? `; ${mebibytes(await this.#missingBytes(this.#entry))} more are needed` : "";
      this.#warn(`${this.#name} ${problem}: ${reason.slice(0, 200)}${needed}; loading without a cache`);
      return otherwise;
    }
  }

  async #missingBytes(entry: CacheEntry): Promise<number> {
    const stored = await entry.stored().catch(() => new Set<number>());
    return Math.max(0, entry.size - stored.size * entry.blockBytes);
  }
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20)} MiB`;
}
