/**
 * The one list of a network's layers: their names in a state dict, the shapes of their weights and what they cost.
 * Tensors, parameters and multiply-adds are sums over it here; unet/weights.ts packs it. Not here: the blocks
 * (architecture.ts), what the names are (names.ts).
 */
import { InputError } from "../errors.ts";
import { buildArchitecture, type Architecture, type Block, hiddenFeatures } from "./architecture.ts";
import { sizeMultiple, type UNetConfig } from "./config.ts";
import { classTable, headNames, layerNames, timeNames } from "./names.ts";

/** How attention's rows are cut into heads. */
export interface HeadLayout {
  readonly channels: number;
  readonly heads: number;
  /** Rows are all q, all k, all v; else q, k, v head by head (guided-diffusion's QKVAttentionLegacy). */
  readonly newOrder: boolean;
}

export type Layer = {
  /** In the state dict, without ".weight" and ".bias"; of a table the tensor's whole name. */
  readonly name: string;
  /** Of the weight: [output channels, input channels, …kernel], a norm's [channels], a table's [rows, columns]. */
  readonly shape: readonly number[];
  /** Multiply-adds on one image. */
  readonly macs: number;
} & (
  | { readonly kind: "norm" }
  /**
   * Over the image or, as a linear layer, over rows; `inputs` are the channels of the tensors that it reads side by
   * side.
   */
  | { readonly kind: "convolution"; readonly inputs: readonly number[] }
  /**
   * The copy that stands where a residual block keeps its channels but reads two tensors: the checkpoint has no tensor
   * for it.
   */
  | { readonly kind: "identity"; readonly inputs: readonly number[] }
  /** Linear, of the timestep alone. */
  | { readonly kind: "time" }
  /**
   * Linear, from the timestep's embedding to scale and shift, or to what is added, of the residual block of that name.
   */
  | { readonly kind: "embedding"; readonly block: string }
  /** Attention's two linear layers; the multiply-adds of its two products count with the first. */
  | { readonly kind: "qkv" | "projection"; readonly layout: HeadLayout }
  /** A row for each class, and a column for each token of the attention pool. */
  | { readonly kind: "classTable" | "position" }
);

const sum = (sizes: readonly number[]) => sizes.reduce((total, size) => total + size, 0);
const product = (shape: readonly number[]) => shape.reduce((total, size) => total * size, 1);

/** Layers of each kind; `pixels` is at how many pixels or rows they are applied. */
const norm = (name: string, channels: number): Layer => ({ kind: "norm", name, shape: [channels], macs: 0 });
function convolution(name: string, kernel: 1 | 3, inputs: readonly number[], out: number, pixels: number): Layer {
  const shape = [out, sum(inputs), kernel, kernel];
  return { kind: "convolution", name, shape, inputs, macs: product(shape) * pixels };
}
function linear(name: string, input: number, out: number): Layer {
  return { kind: "convolution", name, shape: [out, input], inputs: [input], macs: input * out };
}
function qkv(name: string, layout: HeadLayout, pixels: number): Layer {
  const shape = [3 * layout.channels, layout.channels, 1];
  const products = 2 * pixels * layout.channels;
  return { kind: "qkv", name, shape, layout, macs: (product(shape) + products) * pixels };
}
function projection(name: string, layout: HeadLayout, out: number, pixels: number): Layer {
  const shape = [out, layout.channels, 1];
  return { kind: "projection", name, shape, layout, macs: product(shape) * pixels };
}

/** In execution order, for an image of that many pixels: by default one of the network's own size. */
export function layersOf(architecture: Architecture, pixels = architecture.config.imageSize ** 2): Layer[] {
  const { config, modelChannels, embedChannels } = architecture;
  const layers = timeNames.map((name, index): Layer => {
    const shape = [embedChannels, index === 0 ? modelChannels : embedChannels];
    return { kind: "time", name, shape, macs: product(shape) };
  });
  if (config.numClasses !== null)
    layers.push({ kind: "classTable", name: classTable, shape: [config.numClasses, embedChannels], macs: 0 });
  let area = pixels;
  const add = (block: Block, beside = 0) => {
    area = pixelsAfter(block, area);
    layers.push(...blockLayers(block, architecture, { pixels: area, beside }));
  };
  const [[stem, ...first] = [], ...input] = architecture.input;
  // Super-resolution's low_res stands beside x.
  if (stem) add(stem, config.superRes ? config.inChannels : 0);
  for (const block of [...first, ...input.flat(), ...architecture.middle]) add(block);
  for (const { blocks, skipChannels } of architecture.output)
    for (const [index, block] of blocks.entries()) add(block, index === 0 ? skipChannels : 0);
  return [...layers, ...headLayers(architecture, area)];
}

