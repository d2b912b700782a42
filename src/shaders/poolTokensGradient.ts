/**
 * Gradient of `poolTokens`, the mean's share included: dx[n, pixel] = dy[n, 1 + pixel] + dy[n, 0] / pixels.
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const poolTokensGradient = defineKernel()({
  name: "poolTokensGradient",
  bindings: { dy: read, dx: write },
  parameters: { batch: "u32", pixels: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.pixels * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.pixels * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let pixel = (index / vectors) % parameters.pixels;
  let image = (index / vectors / parameters.pixels) * (parameters.pixels + 1u);
  store_dx(index, load_dy((image + 1u + pixel) * vectors + c) + load_dy(image * vectors + c) / f32(parameters.pixels));
}
`,
});
