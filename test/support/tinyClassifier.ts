/**
 * A classifier of the tiny network's images with random weights, as a file: it has an opinion, and compiles quickly.
 */
import type { ClassifierConfig } from "../../src/checkpoints/config.ts";
import { classifierMetadata, randomState, smallClassifier, stateFile } from "./randomNetworks.ts";
import { tinySize } from "./tinyNetwork.ts";

export const tinyClasses = 5;

const tiny: ClassifierConfig = {
  ...smallClassifier,
  imageSize: tinySize,
  outChannels: tinyClasses,
  attentionResolutions: [],
  channelMult: [1],
  pool: "adaptive",
};

/** The bytes of the safetensors file. */
export function tinyClassifier(
  change: Partial<ClassifierConfig> = {},
  metadata: Record<string, string> = {},
): Uint8Array {
  const config = { ...tiny, ...change };
  return stateFile(randomState(config), { ...classifierMetadata(config), ...metadata });
}
