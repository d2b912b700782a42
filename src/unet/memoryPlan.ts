/**
 * What a network needs on the device, told from its architecture alone: weights, activations, inputs and output, the table of
 * embeddings, and the largest binding and buffer, against an adapter's limits. No device, nothing is allocated. Not here:
 * what a driver adds, and host memory.
 */
import { planArenas, type ArenaLimits } from "../engine/arena.ts";
import type { AdapterFamily } from "../engine/adapterFamily.ts";
import type { AdapterKind } from "../engine/device.ts";
import { byteLength, type Tensor } from "../engine/tensor.ts";
import type { Architecture } from "./architecture.ts";
import { embeddingRows, planEmbedding, planForward, requireSize, type ForwardSize } from "./network.ts";
import { declareWeights } from "./weights.ts";

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
  const { activations, weightType, limits = defaultLimits, kind = "gpu" } = options;
  const { family = kind === "cpu" ? "cpu" : "other", subgroups = false } = options;
  const weights = declareWeights(architecture, weightType);
  const forward = planForward({ architecture, weights, kind, family, subgroups, activations }, size);
  const embed = planEmbedding({ architecture, weights, kind, family, subgroups }, embeddingRows);
  // Placed as if every tensor could be bound: what cannot is listed instead of thrown.
  // Field by field: a device's limits are getters, which a spread leaves out.
  const { maxBufferSize, minStorageBufferOffsetAlignment } = limits;
  const unbounded = { maxBufferSize, minStorageBufferOffsetAlignment, maxStorageBufferBindingSize: Infinity };
  const arenas = planArenas(forward.plan, unbounded).sizes;
  const chunks = Math.ceil(options.embeddings / embeddingRows);
  const tables = embed.parts.map((part) => ({ name: tableName(part), bytes: chunks * byteLength(part) }));
  const weightTensors = [...weights.values()].map(({ tensor }) => sized(tensor));
  const constants = forward.plan.tensors.filter(({ place }) => place === "constant").map(sized);
  const { x, lowRes, embedding, out } = forward;
  const ends = [x, ...(lowRes ? [lowRes] : []), embedding, out].map(sized);
  const bindings = [...forward.plan.tensors, ...embed.plan.tensors].map(sized);
  const buffers = [
    ...weightTensors,
    ...constants,
    ...ends,
    ...tables,
    ...arenas.map((bytes, i) => ({ name: `arena ${i}`, bytes })),
  ];
  const over = (all: readonly SizedTensor[], limit: "maxStorageBufferBindingSize" | "maxBufferSize") =>
    [...new Map(all.map((one) => [one.name, one])).values()]
      .filter(({ bytes }) => bytes > limits[limit])
      .map((one) => ({ ...one, limit }));
  const parts = {
    ...{
      weights: sum(weightTensors),
      transformed: sum(constants),
      inputsAndOutput: sum(ends),
      embeddings: sum(tables),
    },
    arenas,
  };
  const embedInputs = [embed.timesteps, embed.frequencies, ...(embed.classes ? [embed.classes] : [])].map(sized);
  return {
    ...parts,
    embeddingWork: total(planArenas(embed.plan, unbounded).sizes) + sum(embedInputs),
    total: parts.weights + parts.transformed + total(arenas) + parts.inputsAndOutput + parts.embeddings,
    largestBinding: largest(bindings),
    largestBuffer: largest(buffers),
    tooLarge: [...over(bindings, "maxStorageBufferBindingSize"), ...over(buffers, "maxBufferSize")].sort(
      (a, b) => b.bytes - a.bytes,
    ),
  };
}

const sized = (tensor: Tensor): SizedTensor => ({ name: tensor.name, bytes: byteLength(tensor) });
const tableName = ({ name }: Tensor) => name.replace(".rows", ".table");
const sum = (tensors: readonly SizedTensor[]) => total(tensors.map(({ bytes }) => bytes));
const total = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);
const largest = (tensors: readonly SizedTensor[]) => tensors.reduce((a, b) => (b.bytes > a.bytes ? b : a));
