/**
 * diffusers' UNet2DModel (the google/ddpm-* checkpoints and ADM-like ones): its config.json becomes the same
 * architecture as guided-diffusion's. Not here: its tensors (names.ts), pipelines, schedulers, UNet2DConditionModel.
 */
import { InputError } from "../../errors.ts";
import { shown } from "../../text/quoted.ts";
import { assembleArchitecture, type Architecture } from "../architecture.ts";
import type { UNetConfig } from "../config.ts";
import { schedulerKey } from "../recognise.ts";
import { isSchedulerField } from "./scheduler.ts";

type Json = Readonly<Record<string, unknown>>;
type Fits<T> = (value: unknown) => value is T;

const blockTypes = {
  down: ["DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"],
  up: ["UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"],
};

/** Of channels, classes and the like; and of blocks, each of which is some tensors. */
const [mostCount, mostBlocks] = [2 ** 20, 64];
const isCountTo =
  (most: number): Fits<number> =>
  (value): value is number =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
const isCount = isCountTo(mostCount);
const isCounts: Fits<number[]> = (value): value is number[] =>
  Array.isArray(value) && value.length > 0 && value.length <= 12 && value.every(isCount);
const isCountOrNull: Fits<number | null> = (value): value is number | null => value === null || isCount(value);
const isBoolean: Fits<boolean> = (value): value is boolean => typeof value === "boolean";
const isPositive: Fits<number> = (value): value is number => typeof value === "number" && value >= 0;
const isOneOf =
  <T>(...choices: readonly T[]): Fits<T> =>
  (value): value is T =>
    choices.includes(value as T);
const isListOf =
  (choices: readonly string[]): Fits<string[]> =>
  (value): value is string[] =>
    Array.isArray(value) && value.every((type) => choices.includes(type as string));

const wholeNumber = "a whole number ≥ 1";

/** The fields that describe a network; what is wrong with any of them is added to `problems`. */
function readFields(json: Json, problems: string[]) {
  const known = new Set<string>();
  const field = <T>(name: string, expected: string, fits: Fits<T>, otherwise?: T): T => {
    known.add(name);
    const value = json[name] ?? otherwise;
    if (!fits(value)) problems.push(`${name}: expected ${expected}, got ${shown(value)}`);
    return value as T;
  };
  const only = (name: string, value: unknown) =>
    field(name, `${shown(value)} (others are not supported)`, isOneOf(value), value);
  const resampler = (name: string) => field<string>(name, '"conv" or "resnet"', isOneOf("conv", "resnet"), "conv");
  const width = (name: string, otherwise: number) => field(name, wholeNumber, isCount, otherwise);
  const types = (side: "down" | "up") =>
    field(`${side}_block_types`, `a list of ${blockTypes[side].join(", ")}`, isListOf(blockTypes[side]));

  const className = json._class_name ?? "UNet2DModel";
  if (className !== "UNet2DModel") problems.push(`_class_name: expected "UNet2DModel", got ${shown(className)}`);
  const noHeads = "attention_head_dim" in json ? null : 8;
  const shifts = isOneOf("default", "scale_shift");
  const fields = {
    widths: field("block_out_channels", "1 to 12 channel counts", isCounts),
    down: types("down"),
    up: types("up"),
    layers: field("layers_per_block", `a whole number from 1 to ${mostBlocks}`, isCountTo(mostBlocks), 2),
    inChannels: width("in_channels", 3),
    outChannels: width("out_channels", 3),
    headChannels: field("attention_head_dim", `${wholeNumber} or null`, isCountOrNull, noHeads),
    groups: width("norm_num_groups", 32),
    epsilon: field("norm_eps", "a number ≥ 0", isPositive, 1e-5),
    cosFirst: field("flip_sin_to_cos", "true or false", isBoolean, true),
    shift: field("freq_shift", "0 or 1", isOneOf(0, 1), 0),
    pad: field("downsample_padding", "0 or 1", isOneOf<0 | 1>(0, 1), 1),
    timeShift: field<string>("resnet_time_scale_shift", '"default" or "scale_shift"', shifts, "default"),
    middleAttention: field("add_attention", "true or false", isBoolean, true),
    middleGroups: field("attn_norm_num_groups", `${wholeNumber} or null`, isCountOrNull, null),
    classes: field("num_class_embeds", `${wholeNumber} or null`, isCountOrNull, null),
    downsampler: resampler("downsample_type"),
    upsampler: resampler("upsample_type"),
    sampleSize: json.sample_size,
  };
  only("act_fn", "silu");
  only("center_input_sample", false);
  only("time_embedding_type", "positional");
  only("mid_block_scale_factor", 1);
  only("mid_block_type", "UNetMidBlock2D");
  // null is a network without a middle.
  if (json.mid_block_type === null) problems.push('mid_block_type: expected "UNetMidBlock2D", got null');
  only("class_embed_type", null);
  only("time_embedding_dim", isCounts(fields.widths) ? 4 * fields.widths[0]! : null);
  if (className === "UNet2DModel") problems.push(...unknownFields(json, known));
  return fields;
}

