/**
 * How a run is sampled, as data: which sampler, and its settings. Whoever starts a run, counts it or records it carries
 * this one object. Pure and small: pages import it. Not here: what a sampler computes (samplers/).
 */
import { InputError } from "../errors.ts";
import type { Detail } from "../pictures/octaves.ts";
import { countModelCalls, MAX_TRANSITIONS, scheduleTimes, type Schedule } from "./schedule.ts";

/**
 * program: the known region is noised to the level at which the network is called next; x̂₀ is clipped; climbs use the
 * target's β. paper (Algorithm 1): the known region follows every reverse step, at ᾱ of the step itself and without
 * noise at the last; the mean comes from the raw ε; climbs use the source's β.
 */
export type Order = "program" | "paper";

/** Where a run begins. */
interface Beginning {
  /**
   * Above 0 to 1: the share of the noise levels that are visited, the lower ones. The run begins with a given picture
   * (`InpaintJob.startFrom`), noised to the highest of them (SDEdit, Meng et al. 2022). Default: with noise alone.
   */
  readonly strength?: number | undefined;
}

/** RePaint (Lugmayr et al. 2022): a schedule of descents and jumps back up, and what a reverse step is. */
export interface RePaintSampling extends Readonly<Schedule>, Beginning {
  readonly sampler: "repaint";
  /**
   * DDIM's η, 0 (no noise) … 1, for reverse steps by DDIM. Without it they are DDPM's, with the network's own variance.
   */
  readonly eta?: number | undefined;
  /** Default "program". */
  readonly order?: Order | undefined;
  /** Clamp x̂₀ to ±1. Default: as the order has it. */
  readonly clip?: boolean | undefined;
  /** guided-diffusion's timestep_respacing. Default: `steps` of them, evenly. */
  readonly respacing?: string | undefined;
}

/**
 * Guided Langevin steps (samplers/langevin.ts): a few steps at each of few noise levels. What is known is drawn towards
 * the picture but keeps most of its noise.
 */
export interface LangevinSampling extends Beginning {
  readonly sampler: "langevin";
  /** L, the noise levels that the run visits, from high to low. */
  readonly levels: number;
  /** N, the Langevin steps at each level, of one model call each; one more call goes down to the next level. */
  readonly inner: number;
  /** h > 0, how long a Langevin step is: it keeps e^{−h} of the state's noise. Default 1. */
  readonly step?: number | undefined;
  /** λ ≥ 0, how strongly what is known is drawn towards the picture. Default 8. */
  readonly lambda?: number | undefined;
  /** How many of the last levels have no Langevin steps. Default 1. */
  readonly still?: number | undefined;
  /** guided-diffusion's timestep_respacing. Default: `levels` of them, evenly. */
  readonly respacing?: string | undefined;
}

export type Sampling = RePaintSampling | LangevinSampling;

/** The shipped settings: 28, 58 and 2410 model calls. `paper` is RePaint as its paper's experiments have it. */
export const PRESETS = {
  fast: { sampler: "langevin", levels: 10, inner: 2 },
  balanced: { sampler: "langevin", levels: 20, inner: 2 },
  paper: { sampler: "repaint", steps: 250, jumpLength: 10, resamples: 10 },
} as const satisfies Record<string, Sampling>;

export type Preset = keyof typeof PRESETS;

/** How far holes go that are larger than the network's pictures, the usual first (`InpaintOptions.detail`). */
export const DETAILS = ["model", "auto", "full"] as const satisfies readonly Detail[];

/** Every setting of every sampler, in the order in which people read them. */
export const SAMPLER_SETTINGS = {
  langevin: ["levels", "inner", "step", "lambda", "still", "respacing", "strength"],
  repaint: [
    "steps",
    "jumpLength",
    "resamples",
    "startResampling",
    "sampleCount",
    "jump2Length",
    "jump2Resamples",
    "jump3Length",
    "jump3Resamples",
    "tailLength",
    "tailResamples",
    "eta",
    "order",
    "clip",
    "respacing",
    "strength",
  ],
} as const satisfies {
  readonly [S in Sampling as S["sampler"]]: readonly Exclude<keyof S, "sampler">[];
};

export type SamplerName = Sampling["sampler"];

/** A preset's name, or settings, checked. Default: the preset "balanced". @throws InputError */
export function resolveSampling(sampling: Sampling | Preset = "balanced"): Sampling {
  if (typeof sampling === "string") {
    if (Object.hasOwn(PRESETS, sampling)) return PRESETS[sampling];
    throw new InputError(`preset: expected one of ${Object.keys(PRESETS).join(", ")}, got ${String(sampling)}`);
  }
  checkSampling(sampling);
  return sampling;
}

