/**
 * The networks whose layers are measured, as plans: the shipped model and guided-diffusion's at 64², 128² and 256². No
 * weights are needed for a plan.
 */
import type { AdapterKind } from "../src/engine/device.ts";
import type { Plan } from "../src/engine/plan.ts";
import { buildArchitecture, type Architecture } from "../src/unet/architecture.ts";
import { embeddingRows, planEmbedding, planForward } from "../src/unet/network.ts";
import { lowResSide, presetByName, presetConfig } from "../src/unet/presets.ts";
import { declareWeights } from "../src/unet/weights.ts";

export interface BenchNetwork {
  /** As tables show it. */
  readonly name: string;
  readonly architecture: Architecture;
  readonly lowRes?: number | undefined;
  /** Only these kernels of it. */
  readonly only?: readonly string[];
}

function preset(name: string, title: string, only?: readonly string[]): BenchNetwork {
  const found = presetByName(name);
  const architecture = buildArchitecture(presetConfig(found));
  return { name: title, architecture, lowRes: lowResSide(found), ...(only ? { only } : {}) };
}

/** ADM-n is the released network at n². The upsampler is there for its one kernel that no other network has. */
export function benchNetworks(shipped: Architecture, { quick = false } = {}): readonly BenchNetwork[] {
  const small = [{ name: "portraits64", architecture: shipped }, preset("imagenet64", "ADM-64")];
  if (quick) return small.slice(0, 1);
  return [
    ...small,
    preset("imagenet128", "ADM-128"),
    preset("imagenet256-uncond", "ADM-256"),
    preset("upsampler-64-256", "upsampler", ["upsampleBilinear"]),
  ];
}

export interface PlanOptions {
  readonly kind: AdapterKind;
  readonly precision: "f32" | "f16";
}

/** One image's forward, and a chunk of the table of embeddings. */
export function networkPlans(
  { architecture, lowRes }: BenchNetwork,
  { kind, precision }: PlanOptions,
): { forward: Plan; embedding: Plan } {
  const { imageSize } = architecture.config;
  const weights = declareWeights(architecture, precision);
  const size = { batch: 1, height: imageSize, width: imageSize };
  const low = lowRes === undefined ? {} : { lowRes: { height: lowRes, width: lowRes } };
  return {
    forward: planForward({ architecture, weights, kind, activations: precision }, { ...size, ...low }).plan,
    embedding: planEmbedding({ architecture, weights, kind }, embeddingRows).plan,
  };
}
