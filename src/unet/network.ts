/**
 * The network on one page: an architecture becomes two plans, the embedding (timesteps and classes to one row of
 * projections each) and the forward (x and a row an image to the output). No device calls.
 */
import type { AdapterKind } from "../engine/device.ts";
import { PlanBuilder, type Plan } from "../engine/plan.ts";
import { padTo4, type DType, type Tensor } from "../engine/tensor.ts";
import { attention } from "../shaders/attention.ts";
import { chooseConvolution } from "../shaders/chooseConvolution.ts";
import { classEmbedding } from "../shaders/classEmbedding.ts";
import { convolutionMacs, type ConvolutionShape } from "../shaders/convolution.ts";
import { groupNormAffine } from "../shaders/groupNormAffine.ts";
import { groupNormApply } from "../shaders/groupNormApply.ts";
import { groupNormChunks, groupNormPartials } from "../shaders/groupNormPartials.ts";
import { meanPool } from "../shaders/meanPool.ts";
import { timestepEmbedding } from "../shaders/timestepEmbedding.ts";
import { upsampleBilinear } from "../shaders/upsampleBilinear.ts";
import { upsampleNearest } from "../shaders/upsampleNearest.ts";
import type { Architecture, Block } from "./architecture.ts";
import { normGroups } from "./config.ts";
import { paddedHead } from "./packing.ts";
import { embeddingLayout, type PackedWeights } from "./weights.ts";

export interface NetworkOptions {
  readonly architecture: Architecture;
  readonly weights: PackedWeights;
  readonly kind: AdapterKind;
  /** Storage of activations. */
  readonly activations: "f32" | "f16";
}

/** Images side by side along the channels: a concatenation that is never made. */
interface Feature {
  readonly parts: readonly { readonly tensor: Tensor; readonly channels: number }[];
  readonly height: number;
  readonly width: number;
}

export interface ForwardPlan {
  readonly plan: Plan;
  /** f32 [batch, height, width, inChannels padded to 4] */
  readonly x: Tensor;
  /** Super-resolution only: f32 [batch, low height, low width, inChannels padded to 4] */
  readonly lowRes: Tensor | undefined;
  /** f32 [batch, embedding width]: a row of the embedding plan's output for each image. */
  readonly embedding: Tensor;
  /** f32 [batch, height, width, outChannels padded to 4] */
  readonly out: Tensor;
}

export interface ForwardSize {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly lowRes?: { readonly height: number; readonly width: number } | undefined;
}

/** The forward plan for one batch and image size. */
export function planForward(options: NetworkOptions, size: ForwardSize): ForwardPlan {
  const { architecture } = options;
  const { config } = architecture;
  const { batch, height, width } = size;
  const layers = new Layers(options, batch);
  const { builder } = layers;
  const channels = padTo4(config.inChannels);
  const x = builder.external("x", "f32", [batch, height, width, channels]);
  const out = builder.external("out", "f32", [batch, height, width, padTo4(architecture.outChannels)]);
  let lowRes: Tensor | undefined;
  let h: Feature = { parts: [{ tensor: x, channels }], height, width };
  if (config.superRes) {
    const low = size.lowRes!;
    lowRes = builder.external("low_res", "f32", [batch, low.height, low.width, channels]);
    h = { ...h, parts: [...h.parts, { tensor: layers.bilinear(lowRes, low, { height, width, channels }), channels }] };
  }
  const skips: Feature[] = [];
  for (const blocks of architecture.input) {
    for (const block of blocks) h = layers.block(block, h);
    skips.push(h);
  }
  for (const block of architecture.middle) h = layers.block(block, h);
  for (const { blocks } of architecture.output) {
    h = { ...h, parts: [...h.parts, ...skips.pop()!.parts] };
    for (const block of blocks) h = layers.block(block, h);
  }
  h = layers.norm("out.0", h, { activation: "silu" });
  layers.convolution("out.2", h, { kernel: 3, channels: architecture.outChannels, into: out });
  return { plan: builder.finish(), x, lowRes, embedding: layers.embedding, out };
}

