/**
 * 3×3 maxima with stride 2: y[n, oy, ox, c] = the largest x at (2oy, 2ox) … (2oy + 2, 2ox + 2). No padding, and an odd
 * rest at the end is dropped: outHeight = ⌊(height − 3)/2⌋ + 1, as PyTorch's MaxPool2d(3, 2).
 *
 * Twin: test/twins/features.ts. Cases: test/kernelCasesFeatures.ts. Planned by src/evaluate/lpipsNetwork.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const maxPool = defineKernel()({
  name: "maxPool",
  bindings: { x: read, y: write },
  parameters: { batch: "u32", height: "u32", width: "u32", outHeight: "u32", outWidth: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.outHeight * p.outWidth * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.outHeight * parameters.outWidth * (parameters.channels / 4u)")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let ox = (index / vectors) % parameters.outWidth;
  let oy = (index / vectors / parameters.outWidth) % parameters.outHeight;
  let n = index / vectors / parameters.outWidth / parameters.outHeight;
  let first = ((n * parameters.height + 2u * oy) * parameters.width + 2u * ox) * vectors + c;
  var largest = load_x(first);
  for (var ky = 0u; ky < 3u; ky++) {
    for (var kx = 0u; kx < 3u; kx++) {
      largest = max(largest, load_x(first + (ky * parameters.width + kx) * vectors));
    }
  }
  store_y(index, largest);
}
`,
});
