/**
 * Convolutions on subgroup matrices, loaded only on adapters that have these: which tiles there are, and which one runs
 * a layer.
 */
import { convolutionMatrix, matrixBytes, matrixThreads, type MatrixVariant } from "../../shaders/convolutionMatrix.ts";
import type { ConvolutionRule } from "./table.ts";
import type { TileShape } from "../../shaders/lib/tileWalk.ts";
import type { SubgroupMatrix } from "../../engine/adapter.ts";

type MatrixTile = TileShape & Pick<MatrixVariant, "subgroupRows" | "subgroupColumns">;

/** The kernel with a tile. */
export interface MatrixConfig {
  /** "matrix 128x64x32/2x2": pixels, output channels and input channels of a step, subgroups down and across. */
  readonly name: string;
  readonly kernel: typeof convolutionMatrix;
  readonly variant: MatrixTile & SubgroupMatrix;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Bytes of workgroup memory. */
  readonly bytes: number;
}

/** Tiles, with the subgroups that share one down and across. */
const tiles: readonly MatrixTile[] = [
  { tilePixels: 64, tileVectors: 16, subgroupRows: 2, subgroupColumns: 2, stepVectors: 8, buffers: 1 },
  { tilePixels: 64, tileVectors: 16, subgroupRows: 2, subgroupColumns: 2, stepVectors: 16, buffers: 1 },
  { tilePixels: 128, tileVectors: 32, subgroupRows: 4, subgroupColumns: 2, stepVectors: 8, buffers: 1 },
  { tilePixels: 128, tileVectors: 32, subgroupRows: 4, subgroupColumns: 2, stepVectors: 8, buffers: 2 },
  { tilePixels: 128, tileVectors: 32, subgroupRows: 4, subgroupColumns: 2, stepVectors: 16, buffers: 1 },
  { tilePixels: 128, tileVectors: 64, subgroupRows: 2, subgroupColumns: 4, stepVectors: 8, buffers: 1 },
  { tilePixels: 256, tileVectors: 32, subgroupRows: 4, subgroupColumns: 2, stepVectors: 8, buffers: 1 },
];

/** Whether each subgroup gets whole matrices, and a workgroup has no more threads than WebGPU promises. */
function isWhole(tile: MatrixTile, matrix: SubgroupMatrix): boolean {
  const { tilePixels, tileVectors, stepVectors, subgroupRows, subgroupColumns } = tile;
  const { rows, columns, depth } = matrix;
  const threads = matrixThreads({ ...matrix, ...tile });
  return (
    tilePixels % (subgroupRows * rows) === 0 &&
    (4 * tileVectors) % (subgroupColumns * columns) === 0 &&
    (4 * stepVectors) % depth === 0 &&
    columns % 4 === 0 &&
    threads <= 256 &&
    threads % stepVectors === 0 &&
    threads % tileVectors === 0
  );
}

export function matrixConfigs(matrix: SubgroupMatrix): MatrixConfig[] {
  return tiles
    .filter((tile) => isWhole(tile, matrix))
    .map((tile) => {
      const { tilePixels, tileVectors, stepVectors, subgroupRows, subgroupColumns, buffers } = tile;
      const size = `${tilePixels}x${4 * tileVectors}x${4 * stepVectors}/${subgroupRows}x${subgroupColumns}`;
      const variant = { ...matrix, ...tile };
      const name = `matrix ${size}${buffers === 2 ? " twice" : ""}`;
      const sizes = { threads: matrixThreads(variant), bytes: matrixBytes(variant) };
      return { name, kernel: convolutionMatrix, variant, ...sizes };
    });
}

/**
 * The default where nobody has measured: what was fastest on an H200 (bench/NOTES.md). Comes before the family's own
 * rules.
 */
export const matrixTable: readonly ConvolutionRule[] = [
  { rows: false, kernel: 3, pixels: 64, inputs: 512, id: "matrix 64x64x64/2x2 in 16" },
  { rows: false, kernel: 3, pixels: 256, inputs: 256, id: "matrix 128x128x64/4x2 in 8" },
  { rows: false, kernel: 3, pixels: 256, inputs: 256, id: "matrix 128x128x32/4x2 in 8" },
  { rows: false, kernel: 3, pixels: 1024, inputs: 256, id: "matrix 128x128x64/4x2 in 4" },
  { rows: false, kernel: 3, pixels: 1024, inputs: 256, id: "matrix 128x128x32/4x2 in 4" },
  { rows: false, pixels: 256, inputs: 256, id: "matrix 64x64x32/2x2 in 2" },
  { rows: false, pixels: 1024, id: "matrix 64x64x32/2x2" },
  { rows: false, kernel: 1, side: 128, channels: 256, id: "matrix 128x256x32/2x4" },
  { rows: false, side: 128, channels: 128, id: "matrix 256x128x32/4x2" },
  { rows: false, channels: 128, id: "matrix 128x128x64/4x2" },
  { rows: false, channels: 128, id: "matrix 128x128x32/4x2" },
  { rows: false, id: "matrix 64x64x32/2x2" },
];
