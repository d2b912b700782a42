/**
 * Files kept for the next time: what is in a cache, and how much. Not here: their blocks (cacheEntry.ts, loaded with
 * the first download), storages (opfs.ts, cacheApi.ts, src/node/diskStorage.ts), when to use it.
 */
/** Named byte strings in named folders. Names are of [a-z0-9.-]. All may reject; the cache then does without. */
export interface BlockStorage {
  /** "OPFS": for messages. */
  readonly name: string;
  read(folder: string, name: string): Promise<Uint8Array | undefined>;
  /** Best as a whole or not at all; what is torn is found out when it is read. */
  write(folder: string, name: string, bytes: Uint8Array): Promise<void>;
  folders(): Promise<string[]>;
  /** Names and sizes in bytes. */
  files(folder: string): Promise<{ name: string; size: number }[]>;
  removeFolder(folder: string): Promise<void>;
  /** Bytes that can still be written; undefined where that is not known. */
  free?(): Promise<number | undefined>;
}

export interface CachedFile {
  readonly id: string;
  readonly url: string;
  /** In bytes, of the whole file; `storedBytes` of it are here. */
  readonly size: number;
  readonly storedBytes: number;
  readonly complete: boolean;
}

/** What an entry says of itself. */
export interface Entry {
  readonly format: 1;
  readonly url: string;
  readonly validator: string | null;
  readonly sha256: string | null;
  readonly size: number;
  readonly blockBytes: number;
  /** Digests of the blocks, once the whole was hashed and was what `sha256` says. */
  readonly digests: readonly string[] | null;
}

export const entryName = "entry.json";
export const digestBytes = 32;
/** Their numbers have six digits. */
const mostBlocks = 1_000_000;

export class SourceCache {
  readonly storage: BlockStorage;

  constructor(storage: BlockStorage) {
    this.storage = storage;
  }

  /** What is in it, damaged entries left out. Rejects where the storage does. */
  async list(): Promise<CachedFile[]> {
    const found: CachedFile[] = [];
    for (const id of await this.storage.folders()) {
      const entry = await readEntry(this.storage, id);
      if (!entry) continue;
      const blocks = (await this.storage.files(id)).filter(({ name }) => /^block-\d+$/.test(name));
      const stored = blocks.reduce((sum, { size }) => sum + Math.max(0, size - digestBytes), 0);
      found.push({
        id,
        url: entry.url,
        size: entry.size,
        storedBytes: stored,
        complete: stored === entry.size && blocks.length === Math.ceil(entry.size / entry.blockBytes),
      });
    }
    return found;
  }

  async remove(id: string): Promise<void> {
    await this.storage.removeFolder(id);
  }

  /** Everything, damaged entries too. */
  async clear(): Promise<void> {
    for (const id of await this.storage.folders()) await this.storage.removeFolder(id);
  }

  async usedBytes(): Promise<number> {
    let sum = 0;
    for (const id of await this.storage.folders()) for (const { size } of await this.storage.files(id)) sum += size;
    return sum;
  }
}

/** Undefined where it is damaged or of another version. */
export async function readEntry(storage: BlockStorage, id: string): Promise<Entry | undefined> {
  const bytes = await storage.read(id, entryName);
  try {
    const entry = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Entry> | null;
    const isEntry =
      entry?.format === 1 &&
      typeof entry.url === "string" &&
      [entry.size, entry.blockBytes].every((n) => Number.isSafeInteger(n) && n! >= 0) &&
      entry.blockBytes! > 0 &&
      entry.size! / entry.blockBytes! < mostBlocks &&
      (entry.digests === null || entry.digests?.length === Math.ceil(entry.size! / entry.blockBytes!));
    return isEntry ? (entry as Entry) : undefined;
  } catch {
    return undefined;
  }
}
