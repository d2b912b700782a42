/**
 * What a file is that is no guided-diffusion UNet, as far as its tensors' names tell. For errors, and loaded only then. Not here:
 * whether it is one (checkpoint.ts).
 */
import { identifyClassifier } from "./released/classifiers.ts";
import { quoted } from "../text/quoted.ts";
import type { TensorFile } from "../files/safetensors.ts";
import { latentNames } from "./recognise.ts";

/** In words that go on after "it looks like". */
export function describeOther({ metadata, tensors }: TensorFile): string {
  if (metadata.has("guided_diffusion_classifier")) return "a guided-diffusion classifier (its metadata say so)";
  const names = [...tensors.keys()];
  const first = (pattern: RegExp) => {
    const name = names.find((name) => pattern.test(name));
    return name === undefined ? undefined : quoted(name);
  };
  const latent = first(latentNames);
  if (latent) return `a latent diffusion model (${latent}); only pixel-space networks are supported`;
  if (tensors.has("x") && tensors.has("t")) return "inputs or outputs of a network (it has x and t), not its weights";
  if (names.length === 0) return "an empty file: it has no tensors";
  const wrapped = first(/^.+\.(time_embed|input_blocks|output_blocks|middle_block)\..*\.(weight|bias)$/);
  if (wrapped) return `a UNet whose names have a prefix (${wrapped}); save it without the prefix`;
  const classifier = first(/^out\.(2\.(positional_embedding|qkv_proj|c_proj)|3)\b/) ?? first(/^input_blocks\./);
  if (classifier) {
    const released = identifyClassifier(tensors);
    const which = released ? `, by its size ${released.file} (${released.title})` : "";
    return `a guided-diffusion classifier${which}: it has ${classifier}, but no output_blocks`;
  }
  const diffusers = first(/^(down_blocks|up_blocks|mid_block|time_embedding|conv_norm_out)\./);
  if (diffusers) return `a UNet in diffusers' layout (${diffusers}), which is not read yet`;
  const ddpm = first(/^(temb\.dense|down\.\d+\.block|mid\.block_1)\./);
  if (ddpm) return `a UNet in the layout of the DDPM and DDIM programs (${ddpm}), which is not supported`;
  return `something else: its tensors are ${names.slice(0, 3).map(quoted).join(", ")}${names.length > 3 ? ", …" : ""}`;
}
