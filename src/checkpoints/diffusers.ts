/**
 * diffusers' UNet2DModel (the google/ddpm-* checkpoints and ADM-like ones): its config.json becomes the same
 * architecture as guided-diffusion's, and its tensors are read under guided-diffusion's names. Not here: pipelines,
 * schedulers, UNet2DConditionModel.
 */
import { CheckpointError, InputError } from "../errors.ts";
import { assembleArchitecture, type Architecture } from "./architecture.ts";
import { tensorsOf } from "./layers.ts";
import type { UNetConfig } from "./config.ts";
import { quote } from "../files/json.ts";
import type { TensorFile, TensorInfo } from "../files/safetensors.ts";

const blockTypes = {
  down: ["DownBlock2D", "AttnDownBlock2D", "ResnetDownsampleBlock2D"],
  up: ["UpBlock2D", "AttnUpBlock2D", "ResnetUpsampleBlock2D"],
};

/**
 * The architecture that a config.json describes.
 * @throws InputError that lists every field that is missing, wrong or asks for something that this engine does not have
 */
export function diffusersArchitecture(json: Record<string, unknown>): Architecture {
  const problems: string[] = [];
  const field = <T>(name: string, expected: string, fits: (value: unknown) => value is T, otherwise?: T): T => {
    const value = json[name] ?? otherwise;
    if (!fits(value)) problems.push(`${name}: expected ${expected}, got ${shown(value)}`);
    return value as T;
  };
  const count = (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 2 ** 20;
  const orNull = (value: unknown): value is number | null => value === null || count(value);
  const flag = (value: unknown): value is boolean => typeof value === "boolean";
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) && value.length > 0 && value.length <= 12 && value.every(count);
  const typesOf =
    (side: "down" | "up") =>
    (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((type) => blockTypes[side].includes(type as string));
  const only = <T>(name: string, value: T) =>
    field(name, `${shown(value)} (others are not supported)`, (given): given is T => given === value, value);

  const className = json._class_name ?? "UNet2DModel";
  if (className !== "UNet2DModel") problems.push(`_class_name: expected "UNet2DModel", got ${shown(className)}`);
  const widths = field("block_out_channels", "1 to 12 channel counts", counts);
  const down = field("down_block_types", `a list of ${blockTypes.down.join(", ")}`, typesOf("down"));
  const up = field("up_block_types", `a list of ${blockTypes.up.join(", ")}`, typesOf("up"));
  const layers = field("layers_per_block", "a whole number ≥ 1", count, 2);
  const inChannels = field("in_channels", "a whole number ≥ 1", count, 3);
  const outChannels = field("out_channels", "a whole number ≥ 1", count, 3);
  const headChannels = field(
    "attention_head_dim",
    "a whole number ≥ 1 or null",
    orNull,
    "attention_head_dim" in json ? null : 8,
  );
  const groups = field("norm_num_groups", "a whole number ≥ 1", count, 32);
  const epsilon = field("norm_eps", "a number ≥ 0", (v): v is number => typeof v === "number" && v >= 0, 1e-5);
  const cosFirst = field("flip_sin_to_cos", "true or false", flag, true);
  const shift = field("freq_shift", "0 or 1", (v): v is number => v === 0 || v === 1, 0);
  const pad = field("downsample_padding", "0 or 1", (v): v is 0 | 1 => v === 0 || v === 1, 1);
  const timeScaleShift = field(
    "resnet_time_scale_shift",
    '"default" or "scale_shift"',
    (v): v is string => v === "default" || v === "scale_shift",
    "default",
  );
  const middleAttention = field("add_attention", "true or false", flag, true);
  const classes = field("num_class_embeds", "a whole number ≥ 1 or null", orNull, null);
  const resamples = (name: string) =>
    field(name, '"conv" or "resnet"', (v): v is string => v === "conv" || v === "resnet", "conv");
  const [downsampleType, upsampleType] = [resamples("downsample_type"), resamples("upsample_type")];
  only("act_fn", "silu");
  only("center_input_sample", false);
  only("time_embedding_type", "positional");
  only("mid_block_scale_factor", 1);
  if (json.class_embed_type != null)
    problems.push(`class_embed_type: expected null (others are not supported), got ${shown(json.class_embed_type)}`);
  if (problems.length === 0) {
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
    if (widths[0]! % 2 !== 0) problems.push(`block_out_channels: expected an even number first, got ${widths[0]}`);
  }
  if (problems.length > 0) throw new InputError(`this UNet2DModel cannot be built: ${problems.join("; ")}`);

  const last = widths.length - 1;
  // up_blocks run from the last level to the first.
  const typeAt = (level: number, side: "input" | "output") => (side === "input" ? down[level]! : up[last - level]!);
  const config: UNetConfig = {
    imageSize: imageSize(json.sample_size, widths.length),
    inChannels,
    outChannels,
    modelChannels: widths[0]!,
    numResBlocks: layers,
    channelMult: widths.map((width) => width / widths[0]!),
    numClasses: classes,
    attentionResolutions: widths.flatMap((_, level) => (typeAt(level, "input").startsWith("Attn") ? 2 ** level : [])),
    numHeads: 1,
    numHeadChannels: headChannels ?? -1,
    numHeadsUpsample: -1,
    useScaleShiftNorm: timeScaleShift === "scale_shift",
    useNewAttentionOrder: true,
    superRes: false,
    resblockUpdown: down.some((type) => type.startsWith("Resnet")),
    convResample: true,
  };
  return assembleArchitecture({
    config,
    widths,
    middleAttention,
    details: {
      normGroups: groups,
      normEpsilon: epsilon,
      frequencyShift: shift,
      downsamplePad: pad,
      embeddingOrder: cosFirst ? "cosSin" : "sinCos",
    },
    attends: (level, side) => typeAt(level, side).startsWith("Attn"),
    resampler: (level, direction) => {
      const type = typeAt(level, direction === "down" ? "input" : "output");
      const attending = direction === "down" ? downsampleType : upsampleType;
      return type.startsWith("Resnet") || (type.startsWith("Attn") && attending === "resnet") ? "res" : "conv";
    },
    heads: (channels) => (headChannels === null ? 1 : channels / headChannels),
  });
}

function shown(value: unknown): string {
  const text = value === undefined ? "nothing" : JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** sample_size as one side: the network takes any size that its levels can halve. */
function imageSize(size: unknown, levels: number): number {
  const sides = (Array.isArray(size) ? size : [size]).filter(
    (side): side is number => Number.isInteger(side) && (side as number) >= 1,
  );
  return sides.length > 0 ? Math.max(...sides) : 2 ** (levels + 2);
}

/** Names of a residual block's and an attention's parts: guided-diffusion's to diffusers'. */
const resParts = {
  "in_layers.0": "norm1",
  "in_layers.2": "conv1",
  "emb_layers.1": "time_emb_proj",
  "out_layers.0": "norm2",
  "out_layers.3": "conv2",
  skip_connection: "conv_shortcut",
};

/** For each module of an architecture, under guided-diffusion's name, the module of UNet2DModel it is. */
function moduleNames(architecture: Architecture): Map<string, string> {
  const names = new Map([
    ["input_blocks.0.0", "conv_in"],
    ["middle_block.0", "mid_block.resnets.0"],
    ["middle_block.1", "mid_block.attentions.0"],
    ["middle_block.2", "mid_block.resnets.1"],
    ["time_embed.0", "time_embedding.linear_1"],
    ["time_embed.2", "time_embedding.linear_2"],
    ["label_emb", "class_embedding"],
    ["out.0", "conv_norm_out"],
    ["out.2", "conv_out"],
  ]);
  const { numResBlocks } = architecture.config;
  for (const [entry, blocks] of architecture.input.entries()) {
    if (entry === 0) continue;
    const [level, index] = [Math.floor((entry - 1) / (numResBlocks + 1)), (entry - 1) % (numResBlocks + 1)];
    for (const { kind, name } of blocks) {
      const part =
        index === numResBlocks ? "downsamplers.0" : `${kind === "attention" ? "attentions" : "resnets"}.${index}`;
      names.set(name, `down_blocks.${level}.${part}`);
    }
  }
  for (const [entry, { blocks }] of architecture.output.entries()) {
    const [level, index] = [Math.floor(entry / (numResBlocks + 1)), entry % (numResBlocks + 1)];
    for (const [position, { kind, name }] of blocks.entries()) {
      const upsampler = position > 0 && kind !== "attention";
      const part = upsampler ? "upsamplers.0" : `${kind === "attention" ? "attentions" : "resnets"}.${index}`;
      names.set(name, `up_blocks.${level}.${part}`);
    }
  }
  return names;
}

/**
 * The file under guided-diffusion's names, as far as it has the tensors; what it lacks stays missing, for one error
 * that lists all. to_q, to_k and to_v become one qkv in the new order. Both generations of attention's names are known.
 */
export function underGuidedNames(file: TensorFile, architecture: Architecture): TensorFile {
  const modules = moduleNames(architecture);
  const sources = new Map<string, readonly TensorInfo[]>();
  const tensors = new Map<string, TensorInfo>();
  const used = new Set<string>();
  for (const [name, shape] of tensorsOf(architecture)) {
    const parts = diffusersNames(name, modules).map((choices) => choices.find((choice) => file.tensors.has(choice)));
    if (parts.some((part) => part === undefined)) continue;
    const infos = parts.map((part) => file.tensors.get(part!)!);
    for (const info of infos) used.add(info.name);
    const [first] = infos;
    if (infos.some(({ dtype, shape }) => dtype !== first!.dtype || shape.join() !== first!.shape.join()))
      throw new CheckpointError(`${file.name}: expected q, k and v of one type and shape at ${name}`);
    // A linear layer's [O, I] is a 1×1 convolution's [O, I, 1].
    const own = [first!.shape[0]! * infos.length, ...first!.shape.slice(1)];
    const same = shape.length === own.length + 1 && shape.at(-1) === 1 ? [...own, 1] : own;
    tensors.set(name, { ...first!, name, shape: same });
    sources.set(name, infos);
  }
  // Left over: reported under their own names.
  for (const [name, info] of file.tensors)
    if (!used.has(name)) {
      tensors.set(name, info);
      sources.set(name, [info]);
    }
  return {
    name: file.name,
    metadata: file.metadata,
    tensors,
    read: async (name) => {
      const infos = sources.get(name);
      if (!infos) throw new CheckpointError(`${file.name}: there is no tensor ${quote(name)}`);
      const parts = await Promise.all(infos.map((info) => file.read(info.name)));
      const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      for (const part of parts) {
        whole.set(part, at);
        at += part.length;
      }
      return whole;
    },
  };
}

/** The tensors that make up one of guided-diffusion's, each with its possible names. */
function diffusersNames(name: string, modules: ReadonlyMap<string, string>): string[][] {
  const suffix = name.endsWith(".weight") ? "weight" : "bias";
  const path = name.slice(0, -suffix.length - 1);
  const whole = modules.get(path);
  if (whole) return [[`${whole}.${suffix}`]];
  for (const [ours, theirs] of Object.entries(resParts)) {
    const module = path.endsWith(`.${ours}`) ? modules.get(path.slice(0, -ours.length - 1)) : undefined;
    if (module) return [[`${module}.${theirs}.${suffix}`]];
  }
  const dot = path.lastIndexOf(".");
  const [module, part] = [modules.get(path.slice(0, dot)), path.slice(dot + 1)];
  const named = (...names: string[]) => names.map((name) => `${module}.${name}.${suffix}`);
  switch (part) {
    case "op":
    case "conv":
      return [named("conv")];
    case "norm":
      return [named("group_norm")];
    case "proj_out":
      return [named("to_out.0", "proj_attn")];
    case "qkv":
      return [named("to_q", "query"), named("to_k", "key"), named("to_v", "value")];
    default:
      throw new Error(`${name} has no place in UNet2DModel`);
  }
}
