/**
 * The released networks by name: flags in the scripts' vocabulary, file, origin, licence, and the classifier guidance they
 * were published with. Data only, nothing is downloaded from here, and nothing is imported, so that pages can list them.
 * Not here: finding one and telling a network by its architecture (presets.ts), classifiers (classifierPresets.ts).
 */

export interface Preset {
  readonly name: string;
  /** Other names that people know, among them the released file's without its ending. */
  readonly aliases: readonly string[];
  /** For people: "ImageNet 256×256, class-conditional". */
  readonly title: string;
  /** In the vocabulary of guided-diffusion's scripts. */
  readonly flags: Readonly<Record<string, string | number | boolean>>;
  /** As released. */
  readonly file: string;
  /** Where the file is to be found, in words. */
  readonly origin: string;
  readonly licence: string;
  /** The classifier's file and the scale that it was published with; null: none. */
  readonly guidance: { readonly classifier: string; readonly scale: number } | null;
  /** Of the state dict. */
  readonly parameters: number;
  /** 10⁹ multiply-adds of a forward at batch 1 and the network's own size. */
  readonly gmac: number;
}

const shared = {
  attention_resolutions: "32,16,8",
  class_cond: false,
  diffusion_steps: 1000,
  learn_sigma: true,
  noise_schedule: "linear",
  num_channels: 256,
  num_head_channels: 64,
  num_res_blocks: 2,
  resblock_updown: true,
  use_fp16: true,
  use_scale_shift_norm: true,
};
const { num_head_channels: _, ...withoutHeadWidth } = shared;
const unconditional256 = { ...shared, image_size: 256 };

const openai = {
  origin: "the table in the README of github.com/openai/guided-diffusion",
  licence: "code MIT; the model card allows research only, no commercial use",
};
const repaint = {
  origin: "the download script that the README of github.com/andreas128/RePaint names",
  licence: "CC BY-NC-SA 4.0, as its repository: no commercial use; the data set has terms of its own",
};
const size256 = { parameters: 552_814_086, gmac: 1120 };

/** LSUN's networks differ in their weights only. */
function lsun(thing: string): Preset {
  return {
    name: `lsun-${thing}`,
    aliases: [`lsun_${thing}`],
    title: `LSUN ${thing}s 256×256`,
    file: `lsun_${thing}.pt`,
    flags: { ...unconditional256, dropout: 0.1 },
    guidance: null,
    ...openai,
    ...size256,
  };
}

export const presets: readonly Preset[] = [
  {
    name: "imagenet64",
    aliases: ["64x64_diffusion"],
    title: "ImageNet 64×64, class-conditional",
    flags: {
      ...shared,
      image_size: 64,
      class_cond: true,
      dropout: 0.1,
      noise_schedule: "cosine",
      num_channels: 192,
      num_res_blocks: 3,
      use_new_attention_order: true,
    },
    file: "64x64_diffusion.pt",
    guidance: { classifier: "64x64_classifier.pt", scale: 1 },
    ...openai,
    parameters: 295_904_454,
    gmac: 110,
  },
  {
    name: "imagenet128",
    aliases: ["128x128_diffusion"],
    title: "ImageNet 128×128, class-conditional",
    flags: { ...withoutHeadWidth, image_size: 128, class_cond: true, num_heads: 4 },
    file: "128x128_diffusion.pt",
    guidance: { classifier: "128x128_classifier.pt", scale: 0.5 },
    ...openai,
    parameters: 421_529_606,
    gmac: 307,
  },
  {
    name: "imagenet256",
    aliases: ["256x256_diffusion"],
    title: "ImageNet 256×256, class-conditional",
    flags: { ...unconditional256, class_cond: true },
    file: "256x256_diffusion.pt",
    guidance: { classifier: "256x256_classifier.pt", scale: 1 },
    ...openai,
    parameters: 553_838_086,
    gmac: 1120,
  },
  {
    name: "imagenet256-uncond",
    aliases: ["256x256_diffusion_uncond"],
    title: "ImageNet 256×256, unconditional",
    flags: unconditional256,
    file: "256x256_diffusion_uncond.pt",
    guidance: { classifier: "256x256_classifier.pt", scale: 10 },
    ...openai,
    ...size256,
  },
  {
    name: "imagenet512",
    aliases: ["512x512_diffusion"],
    title: "ImageNet 512×512, class-conditional",
    flags: { ...shared, image_size: 512, class_cond: true },
    file: "512x512_diffusion.pt",
    guidance: { classifier: "512x512_classifier.pt", scale: 4 },
    ...openai,
    parameters: 558_997_638,
    gmac: 1982,
  },
  ...["bedroom", "cat", "horse"].map(lsun),
  {
    name: "celeba256",
    aliases: ["celeba256_250000"],
    title: "CelebA-HQ faces 256×256",
    flags: unconditional256,
    file: "celeba256_250000.pt",
    guidance: null,
    ...repaint,
    ...size256,
  },
  {
    name: "places256",
    aliases: ["places256_300000"],
    title: "Places2 256×256",
    flags: unconditional256,
    file: "places256_300000.pt",
    guidance: null,
    ...repaint,
    ...size256,
  },
  {
    name: "upsampler-64-256",
    aliases: ["64_256_upsampler"],
    title: "ImageNet upsampler 64 to 256",
    flags: {
      ...withoutHeadWidth,
      class_cond: true,
      num_channels: 192,
      num_heads: 4,
      large_size: 256,
      small_size: 64,
    },
    file: "64_256_upsampler.pt",
    guidance: null,
    ...openai,
    parameters: 311_795_910,
    gmac: 632,
  },
  {
    name: "upsampler-128-512",
    aliases: ["128_512_upsampler"],
    title: "ImageNet upsampler 128 to 512",
    flags: {
      ...shared,
      attention_resolutions: "32,16",
      class_cond: true,
      num_channels: 192,
      large_size: 512,
      small_size: 128,
    },
    file: "128_512_upsampler.pt",
    guidance: null,
    ...openai,
    parameters: 308_835_270,
    gmac: 2505,
  },
];
