/**
 * What of an adapter decides which kernels can run on it, and which do.
 */
import type { AdapterFamily, AdapterKind, SubgroupMatrix } from "../engine/adapter.ts";

/** What of an adapter decides which kernels can run on it, and which do. A `Device` has it. */
export interface AdapterTraits {
  readonly kind: AdapterKind;
  readonly family: AdapterFamily;
  /** Whether kernels may use subgroup operations. */
  readonly subgroups: boolean;
  readonly matrix?: SubgroupMatrix | undefined;
  /** Workgroup memory, bytes. Default: what WebGPU promises. */
  readonly workgroupBytes?: number | undefined;
  /** Loaded on GPUs: processors run other attention. */
  readonly tiledAttention?: typeof import("./attention/tiledWays.ts") | undefined;
  /** Loaded where there is a `matrix`; without it no convolution uses one. */
  readonly matrixWays?: typeof import("./convolution/matrixWays.ts") | undefined;
}

/** The traits alone: a device's own properties are getters, which a spread leaves out. */
export function adapterTraits(traits: AdapterTraits): AdapterTraits {
  const { kind, family, subgroups, matrix, workgroupBytes, tiledAttention, matrixWays } = traits;
  return { kind, family, subgroups, matrix, workgroupBytes, tiledAttention, matrixWays };
}

/** The traits with what only some adapters need, and others do not download. */
export async function loadTraits(traits: AdapterTraits): Promise<AdapterTraits> {
  const plain = adapterTraits(traits);
  if (plain.kind === "cpu") return plain;
  return {
    ...plain,
    tiledAttention: await import("./attention/tiledWays.ts"),
    matrixWays: plain.matrix && (await import("./convolution/matrixWays.ts")),
  };
}

/** On software adapters a quad is four neighbouring threads; what a GPU makes of a workgroup, WGSL leaves open. */
export const sharesQuads = ({ kind, subgroups }: AdapterTraits) => kind === "cpu" && subgroups;
