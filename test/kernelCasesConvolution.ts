/** Cases of the convolution kernels: shapes as ragged as they come, each in some tiles. */
import { wholeDispatch } from "../src/shaders/lib/pieces.ts";
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";
import type { SubgroupMatrix } from "../src/engine/adapter.ts";

interface ConvolutionSize {
  readonly title: string;
  readonly kernel?: 1 | 3;
  readonly stride?: 1 | 2;
  readonly pad?: number;
  readonly batch?: number;
  readonly height: number;
  readonly width: number;
  readonly channels0: number;
  readonly channels1?: number;
  readonly outChannels: number;
  readonly activation?: "none" | "silu";
  readonly residual?: boolean;
  readonly bias?: boolean;
  /** Of register blocks: a second input and a residual are bound, which another layer has, and not read. */
  readonly unread?: boolean;
  /** Of tiles: a norm, and nearest ×2, that they read through. */
  readonly norm?: "none" | "silu";
  readonly upsample?: boolean;
}

const convolutions: readonly ConvolutionSize[] = [
  { title: "8×8, 8 to 8", height: 8, width: 8, channels0: 8, outChannels: 8 },
  { title: "ragged 7×5, 12 to 20, batch 3", batch: 3, height: 7, width: 5, channels0: 12, outChannels: 20 },
  { title: "one pixel", height: 1, width: 1, channels0: 4, outChannels: 4 },
  { title: "one row of 9", height: 1, width: 9, channels0: 4, outChannels: 12 },
  {
    title: "two inputs and a residual",
    height: 6,
    width: 9,
    channels0: 8,
    channels1: 20,
    outChannels: 8,
    residual: true,
  },
  {
    title: "without bias, with SiLU",
    height: 5,
    width: 8,
    channels0: 8,
    outChannels: 16,
    bias: false,
    activation: "silu",
  },
  { title: "stride 2", stride: 2, height: 8, width: 10, channels0: 8, outChannels: 8 },
  { title: "stride 2, odd", stride: 2, height: 7, width: 5, channels0: 4, outChannels: 12 },
  { title: "stride 2, pad 0", stride: 2, pad: 0, height: 8, width: 6, channels0: 8, outChannels: 4 },
  { title: "1×1", kernel: 1, height: 5, width: 7, channels0: 16, outChannels: 24 },
  {
    title: "1×1, two inputs, residual",
    kernel: 1,
    height: 3,
    width: 3,
    channels0: 4,
    channels1: 8,
    outChannels: 4,
    residual: true,
  },
  { title: "linear, 3 rows", kernel: 1, height: 1, width: 3, channels0: 32, outChannels: 68, activation: "silu" },
  { title: "72 output channels, 70 pixels", height: 10, width: 7, channels0: 20, outChannels: 72 },
];

const throughs: readonly ConvolutionSize[] = [
  {
    title: "two inputs under a norm with SiLU, batch 2",
    batch: 2,
    height: 6,
    width: 9,
    channels0: 8,
    channels1: 20,
    outChannels: 12,
    norm: "silu",
    residual: true,
  },
  {
    title: "1×1 under a norm, batch 2",
    kernel: 1,
    batch: 2,
    height: 5,
    width: 7,
    channels0: 20,
    outChannels: 24,
    norm: "none",
  },
  {
    title: "nearest ×2 of a norm, batch 2",
    batch: 2,
    height: 5,
    width: 3,
    channels0: 8,
    outChannels: 20,
    norm: "silu",
    upsample: true,
  },
  { title: "nearest ×2", height: 3, width: 6, channels0: 4, outChannels: 4, upsample: true },
];

function convolutionCase(
  name: "convolutionBlocked" | "convolutionTiled" | "convolutionMatrix",
  tile: Record<string, string | number | boolean>,
  size: ConvolutionSize,
): KernelCase {
  const { kernel = 3, stride = 1, batch = 1, height, width, channels0, channels1 = 0, outChannels } = size;
  const { norm, upsample = false, residual = false, unread = false } = size;
  const outHeight = (upsample ? 2 : 1) * Math.ceil(height / stride);
  const outWidth = (upsample ? 2 : 1) * Math.ceil(width / stride);
  const channels = channels0 + channels1;
  const taps = kernel * kernel;
  const { norm: _, upsample: __, ...block } = tile;
  const shape = Object.values(block).join("×");
  return {
    kernel: name,
    title: shape ? `${size.title}, tile ${shape}` : size.title,
    variant: { kernel, stride, activation: size.activation ?? "none", ...tile },
    parameters: {
      batch,
      height,
      width,
      outHeight,
      outWidth,
      channels0,
      channels1,
      outChannels,
      pad: size.pad ?? (kernel === 3 ? 1 : 0),
      ...(name === "convolutionBlocked" && { hasResidual: residual ? 1 : 0 }),
      ...wholeDispatch,
    },
    inputs: {
      x0: values(batch * height * width * channels0, 1),
      ...(channels1 || unread ? { x1: values(batch * height * width * (channels1 || channels0), 2) } : {}),
      ...(norm ? { affine: values(batch * 2 * channels, 6) } : {}),
      weight: values(taps * channels * outChannels, 3, { deviation: 1 / Math.sqrt(taps * channels) }),
      ...(size.bias === false ? {} : { bias: values(outChannels, 4) }),
      ...(residual || unread ? { residual: values(batch * outHeight * outWidth * outChannels, 5) } : {}),
    },
    half: ["x0", "x1", "weight", "residual", "y"],
    // Sums of up to 9·28 products in f32, and SwiftShader's coarse exp under SiLU.
    tolerance: size.activation === "silu" || norm === "silu" ? 1e-5 : 1e-6,
  };
}

