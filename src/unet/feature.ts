/** What goes from layer to layer: tensors side by side, perhaps seen through what no dispatch has computed yet. */
import type { Tensor } from "../engine/tensor.ts";
import type { ConvolutionShape } from "../shaders/lib/convolutionShape.ts";

/** Images side by side along the channels: a concatenation that is never made. */
export interface Feature {
  readonly parts: readonly { readonly tensor: Tensor; readonly channels: number }[];
  readonly height: number;
  readonly width: number;
  /** Where `parts` is one tensor that no dispatch has written yet: what a convolution may read in its place. */
  readonly through?: Source | undefined;
}

/** Tensors seen through a norm, nearest ×2, or both. */
export interface Source extends Pick<Feature, "parts" | "height" | "width"> {
  readonly norm?: { readonly affine: Tensor; readonly activation: "none" | "silu" } | undefined;
  readonly upsample: boolean;
}

/** What a layer does with a feature: a convolution of any kind. */
export interface ConvolutionOptions extends Pick<ConvolutionShape, "kernel"> {
  /** Default 1. */
  readonly stride?: 1 | 2;
  /** Default: what keeps the size. */
  readonly pad?: 0 | 1;
  /** Of the output, before padding. */
  readonly channels: number;
  /** Default "none". */
  readonly activation?: "none" | "silu";
  /** Added before the activation. */
  readonly residual?: Feature;
  /** Default: a temporary tensor. */
  readonly into?: Tensor;
}

/** Channels of the first part and of the others, of which kernels take one. */
export function channelsOf({ parts }: Pick<Feature, "parts">): [number, number] {
  return [parts[0]!.channels, parts[1]?.channels ?? 0];
}
