/** The three dispatches of a GroupNorm, and the one of a small image. */
import type { groupNorm } from "../../src/shaders/groupNorm.ts";
import type { groupNormAffine } from "../../src/shaders/groupNormAffine.ts";
import type { groupNormApply } from "../../src/shaders/groupNormApply.ts";
import type { groupNormPartials } from "../../src/shaders/groupNormPartials.ts";
import { silu, type TwinOf } from "./twin.ts";

/** Channel c of a pixel of two tensors side by side. */
function side(x0: Float64Array, x1: Float64Array | undefined, channels0: number, channels1: number) {
  return (pixel: number, c: number) =>
    c < channels0 ? x0[pixel * channels0 + c]! : x1![pixel * channels1 + c - channels0]!;
}

export const groupNormPartialsTwin: TwinOf<typeof groupNormPartials> = ({ tensors, parameters: p }) => {
  const x = side(tensors.x0, tensors.x1, p.channels0, p.channels1);
  const channels = p.channels0 + p.channels1;
  const partials = new Float64Array(p.batch * p.chunks * channels * 2);
  for (let n = 0; n < p.batch; n++)
    for (let chunk = 0; chunk < p.chunks; chunk++)
      for (let c = 0; c < channels; c++) {
        const begin = chunk * p.chunkPixels;
        const values: number[] = [];
        for (let i = begin; i < Math.min(begin + p.chunkPixels, p.pixels); i++) values.push(x(n * p.pixels + i, c));
        const mean = values.reduce((a, b) => a + b, 0) / values.length;
        const vector = ((n * p.chunks + chunk) * channels) / 4 + Math.floor(c / 4);
        partials[vector * 8 + (c % 4)] = mean;
        partials[vector * 8 + 4 + (c % 4)] = values.reduce((a, b) => a + (b - mean) ** 2, 0);
      }
  return { partials };
};

export const groupNormAffineTwin: TwinOf<typeof groupNormAffine> = ({ tensors, parameters: p, variant }) => {
  const { partials, weight, bias, embedding } = tensors;
  const affine = new Float64Array(p.batch * 2 * p.channels);
  const width = p.channels / p.groups;
  for (let n = 0; n < p.batch; n++)
    for (let group = 0; group < p.groups; group++) {
      const row = n * p.embeddingStride + p.embeddingOffset;
      const added = (c: number) => (variant.embedding === "add" ? embedding![row + c]! : 0);
      const slabs: { mean: number; squares: number; count: number }[] = [];
      for (let c = group * width; c < (group + 1) * width; c++)
        for (let chunk = 0; chunk < p.chunks; chunk++) {
          const vector = ((n * p.chunks + chunk) * p.channels) / 4 + Math.floor(c / 4);
          slabs.push({
            mean: partials[vector * 8 + (c % 4)]! + added(c),
            squares: partials[vector * 8 + 4 + (c % 4)]!,
            count: Math.min(p.chunkPixels, p.pixels - chunk * p.chunkPixels),
          });
        }
      const total = slabs.reduce((sum, { count }) => sum + count, 0);
      const mean = slabs.reduce((sum, slab) => sum + slab.mean * slab.count, 0) / total;
      const variance =
        slabs.reduce((sum, slab) => sum + slab.squares + slab.count * (slab.mean - mean) ** 2, 0) / total;
      for (let c = group * width; c < (group + 1) * width; c++) {
        const a = weight[c]! / Math.sqrt(variance + p.epsilon);
        const b = bias[c]! + (added(c) - mean) * a;
        const scale = variant.embedding === "scaleShift" ? 1 + embedding![row + c]! : 1;
        const shift = variant.embedding === "scaleShift" ? embedding![row + p.channels + c]! : 0;
        affine[n * 2 * p.channels + c] = a * scale;
        affine[(n * 2 + 1) * p.channels + c] = b * scale + shift;
      }
    }
  return { affine };
};

export const groupNormApplyTwin: TwinOf<typeof groupNormApply> = ({ tensors, parameters: p, variant }) => {
  const x = side(tensors.x0, tensors.x1, p.channels0, p.channels1);
  const channels = p.channels0 + p.channels1;
  const y = new Float64Array(p.batch * p.pixels * channels);
  for (let pixel = 0; pixel < p.batch * p.pixels; pixel++)
    for (let c = 0; c < channels; c++) {
      const n = Math.floor(pixel / p.pixels);
      const value = x(pixel, c) * tensors.affine[n * 2 * channels + c]! + tensors.affine[(n * 2 + 1) * channels + c]!;
      y[pixel * channels + c] = variant.activation === "silu" ? silu(value) : value;
    }
  return { y };
};

export const groupNormTwin: TwinOf<typeof groupNorm> = ({ tensors, parameters: p, variant }) => {
  const x = side(tensors.x0, tensors.x1, p.channels0, p.channels1);
  const channels = p.channels0 + p.channels1;
  const width = channels / p.groups;
  const y = new Float64Array(p.batch * p.pixels * channels);
  for (let n = 0; n < p.batch; n++)
    for (let group = 0; group < p.groups; group++) {
      const embedding = (c: number) => tensors.embedding![n * p.embeddingStride + p.embeddingOffset + c]!;
      const elements = Array.from({ length: p.pixels * width }, (_, i) => {
        const [pixel, c] = [n * p.pixels + Math.floor(i / width), group * width + (i % width)];
        return { pixel, c, value: x(pixel, c) + (variant.embedding === "add" ? embedding(c) : 0) };
      });
      const mean = elements.reduce((sum, { value }) => sum + value, 0) / elements.length;
      const variance = elements.reduce((sum, { value }) => sum + (value - mean) ** 2, 0) / elements.length;
      for (const { pixel, c, value } of elements) {
        let normed = ((value - mean) / Math.sqrt(variance + p.epsilon)) * tensors.weight[c]! + tensors.bias[c]!;
        if (variant.embedding === "scaleShift") normed = normed * (1 + embedding(c)) + embedding(channels + c);
        y[pixel * channels + c] = variant.activation === "silu" ? silu(normed) : normed;
      }
    }
  return { y };
};
