/**
 * The networks whose layers are measured, as plans: a model, guided-diffusion's at 64², 128² and 256², and the
 * gradients and heads of its classifiers. No weights are needed for a plan.
 */
import { PlanBuilder, type Plan } from "../src/engine/plan.ts";
import { padTo4 } from "../src/engine/tensor.ts";
import { gatherTiles } from "../src/shaders/gatherTiles.ts";
import { gaussianNoise } from "../src/shaders/gaussianNoise.ts";
import { langevinStep } from "../src/shaders/langevinStep.ts";
import { mergeTiles } from "../src/shaders/mergeTiles.ts";
import { renoise } from "../src/shaders/renoise.ts";
import { watchFinite } from "../src/shaders/watchFinite.ts";
import { reverseStep } from "../src/shaders/reverseStep.ts";
import { buildArchitecture, type Architecture } from "../src/checkpoints/architecture.ts";
import { planClassifier } from "../src/unet/classifier.ts";
import { type Pool, pools } from "../src/checkpoints/config.ts";
import { embeddingRows, planEmbedding, planForward } from "../src/unet/network.ts";
import { presetByName, presetConfig } from "../src/checkpoints/released/find.ts";
import { declareWeights } from "../src/unet/weights.ts";
import type { Traits } from "../src/operators/traits.ts";
import type { AttentionLayer } from "../src/operators/attention/layer.ts";
import type { ConvolutionLayer } from "../src/operators/convolution/layer.ts";
import type { Precision } from "../src/numbers/storage.ts";

export interface BenchNetwork {
  /** As tables show it. */
  readonly name: string;
  readonly architecture: Architecture;
  /** Only these kernels of it. */
  readonly only?: readonly string[];
}

function preset(name: string, title: string, only?: readonly string[]): BenchNetwork {
  const found = presetByName(name);
  const architecture = buildArchitecture(presetConfig(found));
  return { name: title, architecture, ...(only ? { only } : {}) };
}

/** What classifiers have and no other network: heads, and the way back to the image. */
const classifierKernels = [
  "attentionStatistics",
  "attentionGradientQuery",
  "attentionGradientKeyValue",
  "groupNormGradientPartials",
  "groupNormGradientAffine",
  "groupNormGradientApply",
  "insertZeros",
  "spatialMean",
  "spatialMeanGradient",
  "poolTokens",
  "poolTokensGradient",
  "firstToken",
  "firstTokenGradient",
  "relu",
  "reluGradient",
  "logSoftmaxGradient",
];

/**
 * The released 64² classifier, and its like with the other heads and, as those may, convolutions that halve the image.
 */
function classifier(pool: Pool): BenchNetwork {
  const architecture = buildArchitecture({
    imageSize: 64,
    inChannels: 3,
    modelChannels: 128,
    outChannels: 1000,
    numResBlocks: 4,
    pool,
    attentionResolutions: [2, 4, 8],
    channelMult: [1, 2, 3, 4],
    convResample: true,
    numClasses: null,
    numHeads: 4,
    numHeadChannels: 64,
    numHeadsUpsample: -1,
    useScaleShiftNorm: true,
    useNewAttentionOrder: false,
    resblockUpdown: pool === "attention",
    superRes: false,
  });
  return { name: `classifier ${pool}`, architecture, only: classifierKernels };
}

/** ADM-n is the released network at n². Upsampler and classifiers are there for kernels that no other network has. */
export function benchNetworks(model: BenchNetwork, { quick = false } = {}): readonly BenchNetwork[] {
  if (quick) return [model];
  return [
    model,
    preset("imagenet64", "ADM-64"),
    preset("imagenet128", "ADM-128"),
    preset("imagenet256-uncond", "ADM-256"),
    preset("upsampler-64-256", "upsampler", ["upsampleBilinear"]),
    ...pools.map(classifier),
  ];
}

/** The released upsamplers make pictures four times as large. */
export const usualLowRes = (imageSize: number): number => Math.max(1, imageSize / 4);

export interface NamedLayer<Layer> {
  readonly name: string;
  readonly layer: Layer;
}

/**
 * One image's forward (of classifiers with the gradient) and a chunk of the table of embeddings; their convolutions and
 * attentions.
 */
