/** What every sampler's kernel begins with after a call of the network: x̂₀, from whatever it predicts. */
import { wgsl } from "../../engine/wgsl.ts";

/** WGSL of `outputs`. Needs the parameters `channels` and `outStride`. */
export const networkOutputs = wgsl`
/** Four channels of the network's output from \`first\` on; padding lanes read as 0. */
fn outputs(pixel: u32, first: u32, channel: u32) -> vec4<f32> {
  var v = vec4<f32>(0.0);
  for (var lane = 0u; lane < 4u; lane++) {
    if (channel + lane < parameters.channels) { v[lane] = out[pixel * parameters.outStride + first + channel + lane]; }
  }
  return v;
}
`;

/**
 * Statements at the head of a kernel's main: `pixel`, `channel`, `state` (x) and `start` (x̂₀, stored as xStart), and
 * `gradient` where there is one. Needs the parameters `pixelVectors`, `startFromX`, `startFromOut` and `guidanceX0`.
 */
export function predictedStart({ clip }: { readonly clip: boolean }, has: { gradient: boolean }): string {
  return wgsl`  let pixel = index / parameters.pixelVectors;
  let channel = (index % parameters.pixelVectors) * 4u;
  let state = load_x(index);
  let predicted = outputs(pixel, 0u, channel);
  var start = parameters.startFromX * state - parameters.startFromOut * predicted;
#if ${clip}
  start = clamp(start, vec4<f32>(-1.0), vec4<f32>(1.0));
#endif
#if ${has.gradient}
  let gradient = load_gradient(index);
  start += parameters.guidanceX0 * gradient;
#endif
  store_xStart(index, start);`;
}
