/**
 * The network's weights as the kernels want them: which packed tensor is made of which checkpoint tensors, and how.
 * Uploading streams: one packed tensor at a time is on the host. Not here: layouts (`packing.ts`), dispatches.
 */
import { padTo4, type DType, type Tensor } from "../engine/tensor.ts";
import { allBlocks, type Architecture, type Block, hiddenFeatures } from "../checkpoints/architecture.ts";
import {
  type HeadLayout,
  identityMatrix,
  packConvolution,
  packVector,
  paddedHead,
  qkvRows,
  spreadColumns,
  takeRows,
  transpose,
  transposeConvolution,
} from "./packing.ts";

/** Reads one checkpoint tensor as f32, row-major. */
export type ReadTensor = (name: string) => Promise<Float32Array>;

export interface PackedWeight {
  readonly tensor: Tensor;
  readonly pack: (read: ReadTensor) => Promise<Float32Array>;
}

/** Packed weights by the name that `network.ts` asks for. */
export type PackedWeights = ReadonlyMap<string, PackedWeight>;

/** Where each residual block's projection lies in a row of the embedding: [scale, shift], or what is added. */
export interface EmbeddingLayout {
  readonly offsets: ReadonlyMap<string, number>;
  /** Floats of a row. */
  readonly width: number;
  /** Neighbouring blocks whose projections are one matrix. */
  readonly parts: readonly EmbeddingPart[];
}

interface EmbeddingPart {
  /** Of the matrix: "projections.0". */
  readonly name: string;
  readonly blocks: readonly string[];
  /** Where the part begins in a row, and its floats. */
  readonly offset: number;
  readonly width: number;
}

/** All projections of a 256² network in f32 are 208 MiB, and WebGPU promises bindings of 128 MiB. */
const largestPartBytes = 64 * 2 ** 20;

export function embeddingLayout(architecture: Architecture): EmbeddingLayout {
  const offsets = new Map<string, number>();
  const parts: (EmbeddingPart & { blocks: string[]; width: number })[] = [];
  let width = 0;
  for (const block of allBlocks(architecture)) {
    if (block.kind !== "res") continue;
    const own = block.out * (architecture.config.useScaleShiftNorm ? 2 : 1);
    const last = parts.at(-1);
    // By the size in f32, so that the layout does not depend on the storage.
    if (last && (last.width + own) * architecture.embedChannels * 4 <= largestPartBytes) {
      last.blocks.push(block.name);
      last.width += own;
    } else parts.push({ name: `projections.${parts.length}`, blocks: [block.name], offset: width, width: own });
    offsets.set(block.name, width);
    width += own;
  }
  return { offsets, width, parts };
}

/**
 * `type` is the storage of the matrices; vectors, norms and the class table stay f32. With `gradient`, every layer between input
 * and output has a second matrix NAME.gradient.weight, with which the same kernels compute its gradient to the input.
 */
