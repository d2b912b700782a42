/**
 * Gradient of attention, first of three: what each query needs to know of its whole row of scores, so that the other
 * two can make any tile of it again (FlashAttention's backward pass, Dao et al. 2022).
 *
 * statistics[n, t, head, 0] = log Σⱼ exp(q·kⱼ·scale), [.., 1] = dy·y. qkv and y as in `attention`.
 *
 * Twin: test/twins/attentionGradient.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import {
  attentionMain,
  attentionParameters,
  attentionScores,
  attentionThreads,
  type AttentionGradientVariant,
} from "./lib/attentionScores.ts";

/** A thread computes whole rows, so that its chunk is the head. */
const wholeHead = 2 ** 16;

export const attentionStatistics = defineKernel<AttentionGradientVariant>()({
  name: "attentionStatistics",
  bindings: { qkv: read, y: read, dy: read, statistics: { access: "write", view: "scalar" } },
  parameters: attentionParameters,
  workgroups: (p, v) => Math.ceil(attentionThreads(p, v.queries, wholeHead) / v.workgroupSize),
  source: ({ header }, variant) => {
    const { queries, keys } = variant;
    return wgsl`${header}
// Below any score, and finite, so that the first rescaling is exp(−huge) = 0 and never ∞ − ∞.
const lowest = -1e30;
${attentionMain(queries, { ...variant, chunkVectors: wholeHead })}
  let query = token;
${unroll(
  queries,
  (i) => `  var maximum${i} = lowest;
  var total${i} = 0.0;`,
)}
  for (var key = 0u; key < parameters.length; key += ${keys}u) {
${attentionScores(queries, keys, false)}
${unroll(queries, (i) =>
  unroll(
    keys,
    (j) => `    if (key + ${j}u < parameters.length) {
      let next = max(maximum${i}, s${i}_${j});
      total${i} = total${i} * exp(maximum${i} - next) + exp(s${i}_${j} - next);
      maximum${i} = next;
    }`,
  ),
)}
  }
${unroll(
  queries,
  (i) => `  if (query + ${i}u < parameters.length) {
    let at = (n * parameters.length + query + ${i}u) * width + head * vectors;
    var product = 0.0;
    for (var d = 0u; d < vectors; d++) { product += dot(load_y(at + d), load_dy(at + d)); }
    let to = ((n * parameters.length + query + ${i}u) * parameters.heads + head) * 2u;
    statistics[to] = maximum${i} + log(total${i});
    statistics[to + 1u] = product;
  }`,
)}
}
`;
  },
});
