/**
 * A guided-diffusion UNet or classifier as data: its blocks in execution order, under the names of the state dict. Not
 * here: the layers of a block (layers.ts), how they are computed (src/unet), and reading a configuration off a file
 * (infer.ts).
 */
import { headCount, levelChannels, normGroups, type Pool, sizeMultiple, type UNetConfig } from "./config.ts";

/** `name` is the prefix of the block's tensors in the state dict. */
export type Block =
  | { readonly kind: "conv"; readonly name: string; readonly in: number; readonly out: number }
  | {
      readonly kind: "res";
      readonly name: string;
      readonly in: number;
      readonly out: number;
      readonly resample: "none" | "up" | "down";
    }
  | {
      readonly kind: "attention";
      readonly name: string;
      readonly channels: number;
      readonly heads: number;
      /** Of its GroupNorm; absent: those of the network's other norms. */
      readonly groups?: number;
    }
  | {
      readonly kind: "downsample" | "upsample";
      readonly name: string;
      readonly channels: number;
      /** false: 2×2 mean or nearest ×2, without tensors. */
      readonly conv: boolean;
    };

/** What follows the last block: the UNet's convolution to an image, or a classifier's pooling. */
export type Head =
  | { readonly kind: "image" }
  /** GroupNorm, SiLU, then attention over the pixels and a token of their mean, which is read (AttentionPool2d). */
  | { readonly kind: "attention"; readonly tokens: number; readonly heads: number }
  /** GroupNorm, SiLU, mean over the pixels, 1×1. */
  | { readonly kind: "adaptive" }
  /** The means of every input entry's output and of the middle's side by side, through one hidden layer. */
  | { readonly kind: "spatial" | "spatial_v2"; readonly features: number };

/** Width of the spatial heads' hidden layer. */
export const hiddenFeatures = 2048;

export interface Architecture {
  readonly config: UNetConfig;
  /** Each entry runs its blocks and pushes the result on the skip stack. */
  readonly input: Block[][];
  readonly middle: Block[];
  /** Each entry pops one skip of `skipChannels`, concatenates [h, skip] and runs its blocks. None in a classifier. */
  readonly output: { readonly blocks: Block[]; readonly skipChannels: number }[];
  readonly head: Head;
  /** Channels of the last block. */
  readonly outChannelsIn: number;
  readonly outChannels: number;
  /** Channels of the first convolution's input: x, and for super-resolution low_res behind it. */
  readonly stemChannels: number;
  readonly modelChannels: number;
  /** Width of the timestep embedding after its MLP. */
  readonly embedChannels: number;
  readonly details: Details;
}

/** Constants in which the families of these networks differ. */
export interface Details {
  readonly normGroups: number;
  readonly normEpsilon: number;
  /** Which half of the sinusoidal timestep embedding comes first. */
  readonly embeddingOrder: "cosSin" | "sinCos";
  /** Frequencies are exp(−ln(10000)·i/(half − frequencyShift)). */
  readonly frequencyShift: number;
  /** Zeros above and to the left of a stride-2 convolution's input; 0: they are below and to the right. */
  readonly downsamplePad: 0 | 1;
}

export const guidedDiffusionDetails = (config: UNetConfig): Details => ({
  normGroups: normGroups(config),
  normEpsilon: 1e-5,
  embeddingOrder: "cosSin",
  frequencyShift: 0,
  downsamplePad: 1,
});

/** The choices that a network of this family makes level by level. */
interface Levels {
  readonly config: UNetConfig;
  readonly details: Details;
  readonly widths: readonly number[];
  readonly attends: (level: number, side: "input" | "output") => boolean;
  /** How a level resamples at its end: a residual block, a convolution, or neither. */
  readonly resampler: (level: number, direction: "down" | "up") => "res" | "conv" | "none";
  readonly heads: (channels: number, side: "input" | "output") => number;
  readonly middleAttention: boolean;
  /** Of its norm; absent: as all others. */
  readonly middleGroups?: number | undefined;
}

/**
 * Follows UNetModel and EncoderUNetModel of guided-diffusion (Dhariwal and Nichol 2021, arXiv 2105.05233). Expects a
 * checked configuration.
 */
export function buildArchitecture(config: UNetConfig): Architecture {
  const resampler = config.resblockUpdown ? "res" : config.convResample ? "conv" : "none";
  return assembleArchitecture({
    config,
    widths: levelChannels(config),
    middleAttention: true,
    details: guidedDiffusionDetails(config),
    attends: (level) => config.attentionResolutions.includes(2 ** level),
    resampler: () => resampler,
    heads: (channels, side) => headCount(config, channels, side),
  });
}

