/**
 * The Gaussian diffusion in float64: betas, respacing, and the coefficients of a reverse step, of noising the known
 * region and of a climb. Numbers only.
 * Not here: the order of the steps (schedule.ts, transitions.ts), and anything that touches an image.
 *
 * Index k is a respaced step, 0 … steps − 1, from clean to noisy; alphaBar[k] is the share of signal in x_k, so x_k is
 * the paper's x_{k+1} and a time of −1 is the finished image. Vectors have one entry a respaced step.
 */
import type { Prediction } from "../checkpoints/config.ts";
import { InputError } from "../errors.ts";
import { respacedTimesteps } from "./respacing.ts";
import type { Schedule } from "./schedule.ts";

type NoiseSchedule = "linear" | "cosine";

/** How a DDPM step's variance is made: from the network's second three channels, or fixed. */
type VarianceType = "learned-range" | "fixed-large" | "fixed-small";

/** What a reverse step is: DDPM's, or DDIM's, whose variance is η's and the schedule's. */
export type ReverseRule =
  { readonly kind: "ddpm"; readonly variance: VarianceType } | { readonly kind: "ddim"; readonly eta: number };

export interface DiffusionOptions {
  noiseSchedule: NoiseSchedule;
  /** N, the number of steps that the model was trained with; 21 … 100,000 (cosine: from 1). */
  diffusionSteps: number;
  /** guided-diffusion's timestep_respacing; see respacedTimesteps. Default "": every step. */
  respacing?: string;
  /** The model receives timesteps scaled to 0 … 1000, whatever N is. Default false. */
  rescaleTimesteps?: boolean;
}

export interface Diffusion {
  /** The number of respaced steps: the length of every vector here. */
  readonly steps: number;
  readonly diffusionSteps: number;
  /** The original timestep of each respaced step, rising. */
  readonly timestepMap: readonly number[];
  /** What the model receives at each step: the original timestep, times 1000/N with rescaleTimesteps. */
  readonly modelTimesteps: Float64Array;
  readonly betas: Float64Array;
  readonly alphaBar: Float64Array;
  /** alphaBar of the step below; 1 below step 0. */
  readonly alphaBarPrevious: Float64Array;
  /** √(1/ᾱ) and √(1/ᾱ − 1): x̂₀ = first·x − second·ε. */
  readonly sqrtRecipAlphaBar: Float64Array;
  readonly sqrtRecipMinusOneAlphaBar: Float64Array;
  /** The mean of q(x_{k−1} | x_k, x₀) = first·x₀ + second·x_k (DDPM, eq. 7). */
  readonly posteriorMeanCoefficientX0: Float64Array;
  readonly posteriorMeanCoefficientXt: Float64Array;
  /** β̃, 0 at step 0. */
  readonly posteriorVariance: Float64Array;
  /** ln β̃ with β̃[0] replaced by β̃[1], since ln 0 is none: fixed-small, and learned-range's lower end. */
  readonly posteriorLogVarianceClipped: Float64Array;
  /** ln β: learned-range's upper end. */
  readonly logBetas: Float64Array;
  /** ln [β̃₁, β₁, β₂, …]: fixed-large. */
  readonly fixedLargeLogVariance: Float64Array;
}

/** x̂₀ = startFromX·x − startFromOut·out, with the network's output. */
export interface StartCoefficients {
  readonly startFromX: number;
  readonly startFromOut: number;
}

/** The numbers of one reverse step k → k − 1, after x̂₀. */
export interface ReverseCoefficients {
  /** mean = meanX0·x̂₀ + meanXt·x, with x̂₀ clipped to ±1 or not: the posterior's, or DDIM's. */
  readonly meanX0: number;
  readonly meanXt: number;
  /** logVariance = f·max + (1 − f)·min with f = (v + 1)/2 for learned-range; equal to each other where it is fixed. */
  readonly minLogVariance: number;
  readonly maxLogVariance: number;
  /** x_{k−1} = mean + noiseScale·exp(logVariance/2)·z: 0 where the mean is the result (k = 0, η = 0), 1 elsewhere. */
  readonly noiseScale: 0 | 1;
}

