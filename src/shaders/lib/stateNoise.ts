/**
 * The noise of the state in a sampler's kernel: from a buffer where one is bound, else generated from the image's seed.
 */
import { wgsl } from "../../engine/wgsl.ts";
import { stream } from "./philox.ts";

/** WGSL of `noiseOf`. Needs `philox` before it, and the parameters `vectors` and `draw`. */
export function stateNoise(has: { noise: boolean }): string {
  return wgsl`
fn noiseOf(index: u32) -> vec4<f32> {
#if ${has.noise}
  return load_noise(index);
#else
  let n = index / parameters.vectors;
  return normals(vec2<u32>(seeds[2u * n], seeds[2u * n + 1u]), index % parameters.vectors, parameters.draw, ${stream.unknown}u);
#endif
}
`;
}
