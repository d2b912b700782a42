/**
 * The gradient of a stride-2 convolution's output spread over the input's pixels: y[n, 2oy, 2ox, c] = x[n, oy, ox, c]
 * and 0 elsewhere. What remains of the gradient is a stride-1 convolution. height and width are y's; x has half of
 * them, rounded up.
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const insertZeros = defineKernel()({
  name: "insertZeros",
  bindings: { x: read, y: write },
  parameters: { batch: "u32", height: "u32", width: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.height * p.width * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.height * parameters.width * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let ox = (index / vectors) % parameters.width;
  let oy = (index / vectors / parameters.width) % parameters.height;
  let n = index / vectors / parameters.width / parameters.height;
  let inHeight = (parameters.height + 1u) / 2u;
  let inWidth = (parameters.width + 1u) / 2u;
  let value = load_x(((n * inHeight + oy / 2u) * inWidth + ox / 2u) * vectors + c);
  store_y(index, select(vec4<f32>(0.0), value, oy % 2u == 0u && ox % 2u == 0u));
}
`,
});
