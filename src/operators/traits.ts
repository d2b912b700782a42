/**
 * What of an adapter decides which kernels can run a layer on it, and which do. What only some adapters need is loaded
 * with it, so that other pages do not download it; a `Device` alone is therefore no `Traits`.
 */
import type { SubgroupMatrix } from "../engine/adapter.ts";
import type { Device } from "../engine/device.ts";
import type { tiledAttentions } from "./attention/tiled.ts";
import type { MatrixConfig } from "./convolution/matrix.ts";
import type { ConvolutionRule } from "./convolution/table.ts";
import type { TiledConfigs } from "./convolution/tiled.ts";
import type { wholeGroupNorm } from "./groupNorm.ts";

/** What an adapter says of itself: a `Device` has it. */
export type AdapterFacts = Pick<Device, "kind" | "family" | "subgroups" | "workgroupBytes" | "matrix">;

/** An adapter with the kernels that are loaded for it: made by `loadTraits`. */
export type Traits = ProcessorTraits | GpuTraits;

type SharedFacts = Pick<AdapterFacts, "family" | "subgroups" | "workgroupBytes">;

interface ProcessorTraits extends SharedFacts {
  readonly kind: "cpu";
  readonly tiles: undefined;
  readonly tiledAttentions: undefined;
  readonly wholeGroupNorm: undefined;
  readonly matrix: undefined;
}

interface GpuTraits extends SharedFacts {
  readonly kind: "gpu";
  /** Convolutions through workgroup tiles. */
  readonly tiles: TiledConfigs;
  /** Attention through workgroup tiles. */
  readonly tiledAttentions: typeof tiledAttentions;
  /** Norms of small images in one dispatch. */
  readonly wholeGroupNorm: typeof wholeGroupNorm;
  /** Where the adapter has subgroup matrices. */
  readonly matrix: MatrixTraits | undefined;
}

/** A subgroup matrix with the convolutions that multiply by it. */
interface MatrixTraits extends SubgroupMatrix {
  readonly configs: readonly MatrixConfig[];
  /** Comes before the family's own rules. */
  readonly table: readonly ConvolutionRule[];
}

const loaded = new WeakMap<AdapterFacts, Promise<Traits>>();

/** An adapter's traits, made once for each device. @throws where a part cannot be loaded */
export async function loadTraits(adapter: AdapterFacts): Promise<Traits> {
  const known = loaded.get(adapter) ?? makeTraits(adapter);
  loaded.set(adapter, known);
  try {
    return await known;
  } catch (error) {
    // The next one asks again.
    loaded.delete(adapter);
    throw error;
  }
}

async function makeTraits({ kind, family, subgroups, workgroupBytes, matrix }: AdapterFacts): Promise<Traits> {
  const facts = { family, subgroups, workgroupBytes };
  if (kind === "cpu")
    return {
      ...facts,
      kind,
      tiles: undefined,
      tiledAttentions: undefined,
      wholeGroupNorm: undefined,
      matrix: undefined,
    };
  const [{ tiledConfigs }, { tiledAttentions }, { wholeGroupNorm }, matrixTraits] = await Promise.all([
    import("./convolution/tiled.ts"),
    import("./attention/tiled.ts"),
    import("./groupNorm.ts"),
    matrix && loadMatrix(matrix),
  ]);
  return { ...facts, kind, tiles: tiledConfigs(workgroupBytes), tiledAttentions, wholeGroupNorm, matrix: matrixTraits };
}

async function loadMatrix(matrix: SubgroupMatrix): Promise<MatrixTraits> {
  const { matrixConfigs, matrixTable } = await import("./convolution/matrix.ts");
  return { ...matrix, configs: matrixConfigs(matrix), table: matrixTable };
}

/**
 * On software adapters a quad is four neighbouring threads of a workgroup; WGSL does not promise this, and GPUs may
 * differ.
 */
export const sharesQuads = ({ kind, subgroups }: Pick<Traits, "kind" | "subgroups">) => kind === "cpu" && subgroups;
