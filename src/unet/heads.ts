/**
 * From a classifier's blocks to its logits: the four heads of guided-diffusion's EncoderUNetModel as dispatches. Not
 * here: the blocks (layers.ts), and the gradient (backward.ts).
 */
import { padTo4, type Tensor } from "../engine/tensor.ts";
import { firstToken } from "../shaders/firstToken.ts";
import { groupNormChunks } from "../shaders/groupNormPartials.ts";
import { poolTokens } from "../shaders/poolTokens.ts";
import { relu } from "../shaders/relu.ts";
import { spatialMean } from "../shaders/spatialMean.ts";
import { type Architecture, hiddenFeatures } from "../checkpoints/architecture.ts";
import { headNames } from "../checkpoints/names.ts";
import type { Feature } from "./feature.ts";
import type { Layers } from "./layers.ts";

/** Plans blocks and head. `logits`: f32 [batch, outChannels padded to 4]. */
export function planLogits(layers: Layers, architecture: Architecture, x: Feature, logits: Tensor): void {
  const { input, middle, head } = architecture;
  const { builder, batch } = layers;
  let h = x;
  if ("features" in head) {
    const features = builder.temporary("features", "f32", [batch, 1, 1, head.features]);
    let offset = 0;
    for (const [index, blocks] of [...input, middle].entries()) {
      for (const block of blocks) h = layers.block(block, h);
      mean(layers, `features.${index}`, h, { y: features, stride: head.features, offset });
      offset += h.parts[0]!.channels;
    }
    return spatialHead(layers, head.kind, row(features, head.features), { logits, classes: architecture.outChannels });
  }
  for (const block of [...input.flat(), ...middle]) h = layers.block(block, h);
  h = layers.norm(headNames[head.kind].norm, h, { activation: "silu" });
  const { channels } = h.parts[0]!;
  const pooled = builder.temporary("out.mean", "f32", [batch, 1, 1, channels]);
  mean(layers, "out.mean", h, { y: pooled, stride: channels, offset: 0 });
  const last = { kernel: 1, channels: architecture.outChannels, into: logits } as const;
  if (head.kind === "attention") {
    const token = attentionPool(layers, h, pooled, { channels, heads: head.heads });
    layers.convolution(headNames.attention.logits, token, last);
  } else layers.convolution(headNames.adaptive.logits, row(pooled, channels), last);
}

const row = (tensor: Tensor, channels: number): Feature => ({ parts: [{ tensor, channels }], height: 1, width: 1 });

/** The means of x's channels into channels `offset` … of y. */
function mean(
  layers: Layers,
  name: string,
  h: Feature,
  { y, stride, offset }: { y: Tensor; stride: number; offset: number },
): void {
  const { tensor: x, channels } = h.parts[0]!;
  const pixels = h.height * h.width;
  const partials = layers.partials(name, h);
  layers.builder.dispatch(spatialMean, {
    tensors: { partials, y },
    parameters: { batch: layers.batch, pixels, channels, ...groupNormChunks(pixels), stride, offset },
    variant: {},
    label: name,
  });
  layers.operations.push({ kind: "mean", name, x, y, pixels, channels, stride, offset });
}

function spatialHead(
  layers: Layers,
  kind: "spatial" | "spatial_v2",
  features: Feature,
  { logits, classes }: { logits: Tensor; classes: number },
): void {
  const names = headNames[kind];
  const hidden = layers.convolution(names.hidden, features, { kernel: 1, channels: hiddenFeatures });
  const active =
    kind === "spatial"
      ? rectified(layers, names.activation, hidden)
      : layers.norm(names.activation, hidden, { activation: "silu" });
  layers.convolution(names.logits, active, { kernel: 1, channels: classes, into: logits });
}

function rectified(layers: Layers, name: string, feature: Feature): Feature {
  const { tensor: x, channels } = feature.parts[0]!;
  const y = layers.temporary(name, feature, channels);
  const vectors = (layers.batch * channels) / 4;
  layers.builder.dispatch(relu, { tensors: { x, y }, parameters: { vectors }, variant: {}, label: name });
  layers.operations.push({ kind: "relu", name, x, y, vectors });
  return row(y, channels);
}

/** Attention over the pixels and their mean; the mean's token is what comes out. */
function attentionPool(
  layers: Layers,
  h: Feature,
  pooled: Tensor,
  { channels, heads }: { channels: number; heads: number },
): Feature {
  const { builder, batch } = layers;
  const pixels = h.height * h.width;
  const x = h.parts[0]!.tensor;
  const size = { height: 1, width: pixels + 1 };
  const names = headNames.attention;
  const [allTokens, oneToken] = [`${names.pool}.tokens`, `${names.pool}.token`];
  const tokens = layers.temporary(allTokens, size, channels);
  builder.dispatch(poolTokens, {
    tensors: { x, mean: pooled, position: layers.weight(names.position), y: tokens },
    parameters: { batch, pixels, channels },
    variant: {},
    label: allTokens,
  });
  layers.operations.push({ kind: "tokens", name: allTokens, x, y: tokens, pixels, channels });
  const all = { parts: [{ tensor: tokens, channels }], ...size };
  const context = layers.attention(names.pool, all, { channels, heads, qkv: names.qkv });
  const { tensor, channels: inner } = context.parts[0]!;
  const y = layers.temporary(oneToken, { height: 1, width: 1 }, padTo4(inner));
  builder.dispatch(firstToken, {
    tensors: { x: tensor, y },
    parameters: { batch, tokens: pixels + 1, channels: inner },
    variant: {},
    label: oneToken,
  });
  layers.operations.push({ kind: "firstToken", name: oneToken, x: tensor, y, pixels, channels: inner });
  return row(y, inner);
}
