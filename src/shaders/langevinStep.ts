/**
 * One step of the guided Langevin sampler outside the network, in one dispatch: x̂₀ from the network's output, clipped
 * and with a gradient ∇ₓ log p(y | x) moved as DDIM's guidance moves it (Dhariwal & Nichol 2021, Algorithm 2), and the
 * next state. That is linear in x̂₀, x, the known picture and the noise z, which both parts share:
 *
 *   free = freeXStart·x̂₀ + freeX·x + freeNoise·z                    where nothing is known
 *   held = heldXStart·x̂₀ + heldX·x + heldKnown·known + heldNoise·z  where the picture is known
 *   x ← keep·held + (1 − keep)·free
 *
 * A step at a noise level and the step down to the next one differ in these numbers alone, which
 * repaint/samplers/langevin.ts makes. x is updated in place; x̂₀ is kept for previews. `out` is the network's output as
 * in reverseStep.
 *
 * Twin: test/twins/sampler.ts. Cases: test/kernelCasesSampler.ts. Planned by src/repaint/samplers/langevin.ts.
 */
import { defineKernel, readOptional, readScalar, readScalarOptional, readWrite, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { philox } from "./lib/philox.ts";
import { networkOutputs, predictedStart } from "./lib/predictedStart.ts";
import { stateNoise } from "./lib/stateNoise.ts";

export const langevinStep = defineKernel()({
  name: "langevinStep",
  bindings: {
    x: readWrite,
    out: readScalar,
    xStart: write,
    noise: readOptional,
    gradient: readOptional,
    seeds: readScalarOptional,
    known: readOptional,
    keep: readScalarOptional,
  },
  parameters: {
    images: "u32",
    /** vec4s of one image: pixels × padded channels / 4. */
    vectors: "u32",
    /** vec4s of one pixel. */
    pixelVectors: "u32",
    draw: "u32",
    channels: "u32",
    outStride: "u32",
    /** x̂₀ = startFromX·x − startFromOut·out, by what the network predicts. */
    startFromX: "f32",
    startFromOut: "f32",
    /** With a gradient g: x̂₀ += guidanceX0·g after the clip. */
    guidanceX0: "f32",
    freeXStart: "f32",
    freeX: "f32",
    /** 0 in a step down, where heldNoise is 0 as well. */
    freeNoise: "f32",
    heldXStart: "f32",
    heldX: "f32",
    heldKnown: "f32",
    heldNoise: "f32",
  },
  workgroups: (p) => elementwiseWorkgroups(p.images * p.vectors),
  source: ({ header, has }) => wgsl`${header}${philox}${stateNoise(has)}${networkOutputs}
${elementwiseMain("parameters.images * parameters.vectors")}
${predictedStart({ clip: true }, has)}
  var z = vec4<f32>(0.0);
  if (parameters.freeNoise != 0.0) { z = noiseOf(index); }
  var next = parameters.freeXStart * start + parameters.freeX * state + parameters.freeNoise * z;
#if ${has.known}
  let held = parameters.heldXStart * start + parameters.heldX * state + parameters.heldKnown * load_known(index) + parameters.heldNoise * z;
  let k = keep[pixel];
  next = k * held + (1.0 - k) * next;
#endif
  store_x(index, next);
}
`,
});
