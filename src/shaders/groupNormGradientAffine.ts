/**
 * Gradient of GroupNorm, second of three: merges the sums of `groupNormGradientPartials` over each group into what
 * `groupNormGradientApply` takes of every channel.
 *
 * With μ and r = 1/σ of the group (e added before the norm where there is an embedding to add) and the means over the
 * group S₁ = ⟨a·dz⟩, S₂ = ⟨a·dz·(x + e − μ)⟩: coefficients[n, 0, c] = μ − e, [n, 1, c] = S₁, [n, 2, c] = r²·S₂. Scale
 * and shift of the timestep are in a and b already.
 *
 * Twin: test/twins/groupNormGradient.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, readScalar } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import type { GroupNormAffineVariant } from "./groupNormAffine.ts";
import {
  eachChannel,
  groupMain,
  groupMomentsBindings,
  groupMomentsParameters,
  groupWorkgroups,
  sumOverGroup,
} from "./lib/groupMoments.ts";

export const groupNormGradientAffine = defineKernel<GroupNormAffineVariant>()({
  name: "groupNormGradientAffine",
  bindings: { ...groupMomentsBindings, sums: readScalar, coefficients: { access: "write", view: "scalar" } },
  parameters: groupMomentsParameters,
  workgroups: groupWorkgroups,
  source: ({ header }, variant) => wgsl`${header}${groupMain(variant)}
${sumOverGroup(
  variant,
  ["first", "second"],
  `let sum = sums[statistic(n, chunk, c, 0u)];
      first += sum;
      second += sums[statistic(n, chunk, c, 1u)] + (partials[statistic(n, chunk, c, 0u)] + added(row, c) - mean) * sum;`,
)}
  let count = f32(width * parameters.pixels);
${eachChannel(
  variant,
  `
    coefficients[n * 3u * parameters.channels + c] = mean - added(row, c);
    coefficients[(n * 3u + 1u) * parameters.channels + c] = first / count;
    coefficients[(n * 3u + 2u) * parameters.channels + c] = rate * rate * (second / count);
  `,
)}
}
`,
});
