/**
 * What a classifier with its gradient needs on the device, alone or beside the network that it guides. Apart from
 * memoryPlan.ts, which pages load. Not here: what the sampler's own state takes, a few pictures.
 */
import type { Architecture } from "../checkpoints/architecture.ts";
import { classifierEnds, planClassifier, requireClassifierSize } from "./classifier.ts";
import type { ClassifierConfig } from "../checkpoints/config.ts";
import { bySize, memoryOf, type MemoryOptions, type MemoryPlan } from "./memoryPlan.ts";
import type { ForwardSize } from "./network.ts";
import { declareWeights } from "./weights.ts";

/**
 * Activations are f32 whatever the options say. `sharesX`: it reads the network's own x. @throws InputError for a size
 * that it cannot take
 */
export function planClassifierMemory(
  architecture: Architecture,
  size: ForwardSize,
  options: MemoryOptions & { readonly sharesX?: boolean },
): MemoryPlan {
  requireClassifierSize(architecture.config as ClassifierConfig, size);
  const weights = declareWeights(architecture, options.weightType, { gradient: true });
  const { sharesX = false, traits, choices } = options;
  const planned = planClassifier({ architecture, weights, traits, choices }, size);
  return memoryOf({ architecture, weights, plan: planned.plan, ends: classifierEnds(planned, { sharesX }) }, options);
}

/** Of two networks that stay on the device together. */
export function addMemory(a: MemoryPlan, b: MemoryPlan): MemoryPlan {
  const larger = (key: "largestBinding" | "largestBuffer") => [a[key], b[key]].sort(bySize)[0]!;
  return {
    weights: a.weights + b.weights,
    transformed: a.transformed + b.transformed,
    arenas: [...a.arenas, ...b.arenas],
    inputsAndOutput: a.inputsAndOutput + b.inputsAndOutput,
    parameters: a.parameters + b.parameters,
    embeddings: a.embeddings + b.embeddings,
    // One after the other.
    embeddingWork: Math.max(a.embeddingWork, b.embeddingWork),
    total: a.total + b.total,
    largestBinding: larger("largestBinding"),
    largestBuffer: larger("largestBuffer"),
    tooLarge: [...a.tooLarge, ...b.tooLarge].sort(bySize),
  };
}
