/**
 * Winograd's output transform: y = act(Aᵀ m A + bias + residual) for the tiles of a strip (see `winogradInput`);
 * outputs beyond the image's edge are dropped. With `upsample` the residual is nearest ×2 of the tensor that is bound.
 * One thread a tile and vec4 of channels.
 *
 * Twin: test/twins/winograd.ts. Cases: test/kernelCasesWinograd.ts. Planned by src/operators/convolution/winograd.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { epilogue } from "./lib/epilogue.ts";
import { silu } from "./lib/silu.ts";
import { transformTile, winogradMatrices, winogradSpan, type WinogradTile } from "./lib/winograd.ts";
import { stripParameters } from "./winogradInput.ts";

export interface WinogradOutputVariant {
  readonly tile: WinogradTile;
  readonly activation: "none" | "silu";
  /** Whether the residual has half the output's height and width. */
  readonly upsample: boolean;
  [key: string]: string | number | boolean;
}

export const winogradOutput = defineKernel<WinogradOutputVariant>()({
  name: "winogradOutput",
  bindings: { m: read, bias: readOptional, residual: readOptional, y: write },
  parameters: { outHeight: "u32", outWidth: "u32", outChannels: "u32", ...stripParameters },
  workgroups: (p) => elementwiseWorkgroups((p.rows * p.tilesX * p.outChannels) / 4),
  source: ({ header, has }, { tile, activation, upsample }) => {
    const span = winogradSpan(tile);
    return wgsl`${header}${silu}
${elementwiseMain("parameters.rows * parameters.tilesX * parameters.outChannels / 4u")}
  let vectors = parameters.outChannels / 4u;
  let c = index % vectors;
  let tx = (index / vectors) % parameters.tilesX;
  let row = parameters.firstRow + index / vectors / parameters.tilesX;
  let n = row / parameters.tilesY;
  let ty = row % parameters.tilesY;
  let plane = parameters.rows * parameters.tilesX * vectors;
  // Rows of a tile come and go in loops that move the others up: unrolled they would compile for seconds.
${unroll(span, (i) => unroll(span, (j) => `  var m${i}_${j} = vec4<f32>(0.0);`))}
  for (var i = 0u; i < ${span}u; i++) {
${unroll(span - 1, (i) => unroll(span, (j) => `    m${i}_${j} = m${i + 1}_${j};`))}
${unroll(span, (j) => `    m${span - 1}_${j} = load_m((i * ${span}u + ${j}u) * plane + index);`)}
  }
${transformTile(winogradMatrices(tile).outputTransform, "m", "t")}
${unroll(tile, (r) => unroll(tile, (p) => `  var y${r}_${p} = t${r}_${p};`))}
#if ${has.bias}
  let b = load_bias(c);
#else
  let b = vec4<f32>(0.0);
#endif
  for (var r = 0u; r < ${tile}u; r++) {
    let oy = ty * ${tile}u + r;
#if ${upsample && has.residual}
    let half = parameters.outWidth / 2u;
    let above = (n * (parameters.outHeight / 2u) + min(oy, parameters.outHeight - 1u) / 2u) * half;
${unroll(tile / 2, (p) => `    let residual${p} = load_residual((above + min(tx * ${tile / 2}u + ${p}u, half - 1u)) * vectors + c);`)}
#endif
${unroll(
  tile,
  (p) => wgsl`    if (oy < parameters.outHeight && tx * ${tile}u + ${p}u < parameters.outWidth) {
      let at = ((n * parameters.outHeight + oy) * parameters.outWidth + tx * ${tile}u + ${p}u) * vectors + c;
      var v = y0_${p} + b;
      ${epilogue({ at: "at", residual: has.residual && (upsample ? `residual${p >> 1}` : "load_residual(at)"), activation })}
    }`,
)}
${unroll(tile - 1, (r) => unroll(tile, (p) => `    y${r}_${p} = y${r + 1}_${p};`))}
  }
}
`;
  },
});
