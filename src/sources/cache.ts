/**
 * Files kept for the next time as blocks that verify themselves: each is stored under its number with the SHA-256 of its
 * bytes before them. So a torn, interrupted or damaged block is none, whatever the storage promises, and several tabs or
 * processes may write the same one. Not here: storages (opfs.ts, cacheApi.ts, src/node/diskStorage.ts), when to use it.
 */
import { sha256Hex, sha256HexSync } from "./sha256.ts";

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
interface Entry {
  readonly format: 1;
  readonly url: string;
  readonly validator: string | null;
  readonly sha256: string | null;
  readonly size: number;
  readonly blockBytes: number;
  /** Digests of the blocks, once the whole was hashed and was what `sha256` says. */
  readonly digests: readonly string[] | null;
}

const entryName = "entry.json";
const digestBytes = 32;
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
      const entry = await this.#entry(id);
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

  /** Entries of an address, or of a hash wherever it came from. */
  async find({ url, sha256 }: { url: string; sha256: string | undefined }): Promise<CacheEntry[]> {
    const found: CacheEntry[] = [];
    for (const id of await this.storage.folders()) {
      const entry = await this.#entry(id);
      const isOurs = sha256 === undefined ? entry?.url === url && entry.sha256 === null : entry?.sha256 === sha256;
      if (entry && isOurs) found.push(new CacheEntry(this.storage, id, entry));
    }
    return found;
  }

  /** A new entry, or the one of the same content. */
  async open(about: {
    readonly url: string;
    readonly validator: string | undefined;
    readonly sha256: string | undefined;
    readonly size: number;
    readonly blockBytes: number;
  }): Promise<CacheEntry> {
    const { url, validator, sha256, size, blockBytes } = about;
    const key = JSON.stringify([sha256 ?? [url, validator], size, blockBytes]);
    const id = sha256HexSync(new TextEncoder().encode(key)).slice(0, 40);
    const known = await this.#entry(id);
    const entry = known ?? {
      ...({ format: 1, url, size, blockBytes, digests: null } as const),
      validator: validator ?? null,
      sha256: sha256 ?? null,
    };
    if (!known) await writeEntry(this.storage, id, entry);
    return new CacheEntry(this.storage, id, entry);
  }

  /** Undefined where it is damaged or of another version. */
  async #entry(id: string): Promise<Entry | undefined> {
    const bytes = await this.storage.read(id, entryName);
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
}

export class CacheEntry {
  readonly id: string;
  readonly validator: string | undefined;
  readonly size: number;
  readonly blockBytes: number;
  readonly #storage: BlockStorage;
  #entry: Entry;

  constructor(storage: BlockStorage, id: string, entry: Entry) {
    this.#storage = storage;
    this.#entry = entry;
    this.id = id;
    this.validator = entry.validator ?? undefined;
    this.size = entry.size;
    this.blockBytes = entry.blockBytes;
  }

  /** Of all blocks, if the whole was verified. */
  get digests(): readonly string[] | undefined {
    return this.#entry.digests ?? undefined;
  }

  get blockCount(): number {
    return Math.ceil(this.size / this.blockBytes);
  }

  /** A block whose digest is right, else undefined. */
  async read(index: number): Promise<Uint8Array | undefined> {
    const stored = await this.#storage.read(this.id, blockName(index));
    if (stored?.length !== digestBytes + this.#bytesOf(index)) return undefined;
    const bytes = stored.subarray(digestBytes);
    return (await sha256Hex(bytes)) === toHex(stored.subarray(0, digestBytes)) ? bytes : undefined;
  }

  async write(index: number, bytes: Uint8Array): Promise<void> {
    const stored = new Uint8Array(digestBytes + bytes.length);
    const digest = await sha256Hex(bytes);
    for (let i = 0; i < digestBytes; i++) stored[i] = Number.parseInt(digest.slice(2 * i, 2 * i + 2), 16);
    stored.set(bytes, digestBytes);
    await this.#storage.write(this.id, blockName(index), stored);
  }

  /** Blocks that are there in their full length; their digests are checked when they are read. */
  async stored(): Promise<Set<number>> {
    const sizes = new Map((await this.#storage.files(this.id)).map(({ name, size }) => [name, size]));
    const all = Array.from({ length: this.blockCount }, (_, index) => index);
    return new Set(all.filter((index) => sizes.get(blockName(index)) === digestBytes + this.#bytesOf(index)));
  }

  async markVerified(digests: readonly string[]): Promise<void> {
    this.#entry = { ...this.#entry, digests };
    await writeEntry(this.#storage, this.id, this.#entry);
  }

  async remove(): Promise<void> {
    await this.#storage.removeFolder(this.id);
  }

  #bytesOf(index: number): number {
    return Math.min(this.blockBytes, this.size - index * this.blockBytes);
  }
}

async function writeEntry(storage: BlockStorage, id: string, entry: Entry): Promise<void> {
  await storage.write(id, entryName, new TextEncoder().encode(JSON.stringify(entry)));
}

function blockName(index: number): string {
  return `block-${String(index).padStart(6, "0")}`;
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
