/**
 * Reads flags as people write them, in either of guided-diffusion's vocabularies: its model constructor's
 * (model_channels, attention_resolutions as downsample factors, …) or its scripts' (num_channels, attention_resolutions
 * "32,16" as image sizes, class_cond, …). Not here: what tensors say about a network (infer.ts).
 *
 * Which vocabulary: a key that only one of them has decides, as does a list (constructor) or a text (scripts) for
 * attention_resolutions and channel_mult. Keys of both in one object are refused: 16 means two things. Diffusion
 * settings may stand beside either.
 */
import { InputError } from "../errors.ts";
import { checkConfig, type DiffusionSettings, flagName, type UNetConfig } from "./config.ts";
import { nearNames } from "../text/near.ts";
import { quoted, shown } from "../text/quoted.ts";

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Only what the flags say; the rest is left to the tensors or to completeConfig. */
export interface Flags {
  readonly vocabulary: "constructor" | "scripts" | "either";
  readonly unet: Partial<UNetConfig>;
  readonly diffusion: Partial<DiffusionSettings>;
  /** The scripts' class_cond: conditional, on however many classes. */
  readonly classCond?: boolean | undefined;
}

export interface Reading {
  readonly json: Record<string, unknown>;
  readonly unet: Partial<Writable<UNetConfig>>;
  readonly diffusion: Partial<Writable<DiffusionSettings>>;
  readonly problems: string[];
}
export type Read = (value: unknown, flag: string, to: Reading) => void;

export const expected = (what: string, value: unknown, flag: string, to: Reading) =>
  void to.problems.push(`${flag}: expected ${what}, got ${shown(value)}`);

const number =
  (set: (to: Reading, value: number) => void, { min = 1, max = 2 ** 24, orMinusOne = false } = {}): Read =>
  (value, flag, to) => {
    const inRange = Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
    if (inRange || (orMinusOne && value === -1)) set(to, value as number);
    else expected(`a whole number from ${min} to ${max}${orMinusOne ? ", or -1" : ""}`, value, flag, to);
  };
const boolean =
  (set: (to: Reading, value: boolean) => void): Read =>
  (value, flag, to) =>
    typeof value === "boolean" ? set(to, value) : expected("true or false", value, flag, to);

/**
 * Flags that change training or speed, never the result of a forward. Scripts for guided sampling pass the classifier's
 * too.
 */
const ignored = (): void => {};

export const shared: Record<string, Read> = {
  image_size: number((to, n) => (to.unet.imageSize = n)),
  num_res_blocks: number((to, n) => (to.unet.numResBlocks = n), { max: 64 }),
  num_heads: number((to, n) => (to.unet.numHeads = n)),
  num_head_channels: number((to, n) => (to.unet.numHeadChannels = n), { orMinusOne: true }),
  num_heads_upsample: number((to, n) => (to.unet.numHeadsUpsample = n), { orMinusOne: true }),
  use_scale_shift_norm: boolean((to, b) => (to.unet.useScaleShiftNorm = b)),
  resblock_updown: boolean((to, b) => (to.unet.resblockUpdown = b)),
  use_new_attention_order: boolean((to, b) => (to.unet.useNewAttentionOrder = b)),
  num_classes: (value, flag, to) =>
    value === null ? (to.unet.numClasses = null) : number((to, n) => (to.unet.numClasses = n))(value, flag, to),
  use_fp16: boolean(ignored),
  use_checkpoint: boolean(ignored),
  dropout: (value, flag, to) => {
    if (typeof value !== "number" || !(value >= 0 && value <= 1)) expected("a number from 0 to 1", value, flag, to);
  },
};

export const diffusion: Record<string, Read> = {
  diffusion_steps: number((to, n) => (to.diffusion.diffusionSteps = n), { max: 1_000_000 }),
  noise_schedule: (value, flag, to) => {
    if (value === "linear" || value === "cosine") to.diffusion.noiseSchedule = value;
    else expected('"linear" or "cosine"', value, flag, to);
  },
  timestep_respacing: (value, flag, to) => {
    const text = Array.isArray(value) || typeof value === "number" ? String(value) : value;
    const isRespacing = typeof text === "string" && /^$|^(ddim)?[1-9]\d{0,6}$|^\d{1,7}(, *\d{1,7})+$/.test(text);
    if (isRespacing) to.diffusion.timestepRespacing = text;
    else expected('step counts as "250" or "10,15,20", or "ddim50"', value, flag, to);
  },
  learn_sigma: boolean((to, b) => (to.diffusion.learnSigma = b)),
  sigma_small: boolean((to, b) => (to.diffusion.sigmaSmall = b)),
  predict_xstart: boolean((to, b) => (to.diffusion.predictXstart = b)),
  predict_v: boolean((to, b) => {
    to.diffusion.predictV = b;
    if (b && to.json["predict_xstart"] === true) to.problems.push("predict_v: expected no predict_xstart beside it");
  }),
  rescale_timesteps: boolean((to, b) => (to.diffusion.rescaleTimesteps = b)),
  rescale_learned_sigmas: boolean((to, b) => (to.diffusion.rescaleLearnedSigmas = b)),
  use_kl: boolean((to, b) => (to.diffusion.useKl = b)),
};

