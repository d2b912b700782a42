/**
 * What a kernel is: bindings and parameters declared once, from which the WGSL header, the bind group layout and the
 * packing of the uniform block are generated. Not here: pipelines (`pipelines.ts`) and who runs what (`plan.ts`).
 *
 * A *variant* changes the text of a kernel, a *parameter* changes numbers. Workgroups are counted in one dimension;
 * the executor folds large counts into two, which may be a few more workgroups than were asked for, and
 * `workgroupIndex` in the header unfolds them. A kernel that does not call it is refused where a count is folded.
 */
import { InputError } from "../errors.ts";
import { wgsl } from "./wgsl.ts";
import type { DType } from "./tensor.ts";

/** vec4: the tensor as vec4<f32> through `load_NAME`/`store_NAME`; scalar: an array of its own element type. */
export interface Binding {
  readonly access: "read" | "write" | "readWrite";
  readonly view: "vec4" | "scalar";
  readonly optional?: boolean;
}

export const read = { access: "read", view: "vec4" } as const;
export const readOptional = { access: "read", view: "vec4", optional: true } as const;
export const readScalar = { access: "read", view: "scalar" } as const;
export const readScalarOptional = { access: "read", view: "scalar", optional: true } as const;
export const write = { access: "write", view: "vec4" } as const;
export const readWrite = { access: "readWrite", view: "vec4" } as const;

type ParameterType = "u32" | "i32" | "f32";
export type Bindings = Readonly<Record<string, Binding>>;
export type Parameters = Readonly<Record<string, ParameterType>>;
export type Variant = Readonly<Record<string, string | number | boolean>>;

/** What a kernel's text may depend on, besides its variant. */
interface SourceContext<B extends Bindings> {
  /** Enables, bindings, parameter block and load/store helpers. Goes first. */
  readonly header: string;
  /** Whether an optional binding was given. */
  readonly has: { readonly [K in keyof B]: boolean };
}

export interface Kernel<B extends Bindings = Bindings, P extends Parameters = Parameters, V extends Variant = Variant> {
  readonly name: string;
  readonly bindings: B;
  readonly parameters: P;
  /** Language features that a variant's text needs; whoever chooses the variant checks that the device has them. */
  features?(variant: V): readonly ("subgroups" | "chromium_experimental_subgroup_matrix")[];
  /** Number of workgroups of one dispatch. */
  workgroups(parameters: ParameterValues<P>, variant: V): number;
  source(context: SourceContext<B>, variant: V): string;
}

export type ParameterValues<P extends Parameters> = { readonly [K in keyof P]: number };

type OptionalNames<B extends Bindings> = {
  [K in keyof B]: B[K] extends { optional: true } ? K : never;
}[keyof B];

/** One `T` for each required binding, and possibly one for each optional one. */
export type BindingValues<B extends Bindings, T> = {
  readonly [K in Exclude<keyof B, OptionalNames<B>>]: T;
} & { readonly [K in OptionalNames<B>]?: T | undefined };

/** Curried so that the variant's type is given and those of bindings and parameters are inferred. */
export function defineKernel<V extends Variant = Record<never, never>>() {
  return <const B extends Bindings, const P extends Parameters>(kernel: Kernel<B, P, V>): Kernel<B, P, V> => kernel;
}

/** How f16 tensors are read: natively where the adapter has shader-f16, else as packed pairs (core WGSL). */
export type HalfMode = "native" | "packed";

/** The bindings of a dispatch in declaration order; optional ones that were not given are left out. */
export function presentBindings(
  kernel: Kernel,
  types: Readonly<Record<string, DType | undefined>>,
): { name: string; binding: Binding; dtype: DType }[] {
  return Object.entries(kernel.bindings).flatMap(([name, binding]) => {
    const dtype = types[name];
    if (dtype !== undefined) return [{ name, binding, dtype }];
    if (binding.optional) return [];
    throw new InputError(`${kernel.name}: binding ${name} is required and was not given`);
  });
}

/** Renders a kernel's whole WGSL text, which is also its identity in the pipeline cache. */
export function renderKernel(
  kernel: Kernel,
  variant: Variant,
  types: Readonly<Record<string, DType | undefined>>,
  half: HalfMode,
): string {
  const present = presentBindings(kernel, types);
  const has = Object.fromEntries(Object.keys(kernel.bindings).map((name) => [name, types[name] !== undefined]));
  return kernel.source({ header: header(kernel, present, half, variant), has }, variant);
}

