/**
 * Gradient of attention, third of three: dkⱼ = scale·Σᵢ pᵢⱼ·(dyᵢ·vⱼ − dyᵢ·yᵢ)·qᵢ and dvⱼ = Σᵢ pᵢⱼ·dyᵢ. dkv[n, t, :]
 * holds dk of all heads, then dv: with dq in front it is laid out as qkv. A thread owns `keys` keys and one chunk of
 * both outputs.
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

export const attentionGradientKeyValue = defineKernel<AttentionGradientVariant>()({
  name: "attentionGradientKeyValue",
  bindings: { qkv: read, dy: read, statistics: readScalar, dkv: write },
  parameters: attentionParameters,
  workgroups: (p, v) => Math.ceil(attentionThreads(p, v.keys, v.chunkVectors) / v.workgroupSize),
  source: ({ header }, variant) => {
    const { queries, keys, chunkVectors } = variant;
    return wgsl`${header}
${attentionMain(keys, variant)}
  let key = token;
${unroll(keys, (j) =>
  unroll(
    chunkVectors,
    (c) => `  var k${j}_${c} = vec4<f32>(0.0);
  var v${j}_${c} = vec4<f32>(0.0);`,
  ),
)}
  for (var query = 0u; query < parameters.length; query += ${queries}u) {
${attentionScores(queries, keys, true)}
${unroll(
  queries,
  (i) => `    let row${i} = ((n * parameters.length + min(query + ${i}u, lastToken)) * parameters.heads + head) * 2u;
${unroll(
  keys,
  (j) => `    let p${i}_${j} = select(0.0, exp(s${i}_${j} - statistics[row${i}]), query + ${i}u < parameters.length);
    let w${i}_${j} = p${i}_${j} * (g${i}_${j} - statistics[row${i} + 1u]);`,
)}`,
)}
${unroll(chunkVectors, (c) =>
  unroll(
    queries,
    (i) => `    {
      let at = min(chunk + ${c}u, vectors - 1u);
      let q = load_qkv(qAt${i} + at);
      let dy = load_dy(dAt${i} + at);
${unroll(
  keys,
  (j) => `      k${j}_${c} = fma(vec4<f32>(w${i}_${j}), q, k${j}_${c});
      v${j}_${c} = fma(vec4<f32>(p${i}_${j}), dy, v${j}_${c});`,
)}
    }`,
  ),
)}
  }
${unroll(
  keys,
  (j) => `  if (key + ${j}u < parameters.length) {
    let at = (n * parameters.length + key + ${j}u) * 2u * width + head * vectors + chunk;
${unroll(
  chunkVectors,
  (c) => `    if (chunk + ${c}u < vectors) {
      store_dkv(at + ${c}u, k${j}_${c} * parameters.scale);
      store_dkv(at + width + ${c}u, v${j}_${c});
    }`,
)}
  }`,
)}
}
`;
  },
});
