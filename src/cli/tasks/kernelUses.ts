/**
 * In which variants, and with which types, networks run a kernel on each family of adapters: what their plans say.
 * Needs neither a device nor weights. Not here: texts (src/engine/kernel.ts), the command that prints them
 * (commands/kernel.ts).
 */
import { benchCases } from "../../../bench/cases.ts";
import { benchNetworks } from "../../../bench/networks.ts";
import { buildArchitecture } from "../../checkpoints/architecture.ts";
import { presetByName, presetConfig } from "../../checkpoints/released/find.ts";
import type { Variant } from "../../engine/kernel.ts";
import type { Plan } from "../../engine/plan.ts";
import type { DType } from "../../engine/tensor.ts";
import { declareLpipsWeights, planLpips, smallestSide } from "../../evaluate/lpipsNetwork.ts";
import { type AdapterFacts, loadTraits } from "../../operators/traits.ts";
import type { Precision } from "../../numbers/storage.ts";

export interface KernelUse {
  readonly variant: Variant;
  /** By binding; an optional binding that is not used is left out. */
  readonly types: Readonly<Record<string, DType>>;
}

/**
 * One adapter of each family, with the workgroup memory that is usual there. "+matrix": with subgroup matrices, an
 * experiment.
 */
export const exampleAdapters = {
  nvidia: { kind: "gpu", family: "nvidia", subgroups: true, workgroupBytes: 49152, matrix: undefined },
  cpu: { kind: "cpu", family: "cpu", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  "nvidia+matrix": {
    kind: "gpu",
    family: "nvidia",
    subgroups: true,
    workgroupBytes: 49152,
    matrix: { rows: 16, columns: 16, depth: 16, subgroupSize: 32 },
  },
  amd: { kind: "gpu", family: "amd", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  intel: { kind: "gpu", family: "intel", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  apple: { kind: "gpu", family: "apple", subgroups: true, workgroupBytes: 32768, matrix: undefined },
  mobile: { kind: "gpu", family: "mobile", subgroups: false, workgroupBytes: 16384, matrix: undefined },
  other: { kind: "gpu", family: "other", subgroups: false, workgroupBytes: 16384, matrix: undefined },
} as const satisfies Readonly<Record<string, AdapterFacts>>;

export type ExampleAdapter = keyof typeof exampleAdapters;

type Uses = ReadonlyMap<string, readonly KernelUse[]>;
const planned = new Map<string, Promise<Uses>>();

/**
 * By kernel, each use once, in the order in which the networks come upon them. Planned once a process.
 * @param candidates with every way in which the adapter can run a layer, not only the one that it chooses
 */
export function kernelUses(
  adapter: ExampleAdapter,
  precision: Precision,
  { candidates }: { candidates: boolean },
): Promise<Uses> {
  const key = `${adapter} ${precision} ${candidates}`;
  const uses = planned.get(key) ?? planUses(adapter, precision, candidates);
  planned.set(key, uses);
  return uses;
}

async function planUses(adapter: ExampleAdapter, precision: Precision, candidates: boolean): Promise<Uses> {
  const model = { name: "ADM-64", architecture: buildArchitecture(presetConfig(presetByName("imagenet64"))) };
  const traits = await loadTraits(exampleAdapters[adapter]);
  const cases = benchCases(benchNetworks(model), { traits, precision, candidates });
  const size = { height: smallestSide, width: smallestSide, largestBinding: Infinity };
  const plans: Plan[] = [...cases.map(({ plan }) => plan), planLpips(declareLpipsWeights(), size).plan];
  const uses = new Map<string, Map<string, KernelUse>>();
  for (const { preparation, dispatches } of plans)
    for (const { kernel, variant, tensors } of [...preparation, ...dispatches]) {
      const types = Object.fromEntries(
        Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[name, tensor.dtype]] : [])),
      );
      const own = uses.get(kernel.name) ?? new Map<string, KernelUse>();
      uses.set(kernel.name, own.set(JSON.stringify([variant, types]), { variant, types }));
    }
  return new Map([...uses].map(([name, own]) => [name, [...own.values()]]));
}