/** So many matrix products of one shape: Winograd's. */
function productsCase(products: number, tile: Record<string, number>): KernelCase {
  const [width, channels0, outChannels] = [70, 20, 24];
  const one = convolutionCase(
    "convolutionTiled",
    { ...tile, parts: 1, norm: "none", upsample: false, products },
    { title: `${products} products`, kernel: 1, height: 1, width, channels0, outChannels, bias: false },
  );
  const inputs = {
    x0: values(products * width * channels0, 1),
    weight: values(products * channels0 * outChannels, 3, { deviation: 1 / Math.sqrt(channels0) }),
  };
  return { ...one, inputs };
}

function sumCase(
  parts: number,
  size: { pixels: number; outChannels: number },
  activation: "none" | "silu",
): KernelCase {
  const count = size.pixels * size.outChannels;
  return {
    kernel: "convolutionSum",
    title: `${parts} parts, ${activation}`,
    variant: { activation },
    parameters: { parts, ...size },
    inputs: {
      sums: values(parts * count, 24),
      ...(activation === "silu" ? { bias: values(size.outChannels, 25), residual: values(count, 26) } : {}),
    },
    half: ["residual", "y"],
    tolerance: activation === "silu" ? 1e-5 : 1e-6,
  };
}

/** Large tiles compile for seconds on a software adapter: `only` a few sizes. */
const tiles: readonly { readonly only?: RegExp; readonly tile: Record<string, string | number> }[] = [
  { tile: { tileWidth: 4, tileHeight: 2, tileChannels: 1, share: "none", workgroupSize: 4 } },
  { tile: { tileWidth: 1, tileHeight: 1, tileChannels: 2, share: "none", workgroupSize: 64 } },
  {
    only: /ragged|two inputs and/,
    tile: { tileWidth: 8, tileHeight: 2, tileChannels: 2, share: "none", workgroupSize: 4 },
  },
  { only: /ragged/, tile: { tileWidth: 8, tileHeight: 2, tileChannels: 1, share: "quad", workgroupSize: 4 } },
  {
    only: /ragged|two inputs|one pixel|with SiLU|stride 2, odd|72 output/,
    tile: { tileWidth: 4, tileHeight: 2, tileChannels: 1, share: "quad", workgroupSize: 4 },
  },
  {
    only: /^1×1/,
    tile: { tileWidth: 4, tileHeight: 2, tileChannels: 2, share: "quad", workgroupSize: 4 },
  },
];

/** Tiles of every shape that a choice has, few cases for each but the smallest. */
const threadTiles = [
  { only: /./, tile: { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 4, buffers: 1 } },
  {
    only: /ragged|two inputs|72 output|nearest/,
    tile: { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 2, buffers: 2 },
  },
  {
    only: /two inputs|72 output/,
    tile: { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 1 },
  },
  {
    only: /ragged|two inputs|nearest/,
    tile: { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 4, buffers: 2 },
  },
];

const unreadInputs: ConvolutionSize = {
  title: "1×1, an input and a residual that are not there",
  kernel: 1,
  height: 5,
  width: 7,
  channels0: 16,
  outChannels: 24,
  unread: true,
};

const sumsOverChannels: ConvolutionSize = {
  title: "sums over channels",
  batch: 2,
  height: 5,
  width: 7,
  channels0: 52,
  channels1: 20,
  outChannels: 68,
  bias: false,
};

export const convolutionCases: readonly KernelCase[] = [
  ...tiles.flatMap(({ only, tile }) =>
    convolutions
      .filter(({ title }) => only?.test(title) ?? true)
      .map((size) => convolutionCase("convolutionBlocked", tile, size)),
  ),
  ...[tiles[0]!, tiles.at(-1)!].map(({ tile }) => convolutionCase("convolutionBlocked", tile, unreadInputs)),
  ...threadTiles.flatMap(({ only, tile }) =>
    [...convolutions, ...throughs]
      .filter(({ title }) => only.test(title))
      .map((size) => {
        const { norm = "none", upsample = false } = size;
        return convolutionCase("convolutionTiled", { ...tile, parts: 1, norm, upsample, products: 1 }, size);
      }),
  ),
  ...[2, 3].map((parts) =>
    convolutionCase(
      "convolutionTiled",
      { ...threadTiles[0]!.tile, parts, norm: "none", upsample: false, products: 1 },
      sumsOverChannels,
    ),
  ),
  ...threadTiles.map(({ tile }) => productsCase(3, tile)),
  sumCase(3, { pixels: 35, outChannels: 20 }, "silu"),
  sumCase(2, { pixels: 3, outChannels: 4 }, "none"),
];

/** A widespread one. */
export const exampleMatrix: SubgroupMatrix = { rows: 16, columns: 16, depth: 16, subgroupSize: 32 };

/** For an adapter that has subgroup matrices of this shape; f16 natively. */
export function matrixCases(matrix: SubgroupMatrix): readonly KernelCase[] {
  const tile = (down: number, across: number, buffers: 1 | 2 = 1) => ({
    ...matrix,
    subgroupRows: 2,
    subgroupColumns: 2,
    stepVectors: 8,
    buffers,
    tilePixels: 2 * down * matrix.rows,
    tileVectors: (2 * across * matrix.columns) / 4,
  });
  return [
    ...convolutions.map((size) => convolutionCase("convolutionMatrix", { ...tile(2, 2), parts: 1 }, size)),
    ...[2, 3].map((parts) => convolutionCase("convolutionMatrix", { ...tile(2, 1, 2), parts }, sumsOverChannels)),
  ];
}
