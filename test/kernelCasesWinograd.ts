/** Cases of the Winograd kernels: all tiles, ragged images, strips of a batch, with and without the norm's affine. */
import type { WinogradTile } from "../src/shaders/lib/winograd.ts";
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";

const tiles = [2, 4, 6] as const;

function inputCase(
  tile: WinogradTile,
  title: string,
  size: { batch?: number; height: number; width: number; channels0: number; channels1?: number; pad?: number },
  {
    affine,
    strip,
    upsample = false,
  }: { affine?: "none" | "silu"; strip?: { firstRow: number; rows: number }; upsample?: boolean } = {},
): KernelCase {
  const { batch = 1, height, width, channels0, channels1 = 0, pad = 1 } = size;
  const channels = channels0 + channels1;
  const scale = upsample ? 2 : 1;
  const [tilesX, tilesY] = [Math.ceil((scale * width) / tile), Math.ceil((scale * height) / tile)];
  return {
    kernel: "winogradInput",
    title: `F(${tile}×${tile}), ${title}`,
    variant: { tile, activation: affine ?? "none", upsample },
    parameters: {
      height,
      width,
      channels0,
      channels1,
      pad,
      tilesX,
      tilesY,
      ...(strip ?? { firstRow: 0, rows: batch * tilesY }),
    },
    inputs: {
      x0: values(batch * height * width * channels0, 50),
      ...(channels1 ? { x1: values(batch * height * width * channels1, 51) } : {}),
      ...(affine ? { affine: values(batch * 2 * channels, 52) } : {}),
    },
    half: ["x0", "x1", "v"],
    tolerance: affine === "silu" ? 1e-5 : 1e-6,
  };
}

function multiplyCase(
  title: string,
  parameters: { frequencies: number; tiles: number; channels: number; outChannels: number },
  variant: { tiles: number; tileChannels: number; share: "none" | "quad"; workgroupSize: number },
): KernelCase {
  const { frequencies, tiles, channels, outChannels } = parameters;
  return {
    kernel: "winogradMultiply",
    title: `${title}, ${variant.tiles}×${4 * variant.tileChannels}, share ${variant.share}`,
    parameters,
    variant,
    inputs: {
      v: values(frequencies * tiles * channels, 53),
      u: values(frequencies * channels * outChannels, 54, { deviation: 1 / Math.sqrt(channels) }),
    },
    half: ["v", "u", "m"],
    tolerance: 1e-6,
  };
}

function outputCase(
  tile: WinogradTile,
  title: string,
  size: { batch?: number; outHeight: number; outWidth: number; outChannels: number },
  fused: { residual?: boolean; bias?: boolean; activation?: "none" | "silu"; upsample?: boolean } = {},
): KernelCase {
  const { batch = 1, outHeight, outWidth, outChannels } = size;
  const [tilesX, tilesY] = [Math.ceil(outWidth / tile), Math.ceil(outHeight / tile)];
  const rows = batch * tilesY;
  const { upsample = false } = fused;
  return {
    kernel: "winogradOutput",
    title: `F(${tile}×${tile}), ${title}`,
    variant: { tile, activation: fused.activation ?? "none", upsample },
    parameters: { outHeight, outWidth, outChannels, tilesX, tilesY, firstRow: 0, rows },
    inputs: {
      m: values((tile + 2) ** 2 * rows * tilesX * outChannels, 55),
      ...(fused.bias === false ? {} : { bias: values(outChannels, 56) }),
      ...(fused.residual
        ? { residual: values((batch * outHeight * outWidth * outChannels) / (upsample ? 4 : 1), 57) }
        : {}),
    },
    half: ["m", "residual", "y"],
    tolerance: fused.activation === "silu" ? 1e-5 : 1e-6,
  };
}

const blocks = [
  { tiles: 8, tileChannels: 2, share: "quad", workgroupSize: 4 },
  { tiles: 2, tileChannels: 1, share: "quad", workgroupSize: 64 },
  { tiles: 8, tileChannels: 2, share: "none", workgroupSize: 4 },
] as const;

export const winogradCases: readonly KernelCase[] = [
  ...tiles.map((tile): KernelCase => ({
    kernel: "winogradWeights",
    title: `F(${tile}×${tile}), 12 to 20`,
    variant: { tile },
    parameters: { channels: 12, outChannels: 20 },
    inputs: { weight: values(9 * 12 * 20, 58) },
    half: ["weight", "u"],
    tolerance: 1e-6,
  })),
  ...tiles.flatMap((tile) => [
    inputCase(tile, "8×8 of 8", { height: 8, width: 8, channels0: 8 }),
    inputCase(tile, "7×5 of 4, batch 2", { batch: 2, height: 7, width: 5, channels0: 4 }),
    inputCase(tile, "one pixel", { height: 1, width: 1, channels0: 4 }),
    inputCase(
      tile,
      "two inputs under a norm",
      { height: 6, width: 9, channels0: 8, channels1: 12 },
      { affine: "silu" },
    ),
    inputCase(
      tile,
      "a strip across two images under a norm",
      { batch: 2, height: 9, width: 6, channels0: 4 },
      { affine: "none", strip: { firstRow: 2, rows: 2 } },
    ),
    inputCase(tile, "nearest ×2 of 5×3, batch 2", { batch: 2, height: 5, width: 3, channels0: 4 }, { upsample: true }),
    inputCase(
      tile,
      "nearest ×2 of a norm of 4×7",
      { height: 4, width: 7, channels0: 8 },
      { affine: "silu", upsample: true },
    ),
    outputCase(
      tile,
      "10×6 of 8, batch 2, residual nearest ×2",
      { batch: 2, outHeight: 10, outWidth: 6, outChannels: 8 },
      { residual: true, upsample: true },
    ),
    outputCase(tile, "8×8 of 8, residual", { outHeight: 8, outWidth: 8, outChannels: 8 }, { residual: true }),
    outputCase(
      tile,
      "7×5 of 12, batch 2, SiLU",
      { batch: 2, outHeight: 7, outWidth: 5, outChannels: 12 },
      { bias: false, activation: "silu" },
    ),
  ]),
  ...blocks.flatMap((block) => [
    multiplyCase("37 tiles, 12 to 36", { frequencies: 16, tiles: 37, channels: 12, outChannels: 36 }, block),
    multiplyCase("one tile, 4 to 4", { frequencies: 36, tiles: 1, channels: 4, outChannels: 4 }, block),
  ]),
];
