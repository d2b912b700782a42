/**
 * GroupNorm, third of three: y = act(a·x + b) with the scales and offsets of `groupNormAffine`. Reads two tensors
 * side by side where the network concatenates, and writes them as one.
 *
 * Twin: test/twins/groupNorm.ts. Cases: test/kernelCases.ts.
 * Planned by src/operators/convolution/plan.ts, src/unet/layers.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { silu } from "./lib/silu.ts";

/** Pixels of a thread: one load of scale and offset, and one division of the index, for all of them. */
const threadPixels = 4;

export interface GroupNormApplyVariant {
  readonly activation: "none" | "silu";
  [key: string]: string;
}

export const groupNormApply = defineKernel<GroupNormApplyVariant>()({
  name: "groupNormApply",
  bindings: { x0: read, x1: readOptional, affine: read, y: write },
  parameters: { batch: "u32", pixels: "u32", channels0: "u32", channels1: "u32" },
  workgroups: (p) =>
    elementwiseWorkgroups((p.batch * Math.ceil(p.pixels / threadPixels) * (p.channels0 + p.channels1)) / 4),
  source: ({ header, has }, { activation }) => wgsl`${header}${silu}
${elementwiseMain(`parameters.batch * ((parameters.pixels + ${threadPixels - 1}u) / ${threadPixels}u) * (parameters.channels0 + parameters.channels1) / 4u`)}
  let vectors0 = parameters.channels0 / 4u;
  let vectors = vectors0 + parameters.channels1 / 4u;
  let rows = (parameters.pixels + ${threadPixels - 1}u) / ${threadPixels}u;
  let c = index % vectors;
  let row = index / vectors;
  let n = row / rows;
  let first = (row % rows) * ${threadPixels}u;
  let end = min(first + ${threadPixels}u, parameters.pixels);
  let a = load_affine(n * 2u * vectors + c);
  let b = load_affine((n * 2u + 1u) * vectors + c);
  for (var p = first; p < end; p++) {
    let pixel = n * parameters.pixels + p;
#if ${has.x1}
    var v: vec4<f32>;
    if (c < vectors0) { v = load_x0(pixel * vectors0 + c); }
    else { v = load_x1(pixel * (vectors - vectors0) + c - vectors0); }
#else
    var v = load_x0(pixel * vectors + c);
#endif
    v = fma(v, a, b);
#if ${activation === "silu"}
    v = silu(v);
#endif
    store_y(pixel * vectors + c, v);
  }
}
`,
});