export const constructorOnly: Record<string, Read> = {
  in_channels: number((to, n) => (to.unet.inChannels = n)),
  model_channels: number((to, n) => (to.unet.modelChannels = n)),
  out_channels: number((to, n) => (to.unet.outChannels = n)),
  conv_resample: boolean((to, b) => (to.unet.convResample = b)),
  super_res: boolean((to, b) => (to.unet.superRes = b)),
  norm_num_groups: number((to, n) => (to.unet.normNumGroups = n), { max: 16384 }),
  dims: (value, flag, to) => {
    if (value !== 2) expected("2 (only networks for images are implemented)", value, flag, to);
  },
};

/** Classes of a class-conditional network in the scripts: ImageNet's. */
const scriptClasses = 1000;

export const scriptsOnly: Record<string, Read> = {
  num_channels: number((to, n) => (to.unet.modelChannels = n)),
  class_cond: boolean((to, b) => {
    if (!b && (to.json["num_classes"] ?? null) !== null) to.problems.push("class_cond false: expected no num_classes");
    if (!b) to.unet.numClasses = null;
  }),
  large_size: number((to, n) => {
    to.unet.imageSize = n;
    to.unet.superRes = true;
  }),
  small_size: number(ignored),
  // Sampling scripts carry a second network's flags in the same list.
  ...Object.fromEntries(
    [
      "use_fp16",
      "width",
      "depth",
      "attention_resolutions",
      "use_scale_shift_norm",
      "resblock_updown",
      "pool",
      "scale",
      "path",
    ].map((name) => [`classifier_${name}`, ignored]),
  ),
};

/** Read after the others: sizes become factors by the image size, and "" becomes the image size's own list. */
export const lists: Record<string, { constructor: Read; scripts: Read }> = {
  attention_resolutions: {
    constructor: (value, flag, to) => {
      if (isNumbers(value) && value.every((n) => Number.isInteger(n) && n >= 0 && n <= 2 ** 20))
        setAttention(to, value);
      else expected("a list of downsample factors as [2, 4]", value, flag, to);
    },
    scripts: (value, flag, to) => {
      const sizes = numbersOf(value);
      if (!sizes?.every((n) => Number.isInteger(n) && n >= 1))
        return expected('image sizes as "32,16,8"', value, flag, to);
      const size = to.unet.imageSize;
      if (sizes.length > 0 && size === undefined)
        return expected("image_size (or large_size) beside it", value, flag, to);
      setAttention(
        to,
        sizes.map((n) => Math.floor(size! / n)),
      );
    },
  },
  channel_mult: {
    constructor: (value, flag, to) => {
      if (isNumbers(value) && value.length > 0) to.unet.channelMult = value;
      else expected("a list of numbers as [1, 2, 4]", value, flag, to);
    },
    scripts: (value, flag, to) => {
      const mult = numbersOf(value);
      if (!mult) expected('"" or numbers as "1,2,4"', value, flag, to);
      else if (mult.length > 0) to.unet.channelMult = mult;
      else setDefaultMult(to);
    },
  },
};

function setAttention(to: Reading, factors: number[]): void {
  // 0 stands for a size above the image's own: never reached.
  to.unet.attentionResolutions = [...new Set(factors.filter((n) => n > 0))].sort((a, b) => a - b);
}

const multBySize: Record<number, number[]> = {
  512: [0.5, 1, 1, 2, 2, 4, 4],
  256: [1, 1, 2, 2, 4, 4],
  128: [1, 1, 2, 3, 4],
  64: [1, 2, 3, 4],
};

/**
 * The scripts' own list for an image size; a super-resolution network of 512 has that of 256. Other sizes have none.
 */
function setDefaultMult(to: Reading): void {
  const size = to.unet.imageSize ?? 0;
  const mult = multBySize[to.unet.superRes && size === 512 ? 256 : size];
  if (mult) to.unet.channelMult = mult;
}

const isNumbers = (value: unknown): value is number[] =>
  Array.isArray(value) && value.every((item) => typeof item === "number" && Number.isFinite(item));

/** "32,16" → [32, 16]; a bare number counts as a list of one, as YAML gives it; undefined if it is neither. */
function numbersOf(value: unknown): number[] | undefined {
  if (typeof value === "number") return [value];
  if (typeof value !== "string") return undefined;
  if (value.trim() === "") return [];
  const items = value.split(",").map((item) => item.trim());
  return items.every((item) => /^\d{1,9}(\.\d{1,9})?$|^\.\d{1,9}$/.test(item)) ? items.map(Number) : undefined;
}

/**
 * Flags from parsed JSON. A key that neither vocabulary knows is an error that lists near ones.
 * @throws InputError that lists every problem
 */
