/**
 * Sine and cosine that are the same on every adapter to an ulp or two: WGSL only promises an absolute error of 2⁻¹¹,
 * and SwiftShader's are off by 2e-5. Quadrant reduction, then the Taylor polynomials on [−π/4, π/4].
 */
import { wgsl } from "../../engine/wgsl.ts";

export const trigonometry = wgsl`
/** (cos, sin) of r + quadrant·π/2 for |r| ≤ π/4. */
fn cosSinReduced(r: f32, quadrant: u32) -> vec2<f32> {
  let z = r * r;
  let s = r + r * z * (-1.6666667e-1 + z * (8.3333333e-3 + z * (-1.9841270e-4 + z * 2.7557319e-6)));
  let c = 1.0 + z * (-0.5 + z * (4.1666667e-2 + z * (-1.3888889e-3 + z * (2.4801587e-5 - z * 2.7557319e-7))));
  switch (quadrant & 3u) {
    case 0u: { return vec2<f32>(c, s); }
    case 1u: { return vec2<f32>(-s, c); }
    case 2u: { return vec2<f32>(-c, -s); }
    default: { return vec2<f32>(s, -c); }
  }
}

/** (cos, sin) of x radians, 0 ≤ x < 10⁴: π/2 is taken off in three parts whose products are exact (Cody and Waite). */
fn cosSin(x: f32) -> vec2<f32> {
  let k = floor(x * 0.63661977 + 0.5);
  let r = ((x - k * 1.5703125) - k * 4.837512969970703125e-4) - k * 7.54978995489188216e-8;
  return cosSinReduced(r, u32(k));
}

/** (cos, sin) of 2π·turns for 0 ≤ turns ≤ 1. */
fn cosSinTurns(turns: f32) -> vec2<f32> {
  let k = floor(turns * 4.0 + 0.5);
  return cosSinReduced((turns - k * 0.25) * 6.2831853, u32(k));
}
`;
