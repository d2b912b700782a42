/**
 * What a CPU twin is: the definition of its kernel in naive loops and float64, typed by the kernel's own bindings,
 * parameters and variant, so that a twin cannot drift from its kernel unseen. Never optimised.
 */
import type { Bindings, BindingValues, Kernel, Parameters, ParameterValues, Variant } from "../../src/engine/kernel.ts";

/** What a kernel does not only write. */
type Inputs<B extends Bindings> = { [K in keyof B as B[K] extends { access: "write" } ? never : K]: B[K] };

type Written<B extends Bindings> = { [K in keyof B]: B[K] extends { access: "read" } ? never : K }[keyof B];

export type TwinOf<K> =
  K extends Kernel<infer B extends Bindings, infer P extends Parameters, infer V extends Variant>
    ? (call: {
        readonly tensors: BindingValues<Inputs<B>, Float64Array>;
        readonly parameters: ParameterValues<P>;
        readonly variant: V;
      }) => { readonly [W in Written<B>]: Float64Array }
    : never;

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
export const siluGradient = (x: number): number => sigmoid(x) * (1 + x * (1 - sigmoid(x)));
