/**
 * Gradient of `spatialMean`: dx[n, pixel, c] = dy[n, offset + c] / pixels, and `add`, the gradient that x has from
 * elsewhere.
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const spatialMeanGradient = defineKernel()({
  name: "spatialMeanGradient",
  bindings: { dy: read, add: readOptional, dx: write },
  /** stride and offset are dy's, as `spatialMean` has them of y. */
  parameters: { batch: "u32", pixels: "u32", channels: "u32", stride: "u32", offset: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.pixels * p.channels) / 4),
  source: ({ header, has }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.pixels * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let n = index / vectors / parameters.pixels;
  var g = load_dy((n * parameters.stride + parameters.offset) / 4u + index % vectors) / f32(parameters.pixels);
#if ${has.add}
  g += load_add(index);
#endif
  store_dx(index, g);
}
`,
});