/** Fields that are read nowhere since they change nothing of what a network computes. */
const withoutEffect = new Set([
  "sample_size",
  "dropout",
  "num_train_timesteps",
  schedulerKey,
  // Of averages over training (EMAModel).
  "decay",
  "inv_gamma",
  "min_decay",
  "optimization_step",
  "power",
  "update_after_step",
  "use_ema_warmup",
]);

/** What this program has never heard of may change what the network computes; null is the absence of what it is. */
function unknownFields(json: Json, known: ReadonlySet<string>): string[] {
  const isKnown = (name: string) => name.startsWith("_") || known.has(name) || withoutEffect.has(name);
  const unknown = Object.keys(json).filter((name) => json[name] !== null && !isKnown(name));
  return unknown.map((name) => {
    if (isSchedulerField(name)) return `${name}: is the scheduler's; give it within "${schedulerKey}"`;
    return `${name}: is no field of UNet2DModel that is known here; if it changes nothing, leave it out`;
  });
}

type Fields = ReturnType<typeof readFields>;

/** What is wrong with fields that are each right alone. */
function checkLevels({ widths, down, up, groups, headChannels, middleGroups }: Fields, problems: string[]): void {
  const levels = widths.length;
  if (down.length !== levels || up.length !== levels)
    problems.push(
      `block types: expected ${levels} on each side, as in block_out_channels, got ${down.length} and ${up.length}`,
    );
  for (const width of widths) {
    if (width % groups !== 0 || width % 4 !== 0)
      problems.push(`block_out_channels: expected multiples of 4 and of the ${groups} groups, got ${width}`);
    if (headChannels !== null && width % headChannels !== 0)
      problems.push(`attention_head_dim: expected a divisor of ${width}, got ${headChannels}`);
  }
  if (middleGroups !== null && widths.at(-1)! % middleGroups !== 0)
    problems.push(`attn_norm_num_groups: expected a divisor of ${widths.at(-1)}, got ${middleGroups}`);
  if (widths[0]! % 2 !== 0) problems.push(`block_out_channels: expected an even number first, got ${widths[0]}`);
}

/**
 * The architecture that a config.json describes.
 * @throws InputError that lists every field that is missing, wrong or asks for something that this engine does not have
 */
export function diffusersArchitecture(json: Json): Architecture {
  const problems: string[] = [];
  const fields = readFields(json, problems);
  if (problems.length === 0) checkLevels(fields, problems);
  if (problems.length > 0) throw new InputError(`this UNet2DModel cannot be built: ${problems.join("; ")}`);
  const { widths, down, up, headChannels, downsampler, upsampler } = fields;
  // up_blocks run from the last level to the first.
  const typeAt = (level: number, side: "input" | "output") =>
    side === "input" ? down[level]! : up[widths.length - 1 - level]!;
  const attends = (level: number, side: "input" | "output") => typeAt(level, side).startsWith("Attn");
  return assembleArchitecture({
    config: configOf(
      fields,
      widths.flatMap((_, level) => (attends(level, "input") ? [2 ** level] : [])),
    ),
    widths,
    middleAttention: fields.middleAttention,
    middleGroups: fields.middleGroups ?? undefined,
    details: {
      normGroups: fields.groups,
      normEpsilon: fields.epsilon,
      frequencyShift: fields.shift,
      downsamplePad: fields.pad,
      embeddingOrder: fields.cosFirst ? "cosSin" : "sinCos",
    },
    attends,
    resampler: (level, direction) => {
      const side = direction === "down" ? "input" : "output";
      const attending = direction === "down" ? downsampler : upsampler;
      const isRes = typeAt(level, side).startsWith("Resnet") || (attends(level, side) && attending === "resnet");
      return isRes ? "res" : "conv";
    },
    heads: (channels) => (headChannels === null ? 1 : channels / headChannels),
  });
}

function configOf(fields: Fields, attentionResolutions: readonly number[]): UNetConfig {
  const { widths } = fields;
  return {
    imageSize: imageSize(fields.sampleSize, widths.length),
    inChannels: fields.inChannels,
    outChannels: fields.outChannels,
    modelChannels: widths[0]!,
    numResBlocks: fields.layers,
    channelMult: widths.map((width) => width / widths[0]!),
    numClasses: fields.classes,
    attentionResolutions,
    numHeads: 1,
    numHeadChannels: fields.headChannels ?? -1,
    numHeadsUpsample: -1,
    useScaleShiftNorm: fields.timeShift === "scale_shift",
    useNewAttentionOrder: true,
    superRes: false,
    resblockUpdown: fields.down.some((type) => type.startsWith("Resnet")),
    convResample: true,
  };
}

/** sample_size as one side: the network takes any size that its levels can halve. */
function imageSize(size: unknown, levels: number): number {
  const sides = (Array.isArray(size) ? size : [size]).filter(isSide);
  return sides.length > 0 ? Math.max(...sides) : 2 ** (levels + 2);
}

const isSide: Fits<number> = (side): side is number => Number.isInteger(side) && (side as number) >= 1;
