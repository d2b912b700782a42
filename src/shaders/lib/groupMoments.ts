/**
 * Mean and standard deviation of a group from the chunks' statistics (`groupNormPartials`), with what the timestep's
 * embedding adds to each channel before the norm. Shared by the norm and its gradient. Two passes over the partials
 * (mean first) lose less than merging running variances.
 */
import { readScalar, readScalarOptional } from "../../engine/kernel.ts";
import { wgsl } from "../../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./elementwise.ts";
import { workgroupSum } from "./workgroupSum.ts";

export const groupMomentsBindings = { partials: readScalar, embedding: readScalarOptional } as const;

export const groupMomentsParameters = {
  batch: "u32",
  pixels: "u32",
  channels: "u32",
  groups: "u32",
  chunks: "u32",
  chunkPixels: "u32",
  /** Floats of one image's row of the embedding, and where this layer's projection begins in it. */
  embeddingStride: "u32",
  embeddingOffset: "u32",
  epsilon: "f32",
} as const;

export interface GroupMomentsVariant {
  readonly embedding: "none" | "scaleShift" | "add";
  /** Threads that share a group, a power of two; 1: no workgroup memory. */
  readonly threads: number;
}

/** Threads that share a group, for each kind of adapter. */
export const groupThreads = { cpu: 1, gpu: 64 } as const;

export function groupWorkgroups(
  { batch, groups }: Readonly<Record<"batch" | "groups", number>>,
  { threads }: GroupMomentsVariant,
): number {
  return threads === 1 ? elementwiseWorkgroups(batch * groups) : batch * groups;
}

/** A loop over the group's channels `c` and chunks; several threads take every so many of both. */
const eachStatistic = (threads: number, body: string): string =>
  threads === 1
    ? `  for (var c = begin; c < begin + width; c++) {
    for (var chunk = 0u; chunk < parameters.chunks; chunk++) { ${body} }
  }`
    : `  for (var at = member; at < width * parameters.chunks; at += ${threads}u) {
    let c = begin + at % width;
    let chunk = at / width;
    ${body}
  }`;

/** The same for what depends on the channel alone: statements that write it. */
export const eachChannel = ({ threads }: GroupMomentsVariant, body: string): string =>
  `  for (var c = begin + member; c < begin + width; c += ${threads}u) { ${body} }`;

/** Statements that add up `names` over the group's statistics in one walk; `body` is what each adds, as statements. */
export const sumOverGroup = ({ threads }: GroupMomentsVariant, names: readonly string[], body: string): string => `
${names.map((name) => `  var ${name} = 0.0;`).join("\n")}
${eachStatistic(threads, body)}
${names.map((name) => `  ${name} = total(member, ${name});`).join("\n")}`;

/**
 * WGSL of `statistic` (where a channel's mean, 0, or squares, 1, lie in partials), `chunkCount`, `added` (to a channel
 * before the norm), `total` (of all threads' values, in one order) and the beginning of `main`, after which image `n`,
 * `row` of the embedding, the group's channels `begin` … `begin + width`, its `mean` and `rate`, 1/deviation, are
 * there.
 */
export const groupMain = (variant: GroupMomentsVariant): string => wgsl`
fn statistic(n: u32, chunk: u32, c: u32, which: u32) -> u32 {
  return (((n * parameters.chunks + chunk) * (parameters.channels / 4u) + c / 4u) * 2u + which) * 4u + c % 4u;
}

fn chunkCount(chunk: u32) -> f32 {
  return f32(min(parameters.chunkPixels, parameters.pixels - chunk * parameters.chunkPixels));
}

fn added(row: u32, c: u32) -> f32 {
#if ${variant.embedding === "add"}
  return embedding[row + c];
#else
  return 0.0;
#endif
}

#if ${variant.threads > 1}
${workgroupSum(variant.threads)}

@compute @workgroup_size(${variant.threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) member: u32) {
  let index = workgroupIndex(group, groups);
  if (index >= parameters.batch * parameters.groups) { return; }
#else
fn total(member: u32, value: f32) -> f32 { return value; }
${elementwiseMain("parameters.batch * parameters.groups")}
  let member = 0u;
#endif
  let n = index / parameters.groups;
  let width = parameters.channels / parameters.groups;
  let begin = (index % parameters.groups) * width;
  let row = n * parameters.embeddingStride + parameters.embeddingOffset;
${sumOverGroup(variant, ["mean"], "mean += (partials[statistic(n, chunk, c, 0u)] + added(row, c)) * (chunkCount(chunk) / f32(parameters.pixels));")}
  mean /= f32(width);
${sumOverGroup(
  variant,
  ["squares"],
  `let d = partials[statistic(n, chunk, c, 0u)] + added(row, c) - mean;
      squares += partials[statistic(n, chunk, c, 1u)] + d * d * chunkCount(chunk);`,
)}
  let rate = 1.0 / sqrt(squares / f32(width * parameters.pixels) + parameters.epsilon);
`;