export function networkPlans(
  { architecture }: BenchNetwork,
  { precision, traits }: { readonly precision: Precision; readonly traits: Traits },
): { plans: Plan[]; convolutions: NamedLayer<ConvolutionLayer>[]; attentions: NamedLayer<AttentionLayer>[] } {
  const { imageSize } = architecture.config;
  const isClassifier = architecture.config.pool !== undefined;
  const weights = declareWeights(architecture, precision, { gradient: isClassifier });
  const size = { batch: 1, height: imageSize, width: imageSize };
  const lowSide = usualLowRes(imageSize);
  const low = architecture.config.superRes ? { lowRes: { height: lowSide, width: lowSide } } : {};
  const convolutions: NamedLayer<ConvolutionLayer>[] = [];
  const attentions: NamedLayer<AttentionLayer>[] = [];
  const options = {
    architecture,
    weights,
    traits,
    onConvolution: (name: string, layer: ConvolutionLayer) => convolutions.push({ name, layer }),
    onAttention: (name: string, layer: AttentionLayer) => attentions.push({ name, layer }),
  };
  const { plan: forward } = isClassifier
    ? planClassifier(options, size)
    : planForward({ ...options, activations: precision }, { ...size, ...low });
  return { plans: [forward, planEmbedding(options, embeddingRows).plan], convolutions, attentions };
}

/**
 * A reverse step, a Langevin step, a climb and the start's noise for one image of a network, with a known part, and
 * tiles.
 */
export function samplerPlan({ architecture }: BenchNetwork): Plan {
  const builder = new PlanBuilder();
  const { imageSize: size, inChannels } = architecture.config;
  const outStride = padTo4(architecture.outChannels);
  const picture = [1, size, size, 4];
  const x = builder.external("x", "f32", picture);
  const known = builder.external("known", "f32", picture);
  const keep = builder.external("keep", "f32", [1, size * size]);
  const seeds = builder.external("seeds", "u32", [1, 2]);
  const out = builder.external("out", "f32", [1, size * size, outStride]);
  const xStart = builder.external("xStart", "f32", picture);
  const image = { images: 1, vectors: size * size, pixelVectors: 1, draw: 3 };
  const blend = { ...image, blend: 1, blendSignal: 0.8, blendNoise: 0.6 };
  const prediction = {
    channels: 3,
    outStride,
    startFromX: 1.25,
    startFromOut: 0.75,
    guidanceX0: 0,
  };
  builder.dispatch(reverseStep, {
    tensors: { x, seeds, known, keep, out, xStart },
    parameters: {
      ...blend,
      ...prediction,
      noiseScale: 1,
      meanX0: 0.3,
      meanXt: 0.65,
      minLogVariance: -3,
      maxLogVariance: -2,
      guidanceMean: 0,
    },
    variant: {
      variance: architecture.outChannels > inChannels ? "learned" : "fixed",
      clip: true,
    },
  });
  builder.dispatch(langevinStep, {
    tensors: { x, seeds, known, keep, out, xStart },
    parameters: {
      ...image,
      ...prediction,
      freeXStart: 0.5,
      freeX: 0.4,
      freeNoise: 0.6,
      heldXStart: -0.6,
      heldX: 0.9,
      heldKnown: 0.7,
      heldNoise: 0.2,
    },
    variant: {},
  });
  builder.dispatch(renoise, {
    tensors: { x, seeds, known, keep },
    parameters: { ...blend, signal: 0.9, noiseAmount: 0.4 },
    variant: {},
  });
  const [pixels, channels] = [size * size, architecture.outChannels];
  builder.dispatch(watchFinite, {
    tensors: { out, found: builder.external("found", "u32", [4]) },
    parameters: { images: 1, pixels, stride: outStride, channels, call: 0 },
    variant: {},
  });
  builder.dispatch(gaussianNoise, {
    tensors: { seeds, y: builder.external("y", "f32", picture) },
    parameters: { images: 1, vectors: size * size, draw: 0 },
    variant: {},
  });
  addTiles(builder, size, outStride);
  return builder.finish();
}

/** The three tiles of a region that is twice as wide as the network's images, cut out and merged. */
function addTiles(builder: PlanBuilder, size: number, outStride: number): void {
  const [columns, width] = [3, 2 * size];
  const lattice = { height: size, width, tileHeight: size, tileWidth: size, rows: 1, columns, firstTile: 0, tiles: columns }; // prettier-ignore
  const floats = (name: string, ...shape: number[]) => builder.external(name, "f32", shape);
  builder.dispatch(gatherTiles, {
    tensors: {
      region: floats("region", 1, size, width, 4),
      order: builder.external("order", "u32", [columns]),
      y: floats("tiles", columns, size, size, 4),
    },
    parameters: { ...lattice, channels: 4 },
    variant: {},
  });
  builder.dispatch(mergeTiles, {
    tensors: {
      tilesIn: floats("tiles out", columns, size, size, outStride),
      places: builder.external("places", "u32", [columns]),
      rowWeights: floats("row weights", size),
      columnWeights: floats("column weights", size),
      y: floats("region out", 1, size, width, outStride),
    },
    parameters: { ...lattice, firstLine: 0, lines: size, channels: outStride },
    variant: {},
  });
}
