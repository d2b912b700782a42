/**
 * Random reads of any size over a source that comes in blocks: a few blocks stay in memory, readers of one block share
 * its loading, and sequential readers find the next block under way. Not here: where blocks come from (urlSource.ts).
 */
import type { ByteSource } from "../files/bytes.ts";

export interface Blocks {
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  readonly blockBytes: number;
  /** The whole block, the last one shorter. */
  load(index: number): Promise<Uint8Array>;
}

/** Kept in memory at most, beside what readers hold; at least two blocks. */
const windowBytes = 32 * 2 ** 20;
/** At once: one that is needed and one ahead. */
const mostLoads = 2;

export class BlockReader implements ByteSource {
  readonly name: string;
  readonly size: number;
  readonly #blocks: Blocks;
  readonly #kept = new Map<number, Promise<Uint8Array>>();
  readonly #waiting: (() => void)[] = [];
  #loads = 0;
  #last = -1;
  #closed = false;

  constructor(blocks: Blocks) {
    this.name = blocks.name;
    this.size = blocks.size;
    this.#blocks = blocks;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const { blockBytes } = this.#blocks;
    const end = Math.min(offset + length, this.size);
    const bytes = new Uint8Array(Math.max(0, end - offset));
    for (let at = offset; at < end;) {
      const index = Math.floor(at / blockBytes);
      const block = await this.#need(index);
      const part = block.subarray(at - index * blockBytes, end - index * blockBytes);
      bytes.set(part, at - offset);
      at += part.length;
    }
    return bytes;
  }

  /** Nothing new is loaded ahead afterwards. */
  close(): void {
    this.#closed = true;
    this.#kept.clear();
  }

  #need(index: number): Promise<Uint8Array> {
    const block = this.#get(index);
    const next = index + 1;
    // Ahead only of those who read forwards: a jump to a zip's directory has nothing behind it.
    if (next === this.#last + 2 && !this.#closed && next * this.#blocks.blockBytes < this.size)
      this.#get(next).catch(() => undefined); // whoever needs it tries again and hears of it
    this.#last = index;
    return block;
  }

  #get(index: number): Promise<Uint8Array> {
    const kept = this.#kept.get(index);
    // Deleted and set again: a Map is ordered, so its first key is the one that was used longest ago.
    this.#kept.delete(index);
    const block = kept ?? this.#load(index);
    this.#kept.set(index, block);
    const most = Math.max(2, Math.floor(windowBytes / this.#blocks.blockBytes));
    if (this.#kept.size > most) this.#kept.delete(this.#kept.keys().next().value!);
    return block;
  }

  async #load(index: number): Promise<Uint8Array> {
    if (this.#loads >= mostLoads) await new Promise<void>((turn) => this.#waiting.push(turn));
    else this.#loads++;
    try {
      return await this.#blocks.load(index);
    } catch (error) {
      this.#kept.delete(index);
      throw error;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#loads--;
    }
  }
}
