/**
 * What diffusers calls the layers of a UNet2DModel, and a file of one read under guided-diffusion's names. Names of
 * either family's blocks and layers are spelled once: guided-diffusion's in ../names.ts, diffusers' here.
 */
import { CheckpointError } from "../../errors.ts";
import { type Renamed, underNames } from "../../files/renamed.ts";
import type { Architecture, Block } from "../architecture.ts";
import { tensorsOf } from "../layers.ts";
import { classTable, headNames, layerName, partNames, type PartOf, timeNames } from "../names.ts";
import { scaleName } from "../../files/int8.ts";
import type { TensorFile, TensorInfo } from "../../files/tensorFile.ts";

/**
 * The layers that make up one of ours, side by side along the output channels, each with the names it had over the
 * years.
 */
type Names = readonly (readonly string[])[];

/** Of each part of a block, after the name of the module; "" is the module itself. */
const parts: { readonly [K in Block["kind"]]: Readonly<Record<PartOf<K>, Names>> } = {
  conv: { convolution: [[""]] },
  res: {
    norm1: [["norm1"]],
    convolution1: [["conv1"]],
    embedding: [["time_emb_proj"]],
    norm2: [["norm2"]],
    convolution2: [["conv2"]],
    skip: [["conv_shortcut"]],
  },
  attention: {
    norm: [["group_norm"]],
    qkv: [
      ["to_q", "query"],
      ["to_k", "key"],
      ["to_v", "value"],
    ],
    projection: [["to_out.0", "proj_attn"]],
  },
  downsample: { convolution: [["conv"]] },
  upsample: { convolution: [["conv"]] },
};

/** The module that a block is, or the list of its level that it stands in. */
const lists: Readonly<Record<Block["kind"], string>> = {
  conv: "conv_in",
  res: "resnets",
  attention: "attentions",
  downsample: "downsamplers",
  upsample: "upsamplers",
};

/** Every block with the module of UNet2DModel that it is. */
function modulesOf({ config, input, middle, output }: Architecture): [Block, string][] {
  const perLevel = config.numResBlocks + 1;
  const place = (level: string, index: number, list: string) => `${level}.${list}.${index}`;
  const found: [Block, string][] = input[0]!.map((block) => [block, lists[block.kind]]);
  for (const [entry, blocks] of input.slice(1).entries()) {
    const [level, index] = [`down_blocks.${Math.floor(entry / perLevel)}`, entry % perLevel];
    for (const block of blocks)
      found.push([
        block,
        index === config.numResBlocks ? place(level, 0, lists.downsample) : place(level, index, lists[block.kind]),
      ]);
  }
  const seen = new Map<string, number>();
  for (const block of middle) {
    const list = lists[block.kind];
    const index = seen.get(list) ?? 0;
    seen.set(list, index + 1);
    found.push([block, place("mid_block", index, list)]);
  }
  for (const [entry, { blocks }] of output.entries()) {
    const [level, index] = [`up_blocks.${Math.floor(entry / perLevel)}`, entry % perLevel];
    for (const [position, block] of blocks.entries()) {
      // A residual block that resamples stands behind another one.
      const resamples = position > 0 && block.kind !== "attention";
      found.push([block, resamples ? place(level, 0, lists.upsample) : place(level, index, lists[block.kind])]);
    }
  }
  return found;
}

/** For each layer's name of ours, and the class table's, diffusers'. */
function layersByName(architecture: Architecture): Map<string, Names> {
  const names = new Map<string, Names>([
    [timeNames[0], [["time_embedding.linear_1"]]],
    [timeNames[1], [["time_embedding.linear_2"]]],
    [classTable.replace(/\.weight$/, ""), [["class_embedding"]]],
    [headNames.image.norm, [["conv_norm_out"]]],
    [headNames.image.convolution, [["conv_out"]]],
  ]);
  for (const [block, module] of modulesOf(architecture)) {
    const theirs: Readonly<Record<string, Names>> = parts[block.kind];
    for (const [part, ours] of Object.entries(partNames[block.kind]))
      names.set(
        layerName(block.name, ours),
        theirs[part]!.map((choices) => choices.map((choice) => layerName(module, choice))),
      );
  }
  return names;
}

/** All tensors of such a file by the names that diffusers writes today, with their shapes. */
export function diffusersTensors(architecture: Architecture): Map<string, number[]> {
  const names = layersByName(architecture);
  const tensors = new Map<string, number[]>();
  for (const [name, [out, ...rest]] of tensorsOf(architecture)) {
    const [, layer, suffix] = /^(.*)\.(weight|bias)$/.exec(name)!;
    const sources = names.get(layer!)!;
    // Attention's layers are linear there, and 1×1 convolutions with one axis here.
    const shape = [out! / sources.length, ...(rest.length === 2 ? rest.slice(0, 1) : rest)];
    for (const [choice] of sources) tensors.set(`${choice}.${suffix}`, shape);
  }
  return tensors;
}

/**
 * The file under guided-diffusion's names, as far as it has the tensors; what it lacks stays missing, for one error
 * that lists all. to_q, to_k and to_v become one qkv in the new order. Both generations of attention's names are known.
 * @throws CheckpointError for q, k and v that do not fit each other
 */
export function underGuidedNames(file: TensorFile, architecture: Architecture): TensorFile {
  const names = layersByName(architecture);
  const tensors: Renamed[] = [];
  const used = new Set<string>();
  for (const [name, shape] of tensorsOf(architecture)) {
    const [, layer, suffix] = /^(.*)\.(weight|bias)$/.exec(name)!;
    const sources = names
      .get(layer!)!
      .map((choices) => choices.map((choice) => file.tensors.get(`${choice}.${suffix}`)).find(Boolean));
    if (!sources.every((info) => info !== undefined)) continue;
    for (const info of sources) used.add(info.name);
    tensors.push({ info: sideBySide(file.name, name, shape, sources), sources });
  }
  // Left over: reported under their own names.
  for (const [name, info] of file.tensors) if (!used.has(name)) tensors.push({ info, sources: [info] });
  return underNames(file, tensors);
}

/** Tensors of one type and shape as one, along the first axis. `shape` is what is expected of it. */
function sideBySide(file: string, name: string, shape: readonly number[], infos: readonly TensorInfo[]): TensorInfo {
  const [first] = infos as [TensorInfo];
  if (infos.some((info) => info.dtype !== first.dtype || info.shape.join() !== first.shape.join()))
    throw new CheckpointError(`${file}: expected q, k and v of one type and shape at ${name}`);
  const own = [first.shape[0]! * infos.length, ...first.shape.slice(1)];
  // A linear layer's [O, I] is a 1×1 convolution's [O, I, 1].
  const isLinear = shape.length === own.length + 1 && shape.at(-1) === 1;
  const { dtype, begin, end } = first;
  const scale = first.scale && { ...first.scale, name: scaleName(name), shape: [own[0]!] };
  return { name, dtype, shape: isLinear ? [...own, 1] : own, begin, end, ...(scale ? { scale } : {}) };
}
