/**
 * Which candidate runs a convolution where nobody has measured, for each family of adapters: data. bench/NOTES.md holds
 * the numbers. The only GPU that was measured is an NVIDIA H200; a tuner's answers come first.
 */
import type { AdapterFamily } from "../../engine/adapter.ts";

/** A layer is run by the first rule that it meets in every condition, if that is one of its candidates. */
export interface ConvolutionRule {
  /** The id of a `ConvolutionChoice`. */
  readonly id: string;
  /** A linear layer: few rows instead of an image. */
  readonly rows?: boolean;
  readonly kernel?: 1 | 3;
  readonly stride?: 1 | 2;
  /** The output has at least so many pixels a side. */
  readonly side?: number;
  /** It has at most so many pixels. */
  readonly pixels?: number;
  /** The layer sums over at least so many input channels. */
  readonly inputs?: number;
  /** The output's width is a multiple of it. */
  readonly width?: number;
  /** The output's channels are a multiple of it. */
  readonly channels?: number;
  /** The layer's weights are at most so many numbers: Winograd keeps them a second time, 1.8, 4 or 7 times as large. */
  readonly weights?: number;
}

const linear = (workgroupSize: number): readonly ConvolutionRule[] => [
  { rows: true, channels: 8, id: `blocked 1x1x8/${workgroupSize}` },
  { rows: true, id: `blocked 1x1x4/${workgroupSize}` },
];

/**
 * Winograd's F(6×6) from 48² and 64 channels on (at 32² its tiles reach so far beyond the image that it multiplies as
 * much as F(4×4)), F(4×4) from 12² and F(2×2) from 8² on, with as many tiles a thread as the image fills. Weights of
 * deep layers, which are most of a network's memory and little of its time, are not kept twice.
 */
const minimalFiltering: readonly ConvolutionRule[] = [
  { side: 48, inputs: 128, channels: 64, weights: 9 * 256 * 256, id: "winograd6 quad 16x32/4" },
  { side: 48, inputs: 64, channels: 64, weights: 9 * 256 * 256, id: "winograd6 quad 8x32/4" },
  { side: 32, inputs: 128, channels: 64, weights: 9 * 512 * 512, id: "winograd4 quad 16x32/4" },
  { side: 32, channels: 16, weights: 9 * 512 * 512, id: "winograd4 quad 8x32/4" },
  { side: 12, channels: 16, weights: 9 * 512 * 512, id: "winograd4 quad 4x32/4" },
  { side: 8, channels: 16, weights: 9 * 512 * 512, id: "winograd2 quad 4x32/4" },
];

/** Register blocks whose quads share the loads of weights, for adapters that have quads; 3×3 fills larger tiles. */
const quads: readonly ConvolutionRule[] = [
  // A narrow network's table of embeddings takes milliseconds, and quads for it half a second to compile.
  { rows: true, weights: 2 ** 19, id: "quad 1x1x16/4" },
  { rows: true, channels: 16, id: "quad 4x1x16/4" },
  { rows: false, kernel: 3, stride: 1, width: 8, channels: 16, id: "quad 8x2x16/4" },
  { rows: false, kernel: 1, channels: 32, id: "quad 4x2x32/4" },
  { rows: false, channels: 16, id: "quad 4x2x16/4" },
];

/** Register blocks without barriers, as large as the layer fills. */
const blocks = (workgroupSize: number): readonly ConvolutionRule[] => [
  ...linear(workgroupSize),
  { stride: 2, channels: 8, id: `blocked 4x2x8/${workgroupSize}` },
  { stride: 2, id: `blocked 4x2x4/${workgroupSize}` },
  { width: 8, channels: 8, id: `blocked 8x2x8/${workgroupSize}` },
  { width: 8, id: `blocked 8x2x4/${workgroupSize}` },
  { channels: 8, id: `blocked 4x2x8/${workgroupSize}` },
  { id: `blocked 4x2x4/${workgroupSize}` },
];

/**
 * Tiles in workgroup memory that were fastest on an H200 (bench/NOTES.md). An image of 8² with 1024 channels has 16
 * tiles and one of 32² has 128, where a GPU wants some hundred at once: such layers are split over their input
 * channels. Where a rule's tile is more than the adapter's workgroup memory holds, the next one stands in.
 */
const split: readonly ConvolutionRule[] = [
  { rows: false, kernel: 3, pixels: 64, inputs: 512, id: "tiled 64x64x16/128 in 16" },
  { rows: false, kernel: 3, pixels: 256, inputs: 256, id: "tiled 64x64x16/128 in 8" },
  { rows: false, pixels: 64, inputs: 256, id: "tiled 64x64x16/128 in 8" },
  { rows: false, pixels: 256, inputs: 256, id: "tiled 64x64x16/128 in 2" },
  { rows: false, kernel: 3, pixels: 1024, inputs: 256, id: "tiled 128x64x16/128 twice in 4" },
  { rows: false, kernel: 3, pixels: 1024, inputs: 256, id: "tiled 64x64x16/128 in 4" },
  // Narrow networks have one or two tiles, which wait for memory at each of their steps. Not measured.
  { rows: false, kernel: 3, pixels: 256, inputs: 128, id: "tiled 64x64x16/128 in 4" },
  { rows: false, kernel: 3, pixels: 256, inputs: 64, id: "tiled 64x64x16/128 in 2" },
];

/**
 * Norming as it reads costs a 1×1 one multiply-add for each element and 64 output channels; a normed tensor goes
 * through memory twice.
 */
const whole: readonly ConvolutionRule[] = [
  { side: 48, channels: 128, id: "tiled 128x128x32/256" },
  { rows: false, kernel: 1, id: "tiled 64x64x16/128 through" },
  { id: "tiled 64x64x16/128" },
];

/** F(6×6) keeps weights 7 times as large, F(4×4) 4 times. */
const nvidia: readonly ConvolutionRule[] = [
  ...linear(64),
  { side: 48, inputs: 64, channels: 64, weights: 9 * 256 * 512, id: "winograd6 128x128x32/256" },
  { side: 48, inputs: 64, channels: 64, weights: 9 * 512 * 1024, id: "winograd4 64x64x16/128" },
  ...split,
  ...whole,
];

/**
 * Not measured. What follows from arithmetic: memory, in proportion to arithmetic, is 2 to 5 times as slow as an
 * H200's.
 */
const tiles: readonly ConvolutionRule[] = [
  ...linear(64),
  { side: 48, inputs: 128, channels: 128, weights: 9 * 256 * 512, id: "winograd4 64x64x16/128" },
  ...split,
  ...whole,
];

export const convolutionTable: Readonly<Record<AdapterFamily, readonly ConvolutionRule[]>> = {
  cpu: [...minimalFiltering, ...quads, ...blocks(4)],
  nvidia,
  amd: tiles,
  intel: tiles,
  apple: tiles,
  // Workgroup memory of mobile GPUs is main memory.
  mobile: blocks(64),
  other: tiles,
};
