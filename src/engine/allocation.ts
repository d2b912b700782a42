/**
 * What an executor allocates for a plan. Pure: the executor makes these buffers, a memory plan adds up their bytes.
 */
import { planArenas, type ArenaLimits, type ArenaPlan } from "./arena.ts";
import { parameterBytes } from "./kernel.ts";
import type { Dispatch, Plan } from "./plan.ts";
import { byteLength, type Tensor } from "./tensor.ts";

/** Those of a device's limits that decide it. */
export interface AllocationLimits extends ArenaLimits {
  /** Offsets of rows of parameters are multiples of this, bytes. */
  readonly minUniformBufferOffsetAlignment: number;
}

interface PlanAllocation {
  /** One buffer for each arena. */
  readonly arenas: ArenaPlan;
  /** What the plan's preparation writes: one buffer for each. */
  readonly constants: readonly Tensor[];
  /** One buffer for the parameters of all dispatches. */
  readonly parameters: ParameterLayout;
}

/** Where the rows of parameters of all dispatches lie in their buffer. */
export interface ParameterLayout {
  /** By dispatch and row, bytes; none where a kernel has no parameters. */
  readonly offsets: readonly (readonly number[])[];
  readonly bytes: number;
}

/** @throws OutOfMemoryError naming a tensor that is larger than one binding may be */
export function planAllocation(plan: Plan, limits: AllocationLimits): PlanAllocation {
  return {
    arenas: planArenas(plan, limits),
    constants: plan.tensors.filter(({ place }) => place === "constant"),
    parameters: layOutParameters(plan.dispatches, limits.minUniformBufferOffsetAlignment),
  };
}

function layOutParameters(dispatches: readonly Dispatch[], alignment: number): ParameterLayout {
  let bytes = 0;
  const offsets = dispatches.map(({ kernel, rows }) => {
    const size = Math.ceil(parameterBytes(kernel) / alignment) * alignment;
    if (size === 0) return [];
    return rows.map(() => (bytes += size) - size);
  });
  return { offsets, bytes };
}

/** Bytes of the buffer that is made for so many: whole vec4s, and at least one. */
export const bufferBytes = (bytes: number): number => Math.max(16, Math.ceil(bytes / 16) * 16);

/** Bytes of all buffers of an allocation. */
export function allocatedBytes({ arenas, constants, parameters }: PlanAllocation): number {
  const sizes = [...arenas.sizes, ...constants.map(byteLength), parameters.bytes];
  return sizes.reduce((sum, bytes) => sum + bufferBytes(bytes), 0);
}
