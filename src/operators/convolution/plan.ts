/**
 * A convolution as dispatches: what each `ConvolutionChoice` puts into a plan. Also one layer as a plan of its own, for
 * whoever times the candidates.
 */
import { PlanBuilder, type Plan } from "../../engine/plan.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { convolutionBlocked } from "../../shaders/convolutionBlocked.ts";
import { convolutionSum } from "../../shaders/convolutionSum.ts";
import { addWinograd } from "./winograd.ts";
import { groupNormApply } from "../../shaders/groupNormApply.ts";
import { wholeDispatch } from "../../shaders/lib/pieces.ts";
import { upsampleNearest } from "../../shaders/upsampleNearest.ts";
import { dispatchInPieces } from "../pieces.ts";
import {
  type ConvolutionChoice,
  type ConvolutionLayer,
  type ConvolutionTensors,
  type ConvolutionCall,
  isRows,
  layerMacs,
} from "./layer.ts";

/** Adds the dispatches of one convolution. Multiply-adds are counted as the direct sum has them, whatever runs. */
export function addConvolution(builder: PlanBuilder, call: ConvolutionCall): void {
  const convolution = materializeInputs(builder, call);
  const { choice } = convolution;
  switch (choice.method) {
    case "blocked": {
      const { label } = convolution;
      const { parameters: whole, shape, macs } = wholeOf(convolution);
      const parameters = { ...whole, hasResidual: convolution.tensors.residual ? 1 : 0 };
      const variant = { ...shape, ...choice.variant };
      const tensors = withStandIns(convolution);
      return dispatchInPieces(builder, convolutionBlocked, { tensors, parameters, variant, label, macs }, variant);
    }
    case "tiled":
    case "matrix":
      return addTiles(builder, convolution, choice);
    case "winograd":
      return addWinograd(builder, convolution, choice);
  }
}

/**
 * A network has 1×1 convolutions of two inputs, and with a residual, and with neither; a processor compiles for half a
 * second for each kind. So all are one, where x0 stands for what is not there and is not read.
 */
function withStandIns({ layer, tensors }: ConvolutionCall): ConvolutionTensors {
  const { x0, x1 = x0, residual = x0 } = tensors;
  return layer.kernel === 1 && !isRows(layer) ? { ...tensors, x1, residual } : tensors;
}

/** Parameters, variant and work of a direct sum, whatever kernel computes it. */
function wholeOf({ layer, batch }: ConvolutionCall) {
  const { kernel, stride, activation } = layer;
  const { height, width, outHeight, outWidth, channels0, channels1, outChannels, pad } = layer;
  const sizes = { batch, height, width, outHeight, outWidth, channels0, channels1, outChannels, pad };
  return {
    parameters: { ...sizes, ...wholeDispatch },
    shape: { kernel, stride, activation },
    macs: layerMacs(layer, batch),
  };
}

/** Through workgroup tiles or subgroup matrices: in one sum, or in several that `convolutionSum` adds. */
function addTiles(
  builder: PlanBuilder,
  convolution: ConvolutionCall,
  choice: Extract<ConvolutionChoice, { method: "tiled" | "matrix" }>,
): void {
  const { layer, batch, tensors, label } = convolution;
  const { outHeight, outWidth, outChannels, activation } = layer;
  const { parameters, shape, macs } = wholeOf(convolution);
  const { parts } = choice;
  const { threads: workgroupSize } = choice.config;
  const { x0, x1, affine, weight, bias, residual, y } = tensors;
  const sums =
    parts > 1 ? builder.temporary(`${label}.sums`, "f32", [parts, batch, outHeight, outWidth, outChannels]) : undefined;
  const whole = { ...shape, ...(sums ? { activation: "none" as const } : {}), parts };
  if (choice.method === "tiled") {
    const { norm = "none", upsample = false } = layer;
    const variant = { ...whole, ...choice.config.variant, norm, upsample, products: 1 };
    const bound = sums ? { x0, x1, affine, weight, y: sums } : tensors;
    const dispatch = { tensors: bound, parameters, variant, label, macs };
    dispatchInPieces(builder, choice.config.kernel, dispatch, { workgroupSize });
  } else {
    const variant = { ...whole, ...choice.config.variant };
    const bound = sums ? { x0, x1, weight, y: sums } : { x0, x1, weight, bias, residual, y };
    const dispatch = { tensors: bound, parameters, variant, label, macs };
    dispatchInPieces(builder, choice.config.kernel, dispatch, { workgroupSize });
  }
  if (sums)
    builder.dispatch(convolutionSum, {
      tensors: { sums, bias, residual, y },
      parameters: { parts, pixels: batch * outHeight * outWidth, outChannels },
      variant: { activation },
      label,
    });
}

