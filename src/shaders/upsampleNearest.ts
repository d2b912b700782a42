/**
 * Nearest ×2: y[n, oy, ox, c] = scale · x[n, oy/2, ox/2, c], and `add`. With scale 1 the resampling, with ¼ the
 * gradient of `meanPool`'s mean, where `add` is the gradient that its input has from elsewhere.
 *
 * Twin: test/twins/resample.ts. Cases: test/kernelCases.ts.
 * Planned by src/operators/convolution/plan.ts, src/unet/backward.ts, src/unet/layers.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const upsampleNearest = defineKernel()({
  name: "upsampleNearest",
  bindings: { x: read, add: readOptional, y: write },
  parameters: { batch: "u32", height: "u32", width: "u32", channels: "u32", scale: "f32" },
  workgroups: (p) => elementwiseWorkgroups(p.batch * p.height * p.width * p.channels),
  source: ({ header, has }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.height * parameters.width * parameters.channels")}
  let vectors = parameters.channels / 4u;
  let outWidth = parameters.width * 2u;
  let outHeight = parameters.height * 2u;
  let c = index % vectors;
  let ox = (index / vectors) % outWidth;
  let oy = (index / vectors / outWidth) % outHeight;
  let n = index / vectors / outWidth / outHeight;
  var v = parameters.scale * load_x(((n * parameters.height + oy / 2u) * parameters.width + ox / 2u) * vectors + c);
#if ${has.add}
  v += load_add(index);
#endif
  store_y(index, v);
}
`,
});
