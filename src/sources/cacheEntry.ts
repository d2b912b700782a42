/**
 * A cached file as blocks that verify themselves: each is stored under its number with the SHA-256 of its bytes before
 * them. So a torn, interrupted or damaged block is none, whatever the storage promises, and several tabs or processes
 * may write the same one. Not here: what a cache holds (cache.ts).
 */
import { type BlockStorage, digestBytes, type Entry, entryName, readEntry } from "./cache.ts";
import { sha256Hex, sha256HexSync } from "./sha256.ts";

/** Entries of an address, or of a hash wherever it came from. */
export async function findEntries(
  storage: BlockStorage,
  { url, sha256 }: { url: string; sha256: string | undefined },
): Promise<CacheEntry[]> {
  const found: CacheEntry[] = [];
  for (const id of await storage.folders()) {
    const entry = await readEntry(storage, id);
    const isOurs = sha256 === undefined ? entry?.url === url && entry.sha256 === null : entry?.sha256 === sha256;
    if (entry && isOurs) found.push(new CacheEntry(storage, id, entry));
  }
  return found;
}

/** A new entry, or the one of the same content. */
export async function openEntry(
  storage: BlockStorage,
  about: {
    readonly url: string;
    readonly validator: string | undefined;
    readonly sha256: string | undefined;
    readonly size: number;
    readonly blockBytes: number;
  },
): Promise<CacheEntry> {
  const { url, validator, sha256, size, blockBytes } = about;
  const key = JSON.stringify([sha256 ?? [url, validator], size, blockBytes]);
  const id = sha256HexSync(new TextEncoder().encode(key)).slice(0, 40);
  const known = await readEntry(storage, id);
  const entry = known ?? {
    ...({ format: 1, url, size, blockBytes, digests: null } as const),
    validator: validator ?? null,
    sha256: sha256 ?? null,
  };
  if (!known) await writeEntry(storage, id, entry);
  return new CacheEntry(storage, id, entry);
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
    const bytes = await this.#sound(index);
    return bytes?.length === this.#bytesOf(index) ? bytes : undefined;
  }

  /** The first bytes of a block that was ended before it was whole, written under its own name. */
  async begun(index: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#sound(index);
    return bytes && bytes.length > 0 && bytes.length < this.#bytesOf(index) ? bytes : undefined;
  }

  async #sound(index: number): Promise<Uint8Array | undefined> {
    const stored = await this.#storage.read(this.id, blockName(index));
    const bytes = stored?.subarray(digestBytes);
    return bytes && (await sha256Hex(bytes)) === toHex(stored!.subarray(0, digestBytes)) ? bytes : undefined;
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