export function declareWeights(
  architecture: Architecture,
  type: DType,
  { gradient = false }: { gradient?: boolean } = {},
): PackedWeights {
  const { config, embedChannels, modelChannels } = architecture;
  const weights = new Map<string, PackedWeight>();
  const add = (name: string, dtype: DType, shape: readonly number[], pack: PackedWeight["pack"]) =>
    weights.set(name, { tensor: { name, dtype, shape, place: "external" }, pack });
  const vector = (name: string, length: number) =>
    add(name, "f32", [padTo4(length)], async (read) => packVector(await read(name)));
  const norm = (name: string, channels: number) => {
    vector(`${name}.weight`, channels);
    vector(`${name}.bias`, channels);
  };
  /** The matrix [out, Σ segments, k, k] that `weightOf` reads, packed. */
  const matrix: AddMatrix = (name, { kernel, segments, out, isOfTime = false }, weightOf) => {
    const input = segments.reduce((sum, size) => sum + size, 0);
    const shape = [kernel * kernel, segments.reduce((sum, size) => sum + padTo4(size), 0), padTo4(out)];
    add(`${name}.weight`, type, shape, async (read) =>
      packConvolution(await weightOf(read), { kernel, segments, out }),
    );
    if (!gradient || isOfTime) return;
    add(`${name}.gradient.weight`, type, [kernel * kernel, padTo4(out), padTo4(input)], async (read) => {
      const transposed = transposeConvolution(await weightOf(read), { kernel, out });
      return packConvolution(transposed, { kernel, segments: [out], out: input });
    });
  };
  const convolution = (name: string, kernel: 1 | 3, segments: readonly number[], out: number, isOfTime = false) => {
    matrix(name, { kernel, segments, out, isOfTime }, (read) => read(`${name}.weight`));
    vector(`${name}.bias`, out);
  };
  // Of the timestep alone: no gradient goes there.
  convolution("time_embed.0", 1, [modelChannels], embedChannels, true);
  convolution("time_embed.2", 1, [embedChannels], embedChannels, true);
  if (config.numClasses !== null)
    add("label_emb.weight", "f32", [config.numClasses, embedChannels], (read) => read("label_emb.weight"));
  declareProjections(architecture, add, type);

  const blockWeights = (block: Block, segments: readonly number[]) => {
    const { name } = block;
    if (block.kind === "conv") convolution(name, 3, segments, block.out);
    else if (block.kind === "res") {
      norm(`${name}.in_layers.0`, block.in);
      convolution(`${name}.in_layers.2`, 3, [block.in], block.out);
      norm(`${name}.out_layers.0`, block.out);
      convolution(`${name}.out_layers.3`, 3, [block.out], block.out);
      if (block.in !== block.out) convolution(`${name}.skip_connection`, 1, segments, block.out);
      else if (segments.length > 1)
        // An identity over a concatenation, which exists nowhere as one tensor: copied by a 1×1 convolution.
        add(`${name}.skip_connection.weight`, type, [1, block.in, block.in], () =>
          Promise.resolve(identityMatrix(block.in)),
        );
    } else if (block.kind === "attention")
      attentionWeights(
        { ...block, newOrder: config.useNewAttentionOrder, out: block.channels },
        { qkv: "qkv", projection: "proj_out" },
        { add, norm, vector, matrix },
      );
    else if (block.conv)
      convolution(`${name}.${block.kind === "downsample" ? "op" : "conv"}`, 3, [block.channels], block.channels);
  };
  const { inChannels } = config;
  for (const block of [...architecture.input.flat(), ...architecture.middle])
    blockWeights(block, block.kind === "conv" && config.superRes ? [inChannels, inChannels] : [inputChannels(block)]);
  for (const { blocks, skipChannels } of architecture.output)
    for (const [index, block] of blocks.entries()) {
      const channels = inputChannels(block);
      blockWeights(block, index === 0 ? [channels - skipChannels, skipChannels] : [channels]);
    }
  const { head, outChannelsIn, outChannels } = architecture;
  if ("features" in head) {
    convolution("out.0", 1, [head.features], hiddenFeatures);
    if (head.kind === "spatial_v2") norm("out.1", hiddenFeatures);
    convolution(head.kind === "spatial" ? "out.2" : "out.3", 1, [hiddenFeatures], outChannels);
    return weights;
  }
  norm("out.0", outChannelsIn);
  if (head.kind === "image") convolution("out.2", 3, [outChannelsIn], outChannels);
  else if (head.kind === "adaptive") convolution("out.3", 1, [outChannelsIn], outChannels);
  else {
    add("out.2.positional_embedding", "f32", [head.tokens, outChannelsIn], async (read) =>
      transpose(await read("out.2.positional_embedding"), head.tokens),
    );
    attentionWeights(
      { name: "out.2", channels: outChannelsIn, heads: head.heads, newOrder: true, out: outChannels },
      { qkv: "qkv_proj", projection: "c_proj" },
      { add, vector, matrix },
    );
  }
  return weights;
}

function inputChannels(block: Block): number {
  return block.kind === "conv" || block.kind === "res" ? block.in : block.channels;
}

type Add = (name: string, dtype: DType, shape: readonly number[], pack: PackedWeight["pack"]) => void;
type AddMatrix = (
  name: string,
  shape: { kernel: 1 | 3; segments: readonly number[]; out: number; isOfTime?: boolean },
  weightOf: (read: ReadTensor) => Promise<Float32Array>,
) => void;

/** The emb_layers of all residual blocks as a few matrices: their input is the same, SiLU(emb). */
function declareProjections(architecture: Architecture, add: Add, type: DType): void {
  const { embedChannels } = architecture;
  const concatenated = async (read: ReadTensor, blocks: readonly string[], suffix: string, size: number) => {
    const all = new Float32Array(size);
    let at = 0;
    for (const name of blocks) {
      const one = await read(`${name}.emb_layers.1.${suffix}`);
      all.set(one, at);
      at += one.length;
    }
    return all;
  };
  for (const { name, blocks, width } of embeddingLayout(architecture).parts) {
    add(`${name}.weight`, type, [1, embedChannels, width], async (read) => {
      const weight = await concatenated(read, blocks, "weight", width * embedChannels);
      return packConvolution(weight, { kernel: 1, segments: [embedChannels], out: width });
    });
    add(`${name}.bias`, "f32", [width], (read) => concatenated(read, blocks, "bias", width));
  }
}

/** qkv's row order and the padding of odd head widths are folded away here, so that the kernels know one layout. */
function attentionWeights(
  { name, channels, heads, newOrder, out }: HeadLayout & { name: string; out: number },
  { qkv, projection }: { qkv: string; projection: string },
  {
    add,
    norm,
    vector,
    matrix,
  }: {
    add: Add;
    norm?: (name: string, channels: number) => void;
    vector: (name: string, length: number) => void;
    matrix: AddMatrix;
  },
): void {
  const layout = { channels, heads, newOrder };
  const inner = heads * paddedHead(layout);
  const rows = qkvRows(layout);
  norm?.(`${name}.norm`, channels);
  matrix(`${name}.${qkv}`, { kernel: 1, segments: [channels], out: 3 * inner }, async (read) =>
    takeRows(await read(`${name}.${qkv}.weight`), channels, rows),
  );
  add(`${name}.${qkv}.bias`, "f32", [3 * inner], async (read) => takeRows(await read(`${name}.${qkv}.bias`), 1, rows));
  matrix(`${name}.${projection}`, { kernel: 1, segments: [inner], out }, async (read) =>
    spreadColumns(await read(`${name}.${projection}.weight`), layout),
  );
  vector(`${name}.${projection}.bias`, out);
}
