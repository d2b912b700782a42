/**
 * Counter-based normals: Philox 4×32-10 (Salmon et al., SC 2011) and Box–Muller. The key is an image's seed, the
 * counter says which element of which draw, so a number depends neither on the batch nor on the order of execution.
 * log, sine and cosine are our own polynomials, so that the same seed gives the same picture on every adapter.
 */
import { wgsl } from "../../engine/wgsl.ts";
import { trigonometry } from "./trigonometry.ts";

/** Which of the draws of one transition: they must never share counters. */
export const stream = { unknown: 0, known: 1 } as const;

export const philox = wgsl`${trigonometry}
/** The 64-bit product of two words, (low, high): WGSL has no wide multiply. */
fn multiplyWide(a: u32, b: u32) -> vec2<u32> {
  let a0 = a & 0xffffu; let a1 = a >> 16u;
  let b0 = b & 0xffffu; let b1 = b >> 16u;
  let low = a0 * b0;
  let middle = a1 * b0 + (low >> 16u);
  let carry = a0 * b1 + (middle & 0xffffu);
  return vec2<u32>((carry << 16u) | (low & 0xffffu), a1 * b1 + (middle >> 16u) + (carry >> 16u));
}

fn philox4x32(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var key = seed;
  for (var round = 0u; round < 10u; round++) {
    let p0 = multiplyWide(0xD2511F53u, c.x);
    let p1 = multiplyWide(0xCD9E8D57u, c.z);
    c = vec4<u32>(p1.y ^ c.y ^ key.x, p1.x, p0.y ^ c.w ^ key.y, p0.x);
    key += vec2<u32>(0x9E3779B9u, 0xBB67AE85u);
  }
  return c;
}

/** Natural logarithm of 0 < u < 1 to 1e-7: m·2^e with m around 1, then the series of atanh((m − 1)/(m + 1)). */
fn logUnit(u: f32) -> f32 {
  let bits = bitcast<u32>(u);
  let e = i32((bits + 0x4afb0du) >> 23u) - 127;
  let m = bitcast<f32>(bits - (u32(e) << 23u));
  let s = (m - 1.0) / (m + 1.0);
  let z = s * s;
  return f32(e) * 0.69314718 + 2.0 * s * (1.0 + z * (0.33333333 + z * (0.2 + z * (0.14285714 + z * 0.11111111))));
}

/** Two independent normals from two words. */
fn boxMuller(bits: vec2<u32>) -> vec2<f32> {
  // 23 bits and a half: exact in f32, never 0 or 1.
  let u = (vec2<f32>(bits >> vec2<u32>(9u)) + 0.5) * 1.1920928955078125e-7;
  return sqrt(-2.0 * logUnit(u.x)) * cosSinTurns(u.y);
}

/** Four normals for vec4 \`element\` of an image in draw \`draw\` of stream \`stream\`. */
fn normals(seed: vec2<u32>, element: u32, draw: u32, stream: u32) -> vec4<f32> {
  let bits = philox4x32(vec4<u32>(element, draw, stream, 0u), seed);
  return vec4<f32>(boxMuller(bits.xy), boxMuller(bits.zw));
}
`;
