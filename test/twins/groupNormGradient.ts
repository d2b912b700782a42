/** The three dispatches of a GroupNorm's gradient. */
import type { groupNormGradientAffine } from "../../src/shaders/groupNormGradientAffine.ts";
import type { groupNormGradientApply } from "../../src/shaders/groupNormGradientApply.ts";
import type { groupNormGradientPartials } from "../../src/shaders/groupNormGradientPartials.ts";
import { siluGradient, type TwinOf } from "./twin.ts";

/** a·dy·act′(a·x + b) of element i. */
function throughAffine(
  { x, dy, affine }: { x: Float64Array; dy: Float64Array; affine: Float64Array },
  { pixels, channels }: { pixels: number; channels: number },
  activation: "none" | "silu",
  i: number,
): number {
  const n = Math.floor(i / channels / pixels);
  const a = affine[n * 2 * channels + (i % channels)]!;
  const z = a * x[i]! + affine[(n * 2 + 1) * channels + (i % channels)]!;
  return a * dy[i]! * (activation === "silu" ? siluGradient(z) : 1);
}

/** Index of a channel's first statistic; the second stands 4 behind it. */
const statistic = (p: { chunks: number; channels: number }, n: number, chunk: number, c: number) =>
  (((n * p.chunks + chunk) * p.channels) / 4 + Math.floor(c / 4)) * 8 + (c % 4);

export const groupNormGradientPartialsTwin: TwinOf<typeof groupNormGradientPartials> = ({
  tensors,
  parameters: p,
  variant,
}) => {
  const sums = new Float64Array(p.batch * p.chunks * p.channels * 2);
  for (let n = 0; n < p.batch; n++)
    for (let chunk = 0; chunk < p.chunks; chunk++)
      for (let c = 0; c < p.channels; c++) {
        const to = statistic(p, n, chunk, c);
        const end = Math.min((chunk + 1) * p.chunkPixels, p.pixels);
        for (let pixel = chunk * p.chunkPixels; pixel < end; pixel++) {
          const i = (n * p.pixels + pixel) * p.channels + c;
          const g = throughAffine(tensors, p, variant.activation, i);
          sums[to]! += g;
          sums[to + 4]! += g * (tensors.x[i]! - tensors.partials[to]!);
        }
      }
  return { sums };
};

export const groupNormGradientAffineTwin: TwinOf<typeof groupNormGradientAffine> = ({
  tensors: { partials, embedding, sums },
  parameters: p,
  variant,
}) => {
  const coefficients = new Float64Array(p.batch * 3 * p.channels);
  const width = p.channels / p.groups;
  for (let n = 0; n < p.batch; n++)
    for (let group = 0; group < p.groups; group++) {
      const row = n * p.embeddingStride + p.embeddingOffset;
      const added = (c: number) => (variant.embedding === "add" ? embedding![row + c]! : 0);
      const slabs = Array.from({ length: width * p.chunks }, (_, i) => {
        const c = group * width + (i % width);
        const chunk = Math.floor(i / width);
        const at = statistic(p, n, chunk, c);
        const count = Math.min(p.chunkPixels, p.pixels - chunk * p.chunkPixels);
        return { count, mean: partials[at]! + added(c), squares: partials[at + 4]!, g: sums[at]!, gx: sums[at + 4]! };
      });
      const count = width * p.pixels;
      const mean = slabs.reduce((sum, slab) => sum + slab.mean * slab.count, 0) / count;
      const variance = slabs.reduce((sum, s) => sum + s.squares + s.count * (s.mean - mean) ** 2, 0) / count;
      const first = slabs.reduce((sum, { g }) => sum + g, 0) / count;
      const second = slabs.reduce((sum, slab) => sum + slab.gx + (slab.mean - mean) * slab.g, 0) / count;
      for (let c = group * width; c < (group + 1) * width; c++) {
        coefficients[n * 3 * p.channels + c] = mean - added(c);
        coefficients[(n * 3 + 1) * p.channels + c] = first;
        coefficients[(n * 3 + 2) * p.channels + c] = second / (variance + p.epsilon);
      }
    }
  return { coefficients };
};

export const groupNormGradientApplyTwin: TwinOf<typeof groupNormGradientApply> = ({
  tensors,
  parameters: p,
  variant,
}) => {
  const dx = tensors.x.map((x, i) => {
    const n = Math.floor(i / p.channels / p.pixels);
    const k = (which: number) => tensors.coefficients[(n * 3 + which) * p.channels + (i % p.channels)]!;
    const g = throughAffine(tensors, p, variant.activation, i);
    return g - k(1) - k(2) * (x - k(0)) + (tensors.add?.[i] ?? 0);
  });
  return { dx };
};
