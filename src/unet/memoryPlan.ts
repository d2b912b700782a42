/**
 * What a network needs on the device, told from its architecture alone: weights, activations, inputs and output, the table of
 * embeddings, and the largest binding and buffer, against an adapter's limits. No device, nothing is allocated. Not here:
 * what a driver adds, and host memory.
 */
import { planArenas, type ArenaLimits } from "../engine/arena.ts";
import type { AdapterFamily, AdapterKind } from "../engine/adapter.ts";
import type { Plan } from "../engine/plan.ts";
import { byteLength, type Tensor } from "../engine/tensor.ts";
import type { Architecture } from "../checkpoints/architecture.ts";
import { embeddingRows, planEmbedding, planForward, requireSize, type ForwardSize } from "./network.ts";
import { declareWeights, type PackedWeights } from "./weights.ts";
import type { AdapterTraits } from "../operators/traits.ts";

/** What every WebGPU adapter has. */
export const defaultLimits: ArenaLimits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  minStorageBufferOffsetAlignment: 256,
};

export interface MemoryOptions {
  readonly activations: "f32" | "f16";
  readonly weightType: "f32" | "f16";
  /** Rows of the table: timesteps × classes of a run. */
  readonly embeddings: number;
  /** Default: `defaultLimits`. */
  readonly limits?: ArenaLimits;
  readonly kind?: AdapterKind;
  readonly family?: AdapterFamily;
  /** Default: no. */
  readonly subgroups?: boolean;
}

interface SizedTensor {
  readonly name: string;
  readonly bytes: number;
}

/** Bytes. */
export interface MemoryPlan {
  readonly weights: number;
  /** Weights in another form, which a session makes of those above for its fast convolutions. */
  readonly transformed: number;
  /** The forward's temporary tensors: each arena. */
  readonly arenas: readonly number[];
  /** x, low_res, a row of embeddings an image, and the output. */
  readonly inputsAndOutput: number;
  readonly embeddings: number;
  /** While the table of embeddings is made: its own arenas and inputs. */
  readonly embeddingWork: number;
  /** Weights, also transformed, arenas, inputs and output, embeddings. */
  readonly total: number;
  readonly largestBinding: SizedTensor;
  readonly largestBuffer: SizedTensor;
  /** What the limits do not allow, the largest first; empty: it fits. */
  readonly tooLarge: readonly (SizedTensor & { readonly limit: keyof ArenaLimits })[];
}

/** @throws InputError for a size that the levels cannot halve */
export function planMemory(architecture: Architecture, size: ForwardSize, options: MemoryOptions): MemoryPlan {
  requireSize(architecture.config, size);
  const { activations, weightType } = options;
  const traits = traitsOf(options);
  const weights = declareWeights(architecture, weightType);
  const { plan, x, lowRes, embedding, out } = planForward({ architecture, weights, activations, ...traits }, size);
  return memoryOf({ architecture, weights, plan, ends: [x, ...(lowRes ? [lowRes] : []), embedding, out] }, options);
}

export function traitsOf({ kind = "gpu", ...options }: MemoryOptions): AdapterTraits {
  return { kind, family: options.family ?? (kind === "cpu" ? "cpu" : "other"), subgroups: options.subgroups ?? false };
}

/** What a plan over these weights takes; `ends` are the tensors that its session owns. */
export function memoryOf(
  {
    architecture,
    weights,
    plan,
    ends,
  }: { architecture: Architecture; weights: PackedWeights; plan: Plan; ends: readonly Tensor[] },
  options: MemoryOptions,
): MemoryPlan {
  const { limits = defaultLimits } = options;
  const embed = planEmbedding({ architecture, weights, ...traitsOf(options) }, embeddingRows);
  // Placed as if every tensor could be bound: what cannot is listed instead of thrown.
  // Field by field: a device's limits are getters, which a spread leaves out.
  const { maxBufferSize, minStorageBufferOffsetAlignment } = limits;
  const unbounded = { maxBufferSize, minStorageBufferOffsetAlignment, maxStorageBufferBindingSize: Infinity };
  const arenas = planArenas(plan, unbounded).sizes;
  const chunks = Math.ceil(options.embeddings / embeddingRows);
  const tables = embed.parts.map((part) => ({ name: tableName(part), bytes: chunks * byteLength(part) }));
  const weightTensors = [...weights.values()].map(({ tensor }) => sized(tensor));
  const constants = plan.tensors.filter(({ place }) => place === "constant").map(sized);
  const owned = ends.map(sized);
  const bindings = [...plan.tensors, ...embed.plan.tensors].map(sized);
  const arenaBuffers = arenas.map((bytes, i) => ({ name: `arena ${i}`, bytes }));
  const buffers = [...weightTensors, ...constants, ...owned, ...tables, ...arenaBuffers];
  const over = (all: readonly SizedTensor[], limit: "maxStorageBufferBindingSize" | "maxBufferSize") =>
    [...new Map(all.map((one) => [one.name, one])).values()]
      .filter(({ bytes }) => bytes > limits[limit])
      .map((one) => ({ ...one, limit }));
  const parts = {
    weights: sum(weightTensors),
    transformed: sum(constants),
    inputsAndOutput: sum(owned),
    embeddings: sum(tables),
    arenas,
  };
  const embedInputs = [embed.timesteps, embed.frequencies, ...(embed.classes ? [embed.classes] : [])].map(sized);
  return {
    ...parts,
    embeddingWork: total(planArenas(embed.plan, unbounded).sizes) + sum(embedInputs),
    total: parts.weights + parts.transformed + total(arenas) + parts.inputsAndOutput + parts.embeddings,
    largestBinding: largest(bindings),
    largestBuffer: largest(buffers),
    tooLarge: [...over(bindings, "maxStorageBufferBindingSize"), ...over(buffers, "maxBufferSize")].sort(bySize),
  };
}

const sized = (tensor: Tensor): SizedTensor => ({ name: tensor.name, bytes: byteLength(tensor) });
export const bySize = (a: SizedTensor, b: SizedTensor) => b.bytes - a.bytes;
const tableName = ({ name }: Tensor) => name.replace(".rows", ".table");
const sum = (tensors: readonly SizedTensor[]) => total(tensors.map(({ bytes }) => bytes));
const total = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);
const largest = (tensors: readonly SizedTensor[]) => tensors.reduce((a, b) => (b.bytes > a.bytes ? b : a));
