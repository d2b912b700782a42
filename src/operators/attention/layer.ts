/**
 * One attention of a network, and a kernel with a variant that runs it.
 */
import type { DType } from "../../engine/tensor.ts";
import type { AttentionVariant } from "../../shaders/attention.ts";
import type { attentionTiled, TiledAttentionVariant } from "../../shaders/attentionTiled.ts";

/** Self-attention between its projections, whatever the batch. */
export interface AttentionLayer {
  /** Tokens: height × width. */
  readonly length: number;
  readonly heads: number;
  /** Padded to a multiple of 4. */
  readonly headChannels: number;
  /** 1/√(true head width). */
  readonly scale: number;
  readonly activations: DType;
}

/** A kernel with a variant that runs it, named by `id`. */
export type AttentionChoice =
  | { readonly id: string; readonly method: "blocked"; readonly variant: AttentionVariant }
  | {
      readonly id: string;
      readonly method: "tiled";
      readonly kernel: typeof attentionTiled;
      readonly variant: TiledAttentionVariant;
      /** Threads of a workgroup. */
      readonly threads: number;
    };

/** A text for everything that the time of a layer depends on, except the batch. */
export function attentionKey({ length, heads, headChannels, activations }: AttentionLayer): string {
  return `attention ${length} ${heads}x${headChannels} ${activations}`;
}
