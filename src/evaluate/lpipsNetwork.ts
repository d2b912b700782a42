/**
 * LPIPS (Zhang et al. 2018) over AlexNet as a plan: the trunk (Krizhevsky 2014, torchvision's `features`) over a pair
 * of images as a batch of two, and after each ReLU the distance of the pair's features. No device calls; files are
 * `lpipsFile.ts`.
 */
import { InputError } from "../errors.ts";
import { PlanBuilder, type Plan } from "../engine/plan.ts";
import { byteLength, padTo4, type Tensor } from "../engine/tensor.ts";
import { convolutionMacs } from "../shaders/convolution.ts";
import { wholeDispatch } from "../shaders/lib/pieces.ts";
import { convolutionBlocked } from "../shaders/convolutionBlocked.ts";
import { featureDistance } from "../shaders/featureDistance.ts";
import { maxPool } from "../shaders/maxPool.ts";
import { relu } from "../shaders/relu.ts";
import { packConvolution, packVector } from "../unet/packing.ts";
import type { PackedWeight, PackedWeights } from "../unet/weights.ts";

export interface TrunkLayer {
  /** torchvision's. */
  readonly name: string;
  readonly kernel: number;
  readonly stride: number;
  readonly pad: number;
  readonly in: number;
  readonly out: number;
  /** A 3×3 maximum with stride 2 comes before it. */
  readonly pooled: boolean;
}

export const trunk: readonly TrunkLayer[] = [
  { name: "features.0", kernel: 11, stride: 4, pad: 2, in: 3, out: 64, pooled: false },
  { name: "features.3", kernel: 5, stride: 1, pad: 2, in: 64, out: 192, pooled: true },
  { name: "features.6", kernel: 3, stride: 1, pad: 1, in: 192, out: 384, pooled: true },
  { name: "features.8", kernel: 3, stride: 1, pad: 1, in: 384, out: 256, pooled: false },
  { name: "features.10", kernel: 3, stride: 1, pad: 1, in: 256, out: 256, pooled: false },
];

/** The 1×1 head of a layer, as the published weights call it. */
export const headName = (layer: number): string => `lin${layer}.model.1.weight`;

/** What LPIPS does to values in [−1, 1] before the trunk: (x − shift) / scale, by colour. */
export const inputShift = [-0.03, -0.088, -0.188] as const;
export const inputScale = [0.458, 0.448, 0.45] as const;

/** The trunk leaves nothing of smaller pictures. */
export const smallestSide = 31;

/** Pixels a side after each layer. */
function layerSides(side: number): number[] {
  const sides: number[] = [];
  let now = side;
  for (const { kernel, stride, pad, pooled } of trunk) {
    if (pooled) now = Math.floor((now - 3) / 2) + 1;
    now = Math.floor((now + 2 * pad - kernel) / stride) + 1;
    sides.push(now);
  }
  return sides;
}

/** The trunk's and the heads' weights, packed, by the names of the file. */
export function declareLpipsWeights(): PackedWeights {
  const weights = new Map<string, PackedWeight>();
  const add = (name: string, shape: readonly number[], pack: PackedWeight["pack"]) =>
    weights.set(name, { tensor: { name, dtype: "f32", shape, place: "external" }, pack });
  for (const [index, layer] of trunk.entries()) {
    const { name, kernel, out } = layer;
    add(`${name}.weight`, [kernel * kernel, padTo4(layer.in), out], async (read) =>
      packConvolution(await read(`${name}.weight`), { kernel, inputs: [layer.in], out }),
    );
    add(`${name}.bias`, [out], async (read) => packVector(await read(`${name}.bias`)));
    add(headName(index), [out], async (read) => packVector(await read(headName(index))));
  }
  return weights;
}

export interface LpipsPlan {
  readonly plan: Plan;
  /** f32 [2, height, width, 4]: both images, shifted and scaled. */
  readonly x: Tensor;
  /** f32 [pixels] each: the layers' distances, pixel by pixel. */
  readonly distances: readonly Tensor[];
}

