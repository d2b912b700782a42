/** The best answer that a network can give where its pictures are a Gaussian field. */

/**
 * E[ε | x] of x = √ᾱ·field + √(1 − ᾱ)·ε is √(1 − ᾱ)·(ᾱ·C + (1 − ᾱ)·I)⁻¹·x: the matrix, of a covariance C of so many
 * pixels.
 */
export function epsilonMatrix(covariance: Float64Array, pixels: number, alphaBar: number): Float32Array<ArrayBuffer> {
  return Float32Array.from(precisionMatrix(covariance, pixels, alphaBar), (value) => Math.sqrt(1 - alphaBar) * value);
}

/** (ᾱ·C + (1 − ᾱ)·I)⁻¹ */
export function precisionMatrix(covariance: Float64Array, pixels: number, alphaBar: number): Float64Array {
  const isDiagonal = (at: number) => Math.floor(at / pixels) === at % pixels;
  return inverse(
    covariance.map((c, at) => alphaBar * c + (isDiagonal(at) ? 1 - alphaBar : 0)),
    pixels,
  );
}

/** Of a symmetric positive matrix, by Gauss and Jordan in place: no pivoting is needed. */
function inverse(a: Float64Array, size: number): Float64Array {
  for (let k = 0; k < size; k++) {
    const pivot = 1 / a[k * size + k]!;
    a[k * size + k] = 1;
    for (let j = 0; j < size; j++) a[k * size + j]! *= pivot;
    for (let i = 0; i < size; i++) {
      const factor = a[i * size + k]!;
      if (i === k || factor === 0) continue;
      a[i * size + k] = 0;
      for (let j = 0; j < size; j++) a[i * size + j]! -= factor * a[k * size + j]!;
    }
  }
  return a;
}

/** The diffusion of such a network. */
export const settings = {
  diffusionSteps: 1000,
  noiseSchedule: "linear",
  timestepRespacing: "",
  learnSigma: false,
  sigmaSmall: true,
  predictXstart: false,
  rescaleTimesteps: false,
  rescaleLearnedSigmas: false,
  useKl: false,
} as const;