export interface EmbeddingPlan {
  readonly plan: Plan;
  /** f32 [rows] */
  readonly timesteps: Tensor;
  /** u32 [rows], class-conditional networks only. */
  readonly classes: Tensor | undefined;
  /** f32 [modelChannels / 2]: see `timestepFrequencies`. */
  readonly frequencies: Tensor;
  /** f32 [rows, embedding width] */
  readonly embedding: Tensor;
}

/** exp(−ln(10000)·i/half), in f32 as PyTorch computes it. */
export function timestepFrequencies(modelChannels: number): Float32Array {
  const half = Math.floor(modelChannels / 2);
  return Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(10000) * i) / half));
}

/** time_embed, label_emb and the emb_layers of all blocks: they depend on (t, y) alone. Computed in f32. */
export function planEmbedding(options: Omit<NetworkOptions, "activations">, rows: number): EmbeddingPlan {
  const { architecture } = options;
  const { modelChannels, embedChannels, config } = architecture;
  const layers = new Layers({ ...options, activations: "f32" }, 1);
  const { builder } = layers;
  const half = Math.floor(modelChannels / 2);
  const columns = padTo4(modelChannels);
  const timesteps = builder.external("timesteps", "f32", [rows]);
  const frequencies = builder.external("frequencies", "f32", [half]);
  const sinusoid = builder.temporary("timestep embedding", "f32", [rows, columns]);
  builder.dispatch(timestepEmbedding, {
    tensors: { timesteps, frequencies, y: sinusoid },
    parameters: { rows, half, columns },
    variant: {},
  });
  let classes: Tensor | undefined;
  let label: Tensor | undefined;
  if (config.numClasses !== null) {
    classes = builder.external("classes", "u32", [rows]);
    label = builder.temporary("label_emb", "f32", [rows, embedChannels]);
    builder.dispatch(classEmbedding, {
      tensors: { classes, table: layers.weight("label_emb.weight"), y: label },
      parameters: { rows, columns: embedChannels },
      variant: {},
      label: "label_emb",
    });
  }
  const asFeature = (tensor: Tensor, channels: number): Feature => ({
    parts: [{ tensor, channels }],
    height: 1,
    width: rows,
  });
  const linear = (
    name: string,
    input: Feature,
    more: { activation?: "silu"; residual?: Tensor; into?: Tensor; channels: number },
  ) => layers.convolution(name, input, { kernel: 1, ...more });
  const hidden = linear("time_embed.0", asFeature(sinusoid, columns), { channels: embedChannels, activation: "silu" });
  // SiLU opens every emb_layers, so it is applied once, here.
  const emb = linear("time_embed.2", hidden, {
    channels: embedChannels,
    activation: "silu",
    ...(label ? { residual: label } : {}),
  });
  const { width } = embeddingLayout(architecture);
  const embedding = builder.external("embedding", "f32", [rows, width]);
  linear("projections", emb, { channels: width, into: embedding });
  return { plan: builder.finish(), timesteps, classes, frequencies, embedding };
}

/** The blocks' layers as dispatches. */
class Layers {
  readonly builder = new PlanBuilder();
  readonly #options: NetworkOptions;
  readonly #batch: number;
  readonly #layout;
  #embedding: Tensor | undefined;

  constructor(options: NetworkOptions, batch: number) {
    this.#options = options;
    this.#batch = batch;
    this.#layout = embeddingLayout(options.architecture);
  }

  get embedding(): Tensor {
    this.#embedding ??= this.builder.external("embedding", "f32", [this.#batch, this.#layout.width]);
    return this.#embedding;
  }

  weight(name: string): Tensor {
    const packed = this.#options.weights.get(name);
    if (!packed) throw new Error(`no weight is declared for ${name}`);
    return this.builder.share(packed.tensor);
  }

  block(block: Block, h: Feature): Feature {
    switch (block.kind) {
      case "conv":
        return this.convolution(block.name, h, { kernel: 3, channels: block.out });
      case "res":
        return this.#residual(block, h);
      case "attention":
        return this.#attention(block, h);
      case "downsample":
        if (!block.conv) return this.#pool(block.name, h);
        return this.convolution(`${block.name}.op`, h, { kernel: 3, stride: 2, channels: block.channels });
      case "upsample": {
        const up = this.#nearest(block.name, h);
        return block.conv ? this.convolution(`${block.name}.conv`, up, { kernel: 3, channels: block.channels }) : up;
      }
    }
  }

