/**
 * `repaint kernel`: the WGSL of a kernel as the engine renders it, or the list of all kernels. No device. In which
 * variants networks run a kernel: tasks/kernelUses.ts.
 */
import { InputError } from "../../errors.ts";
import type { DType } from "../../engine/tensor.ts";
import { quoted, shown } from "../../text/quoted.ts";
import { type HalfMode, type Kernel, renderKernel, type Variant } from "../../engine/kernel.ts";
import { kernels } from "../../shaders/index.ts";
import { type Arguments, type Command, jsonOption, precisionOption } from "../command.ts";
import type { Context } from "../context.ts";
import { type ExampleAdapter, exampleAdapters, type KernelUse, kernelUses } from "../tasks/kernelUses.ts";
import { hint } from "../values.ts";
import { type Precision, precisions } from "../../numbers/storage.ts";

const adapterNames = Object.keys(exampleAdapters) as ExampleAdapter[];

interface Settings {
  /** Undefined: list all. */
  readonly kernel: Kernel | undefined;
  /** Undefined: the first where a network runs the kernel. */
  readonly adapter: ExampleAdapter | undefined;
  readonly precision: Precision | undefined;
  /** What replaces members of the variant that a network runs. */
  readonly variant: Variant;
  /** What replaces types of bindings; null leaves an optional binding out. */
  readonly types: Readonly<Record<string, unknown>>;
  readonly half: HalfMode;
}

export const kernelCommand: Command<Settings> = {
  name: "kernel",
  summary: "print a kernel's WGSL as the engine renders it, or list all kernels",
  positional: "[NAME]",
  options: [
    {
      name: "for",
      value: "ADAPTER",
      help: `as networks run it on this family of adapters: ${adapterNames.join(", ")} (default: the first that runs it)`,
    },
    { ...precisionOption, help: "as networks of this storage run it (default: f32 where they do)" },
    { name: "variant", value: "JSON", help: 'members of the variant to replace: {"activation":"silu"}' },
    {
      name: "types",
      value: "JSON",
      help: 'types of bindings to replace, f32 or f16; null leaves an optional one out: {"x0":"f16","bias":null}',
    },
    { name: "half", value: "native|packed", help: "how f16 is read: with shader-f16 or without (default native)" },
    jsonOption,
  ],
  notes: [
    "Without a NAME: every kernel with its bindings, its parameters, and the variants in which guided-diffusion's networks, classifiers and LPIPS can run it. The text is what stands in the pipeline cache; stderr says which variant it is.",
  ],
  parse,
  run,
};

function parse(given: Arguments): Settings {
  const name = given.positional;
  const settings: Settings = {
    kernel: name === undefined ? undefined : kernelByName(name),
    adapter: given.choice("for", adapterNames),
    precision: given.choice("precision", precisions),
    variant: readObject(given, "variant") as Variant,
    types: readObject(given, "types"),
    half: given.choice("half", ["native", "packed"]) ?? "native",
  };
  const [extra] = ["for", "precision", "variant", "types", "half"].filter((option) => given.has(option));
  if (name === undefined && extra !== undefined)
    throw new InputError(`--${extra} is of one kernel: repaint kernel NAME --${extra} …`);
  return settings;
}

function kernelByName(name: string): Kernel {
  const found = Object.entries(kernels).find(([known]) => known === name)?.[1];
  if (!found)
    throw new InputError(
      `${quoted(name)} is no kernel${hint(name, Object.keys(kernels))}; \`repaint kernel\` lists them`,
    );
  return found as unknown as Kernel;
}

function readObject(given: Arguments, option: string): Record<string, unknown> {
  const text = given.text(option) ?? "{}";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new InputError(`--${option}: expected a JSON object, got ${quoted(text)}`);
  return value as Record<string, unknown>;
}

async function run(settings: Settings, { report }: Context): Promise<void> {
  const { kernel, half } = settings;
  if (!kernel) return list(report);
  const { use, adapter, precision } = await findUse(kernel, settings);
  const variant = changedVariant(kernel, use.variant, settings.variant);
  const types = changedTypes(kernel, use.types, settings.types);
  const wgsl = render(kernel, { variant, types }, half);
  report.event("kernel", { name: kernel.name, for: adapter, precision, variant, types, half, wgsl });
  report.say(
    `${kernel.name} on ${adapter}, ${precision}: variant ${JSON.stringify(variant)}, types ${JSON.stringify(types)}`,
  );
  report.print(wgsl);
}

