/**
 * Self-attention with a streaming softmax (Milakov and Gimelshein 2018; FlashAttention's recurrence) straight from
 * packed qkv, so that no T×T matrix exists.
 *
 * qkv[n, t, :] holds q of all heads, then k, then v, each head padded to `headChannels` (a multiple of 4; padding is
 * zero, so it adds nothing to the products). y[n, t, head·headChannels + c]. A thread owns `queries` queries and one
 * chunk of `chunkVectors` vec4s of the output; heads wider than a chunk compute their scores once for each chunk.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";

export interface AttentionVariant {
  /** Queries a thread owns, and keys it takes at a time. */
  readonly queries: number;
  readonly keys: number;
  readonly chunkVectors: number;
  readonly workgroupSize: number;
  [key: string]: number;
}

const threads = (p: Record<"batch" | "heads" | "length" | "headChannels", number>, v: AttentionVariant) =>
  p.batch * p.heads * Math.ceil(p.length / v.queries) * Math.ceil(p.headChannels / 4 / v.chunkVectors);

export const attention = defineKernel<AttentionVariant>()({
  name: "attention",
  bindings: { qkv: read, y: write },
  parameters: {
    batch: "u32",
    /** Tokens: height × width. */
    length: "u32",
    heads: "u32",
    headChannels: "u32",
    /** 1/√(true head width). */
    scale: "f32",
  },
  workgroups: (p, v) => Math.ceil(threads(p, v) / v.workgroupSize),
  source: ({ header }, { queries, keys, chunkVectors, workgroupSize }) => wgsl`${header}
// Below any score, and finite, so that the first rescaling is exp(−huge) = 0 and never ∞ − ∞.
const lowest = -1e30;

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let vectors = parameters.headChannels / 4u;
  let chunks = (vectors + ${chunkVectors - 1}u) / ${chunkVectors}u;
  let tiles = (parameters.length + ${queries - 1}u) / ${queries}u;
  var index = workgroupIndex(group, groups) * ${workgroupSize}u + local;
  if (index >= parameters.batch * parameters.heads * tiles * chunks) { return; }
  let chunk = (index % chunks) * ${chunkVectors}u;
  index /= chunks;
  let query = (index % tiles) * ${queries}u;
  index /= tiles;
  let head = index % parameters.heads;
  let n = index / parameters.heads;
  let stride = 3u * parameters.heads * vectors;
  let qBase = n * parameters.length * stride + head * vectors;
  let kBase = qBase + parameters.heads * vectors;
  let vBase = kBase + parameters.heads * vectors;
  let lastToken = parameters.length - 1u;
${unroll(
  queries,
  (i) => `  let q${i} = qBase + min(query + ${i}u, lastToken) * stride;
  var maximum${i} = lowest;
  var total${i} = 0.0;
${unroll(chunkVectors, (c) => `  var a${i}_${c} = vec4<f32>(0.0);`)}`,
)}
  for (var key = 0u; key < parameters.length; key += ${keys}u) {
${unroll(keys, (j) => `    let token${j} = min(key + ${j}u, lastToken) * stride;`)}
${unroll(queries, (i) => unroll(keys, (j) => `    var s${i}_${j} = 0.0;`))}
    for (var d = 0u; d < vectors; d++) {
${unroll(queries, (i) => `      let query${i} = load_qkv(q${i} + d);`)}
${unroll(
  keys,
  (j) => `      let key${j} = load_qkv(kBase + token${j} + d);
${unroll(queries, (i) => `      s${i}_${j} += dot(query${i}, key${j});`)}`,
)}
    }
${unroll(
  queries,
  (
    i,
  ) => `${unroll(keys, (j) => `    s${i}_${j} = select(lowest, s${i}_${j} * parameters.scale, key + ${j}u < parameters.length);`)}
    let next${i} = max(maximum${i}, ${Array.from({ length: keys }, (_, j) => `s${i}_${j}`).reduce((a, b) => `max(${a}, ${b})`)});
    let rescale${i} = exp(maximum${i} - next${i});
    maximum${i} = next${i};
${unroll(keys, (j) => `    let p${i}_${j} = select(0.0, exp(s${i}_${j} - next${i}), key + ${j}u < parameters.length);`)}
    total${i} = total${i} * rescale${i} + (${Array.from({ length: keys }, (_, j) => `p${i}_${j}`).join(" + ")});
${unroll(chunkVectors, (c) => `    a${i}_${c} *= rescale${i};`)}`,
)}
${unroll(chunkVectors, (c) =>
  unroll(
    keys,
    (j) => `    {
      let value = load_qkv(vBase + token${j} + min(chunk + ${c}u, vectors - 1u));
${unroll(queries, (i) => `      a${i}_${c} = fma(vec4<f32>(p${i}_${j}), value, a${i}_${c});`)}
    }`,
  ),
)}
  }
${unroll(
  queries,
  (i) => `  if (query + ${i}u < parameters.length) {
    let at = (n * parameters.length + query + ${i}u) * parameters.heads * vectors + head * vectors + chunk;
${unroll(chunkVectors, (c) => `    if (chunk + ${c}u < vectors) { store_y(at + ${c}u, a${i}_${c} / total${i}); }`)}
  }`,
)}
}
`,
});