function header(kernel: Kernel, present: ReturnType<typeof presentBindings>, half: HalfMode, variant: Variant): string {
  const native = half === "native" && present.some(({ dtype }) => dtype === "f16");
  const declarations = present.map(({ name, binding, dtype }, index) => {
    const access = binding.access === "read" ? "read" : "read_write";
    const vec4 = vec4s[dtype][half];
    const element = binding.view === "vec4" ? vec4.element : scalarElement(kernel, name, dtype, half);
    const lines = [`@group(0) @binding(${index}) var<storage, ${access}> ${name}: array<${element}>;`];
    if (binding.view === "vec4") lines.push(...vec4Access(name, binding, vec4));
    return lines.join("\n");
  });
  const parameters = Object.entries(kernel.parameters);
  return wgsl`// ${kernel.name}
#if ${native}
enable f16;
#endif
${(kernel.features?.(variant) ?? []).map((feature) => `enable ${feature};`).join("\n")}
${declarations.join("\n")}
#if ${parameters.length > 0}
struct Parameters {
${parameters.map(([name, type]) => `  ${name}: ${type},`).join("\n")}
}
@group(0) @binding(${present.length}) var<uniform> parameters: Parameters;
#endif
fn workgroupIndex(id: vec3<u32>, count: vec3<u32>) -> u32 { return id.x + id.y * count.x; }
`;
}

/** A type's vec4 in a storage buffer; whoever has no `load` is read as it is. */
interface Vec4 {
  readonly element: string;
  /** f32 of the element that an expression gives. */
  readonly load?: (element: string) => string;
  /** The element of `value`, in f32. */
  readonly store?: string;
}

// What overflows f16 becomes an infinity in f32 first: conversions of what is too large give infinity, NaN or the
// largest number, as an adapter likes. So a network that f16 cannot hold is told (repaint/finiteWatch.ts).
const overflowing = "select(value, value * 3e38, abs(value) >= vec4<f32>(65520.0))";
const vec4F32: Vec4 = { element: "vec4<f32>", load: (element) => element, store: "value" };
const vec4U32: Vec4 = { element: "vec4<u32>" };

/** What kernels read of each type; a new one does not compile until it stands here. */
const vec4s: Readonly<Record<DType, Readonly<Record<HalfMode, Vec4>>>> = {
  f32: { native: vec4F32, packed: vec4F32 },
  f16: {
    native: { element: "vec4<f16>", load: (element) => `vec4<f32>(${element})`, store: `vec4<f16>(${overflowing})` },
    packed: {
      element: "vec2<u32>",
      load: (element) => `vec4<f32>(unpack2x16float(${element}.x), unpack2x16float(${element}.y))`,
      store: `vec2<u32>(pack2x16float(${overflowing}.xy), pack2x16float(${overflowing}.zw))`,
    },
  },
  u32: { native: vec4U32, packed: vec4U32 },
};

function scalarElement(kernel: Kernel, name: string, dtype: DType, half: HalfMode): string {
  if (dtype === "f16" && half === "packed")
    throw new InputError(`${kernel.name}: binding ${name} is viewed as scalars and cannot be f16 without shader-f16`);
  return dtype;
}

function vec4Access(name: string, { access }: Binding, { load, store }: Vec4): string[] {
  const lines = [];
  if (load && access !== "write") lines.push(`fn load_${name}(i: u32) -> vec4<f32> { return ${load(`${name}[i]`)}; }`);
  if (store && access !== "read") lines.push(`fn store_${name}(i: u32, value: vec4<f32>) { ${name}[i] = ${store}; }`);
  return lines;
}

/** Bytes of a kernel's uniform block: scalars of 4 bytes, rounded up to WGSL's 16. */
export function parameterBytes(kernel: Kernel): number {
  return Math.ceil((Object.keys(kernel.parameters).length * 4) / 16) * 16;
}

/** Writes parameter values at a byte offset, checking that each is a number its type can hold. */
export function packParameters(
  kernel: Kernel,
  values: Readonly<Record<string, number>>,
  view: DataView,
  offset: number,
): void {
  for (const [index, [name, type]] of Object.entries(kernel.parameters).entries()) {
    const value = values[name];
    const at = offset + index * 4;
    if (value === undefined || Number.isNaN(value))
      throw new InputError(`${kernel.name}: parameter ${name} must be a number, got ${value}`);
    if (type === "f32") {
      view.setFloat32(at, value, true);
      continue;
    }
    const [low, high] = type === "u32" ? [0, 0xffffffff] : [-0x80000000, 0x7fffffff];
    if (!Number.isInteger(value) || value < low || value > high)
      throw new InputError(`${kernel.name}: parameter ${name} must be ${type}, got ${value}`);
    if (type === "u32") view.setUint32(at, value, true);
    else view.setInt32(at, value, true);
  }
}
