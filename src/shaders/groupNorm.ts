/**
 * GroupNorm of a small image in one dispatch: y = act(GN(x)), with the timestep's embedding folded in as
 * `groupNormAffine` does. A workgroup has a group, and its threads hold the group's values in registers, so that they
 * are read once: mean first, then the squares of what deviates from it. For groups of whole vec4s. Reads two tensors
 * side by side where the network concatenates, and writes them as one.
 *
 * Twin: test/twins/groupNorm.ts. Cases: test/kernelCases.ts. Planned by src/operators/groupNorm.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { silu } from "./lib/silu.ts";
import { workgroupSum } from "./lib/workgroupSum.ts";

export interface GroupNormVariant {
  readonly embedding: "none" | "scaleShift" | "add";
  readonly activation: "none" | "silu";
  /** Of the workgroup, a power of two above 1. */
  readonly threads: number;
  /** vec4s that a thread holds; threads × held: at least those of a group. */
  readonly held: number;
  [key: string]: string | number;
}

export const groupNorm = defineKernel<GroupNormVariant>()({
  name: "groupNorm",
  bindings: { x0: read, x1: readOptional, weight: read, bias: read, embedding: readOptional, y: write },
  parameters: {
    batch: "u32",
    pixels: "u32",
    channels0: "u32",
    channels1: "u32",
    groups: "u32",
    /** Floats of one image's row of the embedding, and where this layer's projection begins in it: multiples of 4. */
    embeddingStride: "u32",
    embeddingOffset: "u32",
    epsilon: "f32",
  },
  workgroups: ({ batch, groups }) => batch * groups,
  source: ({ header, has }, { embedding, activation, threads, held }) => {
    const each = (body: (k: number) => string) => unroll(held, body);
    return wgsl`${header}${silu}
${workgroupSum(threads)}

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) member: u32) {
  let index = workgroupIndex(group, groups);
  if (index >= parameters.batch * parameters.groups) { return; }
  let vectors0 = parameters.channels0 / 4u;
  let vectors = vectors0 + parameters.channels1 / 4u;
  let width = vectors / parameters.groups;
  let begin = (index % parameters.groups) * width;
  let n = index / parameters.groups;
  let row = (n * parameters.embeddingStride + parameters.embeddingOffset) / 4u;
  let count = width * parameters.pixels;
  var sum = vec4<f32>(0.0);
${each(
  (k) => wgsl`  let at${k} = member + ${k * threads}u;
  let inside${k} = at${k} < count;
  let c${k} = begin + at${k} % width;
  let pixel${k} = n * parameters.pixels + at${k} / width;
  var v${k} = vec4<f32>(0.0);
  if (inside${k}) {
#if ${has.x1}
    if (c${k} < vectors0) { v${k} = load_x0(pixel${k} * vectors0 + c${k}); }
    else { v${k} = load_x1(pixel${k} * (vectors - vectors0) + c${k} - vectors0); }
#else
    v${k} = load_x0(pixel${k} * vectors + c${k});
#endif
#if ${embedding === "add"}
    v${k} += load_embedding(row + c${k});
#endif
    sum += v${k};
  }`,
)}
  let mean = total(member, dot(sum, vec4<f32>(1.0))) / f32(4u * count);
  var squares = 0.0;
${each(
  (k) => `  v${k} -= mean;
  if (inside${k}) { squares += dot(v${k}, v${k}); }`,
)}
  let rate = 1.0 / sqrt(total(member, squares) / f32(4u * count) + parameters.epsilon);
${each(
  (k) => wgsl`  if (inside${k}) {
    var a = rate * load_weight(c${k});
    var b = load_bias(c${k});
#if ${embedding === "scaleShift"}
    let scale = 1.0 + load_embedding(row + c${k});
    a *= scale;
    b = b * scale + load_embedding(row + vectors + c${k});
#endif
    v${k} = fma(v${k}, a, b);
#if ${activation === "silu"}
    v${k} = silu(v${k});
#endif
    store_y(pixel${k} * vectors + c${k}, v${k});
  }`,
)}
}
`;
  },
});
