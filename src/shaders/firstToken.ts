/**
 * The token that attention pooling reads: y[n, c] = x[n, 0, c].
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/heads.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const firstToken = defineKernel()({
  name: "firstToken",
  bindings: { x: read, y: write },
  parameters: { batch: "u32", tokens: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  store_y(index, load_x(index / vectors * parameters.tokens * vectors + index % vectors));
}
`,
});