export function parseFlags(json: unknown): Flags {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new InputError(`flags: expected a JSON object as {"num_heads": 4}, got ${shown(json)}`);
  }
  const to: Reading = { json: json as Record<string, unknown>, unet: {}, diffusion: {}, problems: [] };
  const vocabulary = vocabularyOf(to);
  const readers = { ...shared, ...diffusion, ...constructorOnly, ...scriptsOnly };
  for (const [flag, value] of Object.entries(to.json)) {
    if (Object.hasOwn(readers, flag)) readers[flag]!(value, flag, to);
    else if (!Object.hasOwn(lists, flag)) to.problems.push(unknownFlag(flag, Object.keys({ ...readers, ...lists })));
  }
  for (const [flag, read] of Object.entries(lists)) {
    if (Object.hasOwn(to.json, flag))
      read[vocabulary === "scripts" ? "scripts" : "constructor"](to.json[flag], flag, to);
  }
  if (to.problems.length > 0) throw new InputError(`flags: ${to.problems.join("; ")}`);
  return { vocabulary, unet: to.unet, diffusion: to.diffusion, classCond: to.json["class_cond"] === true || undefined };
}

/**
 * A whole configuration from flags alone, what they leave out by their vocabulary's defaults.
 * @throws InputError for flags that the constructor requires and for a network that cannot be built
 */
export function completeConfig({ vocabulary, unet, diffusion: settings, classCond }: Flags): UNetConfig {
  const common = { numHeadChannels: -1, numHeadsUpsample: -1, useNewAttentionOrder: false };
  const numClasses = classCond ? scriptClasses : null;
  const rest = { ...common, numClasses, convResample: true, resblockUpdown: false, superRes: false };
  let config: Partial<UNetConfig>;
  if (vocabulary === "scripts") {
    const imageSize = unet.imageSize ?? 64;
    const to: Reading = { json: {}, unet: { ...unet, imageSize }, diffusion: {}, problems: [] };
    if (!unet.channelMult) setDefaultMult(to);
    if (!unet.attentionResolutions) setAttention(to, [Math.floor(imageSize / 16), Math.floor(imageSize / 8)]);
    const channels = { inChannels: 3, modelChannels: 128, outChannels: settings.learnSigma ? 6 : 3 };
    config = { ...rest, ...channels, numResBlocks: 2, numHeads: 4, useScaleShiftNorm: true, ...to.unet };
  } else {
    config = { ...rest, numHeads: 1, useScaleShiftNorm: false, channelMult: [1, 2, 4, 8], ...unet };
  }
  const { imageSize, inChannels, modelChannels, outChannels, numResBlocks, attentionResolutions, channelMult } = config;
  const needed = { imageSize, inChannels, modelChannels, outChannels, numResBlocks, attentionResolutions, channelMult };
  const missing = Object.entries(needed).filter(([, value]) => value === undefined);
  if (missing.length > 0) {
    const names = missing.map(([key]) => flagName(key as keyof UNetConfig)).join(", ");
    throw new InputError(`flags: expected a whole network, but there is no ${names}`);
  }
  checkConfig(config as UNetConfig);
  return config as UNetConfig;
}

/**
 * Lays flags over others: what `over` says wins. Heads are one statement: a number of heads hides a head width below
 * it.
 */
export function mergeFlags(over: Flags, under: Flags): Flags {
  const unet: Partial<Writable<UNetConfig>> = { ...under.unet, ...over.unet };
  if (over.unet.numHeads !== undefined && over.unet.numHeadChannels === undefined) unet.numHeadChannels = -1;
  const vocabulary = over.vocabulary === "either" ? under.vocabulary : over.vocabulary;
  const classCond = over.unet.numClasses === undefined ? (over.classCond ?? under.classCond) : over.classCond;
  return { vocabulary, unet, diffusion: { ...under.diffusion, ...over.diffusion }, classCond };
}

export const noFlags: Flags = { vocabulary: "either", unet: {}, diffusion: {} };

function vocabularyOf(to: Reading): Flags["vocabulary"] {
  const entries = Object.entries(to.json);
  const isList = (flag: string) => Object.hasOwn(lists, flag);
  const fromConstructor = entries.find(
    ([flag, value]) => Object.hasOwn(constructorOnly, flag) || (isList(flag) && Array.isArray(value)),
  );
  const fromScripts = entries.find(
    ([flag, value]) =>
      Object.hasOwn(scriptsOnly, flag) || (isList(flag) && (typeof value === "string" || typeof value === "number")),
  );
  if (fromConstructor && fromScripts) {
    const [a, b] = [fromConstructor, fromScripts].map(([flag, value]) => `${flag}: ${shown(value)}`);
    to.problems.push(`expected one vocabulary, got ${a} (guided-diffusion's constructor) beside ${b} (its scripts)`);
  }
  if (
    to.json["large_size"] !== undefined &&
    to.json["image_size"] !== undefined &&
    to.json["image_size"] !== to.json["large_size"]
  ) {
    to.problems.push("image_size: expected large_size alone, or the same number");
  }
  return fromScripts ? "scripts" : fromConstructor ? "constructor" : "either";
}

export function unknownFlag(flag: string, known: string[]): string {
  const near = nearNames(flag, known);
  const hint = near.length > 0 ? ` (near: ${near.join(", ")})` : "";
  return `${quoted(flag)} is not a flag of guided-diffusion's networks${hint}`;
}
