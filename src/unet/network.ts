/**
 * The network on one page. An architecture becomes two plans: the embedding, which makes a row of projections for each
 * pair of timestep and class, and the forward, which takes x and such a row for each image, and gives the output. No
 * device calls.
 */
import { InputError } from "../errors.ts";
import type { Plan } from "../engine/plan.ts";
import { padTo4, type Tensor } from "../engine/tensor.ts";
import { classEmbedding } from "../shaders/classEmbedding.ts";
import { timestepEmbedding } from "../shaders/timestepEmbedding.ts";
import type { Architecture } from "../checkpoints/architecture.ts";
import { sizeMultiple, type UNetConfig } from "../checkpoints/config.ts";
import { classTable, headNames, timeNames } from "../checkpoints/names.ts";
import type { Feature } from "./feature.ts";
import { Layers } from "./layers.ts";
import type { NetworkOptions } from "./networkOptions.ts";
import { embeddingLayout } from "./weights.ts";

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

/** The tensors that a session of the plan owns. */
export const forwardEnds = ({ x, lowRes, embedding, out }: ForwardPlan): Tensor[] => [
  x,
  embedding,
  out,
  ...(lowRes ? [lowRes] : []),
];

export interface ForwardSize {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly lowRes?: { readonly height: number; readonly width: number } | undefined;
}

/** @throws InputError for a size that the levels cannot halve, and where a super-resolution network has no low_res */
export function requireSize(config: UNetConfig, size: ForwardSize): void {
  const multiple = sizeMultiple(config);
  for (const [side, pixels] of [
    ["height", size.height],
    ["width", size.width],
  ] as const)
    if (!Number.isInteger(pixels / multiple) || pixels <= 0)
      throw new InputError(`${side}: this network needs a multiple of ${multiple} pixels, got ${pixels}`);
  if (config.superRes && !size.lowRes) throw new InputError("this is a super-resolution network: low_res is needed");
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
  const head = headNames.image;
  h = layers.norm(head.norm, h, { activation: "silu", output: "through" });
  layers.convolution(head.convolution, h, { kernel: 3, channels: architecture.outChannels, into: out });
  return { plan: builder.finish(), x, lowRes, embedding: layers.embedding, out };
}

/** Rows of embeddings computed at once. A multiple of 16, so that chunks begin at multiples of 256 bytes. */
export const embeddingRows = 64;

export interface EmbeddingPlan {
  readonly plan: Plan;
  /** f32 [rows] */
  readonly timesteps: Tensor;
  /** u32 [rows], class-conditional networks only. */
  readonly classes: Tensor | undefined;
  /** f32 [modelChannels / 2]: see `timestepFrequencies`. */
  readonly frequencies: Tensor;
  /** f32 [rows, width] for each part of `embeddingLayout`; side by side they are a row that the forward takes. */
  readonly parts: readonly Tensor[];
}

/** The plan's inputs besides weights. */
export const embeddingInputs = ({ timesteps, frequencies, classes }: EmbeddingPlan): Tensor[] => [
  timesteps,
  frequencies,
  ...(classes ? [classes] : []),
];

/** exp(−ln(10000)·i/(half − shift)), in f32 as PyTorch computes it. */
export function timestepFrequencies({ modelChannels, details }: Architecture): Float32Array {
  const half = Math.floor(modelChannels / 2);
  const last = half - details.frequencyShift;
  return Float32Array.from({ length: half }, (_, i) => Math.exp((-Math.log(10000) * i) / last));
}

/**
 * The embedding of timesteps and classes and its projections for all blocks: they depend on (t, y) alone. Computed in
 * f32.
 */
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
    variant: { order: architecture.details.embeddingOrder },
  });
  let classes: Tensor | undefined;
  let label: Tensor | undefined;
  if (config.numClasses !== null) {
    classes = builder.external("classes", "u32", [rows]);
    label = builder.temporary("label_emb", "f32", [rows, embedChannels]);
    builder.dispatch(classEmbedding, {
      tensors: { classes, table: layers.weight(classTable), y: label },
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
    more: { activation?: "silu"; residual?: Feature; into?: Tensor; channels: number },
  ) => layers.convolution(name, input, { kernel: 1, ...more });
  const hidden = linear(timeNames[0], asFeature(sinusoid, columns), { channels: embedChannels, activation: "silu" });
  // SiLU opens every projection, so it is applied once, here.
  const emb = linear(timeNames[1], hidden, {
    channels: embedChannels,
    activation: "silu",
    ...(label ? { residual: asFeature(label, embedChannels) } : {}),
  });
  const parts = embeddingLayout(architecture).parts.map(({ name, width }) => {
    const into = builder.external(`${name}.rows`, "f32", [rows, width]);
    linear(name, emb, { channels: width, into });
    return into;
  });
  return { plan: builder.finish(), timesteps, classes, frequencies, parts };
}
