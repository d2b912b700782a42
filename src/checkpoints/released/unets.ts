/**
 * The released networks by name: flags in the scripts' vocabulary, file, whose release, and the classifier guidance
 * they were published with. Data only, nothing is downloaded from here, and nothing is imported, so that pages can list
 * them. Not here: finding one and telling a network by its architecture (find.ts), classifiers (classifiers.ts).
 */

export type Release = "guided-diffusion" | "RePaint" | "P2-weighting" | "DPS" | "improved-diffusion" | "DDPM";

type Flag = string | number | boolean | null | readonly (string | number)[] | { readonly [name: string]: Flag };

export interface Preset {
  readonly name: string;
  /** For people: "ImageNet 256×256, class-conditional". */
  readonly title: string;
  /** In the vocabulary of guided-diffusion's scripts; of a network in diffusers' layout, its config.json. */
  readonly flags: Readonly<Record<string, Flag>>;
  /** As released; undefined where its authors' pages do not say it. */
  readonly file?: string;
  /** Whose release it is: where its file is to be found and what it may be used for stand in releases.ts. */
  readonly release: Release;
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

const size256 = { parameters: 552_814_086, gmac: 1120 };

/** LSUN's networks differ in their weights only. */
function lsun(thing: string): Preset {
  return {
    name: `lsun-${thing}`,
    title: `LSUN ${thing}s 256×256`,
    file: `lsun_${thing}.pt`,
    flags: { ...unconditional256, dropout: 0.1 },
    guidance: null,
    release: "guided-diffusion",
    ...size256,
  };
}

/** P2-weighting's (Choi et al. 2022, arXiv 2204.00227): one flag set, a sixth of ADM-256's multiply-adds. */
const light256 = {
  image_size: 256,
  attention_resolutions: "16",
  class_cond: false,
  diffusion_steps: 1000,
  learn_sigma: true,
  noise_schedule: "linear",
  num_channels: 128,
  num_head_channels: 64,
  num_res_blocks: 1,
  resblock_updown: true,
  use_scale_shift_norm: true,
};
const lightSize = { parameters: 93_563_910, gmac: 194 };

function p2(name: string, things: string, released: Pick<Preset, "file"> = {}): Preset {
  return {
    name,
    title: `${things} 256×256, P2-weighting`,
    flags: light256,
    guidance: null,
    release: "P2-weighting",
    ...lightSize,
    ...released,
  };
}

/** Improved DDPM's (Nichol and Dhariwal 2021, arXiv 2102.09672): `flags` beside the defaults of its own scripts. */
function improved({ flags, ...more }: Omit<Preset, "guidance" | "release">): Preset {
  return {
    guidance: null,
    release: "improved-diffusion",
    flags: {
      attention_resolutions: "16,8",
      class_cond: false,
      diffusion_steps: 4000,
      learn_sigma: true,
      noise_schedule: "cosine",
      num_channels: 128,
      num_heads: 4,
      num_res_blocks: 3,
      rescale_timesteps: true,
      use_scale_shift_norm: true,
      ...flags,
    },
    ...more,
  };
}
const improvedImagenet64 = { flags: { image_size: 64 }, parameters: 121_063_942, gmac: 40 };
// 32×32 has its list in Improved DDPM's scripts; guided-diffusion's have none.
const cifar10Flags = { image_size: 32, channel_mult: "1,2,2,2", dropout: 0.3 };
const improvedCifar10 = { flags: cifar10Flags, parameters: 52_546_438, gmac: 8 };
const improvedBedroom = {
  flags: {
    image_size: 256,
    attention_resolutions: "16",
    diffusion_steps: 1000,
    noise_schedule: "linear",
    num_heads: 1,
    num_res_blocks: 2,
    rescale_timesteps: false,
    use_scale_shift_norm: false,
  },
  parameters: 113_676_678,
  gmac: 249,
};

/** DDPM's (Ho et al. 2020, arXiv 2006.11239) in diffusers' layout: one config.json. */
const ddpmConfig = {
  _class_name: "UNet2DModel",
  act_fn: "silu",
  attention_head_dim: null,
  block_out_channels: [128, 128, 256, 256, 512, 512],
  center_input_sample: false,
  down_block_types: ["DownBlock2D", "DownBlock2D", "DownBlock2D", "DownBlock2D", "AttnDownBlock2D", "DownBlock2D"],
  downsample_padding: 0,
  flip_sin_to_cos: false,
  freq_shift: 1,
  in_channels: 3,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-6,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: 256,
  time_embedding_type: "positional",
  up_block_types: ["UpBlock2D", "AttnUpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D", "UpBlock2D"],
};
const ddpmScheduler = {
  _class_name: "DDPMScheduler",
  beta_end: 0.02,
  beta_schedule: "linear",
  beta_start: 0.0001,
  clip_sample: true,
  num_train_timesteps: 1000,
  variance_type: "fixed_small",
};

function ddpm(name: string, things: string, more: Readonly<Record<string, Flag>> = {}): Preset {
  return {
    name: `google/${name}`,
    title: `${things} 256×256, DDPM`,
    flags: { ...ddpmConfig, ...more },
    guidance: null,
    release: "DDPM",
    parameters: 113_673_219,
    gmac: 249,
  };
}

export const presets: readonly Preset[] = [
  {
    name: "imagenet64",
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
    release: "guided-diffusion",
    parameters: 295_904_454,
    gmac: 110,
  },
  {
    name: "imagenet128",
    title: "ImageNet 128×128, class-conditional",
    flags: { ...withoutHeadWidth, image_size: 128, class_cond: true, num_heads: 4 },
    file: "128x128_diffusion.pt",
    guidance: { classifier: "128x128_classifier.pt", scale: 0.5 },
    release: "guided-diffusion",
    parameters: 421_529_606,
    gmac: 307,
  },
  {
    name: "imagenet256",
    title: "ImageNet 256×256, class-conditional",
    flags: { ...unconditional256, class_cond: true },
    file: "256x256_diffusion.pt",
    guidance: { classifier: "256x256_classifier.pt", scale: 1 },
    release: "guided-diffusion",
    parameters: 553_838_086,
    gmac: 1120,
  },
  {
    name: "imagenet256-uncond",
    title: "ImageNet 256×256, unconditional",
    flags: unconditional256,
    file: "256x256_diffusion_uncond.pt",
    guidance: { classifier: "256x256_classifier.pt", scale: 10 },
    release: "guided-diffusion",
    ...size256,
  },
  {
    name: "imagenet512",
    title: "ImageNet 512×512, class-conditional",
    flags: { ...shared, image_size: 512, class_cond: true },
    file: "512x512_diffusion.pt",
    guidance: { classifier: "512x512_classifier.pt", scale: 4 },
    release: "guided-diffusion",
    parameters: 558_997_638,
    gmac: 1982,
  },
  ...["bedroom", "cat", "horse"].map(lsun),
  {
    name: "celeba256",
    title: "CelebA-HQ faces 256×256",
    flags: unconditional256,
    file: "celeba256_250000.pt",
    guidance: null,
    release: "RePaint",
    ...size256,
  },
  {
    name: "places256",
    title: "Places2 256×256",
    flags: unconditional256,
    file: "places256_300000.pt",
    guidance: null,
    release: "RePaint",
    ...size256,
  },
  {
    name: "upsampler-64-256",
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
    release: "guided-diffusion",
    parameters: 311_795_910,
    gmac: 632,
  },
  {
    name: "upsampler-128-512",
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
    release: "guided-diffusion",
    parameters: 308_835_270,
    gmac: 2505,
  },
  p2("ffhq256", "FFHQ faces", { file: "ffhq_p2.pt" }),
  p2("celebahq256", "CelebA-HQ faces"),
  p2("afhq-dogs256", "AFHQ dogs"),
  p2("flowers256", "Oxford flowers"),
  p2("cub256", "CUB birds"),
  p2("metfaces256", "MetFaces"),
  {
    name: "ffhq256-10m",
    title: "FFHQ faces 256×256, 10 million pictures seen",
    file: "ffhq_10m.pt",
    flags: light256,
    guidance: null,
    release: "DPS",
    ...lightSize,
  },
  improved({
    ...improvedImagenet64,
    name: "improved-imagenet64",
    title: "ImageNet 64×64, Improved DDPM",
    file: "imagenet64_uncond_100M_1500K.pt",
  }),
  improved({
    ...improvedImagenet64,
    flags: { ...improvedImagenet64.flags, use_kl: true },
    name: "improved-imagenet64-vlb",
    title: "ImageNet 64×64, Improved DDPM, variational loss",
    file: "imagenet64_uncond_vlb_100M_1500K.pt",
  }),
  improved({
    name: "improved-imagenet64-classes",
    title: "ImageNet 64×64, class-conditional, Improved DDPM",
    file: "imagenet64_cond_270M_250K.pt",
    flags: { image_size: 64, class_cond: true, num_channels: 192, rescale_timesteps: false },
    parameters: 273_049_350,
    gmac: 89,
  }),
  improved({
    ...improvedCifar10,
    name: "improved-cifar10",
    title: "CIFAR-10 32×32, Improved DDPM",
    file: "cifar10_uncond_50M_500K.pt",
  }),
  improved({
    ...improvedCifar10,
    flags: { ...cifar10Flags, use_kl: true },
    name: "improved-cifar10-vlb",
    title: "CIFAR-10 32×32, Improved DDPM, variational loss",
    file: "cifar10_uncond_vlb_50M_500K.pt",
  }),
  improved({
    ...improvedBedroom,
    name: "improved-bedroom256",
    title: "LSUN bedrooms 256×256, Improved DDPM",
    file: "lsun_uncond_100M_1200K_bs128.pt",
  }),
  improved({
    ...improvedBedroom,
    name: "improved-bedroom256-longer",
    title: "LSUN bedrooms 256×256, Improved DDPM, longer",
    file: "lsun_uncond_100M_2400K_bs64.pt",
  }),
  improved({
    name: "improved-upsampler-64-256",
    title: "ImageNet upsampler 64 to 256, class-conditional, Improved DDPM",
    file: "upsample_cond_500K.pt",
    flags: {
      class_cond: true,
      large_size: 256,
      small_size: 64,
      noise_schedule: "linear",
      num_channels: 192,
      num_res_blocks: 2,
      rescale_timesteps: false,
    },
    parameters: 279_792_390,
    gmac: 560,
  }),
  ddpm("ddpm-ema-celebahq-256", "CelebA-HQ faces"),
  ddpm("ddpm-ema-church-256", "LSUN churches"),
  ddpm("ddpm-ema-bedroom-256", "LSUN bedrooms"),
  ddpm("ddpm-cat-256", "LSUN cats", { scheduler_config: ddpmScheduler }),
];
