/**
 * Winograd's input transform: v[i·s + j, tile, ci] = (Bᵀ d B)[i, j] of the (m+2)×(m+2) inputs d under each tile of m×m
 * outputs, zero outside the image. Tiles are those of `rows` rows of tiles from `firstRow`, counted over the batch: a
 * large image goes in strips. The input may be two tensors side by side. Where `affine` is bound, d = act(a·x + b): the
 * GroupNorm before the convolution, which then is never stored; with `upsample`, d is nearest ×2 of that, and no more
 * stored. One thread a tile and vec4 of channels.
 *
 * Twin: test/twins/winograd.ts. Cases: test/kernelCasesWinograd.ts. Planned by src/operators/convolution/winograd.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { silu } from "./lib/silu.ts";
import { transformTile, winogradMatrices, winogradSpan, type WinogradTile } from "./lib/winograd.ts";

export interface WinogradInputVariant {
  readonly tile: WinogradTile;
  /** The activation after the affine. */
  readonly activation: "none" | "silu";
  /** Whether the convolution reads nearest ×2 of its input; `pad` is 1 then. */
  readonly upsample: boolean;
  [key: string]: string | number | boolean;
}

/** Where the tiles of a strip lie, for the input and the output transform. */
export const stripParameters = {
  /** Tiles of one image. */
  tilesX: "u32",
  tilesY: "u32",
  /** The strip: rows of tiles over the whole batch. */
  firstRow: "u32",
  rows: "u32",
} as const;

export const winogradInput = defineKernel<WinogradInputVariant>()({
  name: "winogradInput",
  bindings: { x0: read, x1: readOptional, affine: readOptional, v: write },
  parameters: {
    /** Size of the tensors that are read. */
    height: "u32",
    width: "u32",
    channels0: "u32",
    channels1: "u32",
    /** Zeros above and to the left of the input. */
    pad: "u32",
    ...stripParameters,
  },
  workgroups: (p) => elementwiseWorkgroups((p.rows * p.tilesX * (p.channels0 + p.channels1)) / 4),
  source: ({ header, has }, { tile, activation, upsample }) => {
    const span = winogradSpan(tile);
    const scale = upsample ? 2 : 1;
    /**
     * Inputs along a side of what a tile reads, and which of them is the tile's own i: with a pad of 1 pairs begin at
     * odd i.
     */
    const reads = upsample ? span / 2 + 1 : span;
    const readAt = (i: number) => (upsample ? (i + 1) >> 1 : i);
    const columns = (line: (c: number) => string) => unroll(reads, line);
    const each = (line: (r: number, c: number) => string) => unroll(span, (r) => unroll(span, (c) => line(r, c)));
    /** Rows an iteration: what comes next enters below, all others move up. All at once would compile for seconds. */
    const step = reads % 2 === 0 ? 2 : 1;
    const load = (source: string, vectors: string, channel: string) =>
      columns((c) => `        next${c} = load_${source}((start + column${c}) * (${vectors}) + ${channel});`);
    const nextRow = (q: number) => wgsl`    {
      let iy = ty * ${tile / scale}u + r + ${q}u - parameters.pad;
      let inside = iy < parameters.height;
      let start = (n * parameters.height + min(iy, parameters.height - 1u)) * parameters.width;
${columns((c) => `      var next${c}: vec4<f32>;`)}
#if ${has.x1}
      if (c < vectors0) {
${load("x0", "vectors0", "c")}
      } else {
${load("x1", "vectors - vectors0", "c - vectors0")}
      }
#else
      {
${load("x0", "vectors0", "c")}
      }
#endif
${columns((c) => {
  const normed = has.affine ? `fma(next${c}, a, b)` : `next${c}`;
  const value = activation === "silu" ? `silu(${normed})` : normed;
  return `      x${reads - step + q}_${c} = select(vec4<f32>(0.0), ${value}, inside && ok${c});`;
})}
    }`;
    return wgsl`${header}${silu}
${elementwiseMain("parameters.rows * parameters.tilesX * (parameters.channels0 + parameters.channels1) / 4u")}
  let vectors0 = parameters.channels0 / 4u;
  let vectors = vectors0 + parameters.channels1 / 4u;
  let c = index % vectors;
  let tx = (index / vectors) % parameters.tilesX;
  let row = parameters.firstRow + index / vectors / parameters.tilesX;
  let n = row / parameters.tilesY;
  let ty = row % parameters.tilesY;
${columns(
  (c) => `  let ix${c} = tx * ${tile / scale}u + ${c}u - parameters.pad;
  let ok${c} = ix${c} < parameters.width;
  let column${c} = min(ix${c}, parameters.width - 1u);`,
)}
#if ${has.affine}
  let a = load_affine(n * 2u * vectors + c);
  let b = load_affine((n * 2u + 1u) * vectors + c);
#endif
${unroll(reads, (r) => columns((c) => `  var x${r}_${c} = vec4<f32>(0.0);`))}
  for (var r = 0u; r < ${reads}u; r += ${step}u) {
${unroll(reads - step, (r) => columns((c) => `    x${r}_${c} = x${r + step}_${c};`))}
${unroll(step, nextRow)}
  }
${each((r, c) => `  let d${r}_${c} = x${readAt(r)}_${readAt(c)};`)}
${transformTile(winogradMatrices(tile).inputTransform, "d", "t")}
  let plane = parameters.rows * parameters.tilesX * vectors;
${each((r, c) => `  store_v(${r * span + c}u * plane + index, t${r}_${c});`)}
}
`;
  },
});
