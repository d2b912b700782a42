/**
 * Sinusoidal embedding of timesteps (Vaswani et al. 2017): row n is [cos(t·f), sin(t·f), 0 …], or sines first, for the
 * frequencies f that the host computes, exp(−ln(10000)·i/half) for guided-diffusion. Columns beyond the two halves are
 * zero (an odd width, or padding).
 *
 * Twin: test/twins/embeddings.ts. Cases: test/kernelCases.ts. Planned by src/unet/network.ts.
 */
import { defineKernel, readScalar } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { trigonometry } from "./lib/trigonometry.ts";

export interface TimestepEmbeddingVariant {
  readonly order: "cosSin" | "sinCos";
  [key: string]: string;
}

export const timestepEmbedding = defineKernel<TimestepEmbeddingVariant>()({
  name: "timestepEmbedding",
  bindings: { timesteps: readScalar, frequencies: readScalar, y: { access: "write", view: "scalar" } },
  parameters: { rows: "u32", half: "u32", columns: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.rows * p.columns),
  source: ({ header }, { order }) => wgsl`${header}${trigonometry}
${elementwiseMain("parameters.rows * parameters.columns")}
  let column = index % parameters.columns;
  var value = 0.0;
  if (column < 2u * parameters.half) {
    let pair = cosSin(timesteps[index / parameters.columns] * frequencies[column % parameters.half]);
    value = select(pair.y, pair.x, (column < parameters.half) == ${order === "cosSin"});
  }
  y[index] = value;
}
`,
});
