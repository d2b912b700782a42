/**
 * What a file of tensors holds, recognised by its names and metadata. Asked here alone. Not here: the words for what
 * this program does not read (otherFiles.ts), and what its networks are in detail (infer.ts).
 */
import type { TensorFile } from "../files/tensorFile.ts";

/** guided-diffusion's UNet or classifier, in however bad a state, diffusers' UNet2DModel, or something else. */
export type FileKind = "unet" | "classifier" | "diffusers" | "other";

/** Names that stand in latent diffusion's networks alone. */
export const latentNames = /^(first_stage_model|cond_stage_model|conditioner)\.|\.transformer_blocks\./;

/**
 * With what the tensors of a network begin, of guided-diffusion's and of diffusers', where nothing stands around it.
 */
export const networkNames =
  /^(time_embed|label_emb|input_blocks|middle_block|output_blocks|out|conv_in|time_embedding|class_embedding|down_blocks|mid_block|up_blocks|conv_norm_out|conv_out)\./;

const diffusersNames = ["conv_in.weight", "time_embedding.linear_1.weight", "conv_norm_out.weight"];

export function recognise({ metadata, tensors }: Pick<TensorFile, "metadata" | "tensors">): FileKind {
  const names = [...tensors.keys()];
  const has = (prefix: string) => names.some((name) => name.startsWith(prefix));
  if (diffusersNames.every((name) => tensors.has(name))) return "diffusers";
  if (metadata.has("guided_diffusion_classifier")) return "classifier";
  if (names.some((name) => latentNames.test(name))) return "other";
  if (metadata.has("guided_diffusion_unet") || has("output_blocks.")) return "unet";
  return has("input_blocks.") ? "classifier" : "other";
}

/** Whether parsed flags are a config.json of diffusers rather than guided-diffusion's flags. */
export function isDiffusersConfig(flags: unknown): flags is Record<string, unknown> {
  return typeof flags === "object" && flags !== null && "block_out_channels" in flags;
}

/** Where a config.json of diffusers carries the scheduler_config.json that stands beside its folder. */
export const schedulerKey = "scheduler_config";
