/** The derivative of SiLU: σ(z)·(1 + z·(1 − σ(z))). The exponent is kept below overflow, as in `silu`. */
import { wgsl } from "../../engine/wgsl.ts";

export const siluGradient = wgsl`
fn siluGradient(z: vec4<f32>) -> vec4<f32> {
  let s = 1.0 / (1.0 + exp(min(-z, vec4<f32>(80.0))));
  return s * (1.0 + z * (1.0 - s));
}
`;
