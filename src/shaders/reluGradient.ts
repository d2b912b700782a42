/**
 * Gradient of ReLU: dx = dy where y = max(x, 0) is positive, else 0 (at 0 itself as PyTorch has it).
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const reluGradient = defineKernel()({
  name: "reluGradient",
  bindings: { y: read, dy: read, dx: write },
  parameters: { vectors: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.vectors),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.vectors")}
  store_dx(index, select(vec4<f32>(0.0), load_dy(index), load_y(index) > vec4<f32>(0.0)));
}
`,
});
