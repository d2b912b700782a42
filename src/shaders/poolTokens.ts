/**
 * The tokens of attention pooling: y[n, 0] = mean of the image's pixels, y[n, 1 + pixel] = x[n, pixel], each plus its
 * row of the positional embedding (guided-diffusion's AttentionPool2d, after CLIP).
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/heads.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const poolTokens = defineKernel()({
  name: "poolTokens",
  /** mean [batch, channels], position [pixels + 1, channels] */
  bindings: { x: read, mean: read, position: read, y: write },
  parameters: { batch: "u32", pixels: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * (p.pixels + 1) * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * (parameters.pixels + 1u) * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let token = (index / vectors) % (parameters.pixels + 1u);
  let n = index / vectors / (parameters.pixels + 1u);
  var v: vec4<f32>;
  if (token == 0u) { v = load_mean(n * vectors + c); }
  else { v = load_x((n * parameters.pixels + token - 1u) * vectors + c); }
  store_y(index, v + load_position(token * vectors + c));
}
`,
});
