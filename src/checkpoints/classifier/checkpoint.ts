/**
 * A classifier's checkpoint: any file that can be read, recognised, with its flags and architecture. Apart from
 * checkpoint.ts, so that pages which guide nothing do not load it. Not here: UNets.
 */
import { CheckpointError } from "../../errors.ts";
import { buildArchitecture } from "../architecture.ts";
import { type Checkpoint, metadataFlags } from "../checkpoint.ts";
import { parseClassifierFlags } from "./flags.ts";
import { type ClassifierConfig, flagName, type UNetConfig } from "../config.ts";
import { assumable } from "../infer.ts";
import { inferClassifier } from "./infer.ts";
import type { ByteSource } from "../../files/bytes.ts";
import type { OpenTensors } from "../../files/open.ts";
import { openNetwork } from "../openNetwork.ts";
import { recognise } from "../recognise.ts";

export interface ClassifierCheckpoint extends Omit<Checkpoint, "config" | "diffusion" | "diffusersConfig"> {
  readonly config: ClassifierConfig;
  /** Whether flags, metadata or a tensor say the image size, or it was assumed. */
  readonly knowsImageSize: boolean;
}

/**
 * Opens a safetensors or PyTorch file of a guided-diffusion classifier (EncoderUNetModel), or takes one that is open.
 * Flags come from `flags` (parsed JSON, either vocabulary), then from the file's metadata:
 * `guided_diffusion_classifier`, `flags`.
 * @throws as `openCheckpoint`
 */
export async function openClassifier(source: ByteSource | OpenTensors, flags?: unknown): Promise<ClassifierCheckpoint> {
  const file = await openNetwork(source);
  if (recognise(file) !== "classifier") {
    const { describeFile } = await import("../otherFiles.ts");
    const looks = describeFile(file);
    throw new CheckpointError(`${file.name}: expected a guided-diffusion classifier, but it looks like ${looks}`);
  }
  const given = flags === undefined ? {} : parseClassifierFlags(flags);
  const merged = ["guided_diffusion_classifier", "flags"]
    .map((key) => metadataFlags(file, key, parseClassifierFlags, {}))
    .reduce((over, under) => withHeadsOf(over, under), given);
  const isWhole = merged.modelChannels !== undefined && merged.numResBlocks !== undefined;
  const hasHeads = merged.numHeads !== undefined || merged.numHeadChannels !== undefined;
  const all = isWhole && !hasHeads ? { ...merged, numHeads: 1 } : merged;
  const config = inferClassifier(file.tensors, all, file.name);
  const knowsImageSize = config.pool === "attention" || merged.imageSize !== undefined;
  const hidden = (key: (typeof assumable)[number]) =>
    (key === "imageSize" && knowsImageSize) ||
    (key === "numHeads" && (hasHeads || config.numHeadChannels !== -1)) ||
    (key === "numHeadChannels" && (hasHeads || config.numHeadChannels === -1));
  const assumed = assumable.filter((key) => merged[key] === undefined && !hidden(key));
  return {
    file,
    config,
    architecture: buildArchitecture(config),
    knowsImageSize,
    assumed: [...file.assumed, ...assumed.map((key) => `${flagName(key)} ${config[key]}`)],
  };
}

/** A number of heads hides a head width below it. */
function withHeadsOf(over: Partial<UNetConfig>, under: Partial<UNetConfig>): Partial<UNetConfig> {
  const hides = over.numHeads !== undefined && over.numHeadChannels === undefined;
  return { ...under, ...over, ...(hides ? { numHeadChannels: -1 } : {}) };
}
