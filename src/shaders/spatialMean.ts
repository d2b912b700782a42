/**
 * Mean over an image's pixels from the chunks' means that `groupNormPartials` made: y[n, offset + c] = mean of channel
 * c. y has `stride` channels and keeps the others, so that the means of several tensors come to stand side by side.
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/heads.ts.
 */
import { defineKernel, read, readWrite } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const spatialMean = defineKernel()({
  name: "spatialMean",
  bindings: { partials: read, y: readWrite },
  parameters: {
    batch: "u32",
    pixels: "u32",
    channels: "u32",
    chunks: "u32",
    chunkPixels: "u32",
    /** Channels of y, and the first of them that is written: multiples of 4. */
    stride: "u32",
    offset: "u32",
  },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.batch * parameters.channels / 4u")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let n = index / vectors;
  var sum = vec4<f32>(0.0);
  for (var chunk = 0u; chunk < parameters.chunks; chunk++) {
    let count = min(parameters.chunkPixels, parameters.pixels - chunk * parameters.chunkPixels);
    sum += load_partials(((n * parameters.chunks + chunk) * vectors + c) * 2u) * (f32(count) / f32(parameters.pixels));
  }
  store_y((n * parameters.stride + parameters.offset) / 4u + c, sum);
}
`,
});
