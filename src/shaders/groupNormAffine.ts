/**
 * GroupNorm, second of three: merges the chunks and channels of each group and folds weight, bias and the timestep's
 * embedding into one scale and one offset a channel, so that the consumer computes a·x + b.
 *
 * affine[n, 0, c] = a, affine[n, 1, c] = b. With scale-shift: GN(x)·(1 + scale) + shift, scale first
 * (guided-diffusion, use_scale_shift_norm). With add: GN(x + e). Two passes over the partials (mean first) lose less
 * than merging running variances. One thread a group.
 */
import { defineKernel, readScalar, readScalarOptional } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export interface GroupNormAffineVariant {
  readonly embedding: "none" | "scaleShift" | "add";
  [key: string]: string;
}

export const groupNormAffine = defineKernel<GroupNormAffineVariant>()({
  name: "groupNormAffine",
  bindings: {
    partials: readScalar,
    weight: readScalar,
    bias: readScalar,
    embedding: readScalarOptional,
    affine: { access: "write", view: "scalar" },
  },
  parameters: {
    batch: "u32",
    pixels: "u32",
    channels: "u32",
    groups: "u32",
    chunks: "u32",
    chunkPixels: "u32",
    /** Floats of one image's row of the embedding, and where this layer's projection begins in it. */
    embeddingStride: "u32",
    embeddingOffset: "u32",
    epsilon: "f32",
  },
  workgroups: (p) => elementwiseWorkgroups(p.batch * p.groups),
  source: ({ header }, { embedding }) => wgsl`${header}
/** Where the statistic \`which\` (0 mean, 1 squares) of a channel lies in the partials. */
fn partial(n: u32, chunk: u32, c: u32, which: u32) -> f32 {
  return partials[(((n * parameters.chunks + chunk) * (parameters.channels / 4u) + c / 4u) * 2u + which) * 4u + c % 4u];
}

/** What is added to a channel before the norm. */
fn added(row: u32, c: u32) -> f32 {
#if ${embedding === "add"}
  return embedding[row + c];
#else
  return 0.0;
#endif
}

${elementwiseMain("parameters.batch * parameters.groups")}
  let group_ = index % parameters.groups;
  let n = index / parameters.groups;
  let width = parameters.channels / parameters.groups;
  let row = n * parameters.embeddingStride + parameters.embeddingOffset;
  let begin = group_ * width;
  var mean = 0.0;
  for (var c = begin; c < begin + width; c++) {
    var channelMean = 0.0;
    for (var chunk = 0u; chunk < parameters.chunks; chunk++) {
      let count = min(parameters.chunkPixels, parameters.pixels - chunk * parameters.chunkPixels);
      channelMean += partial(n, chunk, c, 0u) * (f32(count) / f32(parameters.pixels));
    }
    mean += channelMean + added(row, c);
  }
  mean /= f32(width);
  var squares = 0.0;
  for (var c = begin; c < begin + width; c++) {
    for (var chunk = 0u; chunk < parameters.chunks; chunk++) {
      let count = min(parameters.chunkPixels, parameters.pixels - chunk * parameters.chunkPixels);
      let d = partial(n, chunk, c, 0u) + added(row, c) - mean;
      squares += partial(n, chunk, c, 1u) + d * d * f32(count);
    }
  }
  let deviation = 1.0 / sqrt(squares / f32(width * parameters.pixels) + parameters.epsilon);
  for (var c = begin; c < begin + width; c++) {
    var a = deviation * weight[c];
    var b = bias[c] + (added(row, c) - mean) * a;
#if ${embedding === "scaleShift"}
    let scale = 1.0 + embedding[row + c];
    a *= scale;
    b = b * scale + embedding[row + parameters.channels + c];
#endif
    affine[n * 2u * parameters.channels + c] = a;
    affine[(n * 2u + 1u) * parameters.channels + c] = b;
  }
}
`,
});
