/**
 * Sums over a chunk of pixels, for each vec4 of channels: the entry point of kernels that make statistics for a norm.
 * On processors a thread sums a chunk alone; on GPUs that would leave most of them idle, and `lanes` threads share it.
 */
import { unroll, wgsl } from "../../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./elementwise.ts";

/** vec4s of channels side by side in a workgroup of several lanes: what a GPU reads at once. */
const columns = 16;

/** Threads that share a chunk, for each kind of adapter. */
export const chunkLanes = { cpu: 1, gpu: 16 } as const;

export interface ChunkVariant {
  /** Threads that share a chunk, a power of two; 1: no workgroup memory. */
  readonly lanes: number;
}

export function chunkWorkgroups(
  { batch, chunks, channels }: Readonly<Record<"batch" | "chunks" | "channels", number>>,
  { lanes }: ChunkVariant,
): number {
  if (lanes === 1) return elementwiseWorkgroups((batch * chunks * channels) / 4);
  return batch * chunks * Math.ceil(channels / 4 / columns);
}

/**
 * Opens `main`: the body sees the image `n`, the vec4 of channels `c` of `vectors`, `index` of it and the chunk, the
 * pixels `begin` … `end` of the chunk, its own first pixel `first`, and from one to the next `step`. `channels` is a
 * WGSL expression; `sums` names the variables that `mergeLanes` adds up. Excess threads work on the last chunk and
 * store nothing: a barrier allows no early return.
 */
export const chunkMain = (channels: string, { lanes }: ChunkVariant, sums: readonly string[]): string =>
  lanes === 1
    ? wgsl`
${elementwiseMain(`parameters.batch * parameters.chunks * (${channels}) / 4u`)}
  let vectors = (${channels}) / 4u;
  let c = index % vectors;
  let chunk = (index / vectors) % parameters.chunks;
  let n = index / vectors / parameters.chunks;
  let begin = chunk * parameters.chunkPixels;
  let end = min(begin + parameters.chunkPixels, parameters.pixels);
  let first = begin;
  let step = 1u;
`
    : wgsl`
${sums.map((name) => `var<workgroup> ${name}OfLanes: array<vec4<f32>, ${columns * lanes}>;`).join("\n")}

@compute @workgroup_size(${columns * lanes})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let vectors = (${channels}) / 4u;
  let tiles = (vectors + ${columns - 1}u) / ${columns}u;
  let last = parameters.batch * parameters.chunks * tiles - 1u;
  let wantedTile = workgroupIndex(group, groups);
  let tile = min(wantedTile, last);
  let wantedVector = tile % tiles * ${columns}u + local % ${columns}u;
  let wanted = wantedTile <= last && wantedVector < vectors;
  let c = min(wantedVector, vectors - 1u);
  let chunk = tile / tiles % parameters.chunks;
  let n = tile / tiles / parameters.chunks;
  let index = (n * parameters.chunks + chunk) * vectors + c;
  let begin = chunk * parameters.chunkPixels;
  let end = min(begin + parameters.chunkPixels, parameters.pixels);
  let first = begin + local / ${columns}u;
  let step = ${lanes}u;
`;

/** Adds the lanes' sums up, in one order; only threads that store go on. */
export const mergeLanes = ({ lanes }: ChunkVariant, sums: readonly string[]): string =>
  lanes === 1
    ? ""
    : `
${sums.map((name) => `  ${name}OfLanes[local] = ${name};`).join("\n")}
${unroll(
  Math.log2(lanes),
  (k) => `  workgroupBarrier();
  if (local < ${(columns * lanes) >> (k + 1)}u) {
${sums.map((name) => `    ${name}OfLanes[local] += ${name}OfLanes[local + ${(columns * lanes) >> (k + 1)}u];`).join("\n")}
  }`,
)}
  if (local >= ${columns}u || !wanted) { return; }
${sums.map((name) => `  ${name} = ${name}OfLanes[local];`).join("\n")}
`;
