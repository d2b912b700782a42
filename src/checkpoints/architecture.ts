/**
 * A guided-diffusion UNet or classifier as data: its blocks in execution order, under the names of the state dict, the tensors
 * they need, and what they cost. Not here: any computation (network.ts, heads.ts), and reading a configuration off a file (infer.ts).
 */
import { InputError } from "../errors.ts";
import { headCount, levelChannels, normGroups, sizeMultiple, type UNetConfig } from "./config.ts";

/** `name` is the module's prefix in the state dict: a conv's weight is `${name}.weight`, a downsample's `${name}.op.weight`. */
export type Block =
  | { readonly kind: "conv"; readonly name: string; readonly in: number; readonly out: number }
  | {
      readonly kind: "res";
      readonly name: string;
      readonly in: number;
      readonly out: number;
      readonly resample: "none" | "up" | "down";
    }
  | { readonly kind: "attention"; readonly name: string; readonly channels: number; readonly heads: number }
  | {
      readonly kind: "downsample" | "upsample";
      readonly name: string;
      readonly channels: number;
      /** false: 2×2 mean or nearest ×2, without tensors. */
      readonly conv: boolean;
    };

/** What follows the last block: the UNet's convolution to an image, or a classifier's pooling. */
type Head =
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
}

/** Follows UNetModel and EncoderUNetModel of guided-diffusion (Dhariwal and Nichol 2021, arXiv 2105.05233). Expects a checked configuration. */
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
  const { config, details, widths, attends } = levels;
  const stemChannels = config.inChannels * (config.superRes ? 2 : 1);
  let channels = widths[0]!;
  const input: Block[][] = [[{ kind: "conv", name: "input_blocks.0.0", in: stemChannels, out: channels }]];
  const skips = [channels];
  const res = (name: string, input: number, out: number, resample: "none" | "up" | "down" = "none"): Block => {
    return { kind: "res", name, in: input, out, resample };
  };
  const attention = (name: string, side: "input" | "output"): Block => {
    return { kind: "attention", name, channels, heads: levels.heads(channels, side) };
  };
  const resampler = (name: string, level: number, direction: "up" | "down"): Block => {
    const kind = levels.resampler(level, direction);
    return kind === "res"
      ? res(name, channels, channels, direction)
      : { kind: `${direction}sample`, name, channels, conv: kind === "conv" };
  };

  widths.forEach((width, level) => {
    for (let i = 0; i < config.numResBlocks; i++) {
      const name = `input_blocks.${input.length}`;
      const blocks = [res(`${name}.0`, channels, width)];
      channels = width;
      if (attends(level, "input")) blocks.push(attention(`${name}.1`, "input"));
      input.push(blocks);
      skips.push(channels);
    }
    if (level === widths.length - 1) return;
    input.push([resampler(`input_blocks.${input.length}.0`, level, "down")]);
    skips.push(channels);
  });

  const middle = [
    res("middle_block.0", channels, channels),
    ...(levels.middleAttention ? [attention("middle_block.1", "input")] : []),
    res("middle_block.2", channels, channels),
  ];

  const { modelChannels, outChannels, pool } = config;
  const outer = { outChannels, stemChannels, modelChannels, embedChannels: 4 * modelChannels, details };
  if (pool !== undefined) {
    const features = skips.reduce((sum, width) => sum + width, channels);
    const side = Math.floor(config.imageSize / sizeMultiple(config));
    const poolHeads = Math.floor(channels / config.numHeadChannels);
    const head: Head =
      pool === "attention"
        ? { kind: pool, tokens: side * side + 1, heads: poolHeads }
        : pool === "adaptive"
          ? { kind: pool }
          : { kind: pool, features };
    return { config, input, middle, output: [], head, outChannelsIn: channels, ...outer };
  }

  const output: Architecture["output"] = [];
  for (let level = widths.length - 1; level >= 0; level--) {
    for (let i = 0; i <= config.numResBlocks; i++) {
      const name = `output_blocks.${output.length}`;
      const skipChannels = skips.pop()!;
      const blocks = [res(`${name}.0`, channels + skipChannels, widths[level]!)];
      channels = widths[level]!;
      if (attends(level, "output")) blocks.push(attention(`${name}.1`, "output"));
      if (level > 0 && i === config.numResBlocks) blocks.push(resampler(`${name}.${blocks.length}`, level, "up"));
      output.push({ blocks, skipChannels });
    }
  }
  return { config, input, middle, output, head: { kind: "image" }, outChannelsIn: channels, ...outer };
}

/** All blocks in execution order. */
export function allBlocks({ input, middle, output }: Architecture): Block[] {
  return [...input.flat(), ...middle, ...output.flatMap(({ blocks }) => blocks)];
}

/** `tensorsOf` of a configuration's architecture. */
export function expectedTensors(config: UNetConfig): Map<string, number[]> {
  return tensorsOf(buildArchitecture(config));
}

