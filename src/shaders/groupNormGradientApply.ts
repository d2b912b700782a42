/**
 * Gradient of GroupNorm, third of three: dx = a·dy·act′(a·x + b) − S₁ − r²·S₂·(x − μ) with the coefficients of
 * `groupNormGradientAffine`, and `add`, the gradient that x has from elsewhere.
 *
 * Twin: test/twins/groupNormGradient.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import type { GroupNormApplyVariant } from "./groupNormApply.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { siluGradient } from "./lib/siluGradient.ts";

export const groupNormGradientApply = defineKernel<GroupNormApplyVariant>()({
  name: "groupNormGradientApply",
  bindings: { x: read, dy: read, affine: read, coefficients: read, add: readOptional, dx: write },
  parameters: { batch: "u32", pixels: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.pixels * p.channels) / 4),
  source: ({ header, has }, { activation }) => wgsl`${header}${siluGradient}
${elementwiseMain("parameters.batch * parameters.pixels * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let n = index / vectors / parameters.pixels;
  let x = load_x(index);
  let a = load_affine(n * 2u * vectors + c);
  var g = a * load_dy(index);
#if ${activation === "silu"}
  g *= siluGradient(fma(x, a, load_affine((n * 2u + 1u) * vectors + c)));
#endif
  let k = n * 3u * vectors + c;
  g -= load_coefficients(k + vectors) + load_coefficients(k + 2u * vectors) * (x - load_coefficients(k));
#if ${has.add}
  g += load_add(index);
#endif
  store_dx(index, g);
}
`,
});
