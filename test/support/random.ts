/** Seeded numbers for test data: the same on every machine. */

/** A generator of uniform numbers in [0, 1) (mulberry32). */
export function uniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * `length` values around `mean` with standard deviation `deviation` (a sum of four uniforms: bounded, nearly normal).
 */
export function values(length: number, seed: number, { mean = 0, deviation = 1 } = {}): Float64Array {
  const next = uniform(seed * 7919 + length);
  return Float64Array.from({ length }, () => mean + deviation * Math.sqrt(3) * (next() + next() + next() + next() - 2));
}
