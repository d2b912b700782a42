/**
 * A 3×3 convolution by Winograd's minimal filtering as dispatches: weights transformed once, then strips of tiles that
 * go through input transform, products and output transform. Strips bound the memory for the transformed images; they
 * are cut over the whole batch, and no sum depends on them, so an image is the same alone and in a batch.
 *
 * Transformed weights, inputs and products are f32 whatever the storage of activations: the transforms cancel digits.
 */
import type { PlanBuilder } from "../../engine/plan.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { convolutionMacs } from "../../shaders/convolution.ts";
import { wholeDispatch } from "../../shaders/lib/pieces.ts";
import { winogradSpan } from "../../shaders/lib/winograd.ts";
import { winogradInput } from "../../shaders/winogradInput.ts";
import { winogradMultiply } from "../../shaders/winogradMultiply.ts";
import { winogradOutput } from "../../shaders/winogradOutput.ts";
import { winogradWeights } from "../../shaders/winogradWeights.ts";
import type { ConvolutionChoice, ConvolutionCall, WinogradConfig } from "./layer.ts";
import { rowBytes } from "./winogradSizes.ts";

/** A product of matrices is a 1×1 convolution of one row. */
const oneRow = (width: number) => ({ batch: 1, height: 1, width, outHeight: 1, outWidth: width });
const productShape = {
  kernel: 1,
  stride: 1,
  activation: "none",
  parts: 1,
  norm: "none",
  upsample: false,
} as const;

/** One product for each frequency: in registers, or through workgroup tiles. */
function addProducts(
  builder: PlanBuilder,
  config: WinogradConfig,
  { v, u, m }: { v: Tensor; u: Tensor; m: Tensor },
  product: { tiles: number; channels: number; outChannels: number; label: string; macs: number },
): void {
  const { tiles, channels, outChannels, label, macs } = product;
  const frequencies = winogradSpan(config.tile) ** 2;
  if ("blocked" in config)
    return void builder.dispatch(winogradMultiply, {
      tensors: { v, u, m },
      parameters: { frequencies, tiles, channels, outChannels },
      variant: config.blocked,
      label,
      macs,
    });
  const { kernel, variant } = config.tiled;
  builder.dispatch(kernel, {
    tensors: { x0: v, weight: u, y: m },
    parameters: { ...oneRow(tiles), channels0: channels, channels1: 0, outChannels, pad: 0, ...wholeDispatch },
    variant: { ...productShape, ...variant, products: frequencies },
    label,
    macs,
  });
}

export function addWinograd(
  builder: PlanBuilder,
  { layer, batch, tensors, label }: ConvolutionCall,
  { variant }: Extract<ConvolutionChoice, { method: "winograd" }>,
): void {
  const { activation, height, width, outHeight, outWidth, channels0, channels1, outChannels, pad } = layer;
  const { norm = "none", upsample = false, upsampleResidual = false } = layer;
  const { tile, stripBytes } = variant;
  const frequencies = winogradSpan(tile) ** 2;
  const channels = channels0 + channels1;
  const u = builder.constant(`${label}.winograd`, "f32", [frequencies, channels, outChannels]);
  builder.prepare(winogradWeights, {
    tensors: { weight: tensors.weight, u },
    parameters: { channels, outChannels },
    variant: { tile },
    label,
    macs: frequencies * channels * outChannels,
  });
  const [tilesX, tilesY] = [Math.ceil(outWidth / tile), Math.ceil(outHeight / tile)];
  const allRows = batch * tilesY;
  const stripRows = Math.min(allRows, Math.max(1, Math.floor(stripBytes / rowBytes(layer, tile))));
  const image = (name: string, size: number) =>
    builder.temporary(`${label}.${name}`, "f32", [frequencies, stripRows * tilesX, size]);
  const v = image("transformed", channels);
  const m = image("products", outChannels);
  const macs = convolutionMacs({ kernel: 3, batch, outHeight, outWidth, channels, outChannels });
  for (let firstRow = 0; firstRow < allRows; firstRow += stripRows) {
    const rows = Math.min(stripRows, allRows - firstRow);
    const strip = { tilesX, tilesY, firstRow, rows };
    builder.dispatch(winogradInput, {
      tensors: { x0: tensors.x0, x1: tensors.x1, affine: tensors.affine, v },
      parameters: { height, width, channels0, channels1, pad, ...strip },
      variant: { tile, activation: norm, upsample },
      label,
    });
    const product = { tiles: rows * tilesX, channels, outChannels, label, macs: (macs * rows) / allRows };
    addProducts(builder, variant, { v, u, m }, product);
    builder.dispatch(winogradOutput, {
      tensors: { m, bias: tensors.bias, residual: tensors.residual, y: tensors.y },
      parameters: { outHeight, outWidth, outChannels, ...strip },
      variant: { tile, activation, upsample: upsampleResidual },
      label,
    });
  }
}