/** The first use where an adapter chooses the kernel, else where it is one of the ways to run a layer. */
async function findUse(
  { name }: Kernel,
  { adapter, precision }: Pick<Settings, "adapter" | "precision">,
): Promise<{ use: KernelUse; adapter: ExampleAdapter; precision: Precision }> {
  for (const candidates of [false, true])
    for (const one of precision === undefined ? precisions : [precision])
      for (const on of adapter === undefined ? adapterNames : [adapter]) {
        const [use] = (await kernelUses(on, one, { candidates })).get(name) ?? [];
        if (use) return { use, adapter: on, precision: one };
      }
  const where = [adapter ?? "any adapter", ...(precision === undefined ? [] : [`in ${precision}`])].join(" ");
  throw new InputError(`no network runs ${name} on ${where}; leave out --for and --precision to see it where one does`);
}

const mostOfNumber = 4096;

/** @throws InputError for a member that the variant does not have, or of another type */
function changedVariant({ name }: Kernel, used: Variant, changes: Readonly<Record<string, unknown>>): Variant {
  for (const [member, value] of Object.entries(changes)) {
    const before = used[member];
    if (before === undefined) {
      const members = Object.keys(used);
      const known = members.length === 0 ? "this kernel has no variants" : `it has ${members.join(", ")}`;
      throw new InputError(`--variant: ${name} has no ${quoted(member)}${hint(member, members)}; ${known}`);
    }
    const isFit =
      typeof value === typeof before &&
      (typeof value !== "number" || (Number.isInteger(value) && value >= 0 && value <= mostOfNumber));
    const expected = typeof before === "number" ? `a whole number from 0 to ${mostOfNumber}` : `a ${typeof before}`;
    if (!isFit)
      throw new InputError(
        `--variant: expected ${expected} for ${member}, such as ${JSON.stringify(before)}, got ${shown(value)}`,
      );
  }
  return { ...used, ...changes } as Variant;
}

/** @throws InputError for a binding that the kernel does not have, or a type that it cannot have */
function changedTypes(
  { name, bindings }: Kernel,
  used: KernelUse["types"],
  changes: Readonly<Record<string, unknown>>,
): KernelUse["types"] {
  const types = new Map(Object.entries(used));
  for (const [binding, type] of Object.entries(changes)) {
    const known = bindings[binding];
    const all = Object.keys(bindings);
    if (!known)
      throw new InputError(
        `--types: ${name} has no binding ${quoted(binding)}${hint(binding, all)}; it has ${all.join(", ")}`,
      );
    const isWhole = types.get(binding) === "u32";
    const possible: unknown[] = [...(isWhole ? ["u32"] : precisions), ...(known.optional ? [null] : [])];
    if (!possible.includes(type))
      throw new InputError(`--types: ${binding} can be ${possible.join(" or ")}, got ${shown(type)}`);
    if (type === null) types.delete(binding);
    else types.set(binding, type as DType);
  }
  return Object.fromEntries(types);
}

function render(kernel: Kernel, { variant, types }: KernelUse, half: HalfMode): string {
  try {
    return renderKernel(kernel, variant, types, half);
  } catch (error) {
    throw new InputError(`this variant cannot be rendered: ${(error as Error).message}`);
  }
}

/** What can differ between adapters: a processor, a GPU, one with subgroup matrices, one of a phone. */
const listed = [
  ["cpu", "f32"],
  ["nvidia", "f32"],
  ["nvidia", "f16"],
  ["nvidia+matrix", "f16"],
  ["mobile", "f32"],
] as const;

async function list(report: Context["report"]): Promise<void> {
  const uses = new Map(Object.keys(kernels).map((name) => [name, new Map<string, Variant>()]));
  for (const [adapter, precision] of listed)
    for (const [name, own] of await kernelUses(adapter, precision, { candidates: true }))
      for (const { variant } of own) uses.get(name)?.set(JSON.stringify(variant), variant);
  for (const [name, kernel] of Object.entries(kernels) as unknown as [string, Kernel][]) {
    const { bindings, parameters } = kernel;
    const variants = [...uses.get(name)!.values()];
    report.event("kernel", { name, bindings, parameters, variants });
    report.print([name, ...describe(kernel, variants).map((line) => `  ${line}`)].join("\n"));
  }
}

function describe({ bindings, parameters }: Kernel, variants: readonly Variant[]): string[] {
  const members = [...new Set(variants.flatMap((variant) => Object.keys(variant)))];
  const values = (member: string) => {
    const all = [...new Set(variants.flatMap((variant) => variant[member] ?? []))];
    return (all as number[]).every((one) => typeof one === "number") ? all.sort((a, b) => +a - +b) : all;
  };
  const row = (title: string, items: readonly string[]) => (items.length > 0 ? [`${title}  ${items.join(", ")}`] : []);
  return [
    ...row(
      "bindings  ",
      Object.entries(bindings).map(([name, { access, optional }]) => `${name}${optional ? "?" : ""} ${access}`),
    ),
    ...row(
      "parameters",
      Object.entries(parameters).map(([name, type]) => `${name} ${type}`),
    ),
    ...row(
      "variants  ",
      members.map((member) => `${member} ${values(member).join("|")}`),
    ),
  ];
}
