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
    const each = (line: (r: number, c: number) => string) => unroll(span, (r) => unroll(span, (c) => line(r, c)));
    const load = (source: string, vectors: string, channel: string) =>
      each(
        (r, c) =>
          `    if (inside${r} && ok${c}) { d${r}_${c} = load_${source}((row${r} + column${c}) * (${vectors}) + ${channel}); }`,
      );
    return wgsl`${header}${silu}
${elementwiseMain("parameters.rows * parameters.tilesX * (parameters.channels0 + parameters.channels1) / 4u")}
  let vectors0 = parameters.channels0 / 4u;
  let vectors = vectors0 + parameters.channels1 / 4u;
  let c = index % vectors;
  let tx = (index / vectors) % parameters.tilesX;
  let row = parameters.firstRow + index / vectors / parameters.tilesX;
  let n = row / parameters.tilesY;
  let ty = row % parameters.tilesY;
${unroll(
  span,
  (i) => `  let iy${i} = ty * ${tile}u + ${i}u - parameters.pad;
  let inside${i} = iy${i} < parameters.height;
  let row${i} = (n * parameters.height + iy${i}) * parameters.width;
  let column${i} = tx * ${tile}u + ${i}u - parameters.pad;
  let ok${i} = column${i} < parameters.width;`,
)}
${each((r, c) => `  var d${r}_${c} = vec4<f32>(0.0);`)}
#if ${has.x1}
  if (c < vectors0) {
${load("x0", "vectors0", "c")}
  } else {
${load("x1", "vectors - vectors0", "c - vectors0")}
  }
#else
${load("x0", "vectors0", "c")}
#endif
#if ${has.affine}
  let a = load_affine(n * 2u * vectors + c);
  let b = load_affine((n * 2u + 1u) * vectors + c);
${each((r, c) => {
  const normed = `fma(d${r}_${c}, a, b)`;
  return `  d${r}_${c} = select(vec4<f32>(0.0), ${activation === "silu" ? `silu(${normed})` : normed}, inside${r} && ok${c});`;
})}
#endif
${transformTile(winogradMatrices(tile).inputTransform, "d", "v")}
  let plane = parameters.rows * parameters.tilesX * vectors;
${each((r, c) => `  store_v(${r * span + c}u * plane + index, v${r}_${c});`)}
}
`;
  },
});
