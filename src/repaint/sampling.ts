/**
 * How a run is sampled, as data: which sampler, and its settings. Whoever starts a run, counts it or records it carries this
 * one object. Pure and small: pages import it. Not here: what a sampler computes (samplers/).
 */
import { InputError } from "../errors.ts";
import { countModelCalls, scheduleTimes, type Schedule } from "./schedule.ts";

/**
 * program: the known region is noised to the level at which the network is called next; x̂₀ is clipped; climbs use the
 * target's β. paper (Algorithm 1): the known region follows every reverse step, at ᾱ of the step itself and without
 * noise at the last; the mean comes from the raw ε; climbs use the source's β.
 */
export type Order = "program" | "paper";

/** RePaint (Lugmayr et al. 2022): a schedule of descents and jumps back up, and what a reverse step is. */
export interface RePaintSampling extends Schedule {
  readonly sampler: "repaint";
  /** DDIM's η, 0 (no noise) … 1, for reverse steps by DDIM. Without it they are DDPM's, with the network's own variance. */
  readonly eta?: number | undefined;
  /** Default "program". */
  readonly order?: Order | undefined;
  /** Clamp x̂₀ to ±1. Default: as the order has it. */
  readonly clip?: boolean | undefined;
  /** guided-diffusion's timestep_respacing. Default: `steps` of them, evenly. */
  readonly respacing?: string | undefined;
}

export type Sampling = RePaintSampling;

/** The shipped settings: 105, 460 and 2410 model calls. `paper` is the setting of the paper's experiments. */
export const PRESETS = {
  fast: { sampler: "repaint", steps: 25, jumpLength: 5, resamples: 5 },
  balanced: { sampler: "repaint", steps: 100, jumpLength: 10, resamples: 5 },
  paper: { sampler: "repaint", steps: 250, jumpLength: 10, resamples: 10 },
} as const satisfies Record<string, Sampling>;

export type Preset = keyof typeof PRESETS;

/** A preset's name, or settings, checked. Default: the preset "balanced". @throws InputError */
export function resolveSampling(sampling: Sampling | Preset = "balanced"): Sampling {
  if (typeof sampling === "string") {
    if (Object.hasOwn(PRESETS, sampling)) return PRESETS[sampling];
    throw new InputError(`preset: expected one of ${Object.keys(PRESETS).join(", ")}, got ${String(sampling)}`);
  }
  checkSampling(sampling);
  return sampling;
}

/** What no diffusion could run. Whether the network's can is `diffusionOf`'s question (loop.ts). @throws InputError */
function checkSampling(sampling: Sampling): void {
  const { eta } = sampling;
  if (eta !== undefined && !(eta >= 0 && eta <= 1))
    throw new InputError(`eta: expected a number from 0 to 1, got ${eta}`);
}

/** Model calls of one crop. Where nothing of it is known there is nothing to agree with: one call a noise level. */
export function samplingCalls(sampling: Sampling, hasKnown = true): number {
  return hasKnown ? countModelCalls(scheduleTimes(sampling)) : noiseLevels(sampling);
}

/** How many noise levels of the network's diffusion the run visits. */
export function noiseLevels(sampling: Sampling): number {
  return sampling.steps;
}
