/**
 * Rows of a table: y[n, :] = table[classes[n], :]. Classes beyond the table are the caller's mistake, checked on the
 * host.
 *
 * Twin: test/twins/embeddings.ts. Cases: test/kernelCases.ts. Planned by src/unet/network.ts.
 */
import { defineKernel, read, readScalar, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const classEmbedding = defineKernel()({
  name: "classEmbedding",
  bindings: { classes: readScalar, table: read, y: write },
  parameters: { rows: "u32", columns: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.rows * p.columns) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.rows * parameters.columns / 4u")}
  let vectors = parameters.columns / 4u;
  store_y(index, load_table(classes[index / vectors] * vectors + index % vectors));
}
`,
});
