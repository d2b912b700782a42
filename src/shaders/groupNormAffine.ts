/**
 * GroupNorm, second of three: merges the chunks and channels of each group and folds weight, bias and the timestep's
 * embedding into one scale and one offset a channel, so that the consumer computes a·x + b.
 *
 * affine[n, 0, c] = a, affine[n, 1, c] = b. With scale-shift: GN(x)·(1 + scale) + shift, scale first
 * (guided-diffusion, use_scale_shift_norm). With add: GN(x + e).
 *
 * Twin: test/twins/groupNorm.ts. Cases: test/kernelCases.ts. Planned by src/unet/layers.ts.
 */
import { defineKernel, readScalar } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import {
  eachChannel,
  groupMain,
  groupMomentsBindings,
  groupMomentsParameters,
  type GroupMomentsVariant,
  groupWorkgroups,
} from "./lib/groupMoments.ts";

export interface GroupNormAffineVariant extends GroupMomentsVariant {
  [key: string]: string | number;
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
  workgroups: groupWorkgroups,
  source: ({ header }, variant) => wgsl`${header}${groupMain(variant)}
${eachChannel(
  variant,
  wgsl`
    var a = rate * weight[c];
    var b = bias[c] + (added(row, c) - mean) * a;
#if ${variant.embedding === "scaleShift"}
    let scale = 1.0 + embedding[row + c];
    a *= scale;
    b = b * scale + embedding[row + parameters.channels + c];
#endif
    affine[n * 2u * parameters.channels + c] = a;
    affine[(n * 2u + 1u) * parameters.channels + c] = b;
  `,
)}
}
`,
});
