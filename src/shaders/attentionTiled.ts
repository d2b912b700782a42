/**
 * Self-attention as `attention` computes it (streaming softmax, packed qkv), through workgroup memory, for GPUs and
 * heads of at most 64 channels: a workgroup takes `workgroupQueries` queries of one head and brings keys and values to
 * workgroup memory, `keys` at a time. Four threads share a query, each with every fourth key and a maximum of its own;
 * at the end they merge. Which thread has a query or a key depends neither on the batch nor on the dispatch.
 *
 * Twin: test/twins/attention.ts. Cases: test/kernelCases.ts. Planned by src/operators/attention/tiled.ts.
 */
import { defineKernel } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { attention, lowestScore } from "./attention.ts";

export interface TiledAttentionVariant {
  /** vec4s of a head. */
  readonly vectors: number;
  /** Keys of a tile, a multiple of 4. */
  readonly keys: number;
  readonly workgroupQueries: number;
  [key: string]: number;
}

/** Threads that share a query. */
export const members = 4;
/** vec4s of output that they exchange at once. */
const exchanged = 2;

export const attentionTiled = defineKernel<TiledAttentionVariant>()({
  name: "attentionTiled",
  bindings: attention.bindings,
  parameters: attention.parameters,
  workgroups: (p, { workgroupQueries }) => p.groups || p.batch * p.heads * Math.ceil(p.length / workgroupQueries),
  source: ({ header }, variant) => {
    const { vectors, keys, workgroupQueries } = variant;
    const threads = members * workgroupQueries;
    /** vec4s from one key of the tile to the next: the four members read four keys at once, from different banks. */
    const stride = vectors + 1;
    const own = keys / members;
    const each = (line: (d: number) => string) => unroll(vectors, line);
    const key = (line: (k: number) => string) => unroll(own, line);
    const all = Array.from({ length: own }, (_, k) => k);
    return wgsl`${header}
const lowest = ${lowestScore};

var<workgroup> keyTile: array<vec4<f32>, ${keys * stride}>;
var<workgroup> valueTile: array<vec4<f32>, ${keys * stride}>;
var<workgroup> maxima: array<f32, ${threads}>;
var<workgroup> totals: array<f32, ${threads}>;
var<workgroup> exchange: array<vec4<f32>, ${threads * exchanged}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let tiles = (parameters.length + ${workgroupQueries - 1}u) / ${workgroupQueries}u;
  // Excess workgroups of a folded count repeat the last one's work and store nothing: a barrier allows no early return.
  let last = parameters.batch * parameters.heads * tiles - 1u;
  let wantedGroup = parameters.firstGroup + workgroupIndex(group, groups);
  let index = min(wantedGroup, last);
  let head = index / tiles % parameters.heads;
  let n = index / tiles / parameters.heads;
  let member = local % ${members}u;
  let query = index % tiles * ${workgroupQueries}u + local / ${members}u;
  let wanted = wantedGroup <= last && query < parameters.length;
  let rowStride = 3u * parameters.heads * ${vectors}u;
  let qBase = n * parameters.length * rowStride + head * ${vectors}u;
  let kBase = qBase + parameters.heads * ${vectors}u;
  let toValue = parameters.heads * ${vectors}u;
  let q = qBase + min(query, parameters.length - 1u) * rowStride;
${each((d) => `  let q${d} = load_qkv(q + ${d}u) * parameters.scale;\n  var a${d} = vec4<f32>(0.0);`)}
  var maximum = lowest;
  var total = 0.0;
  for (var first = 0u; first < parameters.length; first += ${keys}u) {
    workgroupBarrier();
    for (var slot = local; slot < ${keys * vectors}u; slot += ${threads}u) {
      let token = kBase + min(first + slot / ${vectors}u, parameters.length - 1u) * rowStride + slot % ${vectors}u;
      let place = slot / ${vectors}u * ${stride}u + slot % ${vectors}u;
      keyTile[place] = load_qkv(token);
      valueTile[place] = load_qkv(token + toValue);
    }
    workgroupBarrier();
${key((k) => `    var s${k} = 0.0;`)}
${each((d) => key((k) => `    s${k} += dot(q${d}, keyTile[(${k * members}u + member) * ${stride}u + ${d}u]);`))}
${key((k) => `    s${k} = select(lowest, s${k}, first + ${k * members}u + member < parameters.length);`)}
    let next = max(maximum, ${all.map((k) => `s${k}`).reduce((a, b) => `max(${a}, ${b})`)});
    let rescale = exp(maximum - next);
    maximum = next;
${key((k) => `    let p${k} = select(0.0, exp(s${k} - next), first + ${k * members}u + member < parameters.length);`)}
    total = fma(total, rescale, ${all.map((k) => `p${k}`).join(" + ")});
${each((d) => `    a${d} *= rescale;\n${key((k) => `    a${d} = fma(vec4<f32>(p${k}), valueTile[(${k * members}u + member) * ${stride}u + ${d}u], a${d});`)}`)}
  }
  maxima[local] = maximum;
  totals[local] = total;
  workgroupBarrier();
  let firstMember = local - member;
  let highest = max(max(maxima[firstMember], maxima[firstMember + 1u]), max(maxima[firstMember + 2u], maxima[firstMember + 3u]));
  var sum = 0.0;
  for (var other = 0u; other < ${members}u; other++) { sum += totals[firstMember + other] * exp(maxima[firstMember + other] - highest); }
  let weight = exp(maximum - highest) / sum;
  let at = (n * parameters.length + query) * parameters.heads * ${vectors}u + head * ${vectors}u;
${unroll(
  Math.ceil(vectors / exchanged),
  (round) => `  {
${unroll(Math.min(exchanged, vectors - round * exchanged), (v) => `    exchange[local * ${exchanged}u + ${v}u] = a${round * exchanged + v} * weight;`)}
    workgroupBarrier();
    if (wanted && member < ${Math.min(exchanged, vectors - round * exchanged)}u) {
      let others = firstMember * ${exchanged}u + member;
      store_y(at + ${round * exchanged}u + member, exchange[others] + exchange[others + ${exchanged}u] + exchange[others + ${2 * exchanged}u] + exchange[others + ${3 * exchanged}u]);
    }
    workgroupBarrier();
  }`,
)}
}
`;
  },
});