/** With the defaults of what was not given. */
export function langevinSettings({
  levels,
  inner,
  step = 1,
  lambda = 8,
  still = 1,
}: LangevinSampling): Record<"levels" | "inner" | "step" | "lambda" | "still", number> {
  return { levels, inner, step, lambda, still };
}

/** Model calls of one crop. Where nothing of it is known there is nothing to agree with: one call a noise level. */
export function samplingCalls(given: Sampling, hasKnown = true): number {
  const sampling = walked(given);
  if (!hasKnown) return noiseLevels(sampling);
  if (sampling.sampler === "repaint") return countModelCalls(scheduleTimes(sampling));
  const { levels, inner, still } = langevinSettings(sampling);
  return levels * (inner + 1) - Math.min(still, levels) * inner;
}

/** How many noise levels of the network's diffusion a run from noise alone visits. */
export function noiseLevels(sampling: Sampling): number {
  return sampling.sampler === "repaint" ? sampling.steps : sampling.levels;
}

/** The sampling from where it begins: of so many levels as it visits. */
export function walked<S extends Sampling>(sampling: S): S {
  const { strength } = sampling;
  if (strength === undefined) return sampling;
  const levels = noiseLevels(sampling);
  // What is no count stays so, and is refused by whoever counts.
  const count = Number.isInteger(levels) && levels > 0 ? Math.max(1, Math.round(strength * levels)) : levels;
  return { ...sampling, [sampling.sampler === "repaint" ? "steps" : "levels"]: count };
}

/** What no network could run. Whether this one can is `diffusionOf`'s question (planRun.ts). @throws InputError */
function checkSampling(sampling: Sampling): void {
  const names = Object.keys(SAMPLER_SETTINGS);
  const { sampler } = Object(sampling) as { sampler?: unknown };
  if (typeof sampler !== "string" || !Object.hasOwn(SAMPLER_SETTINGS, sampler))
    throw new InputError(
      `sampling: expected a preset's name or settings with \`sampler\`, one of ${names.join(", ")}, got ${JSON.stringify(sampler)} there`,
    );
  const known: readonly string[] = SAMPLER_SETTINGS[sampling.sampler];
  const foreign = Object.keys(sampling).find((name) => name !== "sampler" && !known.includes(name));
  if (foreign !== undefined)
    throw new InputError(
      `sampling: the sampler ${sampler} has no setting ${JSON.stringify(foreign)}; it has ${known.join(", ")}`,
    );
  const { strength } = sampling;
  if (strength !== undefined && !(typeof strength === "number" && strength > 0 && strength <= 1))
    throw unlike("strength", "a number above 0, at most 1", strength);
  if (sampling.sampler === "langevin") checkLangevin(sampling);
  else checkReverseStep(sampling);
}

function checkReverseStep({ eta, order }: RePaintSampling): void {
  if (eta !== undefined && !(eta >= 0 && eta <= 1)) throw unlike("eta", "a number from 0 to 1", eta);
  if (order !== undefined && order !== "program" && order !== "paper")
    throw unlike("order", "program or paper", order as unknown);
}

function checkLangevin(sampling: LangevinSampling): void {
  const { levels, inner, step, lambda, still } = langevinSettings(sampling);
  if (!isWhole(levels, 1)) throw unlike("levels", "a whole number from 1", levels);
  if (!isWhole(inner, 0)) throw unlike("inner", "a whole number from 0", inner);
  if (!(step > 0 && step < Infinity)) throw unlike("step", "a number above 0", step);
  if (!(lambda >= 0 && lambda < Infinity)) throw unlike("lambda", "a number from 0", lambda);
  if (!isWhole(still, 0) || still > levels)
    throw unlike("still", `a whole number from 0 to the ${levels} levels`, still);
  if (levels * (inner + 1) > MAX_TRANSITIONS)
    throw new InputError(
      `${levels} levels of ${inner} inner steps are more than ${MAX_TRANSITIONS.toLocaleString("en-US")} model calls: give fewer`,
    );
}

const isWhole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least;

function unlike(name: string, expected: string, came: unknown): InputError {
  return new InputError(
    `${name}: expected ${expected}, got ${typeof came === "string" ? JSON.stringify(came) : String(came)}`,
  );
}
