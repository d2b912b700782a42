/**
 * A convolution as dispatches: what each `ConvolutionChoice` puts into a plan. Also one layer as a plan of its own, for
 * whoever times the candidates.
 */
import { PlanBuilder, type Plan } from "../engine/plan.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { ConvolutionChoice, ConvolutionLayer } from "./chooseConvolution.ts";
import { convolutionMacs } from "./convolution.ts";
import { convolutionBlocked } from "./convolutionBlocked.ts";
import { convolutionSum } from "./convolutionSum.ts";
import { convolutionTiled, tiledWorkgroupSize } from "./convolutionTiled.ts";
import { addWinograd } from "./addWinograd.ts";
import { pieces, wholeDispatch } from "./lib/pieces.ts";

export interface ConvolutionTensors {
  readonly x0: Tensor;
  readonly x1?: Tensor | undefined;
  /** As packed: [taps][channels][outChannels]. */
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

/** Adds the dispatches of one convolution. Multiply-adds are counted as the direct sum has them, whatever runs. */
export function addConvolution(builder: PlanBuilder, convolution: ConvolutionCall): void {
  const { layer, choice, batch, tensors, label } = convolution;
  const { kernel, stride, activation } = layer;
  const { height, width, outHeight, outWidth, channels0, channels1, outChannels, pad } = layer;
  const parameters = { batch, height, width, outHeight, outWidth, channels0, channels1, outChannels, pad };
  const shape = { kernel, stride, activation };
  const macs = layerMacs(layer, batch);
  switch (choice.method) {
    case "blocked": {
      const variant = { ...shape, ...choice.variant };
      const workgroups = convolutionBlocked.workgroups({ ...parameters, ...wholeDispatch }, variant);
      for (const { groups, share } of pieces(workgroups, macs, variant.workgroupSize))
        builder.dispatch(convolutionBlocked, {
          ...{ tensors, parameters: { ...parameters, ...groups }, variant, label, macs: macs * share },
        });
      return;
    }
    case "tiled": {
      const { parts } = choice;
      const { x0, x1, weight, bias, residual, y } = tensors;
      const sums =
        parts > 1
          ? builder.temporary(`${label}.sums`, "f32", [parts, batch, outHeight, outWidth, outChannels])
          : undefined;
      const variant = { ...shape, ...(sums ? { activation: "none" as const } : {}), parts };
      const bound = sums ? { x0, x1, weight, y: sums } : tensors;
      const workgroups = convolutionTiled.workgroups({ ...parameters, ...wholeDispatch }, variant);
      for (const { groups, share } of pieces(workgroups, macs, tiledWorkgroupSize))
        builder.dispatch(convolutionTiled, {
          ...{ tensors: bound, parameters: { ...parameters, ...groups }, variant, label, macs: macs * share },
        });
      if (sums)
        builder.dispatch(convolutionSum, {
          tensors: { sums, bias, residual, y },
          parameters: { parts, pixels: batch * outHeight * outWidth, outChannels },
          variant: { activation },
          label,
        });
      return;
    }
    case "winograd":
      return addWinograd(builder, convolution, choice);
  }
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

/** One layer alone; its inputs, weights and output are external. */
export function convolutionPlan(
  layer: ConvolutionLayer,
  choice: ConvolutionChoice,
  batch = 1,
): { plan: Plan; tensors: ConvolutionTensors } {
  const builder = new PlanBuilder();
  const { kernel, height, width, outHeight, outWidth, channels0, channels1, outChannels, activations } = layer;
  const image = (name: string, size: readonly number[]) => builder.external(name, activations, [batch, ...size]);
  const tensors: ConvolutionTensors = {
    x0: image("x0", [height, width, channels0]),
    x1: channels1 > 0 ? image("x1", [height, width, channels1]) : undefined,
    weight: builder.external("weight", layer.weights, [kernel * kernel, channels0 + channels1, outChannels]),
    bias: layer.bias ? builder.external("bias", "f32", [outChannels]) : undefined,
    residual: layer.residual ? image("residual", [outHeight, outWidth, outChannels]) : undefined,
    y: image("y", [outHeight, outWidth, outChannels]),
  };
  addConvolution(builder, { layer, choice, batch, tensors, label: "convolution" });
  return { plan: builder.finish(), tensors };
}
