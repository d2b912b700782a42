/**
 * Self-attention as dispatches, long ones in pieces. Also one layer as a plan of its own, for whoever times the
 * candidates.
 */
import { PlanBuilder, type Plan } from "../../engine/plan.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { attention } from "../../shaders/attention.ts";
import { wholeDispatch } from "../../shaders/lib/pieces.ts";
import { dispatchInPieces } from "../pieces.ts";
import type { AttentionChoice, AttentionLayer } from "./layer.ts";

export interface AttentionTensors {
  /** [batch, length, 3·heads·headChannels] */
  readonly qkv: Tensor;
  /** [batch, length, heads·headChannels] */
  readonly y: Tensor;
}

export interface AttentionCall {
  readonly layer: AttentionLayer;
  readonly choice: AttentionChoice;
  readonly batch: number;
  readonly tensors: AttentionTensors;
  readonly label: string;
}

/** Multiply-adds of both products. */
export function attentionMacs({ length, heads, headChannels }: AttentionLayer, batch: number): number {
  return 2 * batch * length ** 2 * heads * headChannels;
}

export function addAttention(builder: PlanBuilder, { layer, choice, batch, tensors, label }: AttentionCall): void {
  const { length, heads, headChannels, scale } = layer;
  const parameters = { batch, length, heads, headChannels, scale, ...wholeDispatch };
  const macs = attentionMacs(layer, batch);
  if (choice.method === "tiled") {
    const { kernel, variant, threads: workgroupSize } = choice;
    return dispatchInPieces(builder, kernel, { tensors, parameters, variant, label, macs }, { workgroupSize });
  }
  const { variant } = choice;
  // Each chunk of a head computes all scores: half of the work is done once a chunk.
  const chunks = Math.ceil(headChannels / 4 / variant.chunkVectors);
  const work = (macs * (1 + chunks)) / 2;
  const { workgroupSize } = variant;
  dispatchInPieces(builder, attention, { tensors, parameters, variant, label, macs }, { workgroupSize, work });
}

/** One layer alone; its input and output are external. */
export function attentionPlan(
  layer: AttentionLayer,
  choice: AttentionChoice,
  batch = 1,
): { plan: Plan; tensors: AttentionTensors } {
  const builder = new PlanBuilder();
  const inner = layer.heads * layer.headChannels;
  const tensors = {
    qkv: builder.external("qkv", layer.activations, [batch, layer.length, 3 * inner]),
    y: builder.external("y", layer.activations, [batch, layer.length, inner]),
  };
  addAttention(builder, { layer, choice, batch, tensors, label: "attention" });
  return { plan: builder.finish(), tensors };
}
