/**
 * Gradient of `firstToken`: dx[n, 0, c] = dy[n, c], and 0 at every other token.
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const firstTokenGradient = defineKernel()({
  name: "firstTokenGradient",
  bindings: { dy: read, dx: write },
  parameters: { batch: "u32", tokens: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.tokens * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.tokens * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let isFirst = (index / vectors) % parameters.tokens == 0u;
  let n = index / vectors / parameters.tokens;
  store_dx(index, select(vec4<f32>(0.0), load_dy(n * vectors + index % vectors), isFirst));
}
`,
});
