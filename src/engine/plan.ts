/**
 * A plan is data: tensors and a static list of dispatches over them. Nothing here touches a device; the executor
 * alone encodes commands.
 */
import { InputError } from "../errors.ts";
import { elementCount, type DType, type Tensor } from "./tensor.ts";
import type { Bindings, BindingValues, Kernel, Parameters, ParameterValues, Variant } from "./kernel.ts";

export interface Dispatch {
  readonly kernel: Kernel;
  readonly variant: Variant;
  readonly tensors: Readonly<Record<string, Tensor | undefined>>;
  /** One row for a dispatch that is the same at every run; several for one that takes the row of the run (`encode`). */
  readonly rows: readonly Readonly<Record<string, number>>[];
  /** Where in the network this is: shown by the profiler and in errors, beside the kernel's name. */
  readonly label: string;
  /** Multiply-adds, for splitting long work into submissions and for the benchmark. */
  readonly macs: number;
}

export interface Plan {
  readonly tensors: readonly Tensor[];
  /** Run once, before the first run: it writes the constant tensors. */
  readonly preparation: readonly Dispatch[];
  readonly dispatches: readonly Dispatch[];
}

export interface DispatchOptions<B extends Bindings, P extends Parameters, V extends Variant> {
  readonly tensors: BindingValues<B, Tensor>;
  readonly parameters: ParameterValues<P> | readonly ParameterValues<P>[];
  readonly variant: V;
  readonly label?: string;
  readonly macs?: number;
}

/** Collects tensors and dispatches in execution order. */
export class PlanBuilder {
  readonly #tensors: Tensor[] = [];
  readonly #preparation: Dispatch[] = [];
  readonly #dispatches: Dispatch[] = [];

  temporary(name: string, dtype: DType, shape: readonly number[]): Tensor {
    return this.#add({ name, dtype, shape, place: "temporary" });
  }

  external(name: string, dtype: DType, shape: readonly number[]): Tensor {
    return this.#add({ name, dtype, shape, place: "external" });
  }

  constant(name: string, dtype: DType, shape: readonly number[]): Tensor {
    return this.#add({ name, dtype, shape, place: "constant" });
  }

  /** Takes over a tensor of another plan: an external one that both share. */
  share(tensor: Tensor): Tensor {
    if (tensor.place !== "external")
      throw new InputError(`${tensor.name}: only external tensors can be shared by plans`);
    if (!this.#tensors.includes(tensor)) this.#tensors.push(tensor);
    return tensor;
  }

  dispatch<B extends Bindings, P extends Parameters, V extends Variant>(
    kernel: Kernel<B, P, V>,
    options: DispatchOptions<B, P, V>,
  ): Dispatch {
    const dispatch = dispatchOf(kernel, options);
    this.#dispatches.push(dispatch);
    return dispatch;
  }

  /** A dispatch from external to constant tensors, run once before all others. */
  prepare<B extends Bindings, P extends Parameters, V extends Variant>(
    kernel: Kernel<B, P, V>,
    options: DispatchOptions<B, P, V>,
  ): void {
    this.#preparation.push(dispatchOf(kernel, options));
  }

  finish(): Plan {
    const [preparation, dispatches] = [this.#preparation, this.#dispatches];
    const used = new Set([...preparation, ...dispatches].flatMap(({ tensors }) => Object.values(tensors)));
    return { tensors: this.#tensors.filter((tensor) => used.has(tensor)), preparation, dispatches };
  }

  #add(tensor: Tensor): Tensor {
    if (!(elementCount(tensor.shape) > 0))
      throw new InputError(`${tensor.name}: a tensor needs elements, got [${tensor.shape}]`);
    this.#tensors.push(tensor);
    return tensor;
  }
}

function dispatchOf<B extends Bindings, P extends Parameters, V extends Variant>(
  kernel: Kernel<B, P, V>,
  { tensors, parameters, variant, label = kernel.name, macs = 0 }: DispatchOptions<B, P, V>,
): Dispatch {
  const rows = Array.isArray(parameters) ? parameters : [parameters];
  return { kernel: kernel as unknown as Kernel, variant, tensors, rows, label, macs };
}

/** Which tensors a dispatch reads and which it writes (a readWrite binding is in both). */
export function accesses(dispatch: Dispatch): { reads: Tensor[]; writes: Tensor[] } {
  const reads: Tensor[] = [];
  const writes: Tensor[] = [];
  for (const [name, tensor] of Object.entries(dispatch.tensors)) {
    if (!tensor) continue;
    const access = dispatch.kernel.bindings[name]?.access;
    if (access !== "write") reads.push(tensor);
    if (access !== "read") writes.push(tensor);
  }
  return { reads, writes };
}
