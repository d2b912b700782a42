/**
 * y = max(x, 0).
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts.
 * Planned by src/unet/heads.ts, src/evaluate/lpipsNetwork.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const relu = defineKernel()({
  name: "relu",
  bindings: { x: read, y: write },
  parameters: { vectors: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.vectors),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.vectors")}
  store_y(index, max(load_x(index), vec4<f32>(0.0)));
}
`,
});