  #residual(block: Extract<Block, { kind: "res" }>, x: Feature): Feature {
    const { name, out } = block;
    let h = this.norm(`${name}.in_layers.0`, x, { activation: "silu" });
    let skip = x;
    if (block.resample !== "none") {
      const resample = (feature: Feature) =>
        block.resample === "down" ? this.#pool(name, feature) : this.#nearest(name, feature);
      h = resample(h);
      skip = resample(skip);
    }
    h = this.convolution(`${name}.in_layers.2`, h, { kernel: 3, channels: out });
    h = this.norm(`${name}.out_layers.0`, h, { activation: "silu", block: name });
    // A skip over a concatenation always has a 1×1: weights.ts declares an identity where the checkpoint has none.
    if (block.in !== out || skip.parts.length > 1)
      skip = this.convolution(`${name}.skip_connection`, skip, { kernel: 1, channels: out });
    return this.convolution(`${name}.out_layers.3`, h, { kernel: 3, channels: out, residual: skip.parts[0]!.tensor });
  }

  #attention({ name, channels, heads }: Extract<Block, { kind: "attention" }>, x: Feature): Feature {
    const headChannels = paddedHead({ channels, heads });
    const inner = heads * headChannels;
    const length = x.height * x.width;
    const batch = this.#batch;
    const normed = this.norm(`${name}.norm`, x, { activation: "none" });
    const qkv = this.convolution(`${name}.qkv`, normed, { kernel: 1, channels: 3 * inner });
    const y = this.#temporary(`${name}.attention`, x, inner);
    const vectors = headChannels / 4;
    this.builder.dispatch(attention, {
      tensors: { qkv: qkv.parts[0]!.tensor, y },
      parameters: { batch, length, heads, headChannels, scale: 1 / Math.sqrt(channels / heads) },
      variant: {
        queries: 4,
        keys: 4,
        // Equal chunks of at most 8 vec4s: more accumulators than registers would spill.
        chunkVectors: Math.ceil(vectors / Math.ceil(vectors / 8)),
        workgroupSize: this.#options.kind === "cpu" ? 4 : 64,
      },
      label: `${name}.attention`,
      macs: 2 * batch * length * length * inner,
    });
    const context = { ...x, parts: [{ tensor: y, channels: inner }] };
    return this.convolution(`${name}.proj_out`, context, { kernel: 1, channels, residual: x.parts[0]!.tensor });
  }

  /** GroupNorm; `block` names the residual block whose embedding is folded in. */
  norm(name: string, x: Feature, { activation, block }: { activation: "none" | "silu"; block?: string }): Feature {
    const batch = this.#batch;
    const pixels = x.height * x.width;
    const [channels0, channels1] = channelsOf(x);
    const channels = channels0 + channels1;
    const { chunks, chunkPixels } = groupNormChunks(pixels);
    const partials = this.builder.temporary(`${name}.partials`, "f32", [batch, chunks, channels / 4, 2, 4]);
    const affine = this.builder.temporary(`${name}.affine`, "f32", [batch, 2, channels]);
    const inputs = { x0: x.parts[0]!.tensor, x1: x.parts[1]?.tensor };
    this.builder.dispatch(groupNormPartials, {
      tensors: { ...inputs, partials },
      parameters: { batch, pixels, channels0, channels1, chunks, chunkPixels },
      variant: {},
      label: `${name}.partials`,
    });
    const scaleShift = this.#options.architecture.config.useScaleShiftNorm;
    this.builder.dispatch(groupNormAffine, {
      tensors: {
        partials,
        weight: this.weight(`${name}.weight`),
        bias: this.weight(`${name}.bias`),
        embedding: block === undefined ? undefined : this.embedding,
        affine,
      },
      parameters: {
        ...{ batch, pixels, channels, groups: normGroups, chunks, chunkPixels },
        embeddingStride: this.#layout.width,
        embeddingOffset: block === undefined ? 0 : this.#layout.offsets.get(block)!,
        epsilon: 1e-5,
      },
      variant: { embedding: block === undefined ? "none" : scaleShift ? "scaleShift" : "add" },
      label: `${name}.affine`,
    });
    const y = this.#temporary(name, x, channels);
    this.builder.dispatch(groupNormApply, {
      tensors: { ...inputs, affine, y },
      parameters: { batch, pixels, channels0, channels1 },
      variant: { activation },
      label: name,
    });
    return { ...x, parts: [{ tensor: y, channels }] };
  }

  /** Convolution of any kind; a linear layer is a 1×1 over rows. */
  convolution(
    name: string,
    x: Feature,
    {
      kernel,
      stride = 1,
      channels,
      activation = "none",
      residual,
      into,
    }: Pick<ConvolutionShape, "kernel"> & {
      stride?: 1 | 2;
      channels: number;
      activation?: "none" | "silu";
      residual?: Tensor;
      into?: Tensor;
    },
  ): Feature {
    const batch = this.#batch;
    const [channels0, channels1] = channelsOf(x);
    const outChannels = padTo4(channels);
    const height = Math.ceil(x.height / stride);
    const width = Math.ceil(x.width / stride);
    const y = into ?? this.#temporary(name, { height, width }, outChannels);
    const bias = this.#options.weights.has(`${name}.bias`) ? this.weight(`${name}.bias`) : undefined;
    const layer = { kernel, stride, activation, outHeight: height, outWidth: width, outChannels };
    const { kernel: convolution, variant } = chooseConvolution(layer, this.#options.kind);
    this.builder.dispatch(convolution, {
      tensors: {
        x0: x.parts[0]!.tensor,
        x1: x.parts[1]?.tensor,
        weight: this.weight(`${name}.weight`),
        bias,
        residual,
        y,
      },
      parameters: {
        ...{ batch, height: x.height, width: x.width, outHeight: height, outWidth: width },
        ...{ channels0, channels1, outChannels, pad: kernel === 3 ? 1 : 0 },
      },
      variant,
      label: name,
      macs: convolutionMacs({
        kernel,
        batch,
        outHeight: height,
        outWidth: width,
        channels: channels0 + channels1,
        outChannels,
      }),
    });
    return { parts: [{ tensor: y, channels: outChannels }], height, width };
  }

  bilinear(
    x: Tensor,
    low: { height: number; width: number },
    to: { height: number; width: number; channels: number },
  ): Tensor {
    const y = this.#temporary("low_res upsampled", to, to.channels);
    this.builder.dispatch(upsampleBilinear, {
      tensors: { x, y },
      parameters: { batch: this.#batch, ...low, outHeight: to.height, outWidth: to.width, channels: to.channels },
      variant: {},
      label: "low_res",
    });
    return y;
  }

  #pool(name: string, x: Feature): Feature {
    return this.#resample(name, meanPool, x, { height: Math.floor(x.height / 2), width: Math.floor(x.width / 2) });
  }

  #nearest(name: string, x: Feature): Feature {
    return this.#resample(name, upsampleNearest, x, { height: x.height * 2, width: x.width * 2 });
  }

  #resample(name: string, kernel: typeof meanPool, x: Feature, size: { height: number; width: number }): Feature {
    const parts = x.parts.map(({ tensor, channels }) => {
      const y = this.#temporary(`${name}.${kernel.name}`, size, channels);
      this.builder.dispatch(kernel, {
        tensors: { x: tensor, y },
        parameters: { batch: this.#batch, height: x.height, width: x.width, channels },
        variant: {},
        label: `${name}.${kernel.name}`,
      });
      return { tensor: y, channels };
    });
    return { ...size, parts };
  }

  #temporary(name: string, { height, width }: { height: number; width: number }, channels: number): Tensor {
    const dtype: DType = this.#options.activations;
    return this.builder.temporary(name, dtype, [this.#batch, height, width, channels]);
  }
}

/** Channels of the first part and of the others, of which kernels take one. */
function channelsOf({ parts }: Feature): [number, number] {
  return [parts[0]!.channels, parts[1]?.channels ?? 0];
}
