/**
 * What a network computed between input and output, as data: `Layers` and `heads.ts` write it down while they plan,
 * `backward.ts` reads it from the end. Only what a gradient to the input needs: of a convolution that is its name, of a
 * norm its input.
 */
import type { Tensor } from "../engine/tensor.ts";

interface Size {
  readonly height: number;
  readonly width: number;
}

export type Operation =
  | ({
      readonly kind: "convolution";
      readonly name: string;
      readonly x: Tensor;
      /** Padded. */
      readonly channels: number;
      readonly y: Tensor;
      readonly kernel: 1 | 3;
      readonly stride: 1 | 2;
      readonly residual: Tensor | undefined;
    } & Size)
  | {
      readonly kind: "norm";
      readonly name: string;
      readonly x: Tensor;
      readonly y: Tensor;
      readonly pixels: number;
      readonly channels: number;
      readonly groups: number;
      readonly partials: Tensor;
      readonly affine: Tensor;
      readonly activation: "none" | "silu";
      /** The residual block whose embedding is folded in. */
      readonly block: string | undefined;
    }
  | {
      readonly kind: "attention";
      readonly name: string;
      readonly qkv: Tensor;
      readonly y: Tensor;
      readonly length: number;
      readonly heads: number;
      readonly headChannels: number;
      readonly scale: number;
    }
  | ({
      readonly kind: "resample";
      readonly direction: "up" | "down";
      readonly name: string;
      readonly x: Tensor;
      readonly y: Tensor;
      readonly channels: number;
    } & Size)
  | {
      readonly kind: "mean";
      readonly name: string;
      readonly x: Tensor;
      readonly y: Tensor;
      readonly pixels: number;
      readonly channels: number;
      /** Channels of y, and the first that belongs to x. */
      readonly stride: number;
      readonly offset: number;
    }
  | {
      readonly kind: "tokens" | "firstToken";
      readonly name: string;
      readonly x: Tensor;
      readonly y: Tensor;
      readonly pixels: number;
      readonly channels: number;
    }
  | { readonly kind: "relu"; readonly name: string; readonly x: Tensor; readonly y: Tensor; readonly vectors: number };
