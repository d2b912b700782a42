/**
 * How accumulators leave a thread: a loop that stores a few of them and moves the others up, because a store for each
 * would compile for seconds on software adapters, and an array with a computed index would be a load each.
 */
import { unroll } from "../../engine/wgsl.ts";

export interface Drain {
  /** What a thread holds: pixels or tiles. */
  readonly count: number;
  /** Accumulators of each. */
  readonly vectors: number;
  /** Statements that store what the accumulators of `slot` hold; they see its number as `p`. */
  readonly store: (slot: number) => string;
  /** Statements that copy the accumulators of one slot to another. */
  readonly move: (to: number, from: number) => string;
}

/** An iteration unrolls at most so many stores: with 64 SwiftShader compiles for minutes. */
const mostStores = 16;

export function drain({ count, vectors, store, move }: Drain): string {
  const step = [4, 2].find((size) => count % size === 0 && size * vectors <= mostStores) ?? 1;
  return `
  for (var first = 0u; first < ${count}u; first += ${step}u) {
${unroll(
  step,
  (slot) => `    {
      let p = first + ${slot}u;
${store(slot)}
    }`,
)}
${unroll(count - step, (slot) => move(slot, slot + step))}
  }`;
}
