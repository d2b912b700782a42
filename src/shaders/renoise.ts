/**
 * A whole climb in one dispatch: x ← signal·x + noise·ε. Steps of √(1−β)·x + √β·ε in a row compose to one Gaussian
 * with signal √∏(1−β) and noise √(1 − ∏(1−β)) (RePaint §4.2). Then the known region is blended in at the level
 * reached. With signal 1 and noise 0 it only blends.
 *
 * Twin: test/twins/sampler.ts. Cases: test/kernelCasesSampler.ts. Planned by src/repaint/samplers/renoise.ts.
 */
import { defineKernel, readOptional, readWrite } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { knownRegion, knownRegionBindings, knownRegionParameters } from "./lib/knownRegion.ts";
import { philox } from "./lib/philox.ts";

export const renoise = defineKernel()({
  name: "renoise",
  bindings: { x: readWrite, noise: readOptional, ...knownRegionBindings },
  parameters: { ...knownRegionParameters, signal: "f32", noiseAmount: "f32" },
  workgroups: (p) => elementwiseWorkgroups(p.images * p.vectors),
  source: ({ header, has }) => wgsl`${header}${philox}${knownRegion(has)}
${elementwiseMain("parameters.images * parameters.vectors")}
  var state = load_x(index);
  if (parameters.noiseAmount != 0.0) { state = parameters.signal * state + parameters.noiseAmount * noiseOf(index); }
  store_x(index, blended(index, state));
}
`,
});
