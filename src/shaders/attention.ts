/**
 * Self-attention with a streaming softmax (Milakov and Gimelshein 2018; FlashAttention's recurrence) straight from
 * packed qkv, so that no T×T matrix exists.
 *
 * qkv[n, t, :] holds q of all heads, then k, then v, each head padded to `headChannels` (a multiple of 4; padding is
 * zero, so it adds nothing to the products). y[n, t, head·headChannels + c]. A thread owns `queries` queries and one
 * chunk of `chunkVectors` vec4s of the output; heads wider than a chunk compute their scores once for each chunk.
 *
 * With `share: "quad"` the four threads of a quad own 4·`queries` queries of one head: each loads a quarter of the keys
 * and values and gets the others by quad swaps, so that thread l's score k belongs to key l xor k; excess threads work
 * on the last tile and store nothing, since a quad must stay whole. Held queries are loaded by a loop of one load each,
 * where what comes next enters the last place and all others move up: it compiles fast. Which thread has a query
 * depends neither on the batch nor on the dispatch.
 *
 * Twin: test/twins/attention.ts. Cases: test/kernelCases.ts. Planned by src/operators/attention/plan.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { drain } from "./lib/drain.ts";
import { pieceParameters } from "./lib/pieces.ts";
import { quadSwaps, quadThreads, type QuadShare } from "./lib/quad.ts";

export interface AttentionVariant {
  /** Queries a thread owns. */
  readonly queries: number;
  /** Keys that it takes at a time, a multiple of 4 with quads: their scores are rescaled to a new maximum together. */
  readonly keys: number;
  readonly chunkVectors: number;
  /**
   * vec4s of a head, whose queries then stay in registers; 0: any head, queries are loaded again for each block of
   * keys.
   */
  readonly held: number;
  readonly share: QuadShare;
  readonly workgroupSize: number;
  [key: string]: string | number;
}

