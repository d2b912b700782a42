/**
 * Gradient of attention, second of three: dqᵢ = scale·Σⱼ pᵢⱼ·(dyᵢ·vⱼ − dyᵢ·yᵢ)·kⱼ, the probabilities made again from
 * the row's statistics. dq[n, t, head·headChannels + c]. A thread owns `queries` queries and one chunk of the output.
 *
 * Twin: test/twins/attentionGradient.ts. Cases: test/kernelCasesGradients.ts. Planned by src/unet/backward.ts.
 */
import { defineKernel, read, readScalar, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import {
  attentionMain,
  attentionParameters,
  attentionScores,
  attentionThreads,
  type AttentionGradientVariant,
} from "./lib/attentionScores.ts";

export const attentionGradientQuery = defineKernel<AttentionGradientVariant>()({
  name: "attentionGradientQuery",
  bindings: { qkv: read, dy: read, statistics: readScalar, dq: write },
  parameters: attentionParameters,
  workgroups: (p, v) => Math.ceil(attentionThreads(p, v.queries, v.chunkVectors) / v.workgroupSize),
  source: ({ header }, variant) => {
    const { queries, keys, chunkVectors } = variant;
    return wgsl`${header}
${attentionMain(queries, variant)}
  let query = token;
${unroll(
  queries,
  (i) => `  let row${i} = ((n * parameters.length + min(query + ${i}u, lastToken)) * parameters.heads + head) * 2u;
  let logSum${i} = statistics[row${i}];
  let product${i} = statistics[row${i} + 1u];
${unroll(chunkVectors, (c) => `  var a${i}_${c} = vec4<f32>(0.0);`)}`,
)}
  for (var key = 0u; key < parameters.length; key += ${keys}u) {
${attentionScores(queries, keys, true)}
${unroll(queries, (i) => unroll(keys, (j) => `    let w${i}_${j} = select(0.0, exp(s${i}_${j} - logSum${i}) * (g${i}_${j} - product${i}), key + ${j}u < parameters.length);`))}
${unroll(chunkVectors, (c) =>
  unroll(
    keys,
    (j) => `    {
      let value = load_qkv(kAt${j} + min(chunk + ${c}u, vectors - 1u));
${unroll(queries, (i) => `      a${i}_${c} = fma(vec4<f32>(w${i}_${j}), value, a${i}_${c});`)}
    }`,
  ),
)}
  }
${unroll(
  queries,
  (i) => `  if (query + ${i}u < parameters.length) {
    let at = (n * parameters.length + query + ${i}u) * width + head * vectors + chunk;
${unroll(chunkVectors, (c) => `    if (chunk + ${c}u < vectors) { store_dq(at + ${c}u, a${i}_${c} * parameters.scale); }`)}
  }`,
)}
}
`;
  },
});
