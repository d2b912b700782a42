/**
 * Cuts a dispatch that would run too long for a driver's watchdog into several.
 */
import type { Bindings, Kernel, Parameters, ParameterValues, Variant } from "../engine/kernel.ts";
import type { DispatchOptions, PlanBuilder } from "../engine/plan.ts";
import { pieceParameters } from "../shaders/lib/pieces.ts";

/** Threads of a workgroup in variants for processors. */
const processorWorkgroup = 4;

/** Multiply-adds of one dispatch at most: some 0.2 s on two slow cores, or on a phone's GPU. */
const mostMacs = (workgroupSize: number) => (workgroupSize === processorWorkgroup ? 5e8 : 2e10);

/** How much work one dispatch has, for cutting it. */
interface DispatchWork {
  /** Threads of a workgroup. */
  readonly workgroupSize: number;
  /** Multiply-adds that are computed, where that is not the `macs` that count. */
  readonly work?: number;
}

/** Adds equal dispatches of a kernel that are short enough each; `parameters` are those of the whole. */
export function dispatchInPieces<B extends Bindings, P extends Parameters & typeof pieceParameters, V extends Variant>(
  builder: PlanBuilder,
  kernel: Kernel<B, P, V>,
  options: Omit<DispatchOptions<B, P, V>, "parameters"> & { parameters: ParameterValues<P>; macs: number },
  { workgroupSize, work = options.macs }: DispatchWork,
): void {
  const workgroups = kernel.workgroups(options.parameters, options.variant);
  const each = Math.ceil(workgroups / Math.ceil(work / mostMacs(workgroupSize)));
  if (each === workgroups) return void builder.dispatch(kernel, options);
  for (let firstGroup = 0; firstGroup < workgroups; firstGroup += each) {
    const groups = Math.min(each, workgroups - firstGroup);
    const parameters = { ...options.parameters, firstGroup, groups };
    builder.dispatch(kernel, { ...options, parameters, macs: options.macs * (groups / workgroups) });
  }
}