/** Along the gradient g: x̂₀ += guidanceX0·g, after its clip, and mean += guidanceMean·variance·g. */
export interface GuidanceCoefficients {
  readonly guidanceX0: number;
  readonly guidanceMean: number;
}

/** x ← signal·x + noise·z with z standard normal. */
export interface NoisingCoefficients {
  readonly signal: number;
  readonly noise: number;
}

const MAX_DIFFUSION_STEPS = 100_000;

/**
 * The diffusion of a trained model, shortened by its respacing: β′_k = 1 − ᾱ_{τ(k)}/ᾱ_{τ(k−1)}.
 * Sources: DDPM (Ho 2020) for linear betas and the posterior, Improved DDPM (Nichol & Dhariwal 2021, eq. 15–17) for
 * cosine ones, learned-range and respacing. The arithmetic is in guided-diffusion's order: β′ of the first steps is a
 * difference of nearly equal numbers, and another order would change its last four digits.
 * Throws InputError for an unknown noise schedule, a number of steps it has no betas for, or a bad respacing.
 */
export function createDiffusion(options: DiffusionOptions): Diffusion {
  const { noiseSchedule, diffusionSteps, respacing = "", rescaleTimesteps = false } = options;
  const originalAlphaBar = cumulativeProduct(originalBetas(noiseSchedule, diffusionSteps));
  const timestepMap = respacedTimesteps(diffusionSteps, respacing);
  const scale = rescaleTimesteps ? 1000 / diffusionSteps : 1;

  let last = 1;
  const betas = Float64Array.from(timestepMap, (timestep) => {
    const beta = 1 - originalAlphaBar[timestep]! / last;
    last = originalAlphaBar[timestep]!;
    return beta;
  });
  const alphaBar = cumulativeProduct(betas);
  const alphaBarPrevious = alphaBar.map((_, k) => (k === 0 ? 1 : alphaBar[k - 1]!));
  const posteriorVariance = betas.map((beta, k) => (beta * (1 - alphaBarPrevious[k]!)) / (1 - alphaBar[k]!));
  // A run of one step has no β̃₁; its only step adds no noise, so any finite number serves.
  const firstVariance = posteriorVariance[1] ?? betas[0]!;
  return {
    steps: betas.length,
    diffusionSteps,
    timestepMap,
    modelTimesteps: Float64Array.from(timestepMap, (timestep) => timestep * scale),
    betas,
    alphaBar,
    alphaBarPrevious,
    sqrtRecipAlphaBar: alphaBar.map((a) => Math.sqrt(1 / a)),
    sqrtRecipMinusOneAlphaBar: alphaBar.map((a) => Math.sqrt(1 / a - 1)),
    posteriorMeanCoefficientX0: betas.map((b, k) => (b * Math.sqrt(alphaBarPrevious[k]!)) / (1 - alphaBar[k]!)),
    posteriorMeanCoefficientXt: betas.map(
      (b, k) => ((1 - alphaBarPrevious[k]!) * Math.sqrt(1 - b)) / (1 - alphaBar[k]!),
    ),
    posteriorVariance,
    posteriorLogVarianceClipped: posteriorVariance.map((v, k) => Math.log(k === 0 ? firstVariance : v)),
    logBetas: betas.map((b) => Math.log(b)),
    fixedLargeLogVariance: betas.map((b, k) => Math.log(k === 0 ? firstVariance : b)),
  };
}

/**
 * x̂₀ of step k from what the network predicts: ε, x₀ itself, or v = √ᾱ·ε − √(1 − ᾱ)·x₀ (Salimans & Ho 2022,
 * Appendix D), with which x̂₀ = √ᾱ·x − √(1 − ᾱ)·v. Throws RangeError for a k that is no step of the diffusion.
 */
export function startCoefficients(diffusion: Diffusion, k: number, prediction: Prediction): StartCoefficients {
  const { signal, noise } = forwardCoefficients(diffusion, k);
  if (prediction === "xStart") return { startFromX: 0, startFromOut: -1 };
  if (prediction === "v") return { startFromX: signal, startFromOut: noise };
  return {
    startFromX: at(diffusion.sqrtRecipAlphaBar, k),
    startFromOut: at(diffusion.sqrtRecipMinusOneAlphaBar, k),
  };
}

