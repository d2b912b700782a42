/** Networks of random weights, for flags that no golden file covers. */
import { expectedTensors } from "../../src/checkpoints/layers.ts";
import type { ClassifierConfig, UNetConfig } from "../../src/checkpoints/config.ts";
import { writeSafetensors } from "../../src/files/safetensors.ts";
import type { StateDict } from "../twins/wholeNetwork.ts";
import { values } from "./random.ts";

/** Two levels, attention at the lower one. Each of its own test's flags replaces some of these. */
export const smallUNet: UNetConfig = {
  imageSize: 16,
  inChannels: 3,
  modelChannels: 32,
  outChannels: 6,
  numResBlocks: 1,
  attentionResolutions: [2],
  channelMult: [1, 2],
  convResample: true,
  numClasses: null,
  numHeads: 1,
  numHeadChannels: -1,
  numHeadsUpsample: -1,
  useScaleShiftNorm: true,
  resblockUpdown: false,
  useNewAttentionOrder: false,
  superRes: false,
};

export const smallClassifier: ClassifierConfig = {
  ...smallUNet,
  imageSize: 8,
  outChannels: 10,
  numHeadChannels: 32,
  resblockUpdown: true,
  pool: "attention",
};

export function randomState(config: UNetConfig): StateDict {
  return new Map(
    [...expectedTensors(config)].map(([name, shape], index) => {
      const length = shape.reduce((a, b) => a * b, 1);
      const [mean, deviation] =
        shape.length > 1 ? [0, Math.sqrt(1 / (length / shape[0]!))] : [name.endsWith("weight") ? 1 : 0, 0.2];
      return [name, { shape, data: Float32Array.from(values(length, 100 + index, { mean, deviation })) }];
    }),
  );
}

/** Image n of an NCHW batch as planes. */
export function image(data: Float64Array, n: number, channels: number, height: number, width: number) {
  const size = height * width;
  const planes = Array.from({ length: channels }, (_, c) =>
    data.slice((n * channels + c) * size, (n * channels + c + 1) * size),
  );
  return { planes, height, width };
}

/** A configuration in the constructor's vocabulary. */
export function constructorFlags(config: Partial<UNetConfig>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}

/** A classifier's flags as its file says them. */
export function classifierMetadata(config: ClassifierConfig): Record<string, string> {
  const { numClasses: _, superRes: __, ...own } = config;
  return { guided_diffusion_classifier: JSON.stringify(constructorFlags(own)) };
}

/** Tensors as the bytes of a safetensors file, in float32. */
export function stateFile(state: StateDict, metadata: Record<string, string>): Uint8Array {
  const tensors = [...state].map(([name, { shape, data }]) => ({
    name,
    shape,
    dtype: "F32" as const,
    data: Float32Array.from(data),
  }));
  return writeSafetensors(tensors, metadata);
}
