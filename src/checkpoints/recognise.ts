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
