/**
 * GroupNorm, first of three: mean and sum of squared deviations of each channel over a chunk of pixels.
 *
 * partials[n, chunk, c/4, 0] = mean, [.., 1] = Σ (x − mean)², as vec4s of four channels. Sums are taken of x minus
 * the chunk's first pixel, so that a large mean does not eat the variance. The input may be two tensors side by side.
 * Not here: groups, which `groupNormAffine` merges.
 *
 * Twin: test/twins/groupNorm.ts. Cases: test/kernelCases.ts. Planned by src/unet/layers.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { chunkMain, chunkWorkgroups, mergeLanes, type ChunkVariant } from "./lib/channelChunks.ts";

/** Chunks of an image: at least 64 pixels each, at most 64 of them, whatever the batch. */
export function groupNormChunks(pixels: number): { chunks: number; chunkPixels: number } {
  const chunkPixels = Math.max(64, Math.ceil(pixels / 64));
  return { chunks: Math.ceil(pixels / chunkPixels), chunkPixels };
}

export interface GroupNormPartialsVariant extends ChunkVariant {
  [key: string]: number;
}

const sums = ["sum", "squares"] as const;

export const groupNormPartials = defineKernel<GroupNormPartialsVariant>()({
  name: "groupNormPartials",
  bindings: { x0: read, x1: readOptional, partials: write },
  parameters: { batch: "u32", pixels: "u32", channels0: "u32", channels1: "u32", chunks: "u32", chunkPixels: "u32" },
  workgroups: (p, variant) => chunkWorkgroups({ ...p, channels: p.channels0 + p.channels1 }, variant),
  source: ({ header, has }, variant) => {
    const accumulate = (source: string, channel: string, channels: string) => wgsl`
    let stride = parameters.${channels} / 4u;
    let base = n * parameters.pixels * stride + ${channel};
    shift = load_${source}(base + begin * stride);
    var at = base + first * stride;
    for (var i = first; i < end; i += step) {
      let d = load_${source}(at) - shift;
      sum += d;
      squares = fma(d, d, squares);
      at += step * stride;
    }`;
    return wgsl`${header}
${chunkMain("parameters.channels0 + parameters.channels1", variant, sums)}
  var sum = vec4<f32>(0.0);
  var squares = vec4<f32>(0.0);
  var shift = vec4<f32>(0.0);
  if (c < parameters.channels0 / 4u) {${accumulate("x0", "c", "channels0")}
  }
#if ${has.x1}
  else {${accumulate("x1", "c - parameters.channels0 / 4u", "channels1")}
  }
#endif
${mergeLanes(variant, sums)}
  store_partials(index * 2u, shift + sum / f32(end - begin));
  store_partials(index * 2u + 1u, max(squares - sum * sum / f32(end - begin), vec4<f32>(0.0)));
}
`;
  },
});