/** The pixels that a block leaves, and at which its convolutions run: resampling comes before them. */
function pixelsAfter(block: Block, pixels: number): number {
  switch (block.kind) {
    case "conv":
    case "attention":
      return pixels;
    case "res":
      return block.resample === "none" ? pixels : block.resample === "up" ? pixels * 4 : pixels / 4;
    case "downsample":
      return pixels / 4;
    case "upsample":
      return pixels * 4;
  }
}

/**
 * `beside`: of the block's input channels, those of a second tensor that is concatenated to the first; 0: there is
 * none.
 */
function blockLayers(
  block: Block,
  { config, embedChannels }: Architecture,
  { pixels, beside }: { pixels: number; beside: number },
): Layer[] {
  const inputs = (channels: number) => (beside === 0 ? [channels] : [channels - beside, beside]);
  switch (block.kind) {
    case "conv":
      return [convolution(layerNames(block).convolution, 3, inputs(block.in), block.out, pixels)];
    case "res": {
      const { in: input, out, name } = block;
      const names = layerNames(block);
      const shape = [config.useScaleShiftNorm ? 2 * out : out, embedChannels];
      const layers: Layer[] = [
        norm(names.norm1, input),
        convolution(names.convolution1, 3, [input], out, pixels),
        { kind: "embedding", name: names.embedding, block: name, shape, macs: product(shape) },
        norm(names.norm2, out),
        convolution(names.convolution2, 3, [out], out, pixels),
      ];
      if (input !== out) layers.push(convolution(names.skip, 1, inputs(input), out, pixels));
      else if (beside > 0)
        layers.push({ kind: "identity", name: names.skip, shape: [out, out], inputs: inputs(input), macs: 0 });
      return layers;
    }
    case "attention": {
      const { channels, heads } = block;
      const names = layerNames(block);
      const layout = { channels, heads, newOrder: config.useNewAttentionOrder };
      return [
        norm(names.norm, channels),
        qkv(names.qkv, layout, pixels),
        projection(names.projection, layout, channels, pixels),
      ];
    }
    case "downsample":
    case "upsample": {
      const { channels } = block;
      return block.conv ? [convolution(layerNames(block).convolution, 3, [channels], channels, pixels)] : [];
    }
  }
}

/** `pixels`: the last block's. */
function headLayers({ head, outChannelsIn: input, outChannels: out }: Architecture, pixels: number): Layer[] {
  switch (head.kind) {
    case "image": {
      const names = headNames.image;
      return [norm(names.norm, input), convolution(names.convolution, 3, [input], out, pixels)];
    }
    case "adaptive": {
      const names = headNames.adaptive;
      return [norm(names.norm, input), convolution(names.logits, 1, [input], out, 1)];
    }
    case "attention": {
      const { tokens, heads } = head;
      const names = headNames.attention;
      const layout = { channels: input, heads, newOrder: true };
      return [
        norm(names.norm, input),
        { kind: "position", name: names.position, shape: [input, tokens], macs: 0 },
        qkv(names.qkv, layout, tokens),
        projection(names.logits, layout, out, tokens),
      ];
    }
    case "spatial":
    case "spatial_v2": {
      const names = headNames[head.kind];
      const hidden = linear(names.hidden, head.features, hiddenFeatures);
      const logits = linear(names.logits, hiddenFeatures, out);
      return head.kind === "spatial" ? [hidden, logits] : [hidden, norm(names.activation, hiddenFeatures), logits];
    }
  }
}

/**
 * Name and shape of every tensor of the state dict, in execution order: convolutions OIHW, attention's 1×1 ones [O, I,
 * 1].
 */
export function tensorsOf(architecture: Architecture): Map<string, number[]> {
  const shapes = new Map<string, number[]>();
  for (const { kind, name, shape } of layersOf(architecture)) {
    if (kind === "identity") continue;
    if (kind === "classTable" || kind === "position") shapes.set(name, [...shape]);
    else shapes.set(`${name}.weight`, [...shape]).set(`${name}.bias`, [shape[0]!]);
  }
  return shapes;
}

/** `tensorsOf` of a configuration's architecture. */
export function expectedTensors(config: UNetConfig): Map<string, number[]> {
  return tensorsOf(buildArchitecture(config));
}

/** Parameters of the state dict. */
export function countParameters(architecture: Architecture): number {
  return sum([...tensorsOf(architecture).values()].map(product));
}

/**
 * Multiply-adds of one forward at batch 1 for an image of height × width pixels: convolutions, linear layers and
 * attention's two products.
 * @throws InputError if the levels cannot halve the size
 */
export function countMacs(architecture: Architecture, height: number, width: number): number {
  const multiple = sizeMultiple(architecture.config);
  const fits = (size: number) => Number.isInteger(size / multiple) && size > 0;
  if (!fits(height) || !fits(width))
    throw new InputError(`image: expected sides that are multiples of ${multiple}, got ${width}×${height}`);
  return sum(layersOf(architecture, height * width).map(({ macs }) => macs));
}
