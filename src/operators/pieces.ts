/**
 * Cuts a dispatch that would be too long for a watchdog into several.
 */
import type { Bindings, Kernel, Parameters, ParameterValues, Variant } from "../engine/kernel.ts";
import type { DispatchOptions, PlanBuilder } from "../engine/plan.ts";
import { pieceParameters } from "../shaders/lib/pieces.ts";

/** Workgroups of four threads are a processor's. */
const processorWorkgroup = 4;

/** Multiply-adds of a dispatch: some 0.2 s on two slow cores, or on a phone's GPU. */
const mostMacs = (workgroupSize: number) => (workgroupSize === processorWorkgroup ? 5e8 : 2e10);

/** How long a kernel is at it. */
export interface Length {
  /** Of the kernel's workgroups, in threads. */
  readonly workgroupSize: number;
  /** Multiply-adds that are computed, where that is not the `macs` that count. */
  readonly work?: number;
}

/** Adds equal dispatches of a kernel that are short enough each; `parameters` are those of the whole. */
export function dispatchInPieces<B extends Bindings, P extends Parameters & typeof pieceParameters, V extends Variant>(
  builder: PlanBuilder,
  kernel: Kernel<B, P, V>,
  options: Omit<DispatchOptions<B, P, V>, "parameters"> & { parameters: ParameterValues<P>; macs: number },
  { workgroupSize, work = options.macs }: Length,
): void {
  const workgroups = kernel.workgroups(options.parameters, options.variant);
  const each = Math.ceil(workgroups / Math.ceil(work / mostMacs(workgroupSize)));
  if (each === workgroups) return builder.dispatch(kernel, options);
  for (let firstGroup = 0; firstGroup < workgroups; firstGroup += each) {
    const groups = Math.min(each, workgroups - firstGroup);
    const parameters = { ...options.parameters, firstGroup, groups };
    builder.dispatch(kernel, { ...options, parameters, macs: options.macs * (groups / workgroups) });
  }
}