/** The numbers of the reverse step k → k − 1. Throws RangeError for a k that is no step of the diffusion. */
export function reverseCoefficients(diffusion: Diffusion, k: number, rule: ReverseRule): ReverseCoefficients {
  return rule.kind === "ddim"
    ? ddimCoefficients(diffusion, k, rule.eta)
    : ddpmCoefficients(diffusion, k, rule.variance);
}

/** The posterior's mean with one of the variances that DDPM and Improved DDPM have. */
function ddpmCoefficients(diffusion: Diffusion, k: number, variance: VarianceType): ReverseCoefficients {
  const lower = variance === "fixed-large" ? "fixedLargeLogVariance" : "posteriorLogVarianceClipped";
  const upper = variance === "learned-range" ? "logBetas" : lower;
  return {
    meanX0: at(diffusion.posteriorMeanCoefficientX0, k),
    meanXt: at(diffusion.posteriorMeanCoefficientXt, k),
    minLogVariance: at(diffusion[lower], k),
    maxLogVariance: at(diffusion[upper], k),
    noiseScale: k === 0 ? 0 : 1,
  };
}

/**
 * Classifier guidance of the reverse step from k, of scale s along g = ∇ₓ log p(y | x_k). DDPM: mean += s·Σ·g, with the
 * Σ of the step (Dhariwal & Nichol 2021, Algorithm 1). DDIM (Algorithm 2): ε̂ = ε − √(1 − ᾱ)·s·g; ε̂'s x̂₀ is x̂₀ + (1
 * − ᾱ)/√ᾱ·s·g, and the step is linear in it. As guided-diffusion does, x̂₀ is not clipped again. Throws RangeError for
 * a k that is no step of the diffusion.
 */
export function guidanceCoefficients(
  diffusion: Diffusion,
  k: number,
  rule: ReverseRule,
  scale: number,
): GuidanceCoefficients {
  if (rule.kind === "ddim") return { guidanceX0: epsilonGuidance(diffusion, k, scale), guidanceMean: 0 };
  at(diffusion.alphaBar, k);
  // β̃[0] is 0; its logarithm is another's, for the noise that the last step does not take.
  return { guidanceX0: 0, guidanceMean: k === 0 && rule.variance === "fixed-small" ? 0 : scale };
}

/**
 * What a gradient of scale `scale` that moves ε adds to x̂₀, times the gradient (Dhariwal & Nichol 2021, Algorithm 2).
 */
export function epsilonGuidance(diffusion: Diffusion, k: number, scale: number): number {
  const alphaBar = at(diffusion.alphaBar, k);
  return (scale * (1 - alphaBar)) / Math.sqrt(alphaBar);
}

/**
 * DDIM's step (Song, Meng & Ermon 2021, eq. 12 and 16): x_{k−1} = √ᾱ₋·x̂₀ + √(1 − ᾱ₋ − σ²)·ε + σz with
 * σ = η·√((1 − ᾱ₋)/(1 − ᾱ))·√(1 − ᾱ/ᾱ₋). As guided-diffusion does, ε is the one that belongs to the clipped x̂₀,
 * (x − √ᾱ·x̂₀)/√(1 − ᾱ); so the step is linear in x̂₀ and x, and the posterior's kernel takes it. η = 1 is DDPM with
 * fixed-small variance.
 */
function ddimCoefficients(diffusion: Diffusion, k: number, eta: number): ReverseCoefficients {
  const alphaBar = at(diffusion.alphaBar, k);
  const previous = at(diffusion.alphaBarPrevious, k);
  const variance = ((eta * eta * (1 - previous)) / (1 - alphaBar)) * (1 - alphaBar / previous);
  const meanXt = Math.sqrt(Math.max(0, 1 - previous - variance) / (1 - alphaBar));
  const logVariance = Math.log(Math.max(variance, Number.MIN_VALUE));
  return {
    meanX0: Math.sqrt(previous) - meanXt * Math.sqrt(alphaBar),
    meanXt,
    minLogVariance: logVariance,
    maxLogVariance: logVariance,
    noiseScale: variance > 0 ? 1 : 0,
  };
}

/**
 * x_k from a clean image: √ᾱ_k·x₀ + √(1 − ᾱ_k)·z, for the known region (RePaint, eq. 8a).
 * Throws RangeError for a k that is no step of the diffusion.
 */
