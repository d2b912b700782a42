/**
 * Seeded random numbers on the host: the same on every machine and in every engine, since they are integers and one
 * division by a power of two. For masks and resampled statistics; the sampler's noise is made on the device.
 */

const words = (1n << 64n) - 1n;

/** SplitMix64 (Steele, Lea & Flood 2014): the 64-bit words of a seed of 0 … 2⁶⁴ − 1, in order. */
export function splitMix64(seed: bigint): () => bigint {
  let state = seed & words;
  return () => {
    state = (state + 0x9e3779b97f4a7c15n) & words;
    let z = state;
    z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & words;
    z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & words;
    return z ^ (z >> 31n);
  };
}

/** Uniform numbers in [0, 1), multiples of 2⁻⁵³. */
export function uniforms(seed: bigint): () => number {
  const next = splitMix64(seed);
  return () => Number(next() >> 11n) / 2 ** 53;
}

/**
 * Uniform 32-bit words of a counter, hashed (lowbias32 of Wellons' hash-prospector): tens of times faster than 64-bit
 * words, for resampled statistics, which draw hundreds of millions.
 */
export function quickWords(seed: number): () => number {
  let counter = seed | 0;
  return () => {
    counter = (counter + 0x9e3779b9) | 0;
    let x = counter ^ (counter >>> 16);
    x = Math.imul(x, 0x7feb352d);
    x ^= x >>> 15;
    x = Math.imul(x, 0x846ca68b);
    return (x ^ (x >>> 16)) >>> 0;
  };
}
