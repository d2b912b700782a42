/**
 * GroupNorm, second of three: merges the chunks and channels of each group and folds weight, bias and the timestep's
 * embedding into one scale and one offset a channel, so that the consumer computes a·x + b.
 *
 * affine[n, 0, c] = a, affine[n, 1, c] = b. With scale-shift: GN(x)·(1 + scale) + shift, scale first
 * (guided-diffusion, use_scale_shift_norm). With add: GN(x + e). One thread a group.
 */
import { defineKernel, readScalar } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { groupMoments, groupMomentsBindings, groupMomentsParameters } from "./lib/groupMoments.ts";

export interface GroupNormAffineVariant {
  readonly embedding: "none" | "scaleShift" | "add";
  [key: string]: string;
}

export const groupNormAffine = defineKernel<GroupNormAffineVariant>()({
  name: "groupNormAffine",
  bindings: {
    partials: groupMomentsBindings.partials,
    weight: readScalar,
    bias: readScalar,
    embedding: groupMomentsBindings.embedding,
    affine: { access: "write", view: "scalar" },
  },
  parameters: groupMomentsParameters,
  workgroups: (p) => elementwiseWorkgroups(p.batch * p.groups),
  source: ({ header }, { embedding }) => wgsl`${header}${groupMoments({ add: embedding === "add" })}
${elementwiseMain("parameters.batch * parameters.groups")}
  let group_ = index % parameters.groups;
  let n = index / parameters.groups;
  let width = parameters.channels / parameters.groups;
  let row = n * parameters.embeddingStride + parameters.embeddingOffset;
  let begin = group_ * width;
  let moments = groupMoments(n, row, begin, width);
  for (var c = begin; c < begin + width; c++) {
    var a = moments.y * weight[c];
    var b = bias[c] + (added(row, c) - moments.x) * a;
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
