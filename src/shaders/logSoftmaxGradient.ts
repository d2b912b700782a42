/**
 * Gradient of Σ log softmax(logits)[label] with respect to the logits: dy[row, k] = [k = label] − softmax(logits)[k].
 * Rows have `stride` floats, of which `classes` count; the padding's gradient is 0. Each thread sums its row again:
 * rows are short.
 *
 * Twin: test/twins/heads.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/classifier.ts.
 */
import { defineKernel, readScalar, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const logSoftmaxGradient = defineKernel()({
  name: "logSoftmaxGradient",
  bindings: { logits: readScalar, labels: readScalar, dy: write },
  parameters: { rows: "u32", classes: "u32", stride: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.rows * p.stride) / 4),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.rows * parameters.stride / 4u")}
  let row = index / (parameters.stride / 4u);
  let begin = row * parameters.stride;
  let first = (index % (parameters.stride / 4u)) * 4u;
  var maximum = logits[begin];
  for (var k = 1u; k < parameters.classes; k++) { maximum = max(maximum, logits[begin + k]); }
  var total = 0.0;
  for (var k = 0u; k < parameters.classes; k++) { total += exp(logits[begin + k] - maximum); }
  var g = vec4<f32>(0.0);
  for (var lane = 0u; lane < 4u; lane++) {
    let k = first + lane;
    if (k < parameters.classes) {
      g[lane] = select(0.0, 1.0, k == labels[row]) - exp(logits[begin + k] - maximum) / total;
    }
  }
  store_dy(index, g);
}
`,
});
