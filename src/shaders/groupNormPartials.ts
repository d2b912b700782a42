/**
 * GroupNorm, first of three: mean and sum of squared deviations of each channel over a chunk of pixels.
 *
 * partials[n, chunk, c/4, 0] = mean, [.., 1] = Σ (x − mean)², as vec4s of four channels. Sums are taken of x minus
 * the chunk's first pixel, so that a large mean does not eat the variance. The input may be two tensors side by side.
 * Not here: groups, which `groupNormAffine` merges.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

/** Chunks of an image: at least 64 pixels each, at most 64 of them, whatever the batch. */
export function groupNormChunks(pixels: number): { chunks: number; chunkPixels: number } {
  const chunkPixels = Math.max(64, Math.ceil(pixels / 64));
  return { chunks: Math.ceil(pixels / chunkPixels), chunkPixels };
}

export const groupNormPartials = defineKernel()({
  name: "groupNormPartials",
  bindings: { x0: read, x1: readOptional, partials: write },
  parameters: { batch: "u32", pixels: "u32", channels0: "u32", channels1: "u32", chunks: "u32", chunkPixels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.chunks * (p.channels0 + p.channels1)) / 4),
  source: ({ header, has }) => {
    const accumulate = (source: string, channel: string, channels: string) => wgsl`
    let vectors = parameters.${channels} / 4u;
    var at = (n * parameters.pixels + begin) * vectors + ${channel};
    let shift = load_${source}(at);
    for (var i = begin; i < end; i++) {
      let d = load_${source}(at) - shift;
      sum += d;
      squares = fma(d, d, squares);
      at += vectors;
    }
    mean = shift + sum / f32(end - begin);`;
    return wgsl`${header}
${elementwiseMain("parameters.batch * parameters.chunks * (parameters.channels0 + parameters.channels1) / 4u")}
  let vectors = (parameters.channels0 + parameters.channels1) / 4u;
  let c = index % vectors;
  let chunk = (index / vectors) % parameters.chunks;
  let n = index / vectors / parameters.chunks;
  let begin = chunk * parameters.chunkPixels;
  let end = min(begin + parameters.chunkPixels, parameters.pixels);
  var sum = vec4<f32>(0.0);
  var squares = vec4<f32>(0.0);
  var mean = vec4<f32>(0.0);
  if (c < parameters.channels0 / 4u) {${accumulate("x0", "c", "channels0")}
  }
#if ${has.x1}
  else {${accumulate("x1", "c - parameters.channels0 / 4u", "channels1")}
  }
#endif
  store_partials(index * 2u, mean);
  store_partials(index * 2u + 1u, max(squares - sum * sum / f32(end - begin), vec4<f32>(0.0)));
}
`;
  },
});
