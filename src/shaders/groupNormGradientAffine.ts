/**
 * Gradient of GroupNorm, second of three: merges the sums of `groupNormGradientPartials` over each group into what
 * `groupNormGradientApply` takes of every channel.
 *
 * With μ and r = 1/σ of the group (e added before the norm where there is an embedding to add) and the means over the group
 * S₁ = ⟨a·dz⟩, S₂ = ⟨a·dz·(x + e − μ)⟩: coefficients[n, 0, c] = μ − e, [n, 1, c] = S₁, [n, 2, c] = r²·S₂. Scale and shift of the
 * timestep are in a and b already. One thread a group.
 */
import { defineKernel, readScalar } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import type { GroupNormAffineVariant } from "./groupNormAffine.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { groupMoments, groupMomentsBindings, groupMomentsParameters } from "./lib/groupMoments.ts";

export const groupNormGradientAffine = defineKernel<GroupNormAffineVariant>()({
  name: "groupNormGradientAffine",
  bindings: { ...groupMomentsBindings, sums: readScalar, coefficients: { access: "write", view: "scalar" } },
  parameters: groupMomentsParameters,
  workgroups: (p) => elementwiseWorkgroups(p.batch * p.groups),
  source: ({ header }, { embedding }) => wgsl`${header}${groupMoments({ add: embedding === "add" })}
${elementwiseMain("parameters.batch * parameters.groups")}
  let n = index / parameters.groups;
  let width = parameters.channels / parameters.groups;
  let begin = (index % parameters.groups) * width;
  let row = n * parameters.embeddingStride + parameters.embeddingOffset;
  let moments = groupMoments(n, row, begin, width);
  var first = 0.0;
  var second = 0.0;
  for (var c = begin; c < begin + width; c++) {
    for (var chunk = 0u; chunk < parameters.chunks; chunk++) {
      let sum = sums[statistic(n, chunk, c, 0u)];
      first += sum;
      second += sums[statistic(n, chunk, c, 1u)] + (partials[statistic(n, chunk, c, 0u)] + added(row, c) - moments.x) * sum;
    }
  }
  let count = f32(width * parameters.pixels);
  for (var c = begin; c < begin + width; c++) {
    coefficients[n * 3u * parameters.channels + c] = moments.x - added(row, c);
    coefficients[(n * 3u + 1u) * parameters.channels + c] = first / count;
    coefficients[(n * 3u + 2u) * parameters.channels + c] = moments.y * moments.y * (second / count);
  }
}
`,
});