export function forwardCoefficients(diffusion: Diffusion, k: number): NoisingCoefficients {
  const alphaBar = at(diffusion.alphaBar, k);
  return { signal: Math.sqrt(alphaBar), noise: Math.sqrt(1 - alphaBar) };
}

/**
 * The climb from x_from to x_to in one draw: its single steps are Gaussian, so they compose to
 * √∏(1 − β)·x + √(1 − ∏(1 − β))·z. With `beta: "target"` (default, the program and section 4.2 of RePaint) the step
 * i → i + 1 has β_{i+1} and x_to has exactly the noise of its level; with `"source"` (the listing of Algorithm 1) β_i.
 * Throws RangeError unless 0 ≤ from < to < steps.
 */
export function climbCoefficients(
  diffusion: Diffusion,
  from: number,
  to: number,
  options: { beta?: "target" | "source" } = {},
): NoisingCoefficients {
  if (!(from < to)) throw new RangeError(`a climb must rise, got ${from} to ${to}`);
  const shift = options.beta === "source" ? 0 : 1;
  at(diffusion.betas, to);
  let signal = 1;
  // 1 − ∏(1 − β) as a sum of positive terms; the difference would lose the digits of a small β.
  let variance = 0;
  for (let i = from; i < to; i++) {
    const beta = at(diffusion.betas, i + shift);
    signal *= 1 - beta;
    variance = (1 - beta) * variance + beta;
  }
  return { signal: Math.sqrt(signal), noise: Math.sqrt(variance) };
}

/**
 * Refuses a schedule whose steps are not the diffusion's. A recorded list of times has steps = times[0] + 1.
 * Throws InputError.
 */
export function requireSteps(diffusion: Diffusion, schedule: Pick<Schedule, "steps">): void {
  if (schedule.steps === diffusion.steps) return;
  throw new InputError(
    `the schedule has ${schedule.steps} steps but the respaced diffusion has ${diffusion.steps}, so the run would ` +
      `start from pure noise at a step that expects another noise level; ` +
      `set the respacing to "${schedule.steps}" or the schedule's steps to ${diffusion.steps}`,
  );
}

function originalBetas(noiseSchedule: NoiseSchedule, steps: number): Float64Array {
  if (!Number.isInteger(steps) || steps < 1 || steps > MAX_DIFFUSION_STEPS) {
    throw new InputError(`the diffusion steps must be an integer from 1 to ${MAX_DIFFUSION_STEPS}, got ${steps}`);
  }
  switch (noiseSchedule) {
    case "linear":
      return linearBetas(steps);
    case "cosine":
      return cosineBetas(steps);
    default:
      throw new InputError(`the noise schedule must be "linear" or "cosine", got ${JSON.stringify(noiseSchedule)}`);
  }
}

/** DDPM's betas for 1000 steps, scaled so that other numbers of steps end at about the same ᾱ. */
function linearBetas(steps: number): Float64Array {
  const scale = 1000 / steps;
  const first = scale * 1e-4;
  const last = scale * 0.02;
  if (last >= 1) {
    throw new InputError(
      `the linear noise schedule needs at least 21 diffusion steps, got ${steps}; give the number that the model was ` +
        `trained with (most have 1000), and shorten the run by respacing`,
    );
  }
  const increment = (last - first) / (steps - 1);
  return Float64Array.from({ length: steps }, (_, i) => (i === steps - 1 ? last : i * increment + first));
}

function cosineBetas(steps: number): Float64Array {
  const alphaBar = (s: number) => Math.cos((((s + 0.008) / 1.008) * Math.PI) / 2) ** 2;
  return Float64Array.from({ length: steps }, (_, i) =>
    Math.min(1 - alphaBar((i + 1) / steps) / alphaBar(i / steps), 0.999),
  );
}

/** ∏(1 − β) up to each step. */
function cumulativeProduct(betas: Float64Array): Float64Array {
  let product = 1;
  return betas.map((beta) => (product *= 1 - beta));
}

function at(values: Float64Array, k: number): number {
  const value = values[k];
  if (value === undefined) throw new RangeError(`step ${k} is not one of the diffusion's ${values.length} steps`);
  return value;
}
