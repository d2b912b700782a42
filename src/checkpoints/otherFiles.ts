/**
 * What a file holds in words, where it is not what was expected. For errors, and loaded only then. Not here: which kind
 * it is (recognise.ts).
 */
import { quoted } from "../text/quoted.ts";
import { headNames } from "./names.ts";
import { type FileKind, latentNames, recognise } from "./recognise.ts";
import { identifyClassifier } from "./released/classifiers.ts";
import type { TensorFile } from "../files/tensorFile.ts";

type Names = Pick<TensorFile, "metadata" | "tensors">;

/** In words that go on after "it looks like". */
export function describeFile(file: Names): string {
  return describe[recognise(file)](file);
}

const describe: Readonly<Record<FileKind, (file: Names) => string>> = {
  unet: ({ tensors }) => {
    const how = first(tensors, /^output_blocks\./) ? "it has output_blocks" : "its metadata say so";
    return `a guided-diffusion UNet: ${how}`;
  },
  classifier: ({ metadata, tensors }) => {
    if (metadata.has("guided_diffusion_classifier")) return "a guided-diffusion classifier (its metadata say so)";
    const { logits, position, qkv } = headNames.attention;
    const own = [position, qkv, logits, headNames.adaptive.logits].map((name) => name.replaceAll(".", "\\."));
    const name = first(tensors, new RegExp(`^(${own.join("|")})\\b`)) ?? first(tensors, /^input_blocks\./);
    const released = identifyClassifier(tensors);
    const which = released ? `, by its size ${released.file} (${released.title})` : "";
    return `a guided-diffusion classifier${which}: it has ${name}, but no output_blocks`;
  },
  diffusers: () => "a UNet2DModel of diffusers (it has conv_in and conv_norm_out)",
  other: ({ tensors }) => {
    const latent = first(tensors, latentNames);
    if (latent) return `a latent diffusion model (${latent}); only pixel-space networks are supported`;
    if (tensors.has("x") && tensors.has("t")) return "inputs or outputs of a network (it has x and t), not its weights";
    if (tensors.size === 0) return "an empty file: it has no tensors";
    const diffusers = first(tensors, /^(down_blocks|up_blocks|mid_block|time_embedding|conv_norm_out)\./);
    if (diffusers)
      return `a part of a UNet in diffusers' layout (${diffusers}): it lacks conv_in, conv_norm_out or others`;
    const ddpm = first(tensors, /^(temb\.dense|down\.\d+\.block|mid\.block_1)\./);
    if (ddpm) return `a UNet in the layout of the DDPM and DDIM programs (${ddpm}), which is not supported`;
    for (const [pattern, what] of known) {
      const name = first(tensors, pattern);
      if (name) return `${what} (${name})`;
    }
    const names = [...tensors.keys()];
    return `something else: its tensors are ${names.slice(0, 3).map(quoted).join(", ")}${names.length > 3 ? ", …" : ""}`;
  },
};

/** Networks of others, by a name that stands in them alone, with what to do where there is something to do. */
const known: readonly (readonly [RegExp, string])[] = [
  [
    /lora_(down|up|A|B|unet)|\.lora\./i,
    "a LoRA, which changes another network; merge it into that one and give the result",
  ],
  [/^(all_modules)\.\d/, "a network of score_sde, which is not supported"],
  [/(^|\.)(map_layer0|map_noise|enc\.\d+x\d+_)/, "a network of EDM, which is not supported"],
  [
    /(^|\.)(init_conv|downs\.\d+\.\d|mid_block1)\./,
    "the UNet of denoising-diffusion-pytorch (lucidrains), which is not supported",
  ],
  [
    /(^|\.)(double_blocks|single_blocks|joint_blocks|transformer_blocks)\.\d/,
    "a diffusion transformer (Flux or a like one); only pixel-space UNets are supported",
  ],
  [
    /(^|\.)(quant_conv|post_quant_conv)\.|^(encoder|decoder)\.(conv_in|down_blocks|up_blocks)/,
    "a VAE, which is a part of a latent diffusion model; only pixel-space networks are supported",
  ],
  [/^text_model\.|^vision_model\./, "CLIP, which makes no pictures"],
  [/^generator\./, "a GAN's generator (LaMa or a like one), which is not supported"],
];

/** The first name of a pattern, in quotes. */
function first(tensors: Names["tensors"], pattern: RegExp): string | undefined {
  const name = [...tensors.keys()].find((name) => pattern.test(name));
  return name === undefined ? undefined : quoted(name);
}
