/**
 * How many bytes Winograd's transformed tensors take, and for which layers it is offered.
 */
import { winogradSpan, type WinogradTile } from "../../shaders/lib/winograd.ts";
import type { ConvolutionLayer } from "./layer.ts";

/** The largest binding that WebGPU promises. */
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

/** Multiply-adds of an image for each pair of channels. Tiles that reach beyond the image count in full. */
function products({ outHeight, outWidth }: ConvolutionLayer, tile: WinogradTile): number {
  return Math.ceil(outHeight / tile) * Math.ceil(outWidth / tile) * winogradSpan(tile) ** 2;
}

/**
 * Whether it can compute a layer: 3×3 with stride 1, and no binding beyond what WebGPU promises. F(6×6) loses more
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