/** Name and shape of every tensor of the state dict, in execution order: convolutions OIHW, attention's 1×1 ones [O, I, 1]. */
export function tensorsOf(architecture: Architecture): Map<string, number[]> {
  const { config, modelChannels, embedChannels } = architecture;
  const shapes = new Map<string, number[]>();
  const add = (name: string, ...shape: number[]) => {
    shapes.set(`${name}.weight`, shape);
    shapes.set(`${name}.bias`, [shape[0]!]);
  };
  add("time_embed.0", embedChannels, modelChannels);
  add("time_embed.2", embedChannels, embedChannels);
  if (config.numClasses !== null) shapes.set("label_emb.weight", [config.numClasses, embedChannels]);
  for (const block of allBlocks(architecture)) {
    const { name } = block;
    if (block.kind === "conv") add(name, block.out, block.in, 3, 3);
    else if (block.kind === "res") {
      add(`${name}.in_layers.0`, block.in);
      add(`${name}.in_layers.2`, block.out, block.in, 3, 3);
      add(`${name}.emb_layers.1`, config.useScaleShiftNorm ? 2 * block.out : block.out, embedChannels);
      add(`${name}.out_layers.0`, block.out);
      add(`${name}.out_layers.3`, block.out, block.out, 3, 3);
      if (block.in !== block.out) add(`${name}.skip_connection`, block.out, block.in, 1, 1);
    } else if (block.kind === "attention") {
      add(`${name}.norm`, block.channels);
      add(`${name}.qkv`, 3 * block.channels, block.channels, 1);
      add(`${name}.proj_out`, block.channels, block.channels, 1);
    } else if (block.conv) {
      add(`${name}.${block.kind === "downsample" ? "op" : "conv"}`, block.channels, block.channels, 3, 3);
    }
  }
  addHead(architecture, shapes, add);
  return shapes;
}

function addHead(
  { head, outChannelsIn, outChannels }: Architecture,
  shapes: Map<string, number[]>,
  add: (name: string, ...shape: number[]) => void,
): void {
  if ("features" in head) {
    add("out.0", hiddenFeatures, head.features);
    if (head.kind === "spatial_v2") add("out.1", hiddenFeatures);
    add(head.kind === "spatial" ? "out.2" : "out.3", outChannels, hiddenFeatures);
    return;
  }
  add("out.0", outChannelsIn);
  if (head.kind === "image") add("out.2", outChannels, outChannelsIn, 3, 3);
  else if (head.kind === "adaptive") add("out.3", outChannels, outChannelsIn, 1, 1);
  else {
    shapes.set("out.2.positional_embedding", [outChannelsIn, head.tokens]);
    add("out.2.qkv_proj", 3 * outChannelsIn, outChannelsIn, 1);
    add("out.2.c_proj", outChannels, outChannelsIn, 1);
  }
}

/** Parameters of the state dict. */
export function countParameters(architecture: Architecture): number {
  let count = 0;
  for (const shape of tensorsOf(architecture).values()) count += shape.reduce((product, size) => product * size, 1);
  return count;
}

/**
 * Multiply-adds of one forward at batch 1 for an image of height × width pixels: convolutions, linear layers and attention's
 * two products. Throws InputError if the levels cannot halve the size.
 */
export function countMacs(architecture: Architecture, height: number, width: number): number {
  const { config, modelChannels, embedChannels } = architecture;
  const multiple = sizeMultiple(config);
  const fits = (size: number) => Number.isInteger(size / multiple) && size > 0;
  if (!fits(height) || !fits(width)) {
    throw new InputError(`image: expected sides that are multiples of ${multiple}, got ${width}×${height}`);
  }
  let pixels = height * width;
  let macs = embedChannels * (modelChannels + embedChannels);
  for (const block of allBlocks(architecture)) {
    if (block.kind === "conv") macs += 9 * block.in * block.out * pixels;
    else if (block.kind === "res") {
      // Up and down come before the first convolution.
      if (block.resample !== "none") pixels *= block.resample === "up" ? 4 : 1 / 4;
      macs += 9 * (block.in + block.out) * block.out * pixels;
      if (block.in !== block.out) macs += block.in * block.out * pixels;
      macs += embedChannels * block.out * (config.useScaleShiftNorm ? 2 : 1);
    } else if (block.kind === "attention") {
      macs += (4 * block.channels + 2 * pixels) * block.channels * pixels;
    } else {
      pixels *= block.kind === "upsample" ? 4 : 1 / 4;
      if (block.conv) macs += 9 * block.channels * block.channels * pixels;
    }
  }
  return macs + headMacs(architecture, pixels);
}

/** `pixels` are those of the last block. */
function headMacs({ head, outChannelsIn, outChannels }: Architecture, pixels: number): number {
  switch (head.kind) {
    case "image":
      return 9 * outChannelsIn * outChannels * pixels;
    case "adaptive":
      return outChannelsIn * outChannels;
    case "attention":
      return head.tokens * (3 * outChannelsIn + 2 * head.tokens + outChannels) * outChannelsIn;
    default:
      return hiddenFeatures * (head.features + outChannels);
  }
}
