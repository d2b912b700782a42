/**
 * Standard normals for a draw: y[n] is what image n's seed says, whatever the batch. The start of every run.
 *
 * Twin: test/twins/sampler.ts. Cases: test/kernelCasesSampler.ts. Planned by src/repaint/state.ts.
 */
import { defineKernel, readScalar, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { philox, stream } from "./lib/philox.ts";

export const gaussianNoise = defineKernel()({
  name: "gaussianNoise",
  bindings: { seeds: readScalar, y: write },
  parameters: { images: "u32", vectors: "u32", draw: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.images * p.vectors),
  source: ({ header }) => wgsl`${header}${philox}
${elementwiseMain("parameters.images * parameters.vectors")}
  let n = index / parameters.vectors;
  let seed = vec2<u32>(seeds[2u * n], seeds[2u * n + 1u]);
  store_y(index, normals(seed, index % parameters.vectors, parameters.draw, ${stream.unknown}u));
}
`,
});
