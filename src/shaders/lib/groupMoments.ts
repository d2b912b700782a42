/**
 * Mean and standard deviation of a group from the chunks' statistics (`groupNormPartials`), with what the timestep's embedding
 * adds to each channel before the norm. Shared by the norm and its gradient. Two passes over the partials (mean first) lose less
 * than merging running variances.
 */
import { readScalar, readScalarOptional } from "../../engine/kernel.ts";
import { wgsl } from "../../engine/wgsl.ts";

export const groupMomentsBindings = { partials: readScalar, embedding: readScalarOptional } as const;

export const groupMomentsParameters = {
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
} as const;

/** WGSL of `statistic`, `chunkCount`, `added` and `groupMoments`; `add`: the embedding is added before the norm. */
export const groupMoments = ({ add }: { add: boolean }): string => wgsl`
/** Where the statistic \`which\` of a channel lies in partials: 0 the mean, 1 the squares. */
fn statistic(n: u32, chunk: u32, c: u32, which: u32) -> u32 {
  return (((n * parameters.chunks + chunk) * (parameters.channels / 4u) + c / 4u) * 2u + which) * 4u + c % 4u;
}

fn chunkCount(chunk: u32) -> f32 {
  return f32(min(parameters.chunkPixels, parameters.pixels - chunk * parameters.chunkPixels));
}

/** What is added to a channel before the norm. */
fn added(row: u32, c: u32) -> f32 {
#if ${add}
  return embedding[row + c];
#else
  return 0.0;
#endif
}

/** (mean, 1/deviation) of channels begin … begin + width − 1. */
fn groupMoments(n: u32, row: u32, begin: u32, width: u32) -> vec2<f32> {
  var mean = 0.0;
  for (var c = begin; c < begin + width; c++) {
    var channelMean = 0.0;
    for (var chunk = 0u; chunk < parameters.chunks; chunk++) {
      channelMean += partials[statistic(n, chunk, c, 0u)] * (chunkCount(chunk) / f32(parameters.pixels));
    }
    mean += channelMean + added(row, c);
  }
  mean /= f32(width);
  var squares = 0.0;
  for (var c = begin; c < begin + width; c++) {
    for (var chunk = 0u; chunk < parameters.chunks; chunk++) {
      let d = partials[statistic(n, chunk, c, 0u)] + added(row, c) - mean;
      squares += partials[statistic(n, chunk, c, 1u)] + d * d * chunkCount(chunk);
    }
  }
  return vec2<f32>(mean, 1.0 / sqrt(squares / f32(width * parameters.pixels) + parameters.epsilon));
}
`;
