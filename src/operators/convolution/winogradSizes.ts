/**
 * How much Winograd's transformed tensors take, and which layers they fit.
 */
import { winogradSpan, type WinogradTile } from "../../shaders/lib/winograd.ts";
import type { ConvolutionLayer } from "./layer.ts";

/** WebGPU promises bindings of this size. */
const bindingBytes = 2 ** 27;

/** Bytes of a layer's transformed weights. */
function winogradWeightBytes(layer: ConvolutionLayer, tile: WinogradTile): number {
  return winogradSpan(tile) ** 2 * (layer.channels0 + layer.channels1) * layer.outChannels * 4;
}

export function rowBytes(
  { outWidth, channels0, channels1, outChannels }: ConvolutionLayer,
  tile: WinogradTile,
): number {
  return winogradSpan(tile) ** 2 * Math.ceil(outWidth / tile) * Math.max(channels0 + channels1, outChannels) * 4;
}

/** Multiply-adds of an image for each pair of channels. Tiles that reach beyond the image count as others do. */
function products({ outHeight, outWidth }: ConvolutionLayer, tile: WinogradTile): number {
  return Math.ceil(outHeight / tile) * Math.ceil(outWidth / tile) * winogradSpan(tile) ** 2;
}

/**
 * Whether a layer can be computed so at all: 3×3 with stride 1, and no binding beyond WebGPU's promise. F(6×6) loses more
 * digits than F(4×4), so it must multiply less.
 */
export function allowsWinograd(layer: ConvolutionLayer, tile: WinogradTile): boolean {
  const { kernel, stride } = layer;
  return (
    kernel === 3 &&
    stride === 1 &&
    (tile < 6 || products(layer, tile) < products(layer, 4)) &&
    winogradWeightBytes(layer, tile) <= bindingBytes &&
    rowBytes(layer, tile) <= bindingBytes
  );
}
