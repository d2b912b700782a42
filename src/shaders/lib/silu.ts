/**
 * SiLU, x·sigmoid(x). The exponent is kept below overflow: x / ∞ is right (−0) but f32 infinity is not promised by
 * WGSL.
 */
import { wgsl } from "../../engine/wgsl.ts";

export const silu = wgsl`
fn silu(v: vec4<f32>) -> vec4<f32> { return v / (1.0 + exp(min(-v, vec4<f32>(80.0)))); }
`;
