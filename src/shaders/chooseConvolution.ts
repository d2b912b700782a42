/**
 * Which convolution kernel runs a layer on which kind of adapter. A table of defaults, measured (bench/NOTES.md);
 * the place where a tuner's answers will be looked up. The choice never depends on the batch.
 */
import type { AdapterKind } from "../engine/device.ts";
import type { Kernel } from "../engine/kernel.ts";
import type { ConvolutionShape, convolutionBindings, convolutionParameters } from "./convolution.ts";
import { convolutionBlocked, type BlockedVariant } from "./convolutionBlocked.ts";
import { convolutionTiled, type TiledVariant } from "./convolutionTiled.ts";

export interface ConvolutionChoice<V extends BlockedVariant | TiledVariant = BlockedVariant | TiledVariant> {
  readonly kernel: Kernel<typeof convolutionBindings, typeof convolutionParameters, V>;
  readonly variant: V;
}

export interface ConvolutionLayer extends ConvolutionShape {
  readonly outHeight: number;
  readonly outWidth: number;
  /** Padded. */
  readonly outChannels: number;
}

/** The largest of the sizes that divides `length` without waste, else the smallest. */
function fitting(length: number, sizes: readonly number[]): number {
  return sizes.find((size) => length % size === 0) ?? sizes.at(-1)!;
}

export function chooseConvolution(layer: ConvolutionLayer, kind: AdapterKind): ConvolutionChoice {
  const { kernel, stride, activation } = layer;
  // Rows of a linear layer are few: a tile of 64 pixels would be nearly empty.
  const rows = layer.outHeight === 1;
  if (kind === "gpu" && !rows) return tiled({ kernel, stride, activation });
  return {
    kernel: convolutionBlocked,
    variant: {
      kernel,
      stride,
      activation,
      tileWidth: rows ? 1 : stride === 2 ? 4 : fitting(layer.outWidth, [8, 4]),
      tileHeight: rows ? 1 : 2,
      tileChannels: fitting(layer.outChannels / 4, [2, 1]),
      workgroupSize: kind === "cpu" ? 4 : 64,
    },
  } as unknown as ConvolutionChoice;
}

function tiled(variant: TiledVariant): ConvolutionChoice {
  return { kernel: convolutionTiled, variant } as unknown as ConvolutionChoice;
}
