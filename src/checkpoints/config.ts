/**
 * What a guided-diffusion network is (UNetConfig: a UNet, or with `pool` a classifier) and how it was trained to
 * diffuse (DiffusionSettings), and the check that a configuration can be built at all. Not here: reading flags
 * (flags.ts), the layers (architecture.ts), tensors (infer.ts).
 */
import { InputError } from "../errors.ts";

/** How a classifier makes logits of what its middle block, or every block, leaves. */
export const pools = ["attention", "adaptive", "spatial", "spatial_v2"] as const;
export type Pool = (typeof pools)[number];

/**
 * The constructor arguments of guided-diffusion's UNetModel, SuperResModel and EncoderUNetModel that change what is
 * computed.
 */
export interface UNetConfig {
  /** Side in pixels of the images it was trained on; the network itself takes any multiple of 2^(levels − 1). */
  readonly imageSize: number;
  /**
   * Channels of x alone. A super-resolution network's first convolution sees twice as many: x and the upsampled
   * low_res.
   */
  readonly inChannels: number;
  readonly modelChannels: number;
  readonly outChannels: number;
  readonly numResBlocks: number;
  /** Downsample factors (1, 2, 4, …), ascending, at which every level's blocks attend. */
  readonly attentionResolutions: readonly number[];
  /** Channels of each level, as a multiple of modelChannels. */
  readonly channelMult: readonly number[];
  /** Without resblockUpdown: resample with a convolution, or by 2×2 mean and nearest only. */
  readonly convResample: boolean;
  /** null: not class-conditional. */
  readonly numClasses: number | null;
  readonly numHeads: number;
  /** Channels a head; −1: numHeads counts. */
  readonly numHeadChannels: number;
  /** Heads in the output blocks; −1: as numHeads. */
  readonly numHeadsUpsample: number;
  readonly useScaleShiftNorm: boolean;
  readonly resblockUpdown: boolean;
  /** qkv rows are all q, all k, all v (new), or q, k, v head by head (legacy). */
  readonly useNewAttentionOrder: boolean;
  readonly superRes: boolean;
  /** Groups of every GroupNorm; absent: guided-diffusion's 32. (Diffusers' name for it; no tensor shows it.) */
  readonly normNumGroups?: number | undefined;
  /** Of a classifier (EncoderUNetModel), whose outChannels are its classes; absent: a UNet. */
  readonly pool?: Pool | undefined;
}

export type ClassifierConfig = UNetConfig & { readonly pool: Pool };

/** The diffusion half of guided-diffusion's script flags. */
export interface DiffusionSettings {
  readonly diffusionSteps: number;
  readonly noiseSchedule: "linear" | "cosine";
  /** "" (every step), "250", "10,15,20" or "ddim50". */
  readonly timestepRespacing: string;
  /** The output's second half is the variance's interpolation. */
  readonly learnSigma: boolean;
  /** Of the two fixed variances, the smaller one. */
  readonly sigmaSmall: boolean;
  readonly predictXstart: boolean;
  /** The output is v = √ᾱ·ε − √(1 − ᾱ)·x₀: diffusers' "v_prediction", which guided-diffusion has not. */
  readonly predictV?: boolean;
  readonly rescaleTimesteps: boolean;
  /** Only training reads these two; they are kept so that a file's settings survive a copy. */
  readonly rescaleLearnedSigmas: boolean;
  readonly useKl: boolean;
}

export const defaultDiffusion: DiffusionSettings = {
  diffusionSteps: 1000,
  noiseSchedule: "linear",
  timestepRespacing: "",
  learnSigma: false,
  sigmaSmall: false,
  predictXstart: false,
  rescaleTimesteps: false,
  rescaleLearnedSigmas: false,
  useKl: false,
};

/** What a network's output is of the picture and the noise in x. */
export type Prediction = "epsilon" | "xStart" | "v";

export function predictionOf({ predictXstart, predictV }: DiffusionSettings): Prediction {
  return predictV ? "v" : predictXstart ? "xStart" : "epsilon";
}

/** Groups of every GroupNorm in guided-diffusion. */
const guidedDiffusionGroups = 32;

export function normGroups({ normNumGroups = guidedDiffusionGroups }: Pick<UNetConfig, "normNumGroups">): number {
  return normNumGroups;
}

/** Python's int(mult · model_channels). */
export function levelChannels(config: Pick<UNetConfig, "channelMult" | "modelChannels">): number[] {
  return config.channelMult.map((mult) => Math.trunc(mult * config.modelChannels));
}