/** @throws InputError for pictures that the trunk leaves nothing of, or that are larger than a binding */
export function planLpips(
  weights: PackedWeights,
  { height, width, largestBinding }: { height: number; width: number; largestBinding: number },
): LpipsPlan {
  if (!(Math.min(height, width) >= smallestSide))
    throw new InputError(`LPIPS needs pictures of at least ${smallestSide}x${smallestSide}, got ${width}x${height}`);
  const builder = new PlanBuilder();
  const shared = (name: string) => builder.share(weights.get(name)!.tensor);
  const external = (name: string, shape: readonly number[]) => {
    const tensor = builder.external(name, "f32", shape);
    if (byteLength(tensor) > largestBinding)
      throw new InputError(
        `LPIPS: pictures of ${width}x${height} are larger than this adapter binds; use smaller ones`,
      );
    return tensor;
  };
  const x = external("lpips.x", [2, height, width, 4]);
  const [heights, widths] = [layerSides(height), layerSides(width)];
  let now: Features = { tensor: x, height, width, channels: 4 };
  const distances = trunk.map((layer, index) => {
    if (layer.pooled) now = pool(builder, `${layer.name}.pool`, now);
    now = convolve(builder, shared, layer, now, { height: heights[index]!, width: widths[index]! });
    const pixels = now.height * now.width;
    const distance = external(`lpips.${index}`, [pixels]);
    builder.dispatch(featureDistance, {
      tensors: { x: now.tensor, weight: shared(headName(index)), y: distance },
      parameters: { pixels, channels: now.channels },
      variant: {},
      label: `lin${index}`,
    });
    return distance;
  });
  return { plan: builder.finish(), x, distances };
}

/** A layer of the trunk: its convolution and ReLU. */
function convolve(
  builder: PlanBuilder,
  shared: (name: string) => Tensor,
  { name, kernel, stride, pad, out }: (typeof trunk)[number],
  { tensor, height, width, channels }: Features,
  { height: outHeight, width: outWidth }: Pick<Features, "height" | "width">,
): Features {
  const shape = [2, outHeight, outWidth, out];
  const y = builder.temporary(name, "f32", shape);
  const sides = { batch: 2, height, width, outHeight, outWidth, pad };
  builder.dispatch(convolutionBlocked, {
    tensors: { x0: tensor, weight: shared(`${name}.weight`), bias: shared(`${name}.bias`), y },
    parameters: { ...sides, channels0: channels, channels1: 0, outChannels: out, hasResidual: 0, ...wholeDispatch },
    variant: { kernel, stride, activation: "none", ...tileOf(kernel) },
    label: name,
    macs: convolutionMacs({ kernel, batch: 2, outHeight, outWidth, channels, outChannels: out }),
  });
  const features = builder.temporary(`${name}.relu`, "f32", shape);
  builder.dispatch(relu, {
    tensors: { x: y, y: features },
    parameters: { vectors: (2 * outHeight * outWidth * out) / 4 },
    variant: {},
    label: `${name}.relu`,
  });
  return { tensor: features, height: outHeight, width: outWidth, channels: out };
}

/**
 * Small tiles on every adapter. Taps along x are unrolled, so that a tile of an 11×11 takes SwiftShader seconds to
 * compile, and a pair of pictures is little work beside the model calls that made one of them.
 */
const tileOf = (kernel: number) => ({
  tileWidth: kernel > 5 ? 1 : 2,
  tileHeight: 1,
  share: "none" as const,
  tileChannels: kernel > 5 ? 1 : 2,
  workgroupSize: 16,
});

interface Features {
  readonly tensor: Tensor;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

function pool(builder: PlanBuilder, label: string, { tensor, height, width, channels }: Features): Features {
  const outHeight = Math.floor((height - 3) / 2) + 1;
  const outWidth = Math.floor((width - 3) / 2) + 1;
  const y = builder.temporary(label, "f32", [2, outHeight, outWidth, channels]);
  builder.dispatch(maxPool, {
    tensors: { x: tensor, y },
    parameters: { batch: 2, height, width, outHeight, outWidth, channels },
    variant: {},
    label,
  });
  return { tensor: y, height: outHeight, width: outWidth, channels };
}
