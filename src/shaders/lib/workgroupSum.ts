/** WGSL of `total`: the sum of all threads' values, in one order, for each of them. */
import { unroll } from "../../engine/wgsl.ts";

/** @param threads of the workgroup, a power of two above 1 */
export const workgroupSum = (threads: number): string => `var<workgroup> ofThreads: array<f32, ${threads}>;

fn total(member: u32, value: f32) -> f32 {
  ofThreads[member] = value;
${unroll(
  Math.log2(threads),
  (k) => `  workgroupBarrier();
  if (member < ${threads >> (k + 1)}u) { ofThreads[member] += ofThreads[member + ${threads >> (k + 1)}u]; }`,
)}
  workgroupBarrier();
  let sum = ofThreads[0];
  workgroupBarrier();
  return sum;
}`;
