/**
 * 2×2 sums: y[n, oy, ox, c] = scale · the sum of the four x at (2oy, 2ox) … (2oy+1, 2ox+1). Odd rows or columns at the
 * end are dropped, as PyTorch's avg_pool2d(2) does. With scale ¼ the mean, with 1 the gradient of `upsampleNearest`.
 *
 * Twin: test/twins/resample.ts. Cases: test/kernelCases.ts. Planned by src/unet/backward.ts, src/unet/layers.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const meanPool = defineKernel()({
  name: "meanPool",
  bindings: { x: read, y: write },
  parameters: { batch: "u32", height: "u32", width: "u32", channels: "u32", scale: "f32" },
  workgroups: (p) =>
    elementwiseWorkgroups((p.batch * Math.floor(p.height / 2) * Math.floor(p.width / 2) * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * (parameters.height / 2u) * (parameters.width / 2u) * (parameters.channels / 4u)")}
  let vectors = parameters.channels / 4u;
  let outWidth = parameters.width / 2u;
  let outHeight = parameters.height / 2u;
  let c = index % vectors;
  let ox = (index / vectors) % outWidth;
  let oy = (index / vectors / outWidth) % outHeight;
  let n = index / vectors / outWidth / outHeight;
  let at = ((n * parameters.height + 2u * oy) * parameters.width + 2u * ox) * vectors + c;
  let below = at + parameters.width * vectors;
  store_y(index, parameters.scale * ((load_x(at) + load_x(at + vectors)) + (load_x(below) + load_x(below + vectors))));
}
`,
});
