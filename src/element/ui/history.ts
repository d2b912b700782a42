/**
 * Undo and redo of a mask without a limit that matters: what a step changed is kept as tiles of one bit a pixel, so
 * that a stroke costs what it touched. Not here: what a step is (tools.ts).
 */
import { union, type Box } from "../../pictures/holes.ts";
import type { FillMask } from "./maskOperations.ts";

const side = 64;

interface Step {
  readonly label: string;
  /** By tile: its other state, the one before the step or, once it is undone, the one after. */
  readonly tiles: Map<number, Uint8Array>;
}

/** What an undo or redo did. */
export interface Restored {
  readonly label: string;
  /** What may have changed. */
  readonly box: Box;
}

export class MaskHistory {
  readonly #mask: FillMask;
  readonly #columns: number;
  readonly #undone: Step[] = [];
  readonly #done: Step[] = [];
  #open = new Map<number, Uint8Array>();

  constructor(mask: FillMask) {
    this.#mask = mask;
    this.#columns = Math.ceil(mask.width / side);
  }

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** What was undone cannot be redone any more. */
  forgetUndone(): void {
    this.#undone.length = 0;
  }

  /** To be said before anything inside the box is changed. */
  touch({ x, y, width, height }: Box): void {
    if (width === 0 || height === 0) return;
    for (let row = Math.floor(y / side); row * side < y + height; row++)
      for (let column = Math.floor(x / side); column * side < x + width; column++) {
        const tile = row * this.#columns + column;
        if (!this.#open.has(tile)) this.#open.set(tile, this.#pack(tile));
      }
  }

  /** Ends the step that is under way. False where it changed nothing. */
  commit(label: string): boolean {
    const tiles = this.#open;
    this.#open = new Map();
    for (const [tile, before] of tiles) if (same(before, this.#pack(tile))) tiles.delete(tile);
    if (tiles.size === 0) return false;
    this.#done.push({ label, tiles });
    this.forgetUndone();
    return true;
  }

  /** Takes back the step that is under way. What it had touched is returned. */
  rollback(): Box | undefined {
    const tiles = this.#open;
    this.#open = new Map();
    return tiles.size === 0 ? undefined : this.#swap({ label: "", tiles }).box;
  }

  undo(): Restored | undefined {
    return this.#move(this.#done, this.#undone);
  }

  redo(): Restored | undefined {
    return this.#move(this.#undone, this.#done);
  }

  /** Bytes of all that is kept. */
  get usedBytes(): number {
    const steps = [...this.#done, ...this.#undone].flatMap(({ tiles }) => [...tiles.values()]);
    return steps.reduce((sum, tile) => sum + tile.length, 0);
  }

  #move(from: Step[], to: Step[]): Restored | undefined {
    const step = from.pop();
    if (!step) return undefined;
    to.push(step);
    return this.#swap(step);
  }

  #swap({ label, tiles }: Step): Restored {
    let box: Box | undefined;
    for (const [tile, other] of tiles) {
      tiles.set(tile, this.#pack(tile));
      this.#unpack(tile, other);
      const own = this.#box(tile);
      box = box ? union(box, own) : own;
    }
    return { label, box: box! };
  }

  #box(tile: number): Box {
    const [x, y] = [(tile % this.#columns) * side, Math.floor(tile / this.#columns) * side];
    const { width, height } = this.#mask;
    return { x, y, width: Math.min(side, width - x), height: Math.min(side, height - y) };
  }

  #pack(tile: number): Uint8Array {
    const box = this.#box(tile);
    const bits = new Uint8Array((box.width * box.height + 7) >> 3);
    this.#each(box, (at, i) => (bits[i >> 3]! |= this.#mask.data[at]! << (i & 7)));
    return bits;
  }

  #unpack(tile: number, bits: Uint8Array): void {
    this.#each(this.#box(tile), (at, i) => (this.#mask.data[at] = (bits[i >> 3]! >> (i & 7)) & 1));
  }

  #each(box: Box, visit: (at: number, i: number) => void): void {
    let i = 0;
    for (let y = box.y; y < box.y + box.height; y++)
      for (let x = box.x; x < box.x + box.width; x++) visit(y * this.#mask.width + x, i++);
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((value, i) => value === b[i]);
}