/** modelChannels → "model_channels": the constructor's name, by which errors speak of a field. */
export function flagName(key: keyof UNetConfig | keyof DiffusionSettings): string {
  return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

export function headCount(config: UNetConfig, channels: number, side: "input" | "output"): number {
  if (config.numHeadChannels !== -1) return channels / config.numHeadChannels;
  return side === "output" && config.numHeadsUpsample !== -1 ? config.numHeadsUpsample : config.numHeads;
}

/** Height and width must be multiples of this: every level but the last halves them. */
export function sizeMultiple(config: Pick<UNetConfig, "channelMult">): number {
  return 2 ** (config.channelMult.length - 1);
}

const counts: Partial<Record<keyof UNetConfig, { flag: string; max: number }>> = {
  imageSize: { flag: "image_size", max: 16384 },
  inChannels: { flag: "in_channels", max: 1024 },
  modelChannels: { flag: "model_channels", max: 16384 },
  outChannels: { flag: "out_channels", max: 1_000_000 },
  numResBlocks: { flag: "num_res_blocks", max: 64 },
  numHeads: { flag: "num_heads", max: 4096 },
};
const maxLevels = 12;
const maxClasses = 10_000_000;

/** Everything that is wrong with a configuration, in guided-diffusion's names; empty if it can be built. */
export function configProblems(config: UNetConfig): string[] {
  const problems: string[] = [];
  const expect = (ok: boolean, flag: string, expected: string, got: unknown) => {
    if (!ok) problems.push(`${flag}: expected ${expected}, got ${JSON.stringify(got)}`);
  };
  const isCount = (value: unknown, max: number) =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max;
  for (const [key, { flag, max }] of Object.entries(counts)) {
    const value = config[key as keyof UNetConfig];
    expect(isCount(value, max), flag, `a whole number from 1 to ${max}`, value);
  }
  const { channelMult, numClasses, numHeadChannels, numHeadsUpsample, modelChannels, attentionResolutions } = config;
  const groups = normGroups(config);
  expect(isCount(groups, 16384), "norm_num_groups", "a whole number from 1 to 16384", groups);
  expect(
    numClasses === null || isCount(numClasses, maxClasses),
    "num_classes",
    "a whole number ≥ 1 or null",
    numClasses,
  );
  const orMinusOne = (value: number) => value === -1 || isCount(value, 16384);
  expect(orMinusOne(numHeadChannels), "num_head_channels", "a whole number ≥ 1, or -1", numHeadChannels);
  expect(orMinusOne(numHeadsUpsample), "num_heads_upsample", "a whole number ≥ 1, or -1", numHeadsUpsample);
  const levels = channelMult.length;
  const multsOk = levels >= 1 && levels <= maxLevels && channelMult.every((mult) => mult > 0 && mult <= 1024);
  expect(multsOk, "channel_mult", `1 to ${maxLevels} numbers above 0`, channelMult);
  const factorsOk = attentionResolutions.every((factor) => isCount(factor, 2 ** 20));
  expect(factorsOk, "attention_resolutions", "downsample factors (whole numbers ≥ 1)", attentionResolutions);
  if (problems.length > 0) return problems;

  expect(
    modelChannels % 2 === 0,
    "model_channels",
    "an even number (sines and cosines of the timestep)",
    modelChannels,
  );
  const multiple = sizeMultiple(config);
  const halvings = `a multiple of ${multiple}, since ${levels - 1} levels halve it`;
  expect(config.imageSize % multiple === 0, "image_size", halvings, config.imageSize);
  const channels = levelChannels(config);
  channels.forEach((count, level) => {
    const flag = `channel_mult ${channelMult[level]} × model_channels ${modelChannels}`;
    const kind = config.normNumGroups === undefined ? "GroupNorm32" : `norm_num_groups ${groups}`;
    expect(count > 0 && count % groups === 0, flag, `a multiple of ${groups} channels (${kind})`, count);
    // A pixel's channels are read in fours, and so are the two halves of a concatenation.
    expect(count % groups !== 0 || count % 4 === 0, flag, "a multiple of 4 channels", count);
  });
  problems.push(...headProblems(config, channels));
  if (config.pool === "attention" && numHeadChannels === -1)
    problems.push("num_head_channels: expected a whole number ≥ 1 for pool attention, got -1");
  return problems;
}

/** @throws InputError that lists every problem */
export function checkConfig(config: UNetConfig): void {
  const problems = configProblems(config);
  if (problems.length > 0) throw new InputError(`this UNet cannot be built: ${problems.join("; ")}`);
}

function headProblems(config: UNetConfig, channels: number[]): string[] {
  const problems = new Set<string>();
  const attends = (level: number) => config.attentionResolutions.includes(2 ** level);
  channels.forEach((count, level) => {
    // The middle block always attends, at the last level's width, and counts as an input block.
    const isLast = level === channels.length - 1;
    if (!attends(level) && !isLast) return;
    if (config.numHeadChannels !== -1) {
      if (count % config.numHeadChannels === 0) return;
      problems.add(
        `num_head_channels: expected a divisor of the ${count} channels that attend, got ${config.numHeadChannels}`,
      );
      return;
    }
    for (const side of attends(level) ? (["input", "output"] as const) : (["input"] as const)) {
      const heads = headCount(config, count, side);
      if (count % heads === 0) continue;
      const flag = side === "output" && config.numHeadsUpsample !== -1 ? "num_heads_upsample" : "num_heads";
      problems.add(`${flag}: expected a divisor of the ${count} channels that attend, got ${heads}`);
    }
  });
  return [...problems];
}
