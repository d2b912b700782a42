/**
 * What the gradient kernels of attention share: a tile of queries × keys at a time, for each pair the score q·k and,
 * where it is asked for, dy·v. Nothing of length² is ever stored.
 */
import { unroll, wgsl } from "../../engine/wgsl.ts";

export const attentionParameters = {
  batch: "u32",
  /** Tokens: height × width. */
  length: "u32",
  heads: "u32",
  headChannels: "u32",
  /** 1/√(true head width). */
  scale: "f32",
} as const;

export interface AttentionGradientVariant {
  /** Queries and keys of a tile. */
  readonly queries: number;
  readonly keys: number;
  /** vec4s of the output a thread owns. */
  readonly chunkVectors: number;
  readonly workgroupSize: number;
  [key: string]: number;
}

/** Threads of a kernel whose thread owns `tile` tokens and one chunk of the output. */
export function attentionThreads(
  p: Record<"batch" | "heads" | "length" | "headChannels", number>,
  tile: number,
  chunkVectors: number,
): number {
  return p.batch * p.heads * Math.ceil(p.length / tile) * Math.ceil(p.headChannels / 4 / chunkVectors);
}

/**
 * Opens `main`: `token` is the first of `tile` tokens, `chunk` the first vec4 of the output, `base` q's first vec4 of
 * image and head.
 */
export const attentionMain = (tile: number, { chunkVectors, workgroupSize }: AttentionGradientVariant): string => wgsl`
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let vectors = parameters.headChannels / 4u;
  let chunks = (vectors + ${chunkVectors - 1}u) / ${chunkVectors}u;
  let tiles = (parameters.length + ${tile - 1}u) / ${tile}u;
  var index = workgroupIndex(group, groups) * ${workgroupSize}u + local;
  if (index >= parameters.batch * parameters.heads * tiles * chunks) { return; }
  let chunk = (index % chunks) * ${chunkVectors}u;
  index /= chunks;
  let token = (index % tiles) * ${tile}u;
  index /= tiles;
  let head = index % parameters.heads;
  let n = index / parameters.heads;
  let width = parameters.heads * vectors;
  let stride = 3u * width;
  let base = n * parameters.length * stride + head * vectors;
  let lastToken = parameters.length - 1u;
`;

/**
 * Scores s{i}_{j} = q·k·scale of query + i and key + j and, with `values`, g{i}_{j} = dy·v; both tokens are clamped to
 * the last one. Sees `query` and `key`.
 */
export const attentionScores = (queries: number, keys: number, values: boolean): string => wgsl`
${unroll(
  queries,
  (i) => `    let qAt${i} = base + min(query + ${i}u, lastToken) * stride;
    let dAt${i} = (n * parameters.length + min(query + ${i}u, lastToken)) * width + head * vectors;`,
)}
${unroll(keys, (j) => `    let kAt${j} = base + width + min(key + ${j}u, lastToken) * stride;`)}
${unroll(queries, (i) =>
  unroll(
    keys,
    (j) => `    var s${i}_${j} = 0.0;
    var g${i}_${j} = 0.0;`,
  ),
)}
    for (var d = 0u; d < vectors; d++) {
${unroll(
  queries,
  (i) => `      let q${i} = load_qkv(qAt${i} + d);
${values ? `      let dy${i} = load_dy(dAt${i} + d);` : ""}`,
)}
${unroll(
  keys,
  (j) => `      let k${j} = load_qkv(kAt${j} + d);
${values ? `      let v${j} = load_qkv(kAt${j} + width + d);` : ""}
${unroll(
  queries,
  (i) => `      s${i}_${j} += dot(q${i}, k${j});
${values ? `      g${i}_${j} += dot(dy${i}, v${j});` : ""}`,
)}`,
)}
    }
${unroll(queries, (i) => unroll(keys, (j) => `    s${i}_${j} *= parameters.scale;`))}
`;
