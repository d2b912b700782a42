/** A classifier of the tiny network's images with random weights, as a file: it has an opinion, and compiles quickly. */
import type { ClassifierConfig } from "../../src/checkpoints/config.ts";
import { writeSafetensors } from "../../src/files/safetensors.ts";
import { constructorFlags, randomState } from "./randomNetworks.ts";
import { tinySize } from "./tinyNetwork.ts";

export const tinyClasses = 5;

const tiny: ClassifierConfig = {
  imageSize: tinySize,
  inChannels: 3,
  modelChannels: 32,
  outChannels: tinyClasses,
  numResBlocks: 1,
  attentionResolutions: [],
  channelMult: [1],
  convResample: true,
  numClasses: null,
  numHeads: 1,
  numHeadChannels: 32,
  numHeadsUpsample: -1,
  useScaleShiftNorm: true,
  resblockUpdown: true,
  useNewAttentionOrder: false,
  superRes: false,
  pool: "adaptive",
};

/** The bytes of the safetensors file. */
export function tinyClassifier(
  change: Partial<ClassifierConfig> = {},
  metadata: Record<string, string> = {},
): Uint8Array {
  const config = { ...tiny, ...change };
  const flags = Object.entries(constructorFlags(config)).filter(
    ([name]) => !["num_classes", "super_res"].includes(name),
  );
  const tensors = [...randomState(config)].map(([name, { shape, data }]) => ({
    name,
    shape,
    dtype: "F32" as const,
    data: data as Float32Array,
  }));
  return writeSafetensors(tensors, {
    guided_diffusion_classifier: JSON.stringify(Object.fromEntries(flags)),
    ...metadata,
  });
}
