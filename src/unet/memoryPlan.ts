/**
 * What a network needs on the device, by its architecture and the adapter's traits: weights, activations, inputs
 * and output, the table of embeddings, and the largest binding and buffer, against the adapter's limits. No device,
 * nothing is allocated. Not here: what a driver adds, and host memory.
 */
import { allocatedBytes, bufferBytes, planAllocation, type AllocationLimits } from "../engine/allocation.ts";
import type { ArenaLimits } from "../engine/arena.ts";
import type { Plan } from "../engine/plan.ts";
import { byteLength, type Tensor } from "../engine/tensor.ts";
import type { Architecture } from "../checkpoints/architecture.ts";
import {
  embeddingInputs,
  embeddingRows,
  forwardEnds,
  planEmbedding,
  planForward,
  requireSize,
  type ForwardSize,
} from "./network.ts";
import { declareWeights, type PackedWeights } from "./weights.ts";
import type { ConvolutionChoices } from "../operators/convolution/layer.ts";
import type { AdapterFacts, Traits } from "../operators/traits.ts";
import type { Precision } from "../numbers/storage.ts";

/** What every WebGPU adapter has. */
export const defaultLimits: AllocationLimits = {
  maxStorageBufferBindingSize: 2 ** 27,
  maxBufferSize: 2 ** 28,
  minStorageBufferOffsetAlignment: 256,
  minUniformBufferOffsetAlignment: 256,
};

/** A GPU of which nothing is known, with what every WebGPU adapter has. */
export const defaultAdapter: AdapterFacts = {
  kind: "gpu",
  family: "other",
  subgroups: false,
  workgroupBytes: 2 ** 14,
  matrix: undefined,
};

export interface MemoryOptions {
  readonly activations: Precision;
  readonly weightType: Precision;
  /** Rows of the table: timesteps × classes of a run. */
  readonly embeddings: number;
  /** What kernels run, and what they keep, depends on it. */
  readonly traits: Traits;
  /** A tuner's answers, with which the network is loaded. */
  readonly choices?: ConvolutionChoices | undefined;
  /** Default: `defaultLimits`. */
  readonly limits?: AllocationLimits;
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
  /** The forward's parameters, a row a dispatch. */
  readonly parameters: number;
  readonly embeddings: number;
  /** While the table of embeddings is made, besides: its own inputs, arenas and parameters. */
  readonly embeddingWork: number;
  /** Weights, also transformed, arenas, inputs and output, parameters, embeddings. */
  readonly total: number;
  readonly largestBinding: SizedTensor;
  readonly largestBuffer: SizedTensor;
  /** What the limits do not allow, the largest first; empty: it fits. */
  readonly tooLarge: readonly (SizedTensor & { readonly limit: keyof ArenaLimits })[];
}

/** @throws InputError for a size that the levels cannot halve */
export function planMemory(architecture: Architecture, size: ForwardSize, options: MemoryOptions): MemoryPlan {
  requireSize(architecture.config, size);
  const { activations, weightType, traits, choices } = options;
  const weights = declareWeights(architecture, weightType);
  const planned = planForward({ architecture, weights, traits, choices, activations }, size);
  return memoryOf({ architecture, weights, plan: planned.plan, ends: forwardEnds(planned) }, options);
}

/** What a plan over these weights takes; `ends` are the tensors that its session owns. */
export function memoryOf(
  {
    architecture,
    weights,
    plan,
    ends,
  }: { architecture: Architecture; weights: PackedWeights; plan: Plan; ends: readonly Tensor[] },
  { embeddings: rows, traits, choices, limits = defaultLimits }: MemoryOptions,
): MemoryPlan {
  const embed = planEmbedding({ architecture, weights, traits, choices }, embeddingRows);
  // Placed as if every tensor could be bound: what cannot is listed instead of thrown. Field by field, because a
  // device's limits are getters, which a spread leaves out.
  const { maxBufferSize, minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment } = limits;
  const alignments = { minStorageBufferOffsetAlignment, minUniformBufferOffsetAlignment };
  const unbounded = { maxBufferSize, ...alignments, maxStorageBufferBindingSize: Infinity };
  const forward = planAllocation(plan, unbounded);
  const chunks = Math.ceil(rows / embeddingRows);
  const tables = embed.parts.map((part) => ({ name: tableName(part), bytes: chunks * byteLength(part) }));
  const weightTensors = [...weights.values()].map(({ tensor }) => sized(tensor));
  const constants = forward.constants.map(sized);
  const owned = ends.map(sized);
  const bindings = [...plan.tensors, ...embed.plan.tensors].map(sized);
  const arenas = forward.arenas.sizes.map((bytes, i) => ({ name: `arena ${i}`, bytes: bufferBytes(bytes) }));
  const buffers = [...weightTensors, ...constants, ...owned, ...tables, ...arenas];
  const over = (all: readonly SizedTensor[], limit: "maxStorageBufferBindingSize" | "maxBufferSize") =>
    [...new Map(all.map((one) => [one.name, one])).values()]
      .filter(({ bytes }) => bytes > limits[limit])
      .map((one) => ({ ...one, limit }));
  const parts = {
    weights: sum(weightTensors),
    transformed: sum(constants),
    inputsAndOutput: sum(owned),
    parameters: bufferBytes(forward.parameters.bytes),
    embeddings: sum(tables),
  };
  return {
    ...parts,
    arenas: arenas.map(({ bytes }) => bytes),
    embeddingWork: sum(embeddingInputs(embed).map(sized)) + allocatedBytes(planAllocation(embed.plan, unbounded)),
    total: sum(arenas) + Object.values(parts).reduce((a, b) => a + b, 0),
    largestBinding: largest(bindings),
    largestBuffer: largest(buffers),
    tooLarge: [...over(bindings, "maxStorageBufferBindingSize"), ...over(buffers, "maxBufferSize")].sort(bySize),
  };
}

const sized = (tensor: Tensor): SizedTensor => ({ name: tensor.name, bytes: bufferBytes(byteLength(tensor)) });
export const bySize = (a: SizedTensor, b: SizedTensor) => b.bytes - a.bytes;
const tableName = ({ name }: Tensor) => name.replace(".rows", ".table");
const sum = (tensors: readonly SizedTensor[]) => tensors.reduce((total, { bytes }) => total + bytes, 0);
const largest = (tensors: readonly SizedTensor[]) => tensors.reduce((a, b) => (b.bytes > a.bytes ? b : a));
