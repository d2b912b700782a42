/**
 * What calls of a network run, compiled before its weights are there: that takes a processor seconds, and so may the
 * weights. Sizes of batches and images do not change it, but for layers whose kernels are chosen by their size.
 */
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import type { Device } from "../engine/device.ts";
import { compilePlan } from "../engine/executor.ts";
import { loadTraits } from "../operators/traits.ts";
import { embeddingRows, planEmbedding, planForward } from "./network.ts";
import type { UNetOptions } from "./unet.ts";
import { declareWeights } from "./weights.ts";

/** At the network's own size; sessions find what is compiled, or wait for it. @throws KernelError */
export async function compileAhead(
  device: Device,
  { architecture, config }: Checkpoint,
  { precision = "f32", weightType = precision, choices }: UNetOptions,
): Promise<void> {
  const options = {
    traits: await loadTraits(device),
    weights: declareWeights(architecture, weightType),
    architecture,
    choices,
  };
  const side = { height: config.imageSize, width: config.imageSize };
  const size = { batch: 1, ...side, ...(config.superRes ? { lowRes: side } : undefined) };
  const { plan: forward } = planForward({ ...options, activations: precision }, size);
  const { plan: embedding } = planEmbedding(options, embeddingRows);
  await Promise.all([forward, embedding].map((plan) => compilePlan(device, plan)));
}
