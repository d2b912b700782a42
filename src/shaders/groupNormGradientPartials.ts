/**
 * Gradient of GroupNorm with its activation, first of three: of y = act(z), z = a·x + b (`groupNormAffine`), the sums over a
 * chunk of pixels that every channel adds to its group's.
 *
 * sums[n, chunk, c/4, 0] = Σ a·dz, [.., 1] = Σ a·dz·(x − m) with dz = dy·act′(z) and m the chunk's own mean of the channel, which
 * `partials` of the forward hold: a large mean cancels before it is summed.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import type { GroupNormApplyVariant } from "./groupNormApply.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { siluGradient } from "./lib/siluGradient.ts";

export const groupNormGradientPartials = defineKernel<GroupNormApplyVariant>()({
  name: "groupNormGradientPartials",
  bindings: { x: read, dy: read, affine: read, partials: read, sums: write },
  parameters: { batch: "u32", pixels: "u32", channels: "u32", chunks: "u32", chunkPixels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.chunks * p.channels) / 4),
  source: ({ header }, { activation }) => wgsl`${header}${siluGradient}
${elementwiseMain("parameters.batch * parameters.chunks * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let chunk = (index / vectors) % parameters.chunks;
  let n = index / vectors / parameters.chunks;
  let begin = chunk * parameters.chunkPixels;
  let end = min(begin + parameters.chunkPixels, parameters.pixels);
  let a = load_affine(n * 2u * vectors + c);
  let b = load_affine((n * 2u + 1u) * vectors + c);
  let mean = load_partials(index * 2u);
  var first = vec4<f32>(0.0);
  var second = vec4<f32>(0.0);
  var at = (n * parameters.pixels + begin) * vectors + c;
  for (var i = begin; i < end; i++) {
    let x = load_x(at);
    var g = a * load_dy(at);
#if ${activation === "silu"}
    g *= siluGradient(fma(x, a, b));
#endif
    first += g;
    second = fma(g, x - mean, second);
    at += vectors;
  }
  store_sums(index * 2u, first);
  store_sums(index * 2u + 1u, second);
}
`,
});
