/**
 * The network's layers as dispatches: what one convolution, norm, residual block or attention puts into a plan. Not
 * here: the order of the blocks (`network.ts`), where weights come from (`weights.ts`).
 */
import { PlanBuilder } from "../engine/plan.ts";
import { padTo4, type DType, type Tensor } from "../engine/tensor.ts";
import { addAttention } from "../operators/attention/plan.ts";
import { addConvolution } from "../operators/convolution/plan.ts";
import { decideAttention } from "../operators/attention/candidates.ts";
import { decideConvolution } from "../operators/convolution/candidates.ts";
import { groupNormAffine } from "../shaders/groupNormAffine.ts";
import { groupNormApply } from "../shaders/groupNormApply.ts";
import { chunkLanes } from "../shaders/lib/channelChunks.ts";
import { groupThreads } from "../shaders/lib/groupMoments.ts";
import { groupNormChunks, groupNormPartials } from "../shaders/groupNormPartials.ts";
import { meanPool } from "../shaders/meanPool.ts";
import { upsampleBilinear } from "../shaders/upsampleBilinear.ts";
import { upsampleNearest } from "../shaders/upsampleNearest.ts";
import type { Block } from "../checkpoints/architecture.ts";
import { layerNames } from "../checkpoints/names.ts";
import { channelsOf, type ConvolutionOptions, type Feature, type Source } from "./feature.ts";
import type { Operation } from "./operations.ts";
import { paddedHead } from "./packing.ts";
import type { NetworkOptions } from "./networkOptions.ts";
import { embeddingLayout } from "./weights.ts";
import type { Traits } from "../operators/traits.ts";
import type { ConvolutionLayer, ConvolutionTensors } from "../operators/convolution/layer.ts";

/** The blocks' layers as dispatches. */
export class Layers {
  readonly builder = new PlanBuilder();
  /** What was planned so far, for `backward.ts`; norms in one dispatch are not there. */
  readonly operations: Operation[] = [];
  readonly batch: number;
  readonly #options: NetworkOptions;
  readonly #layout;
  readonly #forGradient: boolean;
  #embedding: Tensor | undefined;

  /** With `gradient`, what `backward.ts` reads is kept. */
  constructor(options: NetworkOptions, batch: number, { gradient = false }: { gradient?: boolean } = {}) {
    this.#options = options;
    this.batch = batch;
    this.#forGradient = gradient;
    this.#layout = embeddingLayout(options.architecture);
  }

  get embedding(): Tensor {
    this.#embedding ??= this.builder.external("embedding", "f32", [this.batch, this.#layout.width]);
    return this.#embedding;
  }

  get kind(): Traits["kind"] {
    return this.#options.traits.kind;
  }

  weight(name: string): Tensor {
    const packed = this.#options.weights.get(name);
    if (!packed) throw new Error(`no weight is declared for ${name}`);
    return this.builder.share(packed.tensor);
  }

