/**
 * Convolution as an implicit GEMM on subgroup matrices (WGSL's experimental `chromium_experimental_subgroup_matrix`:
 * tensor cores and their like), for f16 tensors: products of f16 summed in f32. A workgroup of `subgroupRows` ×
 * `subgroupColumns` subgroups computes `tilePixels` pixels × `tileVectors` vec4s of output channels (lib/tileWalk.ts),
 * each subgroup its share as matrices of `rows` × `columns`. With `parts` > 1 as `convolutionTiled`.
 *
 * Twin: test/twins/convolution.ts. Cases: test/kernelCasesConvolution.ts.
 * Planned by src/operators/convolution/matrix.ts.
 */
import { defineKernel } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { convolutionBindings, convolutionParameters } from "./convolution.ts";
import { epilogue } from "./lib/epilogue.ts";
import { silu } from "./lib/silu.ts";
import { tileCount, tileMemory, type TileShape, type TileWalk, walkTiles } from "./lib/tileWalk.ts";
import type { ConvolutionShape } from "./lib/convolutionShape.ts";

export interface MatrixVariant extends ConvolutionShape, TileShape {
  readonly parts: number;
  /** The subgroup's product is [rows × depth] · [depth × columns]. */
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly subgroupSize: number;
  readonly subgroupRows: number;
  readonly subgroupColumns: number;
  [key: string]: string | number | boolean;
}

/** vec4s between rows of a tile, besides the row: so that the rows of one matrix lie in different banks. */
const padding = 2;

export function matrixThreads(v: Pick<MatrixVariant, "subgroupSize" | "subgroupRows" | "subgroupColumns">): number {
  return v.subgroupSize * v.subgroupRows * v.subgroupColumns;
}

/** Bytes of workgroup memory. */
export function matrixBytes(
  v: TileShape & Pick<MatrixVariant, "rows" | "columns" | "subgroupRows" | "subgroupColumns">,
) {
  const tiles = v.tilePixels * (v.stepVectors + padding) + 4 * v.stepVectors * (v.tileVectors + padding);
  return 8 * v.buffers * tiles + 4 * v.rows * v.columns * v.subgroupRows * v.subgroupColumns;
}

export const convolutionMatrix = defineKernel<MatrixVariant>()({
  name: "convolutionMatrix",
  bindings: convolutionBindings,
  parameters: convolutionParameters,
  features: () => ["subgroups", "chromium_experimental_subgroup_matrix"],
  workgroups: (p, v) => p.groups || tileCount(p, v),
  source: ({ header, has }, variant) => {
    const { tilePixels, tileVectors, stepVectors, rows, columns, depth, activation } = variant;
    const { subgroupSize, subgroupRows, subgroupColumns } = variant;
    const subgroups = subgroupRows * subgroupColumns;
    const threads = matrixThreads(variant);
    /** Rows of the tile that a subgroup has. */
    const ownRows = tilePixels / subgroupRows;
    const ownVectors = tileVectors / subgroupColumns;
    const down = ownRows / rows;
    const across = (4 * ownVectors) / columns;
    const inputStride = stepVectors + padding;
    const weightStride = tileVectors + padding;
    /** vec4s of a row of one matrix of the output. */
    const rowVectors = columns / 4;
    const matrixVectors = rows * rowVectors;
    const each = (line: (r: number, c: number) => string) => unroll(down, (r) => unroll(across, (c) => line(r, c)));
    const multiply = unroll(
      (stepVectors * 4) / depth,
      (k) => `      {
${unroll(down, (r) => `        let left${r} = subgroupMatrixLoad<subgroup_matrix_left<f16, ${depth}, ${rows}>, row_major>(&inputs, inputBase + (firstRow + ${r * rows}u) * ${inputStride}u + ${(k * depth) / 4}u, ${inputStride}u);`)}
${unroll(
  across,
  (c) => `        {
          let right = subgroupMatrixLoad<subgroup_matrix_right<f16, ${columns}, ${depth}>, row_major>(&weights, weightBase + ${k * depth * weightStride}u + firstVector + ${c * rowVectors}u, ${weightStride}u);
${unroll(down, (r) => `          a${r}_${c} = subgroupMatrixMultiplyAccumulate(left${r}, right, a${r}_${c});`)}
        }`,
)}
      }`,
    );
    const walk: TileWalk = {
      ...variant,
      threads,
      element: "f16",
      inputStride,
      weightStride,
      norm: "none",
      upsample: false,
      products: 1,
      has: { x1: has.x1, affine: false },
      multiply,
    };
    return wgsl`${header}${silu}
${tileMemory(walk)}
/** A matrix of each subgroup on its way out. */
var<workgroup> results: array<vec4<f32>, ${subgroups * matrixVectors}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(subgroup_id) subgroup: u32, @builtin(subgroup_invocation_id) member: u32) {
  let firstRow = subgroup / ${subgroupColumns}u * ${ownRows}u;
  let firstVector = subgroup % ${subgroupColumns}u * ${ownVectors}u;
${each((r, c) => `  var a${r}_${c} = subgroup_matrix_result<f32, ${columns}, ${rows}>();`)}
${walkTiles(walk)}
  let own = subgroup * ${matrixVectors}u;
${each(
  (r, c) => wgsl`  subgroupMatrixStore<row_major>(&results, own, a${r}_${c}, ${rowVectors}u);
  workgroupBarrier();
  for (var e = member; e < ${matrixVectors}u; e += ${subgroupSize}u) {
    let pixel = pixelTile + firstRow + ${r * rows}u + e / ${rowVectors}u;
    let column = outTile + firstVector + ${c * rowVectors}u + e % ${rowVectors}u;
    if (pixel < pixels && column < outVectors) {
      let at = (part * pixels + pixel) * outVectors + column;
      var v = results[own + e];
#if ${has.bias}
      v += load_bias(column);
#endif
      ${epilogue({ at: "at", residual: has.residual && "load_residual(at)", activation })}
    }
  }
  workgroupBarrier();`,
)}
}
`;
  },
});
