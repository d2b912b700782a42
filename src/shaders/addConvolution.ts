/**
 * A convolution as dispatches: what each `ConvolutionChoice` puts into a plan. Also one layer as a plan of its own, for
 * whoever times the candidates.
 */
import { PlanBuilder, type Plan } from "../engine/plan.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { ConvolutionChoice, ConvolutionLayer } from "./chooseConvolution.ts";
import { convolutionMacs, wholeConvolution } from "./convolution.ts";
import { convolutionBlocked } from "./convolutionBlocked.ts";
import { convolutionTiled } from "./convolutionTiled.ts";
import { addWinograd } from "./addWinograd.ts";

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

/** Workgroups of four threads are a processor's. */
const processorWorkgroup = 4;

/** Multiply-adds of a dispatch, which no submission can cut: some 0.2 s on two slow cores, or on a phone's GPU. */
const pieceMacs = { cpu: 5e8, gpu: 2e10 };

/** Workgroups in equal dispatches of at most `most` multiply-adds. */
function pieces(workgroups: number, macs: number, most: number) {
  const each = Math.ceil(workgroups / Math.ceil(macs / most));
  if (each === workgroups) return [{ groups: wholeConvolution, macs }];
  return Array.from({ length: Math.ceil(workgroups / each) }, (_, piece) => {
    const firstGroup = piece * each;
    const groups = Math.min(each, workgroups - firstGroup);
    return { groups: { firstGroup, groups }, macs: (macs * groups) / workgroups };
  });
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
      const most = variant.workgroupSize === processorWorkgroup ? pieceMacs.cpu : pieceMacs.gpu;
      for (const piece of pieces(
        convolutionBlocked.workgroups({ ...parameters, ...wholeConvolution }, variant),
        macs,
        most,
      ))
        builder.dispatch(convolutionBlocked, {
          ...{ tensors, parameters: { ...parameters, ...piece.groups }, variant, label, macs: piece.macs },
        });
      return;
    }
    case "tiled":
      for (const piece of pieces(
        convolutionTiled.workgroups({ ...parameters, ...wholeConvolution }, shape),
        macs,
        pieceMacs.gpu,
      ))
        builder.dispatch(convolutionTiled, {
          ...{ tensors, parameters: { ...parameters, ...piece.groups }, variant: shape, label, macs: piece.macs },
        });
      return;
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
