/** Tells files in diffusers' layout from others. What they mean is `diffusers.ts`, which is loaded only for one. */
import type { TensorFile } from "../files/safetensors.ts";

/** Whether parsed flags are a config.json of diffusers rather than guided-diffusion's flags. */
export function isDiffusersConfig(flags: unknown): flags is Record<string, unknown> {
  return typeof flags === "object" && flags !== null && "block_out_channels" in flags;
}

/** Whether the names of a file's tensors are UNet2DModel's. */
export function isDiffusersFile({ tensors }: TensorFile): boolean {
  return ["conv_in.weight", "time_embedding.linear_1.weight", "conv_norm_out.weight"].every((name) =>
    tensors.has(name),
  );
}

export const latentNames = /^(model\.diffusion_model|first_stage_model|cond_stage_model)\.|\.transformer_blocks\./;

/** Whether the tensors' names are a guided-diffusion UNet's, in however bad a state. */
export function isUNetFile({ metadata, tensors }: TensorFile): boolean {
  const names = [...tensors.keys()];
  if (metadata.has("guided_diffusion_classifier") || names.some((name) => latentNames.test(name))) return false;
  return metadata.has("guided_diffusion_unet") || names.some((name) => name.startsWith("output_blocks."));
}

/** Whether it is a guided-diffusion classifier, in however bad a state, and not a UNet or something else. */
export function isClassifierFile({ metadata, tensors }: TensorFile): boolean {
  if (metadata.has("guided_diffusion_classifier")) return true;
  const names = [...tensors.keys()];
  return (
    names.some((name) => name.startsWith("input_blocks.")) && !names.some((name) => name.startsWith("output_blocks."))
  );
}
