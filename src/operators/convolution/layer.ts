/**
 * One convolution of a network, and a kernel with a variant that runs it.
 */
import type { DType, Tensor } from "../../engine/tensor.ts";
import type { BlockedVariant } from "../../shaders/convolutionBlocked.ts";
import type { MatrixConfig } from "./matrix.ts";
import type { TiledConfig } from "./tiled.ts";
import type { WinogradTile } from "../../shaders/lib/winograd.ts";
import type { WinogradMultiplyVariant } from "../../shaders/winogradMultiply.ts";
import type { ConvolutionShape } from "../../shaders/lib/convolutionShape.ts";
import { convolutionMacs } from "../../shaders/convolution.ts";

/** One convolution of a network, whatever the batch. Channel counts are padded to multiples of 4. */
export interface ConvolutionLayer extends ConvolutionShape {
  /** Size of the tensors that are read: with `upsample` half of what is convolved. */
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly channels0: number;
  /** Channels of the second input of a concatenation; 0: there is none. */
  readonly channels1: number;
  readonly outChannels: number;
  readonly pad: number;
  readonly bias: boolean;
  readonly residual: boolean;
  /** The input is act(a·x + b) of a norm's affine, with this activation; without it, x as it is. */
  readonly norm?: "none" | "silu" | undefined;
  /** The input, after the norm, is nearest ×2 of what is read. */
  readonly upsample?: boolean | undefined;
  /** The residual is nearest ×2 of what is read, too. */
  readonly upsampleResidual?: boolean | undefined;
  readonly activations: DType;
  readonly weights: DType;
}

/** A kernel with a variant that runs a convolution, named by `id`. What dispatches it makes: plan.ts. */
export type ConvolutionChoice =
  | { readonly id: string; readonly method: "blocked"; readonly variant: BlockedTile }
  | {
      readonly id: string;
      readonly method: "tiled";
      readonly config: TiledConfig;
      readonly parts: number;
      readonly through: boolean;
    }
  | { readonly id: string; readonly method: "matrix"; readonly config: MatrixConfig; readonly parts: number }
  | { readonly id: string; readonly method: "winograd"; readonly variant: WinogradConfig };

/**
 * How Winograd's products are computed, and about how many bytes of transformed images and products there are at a
 * time.
 */
export type WinogradConfig = { readonly tile: WinogradTile; readonly stripBytes: number } & (
  | { readonly blocked: Pick<WinogradMultiplyVariant, "tiles" | "tileChannels" | "share" | "workgroupSize"> }
  | { readonly tiled: TiledConfig }
);

type BlockedTile = Pick<BlockedVariant, "tileWidth" | "tileHeight" | "tileChannels" | "share" | "workgroupSize">;

/** Answers of a tuner: `convolutionKey` of a layer → `id` of a candidate. */
export type ConvolutionChoices = ReadonlyMap<string, string>;

/** A text for everything that the time of a layer depends on, except the batch. */
export function convolutionKey(layer: ConvolutionLayer): string {
  const { kernel, stride, height, width, channels0, channels1, outChannels } = layer;
  const fused = [
    ...(layer.bias ? ["bias"] : []),
    ...(layer.residual ? [layer.upsampleResidual ? "residual up" : "residual"] : []),
    ...(layer.activation === "none" ? [] : [layer.activation]),
    ...(layer.norm === undefined ? [] : [`after norm ${layer.norm}`]),
    ...(layer.upsample ? ["up"] : []),
  ];
  const input = channels1 > 0 ? `${channels0}+${channels1}` : `${channels0}`;
  return [
    `${kernel}x${kernel}`,
    ...(stride === 1 ? [] : [`stride ${stride} pad ${layer.pad}`]),
    `${height}x${width}`,
    `${input}>${outChannels}`,
    `${layer.activations}/${layer.weights}`,
    ...fused,
  ].join(" ");
}

/** Whether it is a linear layer. Its rows are few: a tile of 64 pixels would be nearly empty. */
export const isRows = (layer: ConvolutionLayer) => layer.outHeight === 1;

export interface ConvolutionTensors {
  readonly x0: Tensor;
  readonly x1?: Tensor | undefined;
  /** Scales and offsets of the layer's norm: [batch, 2, channels], see `groupNormAffine`. */
  readonly affine?: Tensor | undefined;
  /** Packed: [taps][channels][outChannels]. */
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
  readonly residual?: Tensor | undefined;
  readonly y: Tensor;
}

export interface ConvolutionCall {
  readonly layer: ConvolutionLayer;
  readonly choice: ConvolutionChoice;
  readonly batch: number;
  readonly tensors: ConvolutionTensors;
  readonly label: string;
}

/** Multiply-adds of a layer's direct sum. */
export function layerMacs(layer: ConvolutionLayer, batch: number): number {
  const { kernel, outHeight, outWidth, outChannels } = layer;
  return convolutionMacs({
    kernel,
    batch,
    outHeight,
    outWidth,
    channels: layer.channels0 + layer.channels1,
    outChannels,
  });
}