/** Below any score, and finite, so that the first rescaling is exp(−huge) = 0 and never ∞ − ∞. */
export const lowestScore = "-1e30";

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
    ...pieceParameters,
  },
  features: ({ share }) => (share === "quad" ? ["subgroups"] : []),
  workgroups: (p, v) => {
    const threads = quadThreads(v.share);
    const tiles = Math.ceil(p.length / (v.queries * threads));
    const chunks = Math.ceil(p.headChannels / 4 / v.chunkVectors);
    return p.groups || Math.ceil((p.batch * p.heads * tiles * chunks * threads) / v.workgroupSize);
  },
  source: ({ header }, { queries, keys, chunkVectors, held, share, workgroupSize }) => {
    const threads = quadThreads(share);
    const each = (line: (i: number) => string) => unroll(queries, line);
    /** Keys of a block: thread l loads keys m·threads + l; number k of them is key m·threads + (l xor k). */
    const block = (line: (m: number, k: number) => string) =>
      unroll(keys / threads, (m) => unroll(threads, (k) => line(m, k)));
    const all = Array.from({ length: keys }, (_, j) => `${Math.floor(j / threads)}_${j % threads}`);
    /** A vec4 of every key or value of the block: the own ones loaded, the others swapped in. */
    const gather = (name: string, at: (m: number) => string) =>
      block((m, k) =>
        k === 0
          ? `      let ${name}${m}_0 = load_qkv(${at(m)});`
          : `      let ${name}${m}_${k} = ${quadSwaps[k]}(${name}${m}_0);`,
      );
    const products = (d: string, query: (i: number) => string) => `${each((i) => `      let query${i} = ${query(i)};`)}
${gather("key", (m) => `token${m} + ${d}`)}
${each((i) => block((m, k) => `      s${i}_${m}_${k} += dot(query${i}, key${m}_${k});`))}`;
    return wgsl`${header}
const lowest = ${lowestScore};

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let vectors = parameters.headChannels / 4u;
  let chunks = (vectors + ${chunkVectors - 1}u) / ${chunkVectors}u;
  let tiles = (parameters.length + ${queries * threads - 1}u) / ${queries * threads}u;
  let lane = local % ${threads}u;
  var index = ((parameters.firstGroup + workgroupIndex(group, groups)) * ${workgroupSize}u + local) / ${threads}u;
  let last = parameters.batch * parameters.heads * tiles * chunks - 1u;
  let wanted = index <= last;
#if ${threads === 1}
  if (!wanted) { return; }
#endif
  index = min(index, last);
  let chunk = (index % chunks) * ${chunkVectors}u;
  index /= chunks;
  let query = ((index % tiles) * ${threads}u + lane) * ${queries}u;
  index /= tiles;
  let head = index % parameters.heads;
  let n = index / parameters.heads;
  let stride = 3u * parameters.heads * vectors;
  let qBase = n * parameters.length * stride + head * vectors;
  let kBase = qBase + parameters.heads * vectors;
  let toValue = parameters.heads * vectors;
  let lastToken = parameters.length - 1u;
${each(
  (i) => `  let q${i} = qBase + min(query + ${i}u, lastToken) * stride;
  var maximum${i} = lowest;
  var total${i} = 0.0;
${unroll(held, (d) => `  var held${i}_${d} = vec4<f32>(0.0);`)}
${unroll(chunkVectors, (c) => `  var a${i}_${c} = vec4<f32>(0.0);`)}`,
)}
#if ${held > 0}
  for (var d = 0u; d < ${held}u; d++) {
${each(
  (i) => `${unroll(held - 1, (d) => `    held${i}_${d} = held${i}_${d + 1};`)}
    held${i}_${held - 1} = load_qkv(q${i} + d);`,
)}
  }
#endif
  for (var key = 0u; key < parameters.length; key += ${keys}u) {
${unroll(keys / threads, (m) => `    let token${m} = kBase + min(key + ${m * threads}u + lane, lastToken) * stride;`)}
${each((i) => block((m, k) => `    var s${i}_${m}_${k} = 0.0;`))}
#if ${held > 0}
${unroll(held, (d) => `    {\n${products(`${d}u`, (i) => `held${i}_${d}`)}\n    }`)}
#else
    for (var d = 0u; d < vectors; d++) {
${products("d", (i) => `load_qkv(q${i} + d)`)}
    }
#endif
${block((m, k) => `    let ok${m}_${k} = key + ${m * threads}u + (lane ^ ${k}u) < parameters.length;`)}
${each(
  (i) => `${block((m, k) => `    s${i}_${m}_${k} = select(lowest, s${i}_${m}_${k} * parameters.scale, ok${m}_${k});`)}
    let next${i} = max(maximum${i}, ${all.map((j) => `s${i}_${j}`).reduce((a, b) => `max(${a}, ${b})`)});
    let rescale${i} = exp(maximum${i} - next${i});
    maximum${i} = next${i};
${block((m, k) => `    let p${i}_${m}_${k} = select(0.0, exp(s${i}_${m}_${k} - next${i}), ok${m}_${k});`)}
    total${i} = total${i} * rescale${i} + (${all.map((j) => `p${i}_${j}`).join(" + ")});`,
)}
${unroll(
  chunkVectors,
  (c) => `    {
      let at = toValue + min(chunk + ${c}u, vectors - 1u);
${gather("value", (m) => `token${m} + at`)}
${each((i) => `      a${i}_${c} *= rescale${i};\n${block((m, k) => `      a${i}_${c} = fma(vec4<f32>(p${i}_${m}_${k}), value${m}_${k}, a${i}_${c});`)}`)}
    }`,
)}
  }
${drain({
  count: queries,
  vectors: chunkVectors,
  store: (slot) => `      if (wanted && query + p < parameters.length) {
        let at = (n * parameters.length + query + p) * parameters.heads * vectors + head * vectors + chunk;
${unroll(chunkVectors, (c) => {
  const store = `store_y(at + ${c}u, a${slot}_${c} / total${slot});`;
  return `        ${held > 0 ? store : `if (chunk + ${c}u < vectors) { ${store} }`}`;
})}
      }`,
  move: (to, from) =>
    `${unroll(chunkVectors, (c) => `    a${to}_${c} = a${from}_${c};`)}\n    total${to} = total${from};`,
})}
}
`;
  },
});
