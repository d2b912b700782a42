/**
 * One reverse transition of RePaint, all of it that is outside the network, in one dispatch:
 * 1. x̂₀ from the network's prediction (ε, x₀ or v), clipped where that is asked for;
 * 2. the next x: the posterior's mean and sampling noise, with the network's own variance where it is learned (DDPM
 *    eq. 7 and 11, Improved DDPM eq. 15);
 * 3. the known region, noised forward to its level and blended in (RePaint eq. 8).
 *
 * A gradient ∇ₓ log p(y | x) guides it: it moves DDPM's mean (Dhariwal & Nichol 2021, Algorithm 1), or DDIM's x̂₀ and
 * with it ε (Algorithm 2). The state x is updated in place; x̂₀ is kept for previews.
 *
 * `out` is the network's output as scalars, [images, pixels, outStride]: channels 0 … channels−1 the prediction,
 * channels … 2·channels−1 the variance's interpolation where it is learned.
 *
 * Twin: test/twins/sampler.ts. Cases: test/kernelCasesSampler.ts. Planned by src/repaint/samplers/repaint.ts.
 */
import { defineKernel, readOptional, readScalar, readWrite, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { knownRegion, knownRegionBindings, knownRegionParameters } from "./lib/knownRegion.ts";
import { philox } from "./lib/philox.ts";
import { networkOutputs, predictedStart } from "./lib/predictedStart.ts";

export interface ReverseStepVariant {
  readonly variance: "learned" | "fixed";
  readonly clip: boolean;
  [key: string]: string | boolean;
}

export const reverseStep = defineKernel<ReverseStepVariant>()({
  name: "reverseStep",
  bindings: {
    x: readWrite,
    out: readScalar,
    xStart: write,
    noise: readOptional,
    gradient: readOptional,
    ...knownRegionBindings,
  },
  parameters: {
    ...knownRegionParameters,
    channels: "u32",
    outStride: "u32",
    /** x̂₀ = startFromX·x − startFromOut·out, by what the network predicts. */
    startFromX: "f32",
    startFromOut: "f32",
    /** mean = meanX0·x̂₀ + meanXt·x: the posterior's, or DDIM's, whose variance is fixed. */
    meanX0: "f32",
    meanXt: "f32",
    /** With a gradient g: x̂₀ += guidanceX0·g after the clip, mean += guidanceMean·variance·g. */
    guidanceX0: "f32",
    guidanceMean: "f32",
    /** log β̃ and log β; both the same where the variance is fixed. */
    minLogVariance: "f32",
    maxLogVariance: "f32",
    /** 0 at the last step, else 1. */
    noiseScale: "f32",
  },
  workgroups: (p) => elementwiseWorkgroups(p.images * p.vectors),
  source: ({ header, has }, { variance, clip }) => wgsl`${header}${philox}${knownRegion(has)}${networkOutputs}
${elementwiseMain("parameters.images * parameters.vectors")}
${predictedStart({ clip }, has)}
#if ${variance === "learned"}
  let fraction = 0.5 * (outputs(pixel, parameters.channels, channel) + 1.0);
  let logVariance = fraction * parameters.maxLogVariance + (1.0 - fraction) * parameters.minLogVariance;
#else
  let logVariance = vec4<f32>(parameters.minLogVariance);
#endif
  var next = parameters.meanX0 * start + parameters.meanXt * state;
#if ${has.gradient}
  next += parameters.guidanceMean * exp(logVariance) * gradient;
#endif
  if (parameters.noiseScale != 0.0) { next += parameters.noiseScale * exp(0.5 * logVariance) * noiseOf(index); }
  store_x(index, blended(index, next));
}
`,
});
