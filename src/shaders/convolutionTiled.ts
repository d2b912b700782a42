/**
 * Convolution as an implicit GEMM through workgroup memory, for GPUs: a workgroup computes `tilePixels` pixels ×
 * `tileVectors` vec4s of output channels, each thread 8 pixels × `threadVectors` vec4s (lib/tileWalk.ts). With `parts`
 * > 1 (split-K, for images with too few tiles to fill a GPU) each part of the workgroups walks over its share of the
 * input channels and stores its sums side by side: y[part, n, oy, ox, co], which `convolutionSum` adds. Where `affine`
 * is bound the input is act(a·x + b), the norm before the convolution, which then is never stored; with `upsample` it
 * is nearest ×2 of that, and no more stored.
 *
 * Twin: test/twins/convolution.ts. Cases: test/kernelCasesConvolution.ts.
 * Planned by src/operators/convolution/tiled.ts.
 */
import { defineKernel, readOptional } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { convolutionBindings, convolutionParameters } from "./convolution.ts";
import { epilogue } from "./lib/epilogue.ts";
import { silu } from "./lib/silu.ts";
import { tileCount, tileMemory, type TileShape, type TileWalk, walkTiles } from "./lib/tileWalk.ts";
import type { ConvolutionShape } from "./lib/convolutionShape.ts";

export interface TiledVariant extends ConvolutionShape, TileShape {
  /** vec4s of output channels a thread holds, for each of its pixels. */
  readonly threadVectors: number;
  /** 1: the convolution. More: sums over parts of the input channels, to which nothing is added. */
  readonly parts: number;
  /** The activation after the affine. */
  readonly norm: "none" | "silu";
  readonly upsample: boolean;
  /**
   * 1: a convolution. More, for 1×1 of one image: so many products of one shape, x0[product], weight[product] and
   * y[product].
   */
  readonly products: number;
  [key: string]: string | number | boolean;
}

const threadPixels = 8;

export function tiledThreads(v: Pick<TiledVariant, "tilePixels" | "tileVectors" | "threadVectors">): number {
  return (v.tilePixels / threadPixels) * (v.tileVectors / v.threadVectors);
}

/** Bytes of workgroup memory. */
export function tiledBytes({ tilePixels, tileVectors, stepVectors, buffers }: TileShape): number {
  return 16 * buffers * stepVectors * (tilePixels + 4 * tileVectors);
}

export const convolutionTiled = defineKernel<TiledVariant>()({
  name: "convolutionTiled",
  bindings: { affine: readOptional, ...convolutionBindings },
  parameters: convolutionParameters,
  workgroups: (p, v) => p.groups || tileCount(p, v),
  source: ({ header, has }, variant) => {
    const { tilePixels, tileVectors, threadVectors, stepVectors, activation } = variant;
    const threads = tiledThreads(variant);
    /**
     * Threads of a tile along the channels and along the pixels: also the distance between two of a thread's vectors,
     * or pixels.
     */
    const columns = tileVectors / threadVectors;
    const rows = tilePixels / threadPixels;
    const outputs = (line: (p: number, v: number) => string) =>
      unroll(threadPixels, (p) => unroll(threadVectors, (v) => line(p, v)));
    const multiply = `      for (var k = 0u; k < ${stepVectors}u; k++) {
${unroll(threadPixels, (p) => `        let i${p} = inputs[inputBase + (pixelRow + ${p * rows}u) * ${stepVectors}u + k];`)}
${unroll(
  4,
  (c) => `        {
${unroll(threadVectors, (v) => `          let w${v} = weights[weightBase + (k * 4u + ${c}u) * ${tileVectors}u + outColumn + ${v * columns}u];`)}
${outputs((p, v) => `          a${p}_${v} = fma(vec4<f32>(i${p}[${c}]), w${v}, a${p}_${v});`)}
        }`,
)}
      }`;
    const walk: TileWalk = {
      ...variant,
      threads,
      element: "f32",
      inputStride: stepVectors,
      weightStride: tileVectors,
      has: { x1: has.x1, affine: has.affine },
      multiply,
    };
    return wgsl`${header}${silu}
${tileMemory(walk)}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let outColumn = local % ${columns}u;
  let pixelRow = local / ${columns}u;
${outputs((p, v) => `  var a${p}_${v} = vec4<f32>(0.0);`)}
${walkTiles(walk)}
${unroll(
  threadVectors,
  (v) => wgsl`  let out${v} = outTile + outColumn + ${v * columns}u;
  if (valid && out${v} < outVectors) {
#if ${has.bias}
    let b = load_bias(out${v});
#else
    let b = vec4<f32>(0.0);
#endif
${unroll(
  threadPixels,
  (p) => wgsl`    if (pixelTile + pixelRow + ${p * rows}u < pixels) {
      let at = ((part + product) * pixels + pixelTile + pixelRow + ${p * rows}u) * outVectors + out${v};
      var v = a${p}_${v} + b;
      ${epilogue({ at: "at", residual: has.residual && "load_residual(at)", activation })}
    }`,
)}
  }`,
)}
}
`;
  },
});
