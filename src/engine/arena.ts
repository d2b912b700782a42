/**
 * Lifetimes become offsets: temporary tensors of a plan share a few large buffers (arenas). Pure: no device.
 *
 * WebGPU forbids one dispatch to use a buffer both read-only and writable, whatever the ranges, so a tensor that a
 * dispatch writes never lies in an arena that the same dispatch reads from. Within an arena the placement is first
 * fit at the lowest offset that is free for the tensor's whole lifetime, in order of falling size.
 */
import { OutOfMemoryError } from "../errors.ts";
import { accesses, type Plan } from "./plan.ts";
import { byteLength, type Tensor } from "./tensor.ts";

export interface ArenaLimits {
  /** Largest range that one binding may cover, bytes. */
  readonly maxStorageBufferBindingSize: number;
  /** Largest buffer, bytes. */
  readonly maxBufferSize: number;
  /** Offsets of bindings are multiples of this, bytes. */
  readonly minStorageBufferOffsetAlignment: number;
}

interface Placement {
  readonly arena: number;
  readonly offset: number;
  readonly size: number;
}

export interface ArenaPlan {
  /** Bytes of each arena. */
  readonly sizes: readonly number[];
  readonly placements: ReadonlyMap<Tensor, Placement>;
}

export interface Lifetime {
  readonly tensor: Tensor;
  /** Indices of the first and the last dispatch that touch the tensor, both inclusive. */
  readonly first: number;
  readonly last: number;
}

/** Lifetimes of the temporary tensors, in order of first use. */
export function lifetimes(plan: Plan): Lifetime[] {
  const found = new Map<Tensor, { tensor: Tensor; first: number; last: number }>();
  for (const [index, dispatch] of plan.dispatches.entries()) {
    for (const tensor of Object.values(dispatch.tensors)) {
      if (tensor?.place !== "temporary") continue;
      const known = found.get(tensor);
      if (known) known.last = index;
      else found.set(tensor, { tensor, first: index, last: index });
    }
  }
  return [...found.values()];
}

/**
 * Places every temporary tensor of a plan.
 * @throws OutOfMemoryError naming a tensor that is larger than one binding may be
 */
export function planArenas(plan: Plan, limits: ArenaLimits): ArenaPlan {
  const conflicts = writeConflicts(plan);
  const sizes: number[] = [];
  const placements = new Map<Tensor, Placement>();
  const placed: (Lifetime & Placement)[] = [];
  const bySize = lifetimes(plan).sort((a, b) => byteLength(b.tensor) - byteLength(a.tensor) || a.first - b.first);
  for (const life of bySize) {
    const bytes = byteLength(life.tensor);
    if (bytes > limits.maxStorageBufferBindingSize)
      throw new OutOfMemoryError(
        `${life.tensor.name} needs ${bytes} bytes in one binding and this adapter binds at most ` +
          `${limits.maxStorageBufferBindingSize}: use a smaller batch or image, or f16`,
      );
    const size = Math.ceil(bytes / limits.minStorageBufferOffsetAlignment) * limits.minStorageBufferOffsetAlignment;
    const forbidden = new Set(
      [...(conflicts.get(life.tensor) ?? [])]
        .map((other) => placements.get(other)?.arena)
        .filter((a) => a !== undefined),
    );
    // The arena that grows least; a new one (which grows by the whole size) only when no other is allowed.
    let best: Placement & { growth: number } = { arena: sizes.length, offset: 0, size, growth: Infinity };
    for (const [arena, arenaSize] of sizes.entries()) {
      if (forbidden.has(arena)) continue;
      const offset = lowestFreeOffset(placed, arena, life, size);
      if (offset + size > limits.maxBufferSize) continue;
      const growth = Math.max(0, offset + size - arenaSize);
      if (growth < best.growth) best = { arena, offset, size, growth };
    }
    sizes[best.arena] = Math.max(sizes[best.arena] ?? 0, best.offset + size);
    const placement = { arena: best.arena, offset: best.offset, size };
    placements.set(life.tensor, placement);
    placed.push({ ...life, ...placement });
  }
  return { sizes, placements };
}

/** For each tensor, those that must not share its arena: one is written by a dispatch that reads the other. */
function writeConflicts(plan: Plan): Map<Tensor, Set<Tensor>> {
  const conflicts = new Map<Tensor, Set<Tensor>>();
  const add = (a: Tensor, b: Tensor) => conflicts.set(a, (conflicts.get(a) ?? new Set()).add(b));
  for (const dispatch of plan.dispatches) {
    const { reads, writes } = accesses(dispatch);
    for (const written of writes) {
      for (const readTensor of reads) {
        if (readTensor === written) continue;
        add(written, readTensor);
        add(readTensor, written);
      }
    }
  }
  return conflicts;
}

function lowestFreeOffset(
  placed: readonly (Lifetime & Placement)[],
  arena: number,
  life: Lifetime,
  size: number,
): number {
  const busy = placed
    .filter((other) => other.arena === arena && other.first <= life.last && life.first <= other.last)
    .sort((a, b) => a.offset - b.offset);
  let offset = 0;
  for (const other of busy) {
    if (offset + size <= other.offset) break;
    offset = Math.max(offset, other.offset + other.size);
  }
  return offset;
}