/** The blocks of a network whose levels make the given choices, under guided-diffusion's names. */
export function assembleArchitecture(levels: Levels): Architecture {
  const { config, details, widths, middleAttention, middleGroups: groups } = levels;
  const { modelChannels, outChannels, inChannels, superRes, pool } = config;
  const stemChannels = inChannels * (superRes ? 2 : 1);
  const { input, skips } = inputBlocks(levels, stemChannels);
  const channels = widths.at(-1)!;
  const middle = [
    res("middle_block.0", channels, channels),
    ...(middleAttention
      ? [{ ...attention(levels, "middle_block.1", channels, "input"), ...(groups ? { groups } : {}) }]
      : []),
    res("middle_block.2", channels, channels),
  ];
  return {
    config,
    input,
    middle,
    output: pool === undefined ? outputBlocks(levels, skips) : [],
    head: pool === undefined ? { kind: "image" } : classifierHead(config, pool, [...skips, channels]),
    outChannelsIn: pool === undefined ? widths[0]! : channels,
    outChannels,
    stemChannels,
    modelChannels,
    embedChannels: 4 * modelChannels,
    details,
  };
}

type Side = "input" | "output";

function res(name: string, input: number, out: number, resample: "none" | "up" | "down" = "none"): Block {
  return { kind: "res", name, in: input, out, resample };
}

function attention({ heads }: Levels, name: string, channels: number, side: Side): Block {
  return { kind: "attention", name, channels, heads: heads(channels, side) };
}

/** What joins a level to the next. */
function resampler({ resampler, widths }: Levels, name: string, level: number, direction: "up" | "down"): Block {
  const kind = resampler(level, direction);
  const channels = widths[level]!;
  return kind === "res"
    ? res(name, channels, channels, direction)
    : { kind: `${direction}sample`, name, channels, conv: kind === "conv" };
}

/** `skips`: the channels that each entry leaves. */
function inputBlocks(levels: Levels, stemChannels: number): { input: Block[][]; skips: number[] } {
  const { config, widths, attends } = levels;
  let channels = widths[0]!;
  const input: Block[][] = [[{ kind: "conv", name: "input_blocks.0.0", in: stemChannels, out: channels }]];
  const skips = [channels];
  for (const [level, width] of widths.entries()) {
    for (let i = 0; i < config.numResBlocks; i++) {
      const name = `input_blocks.${input.length}`;
      const blocks = [res(`${name}.0`, channels, width)];
      channels = width;
      if (attends(level, "input")) blocks.push(attention(levels, `${name}.1`, width, "input"));
      input.push(blocks);
      skips.push(width);
    }
    if (level === widths.length - 1) break;
    input.push([resampler(levels, `input_blocks.${input.length}.0`, level, "down")]);
    skips.push(width);
  }
  return { input, skips };
}

function outputBlocks(levels: Levels, inputSkips: readonly number[]): Architecture["output"] {
  const { config, widths, attends } = levels;
  const skips = [...inputSkips];
  let channels = widths.at(-1)!;
  const output: Architecture["output"] = [];
  for (let level = widths.length - 1; level >= 0; level--) {
    const width = widths[level]!;
    for (let i = 0; i <= config.numResBlocks; i++) {
      const name = `output_blocks.${output.length}`;
      const skipChannels = skips.pop()!;
      const blocks = [res(`${name}.0`, channels + skipChannels, width)];
      channels = width;
      if (attends(level, "output")) blocks.push(attention(levels, `${name}.1`, width, "output"));
      if (level > 0 && i === config.numResBlocks)
        blocks.push(resampler(levels, `${name}.${blocks.length}`, level, "up"));
      output.push({ blocks, skipChannels });
    }
  }
  return output;
}

/** `features`: the channels of every entry's output and of the middle's. */
function classifierHead(config: UNetConfig, pool: Pool, features: readonly number[]): Head {
  switch (pool) {
    case "attention": {
      const side = Math.floor(config.imageSize / sizeMultiple(config));
      return { kind: pool, tokens: side * side + 1, heads: Math.floor(features.at(-1)! / config.numHeadChannels) };
    }
    case "adaptive":
      return { kind: pool };
    case "spatial":
    case "spatial_v2":
      return { kind: pool, features: features.reduce((sum, width) => sum + width, 0) };
  }
}
