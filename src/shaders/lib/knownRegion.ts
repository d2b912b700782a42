/**
 * The half of RePaint's loop that looks at the picture: the known region, noised forward to the state's level, takes
 * the place of the state where the mask keeps it (RePaint, eq. 8a and 8c). Shared by the kernels that end a transition.
 */
import { readOptional, readScalarOptional } from "../../engine/kernel.ts";
import { wgsl } from "../../engine/wgsl.ts";
import { stream } from "./philox.ts";
import { stateNoise } from "./stateNoise.ts";

/**
 * Bindings that a kernel needs for it. Without `known` nothing is blended; without noise buffers noise is generated.
 */
export const knownRegionBindings = {
  seeds: readScalarOptional,
  known: readOptional,
  keep: readScalarOptional,
  knownNoise: readOptional,
} as const;

export const knownRegionParameters = {
  images: "u32",
  /** vec4s of one image: pixels × padded channels / 4. */
  vectors: "u32",
  /** vec4s of one pixel. */
  pixelVectors: "u32",
  draw: "u32",
  /** Whether this transition blends, and √ᾱ and √(1−ᾱ) of the level it blends at. */
  blend: "u32",
  blendSignal: "f32",
  blendNoise: "f32",
} as const;

/** WGSL of `noiseOf` (the noise of the state) and `blended`. */
export function knownRegion(has: { seeds: boolean; known: boolean; knownNoise: boolean; noise: boolean }): string {
  return wgsl`${stateNoise(has)}
fn blended(index: u32, state: vec4<f32>) -> vec4<f32> {
#if ${has.known}
  if (parameters.blend == 0u) { return state; }
#if ${has.knownNoise}
  let noise = load_knownNoise(index);
#else
  let n = index / parameters.vectors;
  let noise = normals(vec2<u32>(seeds[2u * n], seeds[2u * n + 1u]), index % parameters.vectors, parameters.draw, ${stream.known}u);
#endif
  let k = keep[index / parameters.pixelVectors];
  return k * (parameters.blendSignal * load_known(index) + parameters.blendNoise * noise) + (1.0 - k) * state;
#else
  return state;
#endif
}
`;
}
