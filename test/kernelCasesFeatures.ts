/** Cases of LPIPS' kernels: the trunk's convolutions, its pooling, and the distance of two images' features. */
import { wholeDispatch } from "../src/shaders/lib/pieces.ts";
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";

/** Of a trunk's layer: sides as PyTorch gives them, ⌊(side + 2·pad − kernel)/stride⌋ + 1. */
function trunkCase(
  shape: { kernel: number; stride: number; pad: number },
  size: { height: number; width: number; channels0: number; outChannels: number },
): KernelCase {
  const { kernel, stride, pad } = shape;
  const { height, width, channels0, outChannels } = size;
  const out = (side: number) => Math.floor((side + 2 * pad - kernel) / stride) + 1;
  const tile = {
    share: "none",
    tileWidth: kernel > 5 ? 1 : 2,
    tileHeight: 1,
    tileChannels: kernel > 5 ? 1 : 2,
    workgroupSize: 16,
  };
  const taps = kernel * kernel * channels0;
  return {
    kernel: "convolutionBlocked",
    title: `${kernel}×${kernel}, stride ${stride}, ${height}×${width}, ${channels0} to ${outChannels}`,
    variant: { kernel, stride, activation: "none", ...tile },
    parameters: {
      batch: 2,
      height,
      width,
      outHeight: out(height),
      outWidth: out(width),
      channels0,
      channels1: 0,
      outChannels,
      pad,
      hasResidual: 0,
      ...wholeDispatch,
    },
    inputs: {
      x0: values(2 * height * width * channels0, 31),
      weight: values(taps * outChannels, 32, { deviation: 1 / Math.sqrt(taps) }),
      bias: values(outChannels, 33),
    },
    tolerance: 1e-6,
  };
}

function poolCase(batch: number, height: number, width: number, channels: number): KernelCase {
  const out = (side: number) => Math.floor((side - 3) / 2) + 1;
  return {
    kernel: "maxPool",
    title: `${batch} × ${height}×${width}×${channels}`,
    variant: {},
    parameters: { batch, height, width, outHeight: out(height), outWidth: out(width), channels },
    // All below zero: a maximum that began at 0 would show.
    inputs: { x: values(batch * height * width * channels, 34, { mean: -9 }) },
    tolerance: 0,
  };
}

function distanceCase(pixels: number, channels: number, of: "random" | "equal" | "zero"): KernelCase {
  const one = of === "zero" ? new Float64Array(pixels * channels) : values(pixels * channels, 35);
  const other = of === "equal" ? one : values(pixels * channels, 36);
  return {
    kernel: "featureDistance",
    title: `${pixels} pixels of ${channels}, ${of}`,
    variant: {},
    parameters: { pixels, channels },
    inputs: { x: Float64Array.from([...one, ...other]), weight: values(channels, 37, { mean: 1, deviation: 0.3 }) },
    tolerance: 1e-6,
  };
}

export const featureCases: readonly KernelCase[] = [
  trunkCase({ kernel: 11, stride: 4, pad: 2 }, { height: 31, width: 38, channels0: 4, outChannels: 12 }),
  trunkCase({ kernel: 5, stride: 1, pad: 2 }, { height: 3, width: 9, channels0: 8, outChannels: 8 }),
  poolCase(2, 7, 10, 8),
  poolCase(1, 3, 3, 4),
  distanceCase(70, 64, "random"),
  distanceCase(5, 12, "zero"),
  distanceCase(9, 8, "equal"),
];
