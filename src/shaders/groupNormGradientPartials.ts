/**
 * Gradient of GroupNorm with its activation, first of three: of y = act(z), z = a·x + b (`groupNormAffine`), the sums
 * over a chunk of pixels that every channel adds to its group's.
 *
 * sums[n, chunk, c/4, 0] = Σ a·dz, [.., 1] = Σ a·dz·(x − m) with dz = dy·act′(z) and m the chunk's own mean of the
 * channel, which `partials` of the forward hold: a large mean cancels before it is summed.
 *
 * Twin: test/twins/groupNormGradient.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { chunkMain, chunkWorkgroups, mergeLanes, type ChunkVariant } from "./lib/channelChunks.ts";
import { siluGradient } from "./lib/siluGradient.ts";

export interface GroupNormGradientPartialsVariant extends ChunkVariant {
  readonly activation: "none" | "silu";
  [key: string]: string | number;
}

const names = ["own", "weighted"] as const;

export const groupNormGradientPartials = defineKernel<GroupNormGradientPartialsVariant>()({
  name: "groupNormGradientPartials",
  bindings: { x: read, dy: read, affine: read, partials: read, sums: write },
  parameters: { batch: "u32", pixels: "u32", channels: "u32", chunks: "u32", chunkPixels: "u32" },
  workgroups: (p, variant) => chunkWorkgroups(p, variant),
  source: ({ header }, { activation, lanes }) => wgsl`${header}${siluGradient}
${chunkMain("parameters.channels", { lanes }, names)}
  let a = load_affine(n * 2u * vectors + c);
  let b = load_affine((n * 2u + 1u) * vectors + c);
  let mean = load_partials(index * 2u);
  var own = vec4<f32>(0.0);
  var weighted = vec4<f32>(0.0);
  var at = (n * parameters.pixels + first) * vectors + c;
  for (var i = first; i < end; i += step) {
    let x = load_x(at);
    var g = a * load_dy(at);
#if ${activation === "silu"}
    g *= siluGradient(fma(x, a, b));
#endif
    own += g;
    weighted = fma(g, x - mean, weighted);
    at += step * vectors;
  }
${mergeLanes({ lanes }, names)}
  store_sums(index * 2u, own);
  store_sums(index * 2u + 1u, weighted);
}
`,
});
