/** The entry point of kernels that compute one vec4 a thread: `index` runs over `count` vec4s. */
import { wgsl } from "../../engine/wgsl.ts";

const elementwiseWorkgroup = 64;

export const elementwiseWorkgroups = (count: number): number => Math.ceil(count / elementwiseWorkgroup);

/** Opens `main`; the body that follows sees `index` and closes the brace. `count` is a WGSL expression. */
export const elementwiseMain = (count: string): string => wgsl`
@compute @workgroup_size(${elementwiseWorkgroup})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let index = workgroupIndex(group, groups) * ${elementwiseWorkgroup}u + local;
  if (index >= ${count}) { return; }
`;