/** The same convolution without what its kernel cannot read through: norm and upsampling as dispatches of their own. */
function materializeInputs(builder: PlanBuilder, call: ConvolutionCall): ConvolutionCall {
  const { batch, label, choice } = call;
  if (choice.method === "winograd") return call;
  const readsThrough = choice.method === "tiled" && choice.through;
  let { layer, tensors } = call;
  const { height, width, channels0, channels1, norm, upsample, upsampleResidual, outHeight, outWidth } = layer;
  if (norm !== undefined && !readsThrough) {
    const { affine, ...others } = tensors;
    const channels = channels0 + channels1;
    const y = builder.temporary(`${label}.normed`, tensors.x0.dtype, [batch, height, width, channels]);
    builder.dispatch(groupNormApply, {
      tensors: { x0: tensors.x0, x1: tensors.x1, affine: affine!, y },
      parameters: { batch, pixels: height * width, channels0, channels1 },
      variant: { activation: norm },
      label,
    });
    tensors = { ...others, x0: y, x1: undefined };
    layer = { ...layer, channels0: channels, channels1: 0, norm: undefined };
  }
  const larger = (x: Tensor, size: { height: number; width: number }) => {
    const channels = x.shape.at(-1)!;
    const y = builder.temporary(`${label}.upsampled`, x.dtype, [batch, 2 * size.height, 2 * size.width, channels]);
    builder.dispatch(upsampleNearest, {
      tensors: { x, y },
      parameters: { batch, ...size, channels, scale: 1 },
      variant: {},
      label,
    });
    return y;
  };
  if (upsample && !readsThrough) {
    const [x0, x1] = [tensors.x0, tensors.x1].map((x) => x && larger(x, { height, width }));
    tensors = { ...tensors, x0: x0!, x1 };
    layer = { ...layer, height: 2 * height, width: 2 * width, upsample: false };
  }
  if (upsampleResidual) {
    const residual = larger(tensors.residual!, { height: outHeight / 2, width: outWidth / 2 });
    tensors = { ...tensors, residual };
    layer = { ...layer, upsampleResidual: false };
  }
  return { ...call, layer, tensors };
}

/** One layer alone; its inputs, weights and output are external. */
export function convolutionPlan(
  layer: ConvolutionLayer,
  choice: ConvolutionChoice,
  batch = 1,
): { plan: Plan; tensors: ConvolutionTensors } {
  const builder = new PlanBuilder();
  const { kernel, height, width, outHeight, outWidth, channels0, channels1, outChannels, activations } = layer;
  const half = layer.upsampleResidual ? 2 : 1;
  const image = (name: string, size: readonly number[]) => builder.external(name, activations, [batch, ...size]);
  const tensors: ConvolutionTensors = {
    x0: image("x0", [height, width, channels0]),
    x1: channels1 > 0 ? image("x1", [height, width, channels1]) : undefined,
    affine: layer.norm === undefined ? undefined : builder.external("affine", "f32", [batch, 2, channels0 + channels1]),
    weight: builder.external("weight", layer.weights, [kernel * kernel, channels0 + channels1, outChannels]),
    bias: layer.bias ? builder.external("bias", "f32", [outChannels]) : undefined,
    residual: layer.residual ? image("residual", [outHeight / half, outWidth / half, outChannels]) : undefined,
    y: image("y", [outHeight, outWidth, outChannels]),
  };
  addConvolution(builder, { layer, choice, batch, tensors, label: "convolution" });
  return { plan: builder.finish(), tensors };
}
