/**
 * Winograd's input transform: v[i·s + j, tile, ci] = (Bᵀ d B)[i, j] of the (m+2)×(m+2) inputs d under each tile of m×m
 * outputs, zero outside the image. Tiles are those of `rows` rows of tiles from `firstRow`, counted over the batch: a
 * large image goes in strips. The input may be two tensors side by side. Where `affine` is bound, d = act(a·x + b): the
 * GroupNorm before the convolution, which then is never stored.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { silu } from "./lib/silu.ts";
import { transformTile, winogradMatrices, winogradSpan, type WinogradTile } from "./lib/winograd.ts";

export interface WinogradInputVariant {
  readonly tile: WinogradTile;
  /** After the affine. */
  readonly activation: "none" | "silu";
  [key: string]: string | number;
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
    height: "u32",
    width: "u32",
    channels0: "u32",
    channels1: "u32",
    /** Zeros above and to the left of the input. */
    pad: "u32",
    ...stripParameters,
  },
  workgroups: (p) => elementwiseWorkgroups((p.rows * p.tilesX * (p.channels0 + p.channels1)) / 4),
  source: ({ header, has }, { tile, activation }) => {
    const span = winogradSpan(tile);
    const columns = (line: (c: number) => string) => unroll(span, line);
    const each = (line: (r: number, c: number) => string) => unroll(span, (r) => columns((c) => line(r, c)));
    /** What comes next enters the last row, all others move up: a loop of one row instead of a tile, to compile fast. */
    const moveUp = (name: string) =>
      unroll(span - 1, (r) => columns((c) => `    ${name}${r}_${c} = ${name}${r + 1}_${c};`));
    const load = (source: string, vectors: string, channel: string) =>
      columns((c) => `      next${c} = load_${source}((row + column${c}) * (${vectors}) + ${channel});`);
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
  (c) => `  let ix${c} = tx * ${tile}u + ${c}u - parameters.pad;
  let ok${c} = ix${c} < parameters.width;
  let column${c} = min(ix${c}, parameters.width - 1u);`,
)}
#if ${has.affine}
  let a = load_affine(n * 2u * vectors + c);
  let b = load_affine((n * 2u + 1u) * vectors + c);
#endif
${each((r, c) => `  var d${r}_${c} = vec4<f32>(0.0);`)}
  for (var r = 0u; r < ${span}u; r++) {
    let iy = ty * ${tile}u + r - parameters.pad;
    let inside = iy < parameters.height;
    let row = (n * parameters.height + min(iy, parameters.height - 1u)) * parameters.width;
${moveUp("d")}
${columns((c) => `    var next${c}: vec4<f32>;`)}
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
  return `    d${span - 1}_${c} = select(vec4<f32>(0.0), ${value}, inside && ok${c});`;
})}
  }
${transformTile(winogradMatrices(tile).inputTransform, "d", "t")}
${each((r, c) => `  var v${r}_${c} = t${r}_${c};`)}
  let plane = parameters.rows * parameters.tilesX * vectors;
  for (var r = 0u; r < ${span}u; r++) {
${columns((c) => `    store_v((r * ${span}u + ${c}u) * plane + index, v0_${c});`)}
${moveUp("v")}
  }
}
`;
  },
});