  block(block: Block, h: Feature): Feature {
    switch (block.kind) {
      case "conv":
        return this.convolution(layerNames(block).convolution, h, { kernel: 3, channels: block.out });
      case "res":
        return this.#residual(block, h);
      case "attention":
        return this.#attention(block, h);
      case "downsample":
        if (!block.conv) return this.#pool(block.name, h);
        return this.convolution(layerNames(block).convolution, h, {
          kernel: 3,
          stride: 2,
          channels: block.channels,
          pad: this.#options.architecture.details.downsamplePad,
        });
      case "upsample":
        if (!block.conv) return this.#nearest(block.name, h);
        return this.convolution(layerNames(block).convolution, this.#throughNearest(block.name, h), {
          kernel: 3,
          channels: block.channels,
        });
    }
  }

  #residual(block: Extract<Block, { kind: "res" }>, x: Feature): Feature {
    const { name, out, resample } = block;
    const names = layerNames(block);
    // A mean over pixels needs the normed tensor; convolutions norm as they read.
    const first = resample === "down" ? "materialized" : "through";
    let h = this.norm(names.norm1, x, { activation: "silu", output: first });
    let skip = x;
    if (resample === "down") [h, skip] = [this.#pool(name, h), this.#pool(name, skip)];
    if (resample === "up") [h, skip] = [this.#throughNearest(name, h), this.#throughNearest(name, skip)];
    h = this.convolution(names.convolution1, h, { kernel: 3, channels: out });
    h = this.norm(names.norm2, h, { activation: "silu", block: name, output: "through" });
    // A skip over a concatenation always has a 1×1: weights.ts declares an identity where the checkpoint has none.
    if (block.in !== out || skip.parts.length > 1)
      skip = this.convolution(names.skip, skip, { kernel: 1, channels: out });
    return this.convolution(names.convolution2, h, { kernel: 3, channels: out, residual: skip });
  }

  #attention(block: Extract<Block, { kind: "attention" }>, x: Feature): Feature {
    const { name, channels, heads, groups } = block;
    const names = layerNames(block);
    const normed = this.norm(names.norm, x, { activation: "none", output: "through", groups });
    const context = this.attention(name, normed, { channels, heads, qkv: names.qkv });
    return this.convolution(names.projection, context, { kernel: 1, channels, residual: x });
  }

  /** Self-attention between its two projections, of which `qkv` is the first's name. */
  attention(
    name: string,
    x: Feature,
    { channels, heads, qkv: qkvName }: { channels: number; heads: number; qkv: string },
  ): Feature {
    const headChannels = paddedHead({ channels, heads });
    const inner = heads * headChannels;
    const length = x.height * x.width;
    const { batch } = this;
    const projected = this.convolution(qkvName, x, { kernel: 1, channels: 3 * inner });
    const qkv = projected.parts[0]!.tensor;
    const y = this.temporary(`${name}.attention`, x, inner);
    const scale = 1 / Math.sqrt(channels / heads);
    const layer = { length, heads, headChannels, scale, activations: qkv.dtype };
    const decision = decideAttention(layer, this.#options.traits, this.#options.choices);
    this.#options.onAttention?.(`${name}.attention`, layer, decision);
    addAttention(this.builder, {
      layer,
      choice: decision.choice,
      batch,
      tensors: { qkv, y },
      label: `${name}.attention`,
    });
    this.operations.push({ kind: "attention", name, qkv, y, length, heads, headChannels, scale });
    return { parts: [{ tensor: y, channels: inner }], height: x.height, width: x.width };
  }

  /**
   * GroupNorm; `block` names the residual block whose embedding is folded in. With `output: "through"` the convolution
   * that reads it may norm as it reads.
   */
  norm(
    name: string,
    x: Feature,
    {
      activation,
      block,
      output = "materialized",
      groups = this.#options.architecture.details.normGroups,
    }: {
      activation: "none" | "silu";
      block?: string;
      output?: "materialized" | "through";
      groups?: number | undefined;
    },
  ): Feature {
    const batch = this.batch;
    const pixels = x.height * x.width;
    const [channels0, channels1] = channelsOf(x);
    const channels = channels0 + channels1;
    const inputs = { x0: x.parts[0]!.tensor, x1: x.parts[1]?.tensor };
    const vectors = {
      weight: this.weight(`${name}.weight`),
      bias: this.weight(`${name}.bias`),
      embedding: block === undefined ? undefined : this.embedding,
    };
    const whole = this.#wholeNorm({ pixels, channels, groups, block });
    if (whole) {
      const y = this.temporary(name, x, channels);
      this.builder.dispatch(whole.kernel, {
        tensors: { ...inputs, ...vectors, y },
        parameters: { ...whole.parameters, channels0, channels1 },
        variant: { ...whole.variant, activation },
        label: name,
      });
      return { ...x, parts: [{ tensor: y, channels }], through: undefined };
    }
    const partials = this.partials(name, x);
    const affine = this.builder.temporary(`${name}.affine`, "f32", [batch, 2, channels]);
    this.builder.dispatch(groupNormAffine, {
      tensors: { partials, ...vectors, affine },
      ...this.momentsOf({ pixels, channels, groups, block }),
      label: `${name}.affine`,
    });
    const y = this.temporary(name, x, channels);
    if (output === "materialized")
      this.builder.dispatch(groupNormApply, {
        tensors: { ...inputs, affine, y },
        parameters: { batch, pixels, channels0, channels1 },
        variant: { activation },
        label: name,
      });
    const operation = { name, x: inputs.x0, y, pixels, channels, groups, partials, affine, activation, block };
    this.operations.push({ kind: "norm", ...operation });
    const through = output === "through" ? { ...x, norm: { affine, activation }, upsample: false } : undefined;
    return { ...x, parts: [{ tensor: y, channels }], through };
  }

  /** Where one workgroup can hold a group; a gradient needs what three dispatches leave. */
  #wholeNorm(norm: { pixels: number; channels: number; groups: number; block: string | undefined }) {
    const { parameters, variant } = this.momentsOf(norm);
    const { pixels, channels, groups } = norm;
    const { batch, embeddingStride, embeddingOffset, epsilon } = parameters;
    const isWhole = [channels / groups, embeddingStride, embeddingOffset].every((floats) => floats % 4 === 0);
    if (this.#forGradient || !isWhole) return undefined;
    const whole = this.#options.traits.wholeGroupNorm?.((channels / groups / 4) * pixels);
    return (
      whole && {
        kernel: whole.kernel,
        parameters: { batch, pixels, groups, embeddingStride, embeddingOffset, epsilon },
        variant: { ...whole.variant, embedding: variant.embedding },
      }
    );
  }

  /** Mean and squares of every channel, chunk by chunk. */
  partials(name: string, x: Feature): Tensor {
    const { batch } = this;
    const pixels = x.height * x.width;
    const [channels0, channels1] = channelsOf(x);
    const { chunks, chunkPixels } = groupNormChunks(pixels);
    const shape = [batch, chunks, (channels0 + channels1) / 4, 2, 4];
    const partials = this.builder.temporary(`${name}.partials`, "f32", shape);
    this.builder.dispatch(groupNormPartials, {
      tensors: { x0: x.parts[0]!.tensor, x1: x.parts[1]?.tensor, partials },
      parameters: { batch, pixels, channels0, channels1, chunks, chunkPixels },
      variant: { lanes: chunkLanes[this.kind] },
      label: `${name}.partials`,
    });
    return partials;
  }

  /** Parameters and variant of the kernels that merge the chunks of a norm: the norm's own, and its gradient's. */
  momentsOf(norm: { pixels: number; channels: number; groups: number; block: string | undefined }) {
    const { block, ...sizes } = norm;
    const { config, details } = this.#options.architecture;
    const embedding = block === undefined ? "none" : config.useScaleShiftNorm ? "scaleShift" : "add";
    return {
      parameters: {
        batch: this.batch,
        ...sizes,
        ...groupNormChunks(sizes.pixels),
        embeddingStride: this.#layout.width,
        embeddingOffset: block === undefined ? 0 : this.#layout.offsets.get(block)!,
        epsilon: details.normEpsilon,
      },
      variant: { embedding, threads: groupThreads[this.kind] } as const,
    };
  }

  /** Convolution of any kind; a linear layer is a 1×1 over rows. */
  convolution(name: string, x: Feature, options: ConvolutionOptions): Feature {
    const { batch } = this;
    const { kernel, stride = 1, channels, residual, into } = options;
    const source = x.through ?? { ...x, upsample: false };
    const height = Math.ceil(x.height / stride);
    const width = Math.ceil(x.width / stride);
    const outChannels = padTo4(channels);
    const tensors = {
      x0: source.parts[0]!.tensor,
      x1: source.parts[1]?.tensor,
      affine: source.norm?.affine,
      weight: this.weight(`${name}.weight`),
      bias: this.#options.weights.has(`${name}.bias`) ? this.weight(`${name}.bias`) : undefined,
      residual: (residual?.through ?? residual)?.parts[0]!.tensor,
      y: into ?? this.temporary(name, { height, width }, outChannels),
    };
    const layer = layerOf(source, { outHeight: height, outWidth: width }, options, tensors);
    const decision = decideConvolution(layer, this.#options.traits, this.#options.choices);
    this.#options.onConvolution?.(name, layer, decision);
    addConvolution(this.builder, { layer, choice: decision.choice, batch, tensors, label: name });
    const { y } = tensors;
    this.operations.push({
      kind: "convolution",
      name,
      x: x.parts[0]!.tensor,
      channels: x.parts[0]!.channels,
      y,
      kernel,
      stride,
      residual: residual?.parts[0]!.tensor,
      height: x.height,
      width: x.width,
    });
    return { parts: [{ tensor: y, channels: outChannels }], height, width };
  }

  bilinear(
    x: Tensor,
    low: { height: number; width: number },
    to: { height: number; width: number; channels: number },
  ): Tensor {
    const y = this.temporary("low_res upsampled", to, to.channels);
    this.builder.dispatch(upsampleBilinear, {
      tensors: { x, y },
      parameters: { batch: this.batch, ...low, outHeight: to.height, outWidth: to.width, channels: to.channels },
      variant: {},
      label: "low_res",
    });
    return y;
  }

  #pool(name: string, x: Feature): Feature {
    const half = { height: Math.floor(x.height / 2), width: Math.floor(x.width / 2) };
    return this.#resample(name, meanPool, x, half, 1 / 4);
  }

  #nearest(name: string, x: Feature): Feature {
    return this.#resample(name, upsampleNearest, x, { height: x.height * 2, width: x.width * 2 }, 1);
  }

  /** Nearest ×2 that convolutions may do as they read, so that the larger tensor is never stored. */
  #throughNearest(name: string, x: Feature): Feature {
    if (x.parts.length > 1) return this.#nearest(name, x);
    const size = { height: x.height * 2, width: x.width * 2 };
    const [{ tensor, channels }] = x.parts as [Feature["parts"][0]];
    const y = this.temporary(`${name}.upsampleNearest`, size, channels);
    this.#resampled("up", name, x, { x: tensor, y, channels });
    return { ...size, parts: [{ tensor: y, channels }], through: { ...(x.through ?? x), upsample: true } };
  }

  #resample(
    name: string,
    kernel: typeof meanPool | typeof upsampleNearest,
    x: Feature,
    size: { height: number; width: number },
    scale: number,
  ): Feature {
    const parts = x.parts.map(({ tensor, channels }) => {
      const y = this.temporary(`${name}.${kernel.name}`, size, channels);
      this.builder.dispatch(kernel as typeof meanPool, {
        tensors: { x: tensor, y },
        parameters: { batch: this.batch, height: x.height, width: x.width, channels, scale },
        variant: {},
        label: `${name}.${kernel.name}`,
      });
      this.#resampled(kernel.name === "meanPool" ? "down" : "up", name, x, { x: tensor, y, channels });
      return { tensor: y, channels };
    });
    return { ...size, parts };
  }

  #resampled(
    direction: "up" | "down",
    name: string,
    { height, width }: Feature,
    part: { x: Tensor; y: Tensor; channels: number },
  ): void {
    this.operations.push({ kind: "resample", direction, name, ...part, height, width });
  }

  temporary(name: string, { height, width }: { height: number; width: number }, channels: number): Tensor {
    const dtype: DType = this.#options.activations;
    return this.builder.temporary(name, dtype, [this.batch, height, width, channels]);
  }
}

/** A convolution as those see it who choose its kernels. */
function layerOf(
  { parts, height, width, norm, upsample }: Source,
  size: Pick<ConvolutionLayer, "outHeight" | "outWidth">,
  { kernel, stride = 1, pad = kernel === 3 ? 1 : 0, channels, activation = "none", residual }: ConvolutionOptions,
  { x0, weight, bias }: ConvolutionTensors,
): ConvolutionLayer {
  const [channels0, channels1] = channelsOf({ parts });
  return {
    kernel,
    stride,
    activation,
    ...size,
    height,
    width,
    channels0,
    channels1,
    outChannels: padTo4(channels),
    pad,
    bias: bias !== undefined,
    residual: residual !== undefined,
    norm: norm?.activation,
    upsample,
    upsampleResidual: residual?.through?.upsample,
    activations: x0.dtype,
    weights: weight.dtype,
  };
}
