/**
 * Convolutions, and Winograd's products, through tiles in workgroup memory: loaded on GPUs alone. On processors, whose
 * workgroup memory is no faster than any other, they took ten times as long as blocks in registers.
 */
import { convolutionTiled, tiledBytes, tiledThreads, type TiledVariant } from "../../shaders/convolutionTiled.ts";
import type { TileShape } from "../../shaders/lib/tileWalk.ts";

/** A tile, and how its threads share it. */
type ThreadTile = TileShape & Pick<TiledVariant, "threadVectors">;

/** The kernel with a tile. */
export interface TiledConfig {
  /** "128x64x16/128": pixels, output channels and input channels of a step, threads; " twice": two buffers. */
  readonly name: string;
  readonly kernel: typeof convolutionTiled;
  readonly variant: ThreadTile;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Bytes of workgroup memory. */
  readonly bytes: number;
  /** Whether it is also offered with its sum in parts, for small images: those that won there. */
  readonly isSplit: boolean;
}

export interface TiledConfigs {
  readonly direct: readonly TiledConfig[];
  /** For Winograd's products. */
  readonly products: readonly TiledConfig[];
}

/**
 * 64 × 64 outputs where an image is small, larger tiles where it is not: each load serves as many products as the tile
 * has sides.
 */
const directTiles: readonly ThreadTile[] = [
  { tilePixels: 32, tileVectors: 8, threadVectors: 1, stepVectors: 8, buffers: 1 },
  { tilePixels: 32, tileVectors: 16, threadVectors: 1, stepVectors: 8, buffers: 1 },
  { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 4, buffers: 1 },
  { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 8, buffers: 1 },
  { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 1 },
  { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 2 },
  { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 4, buffers: 1 },
  { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 8, buffers: 1 },
];

const productTiles: readonly ThreadTile[] = [
  { tilePixels: 64, tileVectors: 16, threadVectors: 1, stepVectors: 4, buffers: 1 },
  { tilePixels: 128, tileVectors: 16, threadVectors: 2, stepVectors: 4, buffers: 2 },
  { tilePixels: 128, tileVectors: 32, threadVectors: 2, stepVectors: 8, buffers: 1 },
];

const splitTiles = ["64x64x16/128", "128x64x16/128 twice"];

/** Those that fit into the adapter's workgroup memory. */
export function tiledConfigs(workgroupBytes: number): TiledConfigs {
  const fitting = (tiles: readonly ThreadTile[]) => tiles.map(configOf).filter(({ bytes }) => bytes <= workgroupBytes);
  return { direct: fitting(directTiles), products: fitting(productTiles) };
}

function configOf(variant: ThreadTile): TiledConfig {
  const { tilePixels, tileVectors, stepVectors, buffers } = variant;
  const threads = tiledThreads(variant);
  const size = `${tilePixels}x${4 * tileVectors}x${4 * stepVectors}/${threads}`;
  const name = `${size}${buffers === 2 ? " twice" : ""}`;
  return {
    name,
    kernel: convolutionTiled,
    variant,
    threads,
    bytes: tiledBytes(variant),
    isSplit: splitTiles.includes(name),
  };
}
