/**
 * The paper's studies at a size that a processor can make: what is run, what the paper says, and when that holds. Data
 * and one decision. Not here: running, text (src/cli).
 */
import type { MaskPattern } from "../pictures/masks.ts";
import type { LangevinSampling } from "../repaint/sampling.ts";
import type { Schedule } from "../repaint/schedule.ts";
import type { Strategy } from "../repaint/strategies.ts";
import type { Estimate } from "./statistics.ts";

interface StudySettingFacts {
  /** RePaint's schedule, with how its model calls are spent where it is not on jumps, or guided Langevin steps. */
  readonly run:
    | (Readonly<Pick<Schedule, "steps" | "jumpLength" | "resamples">> & { readonly strategy?: Strategy })
    | Pick<LangevinSampling, "levels" | "inner">;
  readonly title: string;
}

/** A run that resamples once never jumps, whatever its jump length. */
const usualJump = 5;

/** Those with T = 20 but the first make about as many model calls, 30 to 40. */
export const STUDY_SETTINGS = {
  plain: { run: { steps: 20, jumpLength: usualJump, resamples: 1 }, title: "T = 20, no resampling" },
  resample: { run: { steps: 20, jumpLength: 5, resamples: 2 }, title: "T = 20, j = 5, r = 2" },
  slow: {
    run: { steps: 20, jumpLength: 5, resamples: 2, strategy: "slow-down" },
    title: "T = 35, no resampling (slowed down)",
  },
  sdedit: {
    run: { steps: 20, jumpLength: 5, resamples: 2, strategy: "sdedit" },
    title: "T = 20, SDEdit's repeats",
  },
  long: { run: { steps: 20, jumpLength: 10, resamples: 2 }, title: "T = 20, j = 10, r = 2" },
  short: { run: { steps: 20, jumpLength: 1, resamples: 2 }, title: "T = 20, j = 1, r = 2" },
  once: { run: { steps: 25, jumpLength: usualJump, resamples: 1 }, title: "T = 25, no resampling" },
  fivefold: { run: { steps: 25, jumpLength: 5, resamples: 5 }, title: "T = 25, j = 5, r = 5" },
  single: { run: { steps: 20, jumpLength: 1, resamples: 6 }, title: "T = 20, j = 1, r = 6" },
  hundred: { run: { steps: 100, jumpLength: 10, resamples: 5 }, title: "T = 100, j = 10, r = 5" },
  published: { run: { steps: 250, jumpLength: 10, resamples: 10 }, title: "T = 250, j = 10, r = 10, as published" },
  ten: { run: { levels: 10, inner: 2 }, title: "guided Langevin, 10 levels of 2 steps" },
  twenty: { run: { levels: 20, inner: 2 }, title: "guided Langevin, 20 levels of 2 steps" },
} as const satisfies Readonly<Record<string, StudySettingFacts>>;

export type StudySetting = keyof typeof STUDY_SETTINGS;

export interface StudyRun {
  readonly name: string;
  readonly masks: readonly MaskPattern[];
  /** A mask of weights/examples instead, by its picture's name. */
  readonly example?: string;
  readonly settings: readonly StudySetting[];
  readonly seeds: readonly bigint[];
  /** Unless another number is asked for. Those of examples do not grow with what is asked for all studies. */
  readonly pictures: number;
  readonly isExample?: boolean;
  /** In docs/reproduction; as many as `pictures` without it. */
  readonly fullPictures?: number;
  /** So long that it is run only where it, or all of docs/reproduction, is asked for. */
  readonly isLong?: boolean;
  /** Each picture's own class is asked for; without it none is. */
  readonly hasLabel?: boolean;
  /** The scale of a classifier's guidance towards the own class. */
  readonly guidance?: number;
}

/** One portrait of each class, and all that there are. */
const fewPictures = 8;
const allPictures = 64;

/**
 * Each is an evaluation of its own, in this order. The rows of classes and guidance have the setting "resample", so
 * that what is filled without a class is the first study's.
 */
export const STUDY_RUNS: readonly StudyRun[] = [
  {
    name: "settings",
    masks: ["half"],
    settings: ["plain", "resample", "slow", "sdedit", "long", "short"],
    seeds: [1n],
    pictures: fewPictures,
    fullPictures: allPictures,
  },
  {
    name: "halves",
    masks: ["half"],
    settings: ["once", "fivefold"],
    seeds: [1n],
    pictures: fewPictures,
    fullPictures: allPictures,
  },
  { name: "class", masks: ["half"], settings: ["resample"], seeds: [1n], pictures: fewPictures, hasLabel: true },
  ...[1, 4].map((guidance): StudyRun => ({
    name: `guided-${guidance}`,
    masks: ["half"],
    settings: ["resample"],
    seeds: [1n],
    pictures: fewPictures,
    hasLabel: true,
    guidance,
  })),
  {
    name: "masks",
    masks: ["wide", "narrow", "super-resolve", "alternating-lines", "expand"],
    settings: ["resample"],
    seeds: [1n],
    pictures: 2,
    fullPictures: 8,
    isExample: true,
  },
  {
    name: "diversity",
    masks: ["half"],
    settings: ["resample"],
    seeds: [1n, 2n, 3n],
    pictures: 2,
    isExample: true,
  },
  {
    name: "fewer",
    masks: ["half"],
    settings: ["ten", "twenty", "single"],
    seeds: [1n],
    pictures: fewPictures,
    fullPictures: allPictures,
  },
  {
    name: "fewer-long",
    masks: ["half"],
    settings: ["hundred"],
    seeds: [1n],
    pictures: fewPictures,
    fullPictures: allPictures,
    isLong: true,
  },
  {
    name: "fewer-published",
    masks: ["half"],
    settings: ["published"],
    seeds: [1n],
    pictures: 2,
    fullPictures: 24,
    isExample: true,
    isLong: true,
  },
  {
    name: "fewer-masks",
    masks: ["half", "wide", "narrow", "super-resolve", "alternating-lines", "expand"],
    settings: ["ten", "fivefold"],
    seeds: [1n],
    pictures: 2,
    fullPictures: 8,
    isExample: true,
  },
  {
    name: "fewer-diversity",
    masks: [],
    // The middle quarter is known, which shows a piece of the background; the paper's "expand" shows faces alone.
    example: "5-expand",
    settings: ["ten", "twenty", "fivefold"],
    seeds: [1n, 2n, 3n, 4n],
    pictures: 2,
    fullPictures: 8,
    isExample: true,
  },
];

/** Of two settings on the same pictures, the paper says that the first is better. */
export interface Comparison {
  readonly study: string;
  readonly claim: string;
  readonly better: StudySetting;
  readonly worse: StudySetting;
}

export const COMPARISONS: readonly Comparison[] = [
  {
    study: "Table 2: resampling against slowing down",
    claim:
      "At the same cost resampling improves the result (LPIPS .168, .148, .142, .134 for r = 1 … 4 at T = 250) and slowing the diffusion down does not (.168, .167, .179, .161 for T = 250 … 1000).",
    better: "resample",
    worse: "slow",
  },
  {
    study: "Table 2: resampling against none",
    claim:
      "Resampling is better than none at the same T; most of the gain comes with r = 2 (LPIPS .148 after .168, then .142 and .134).",
    better: "resample",
    worse: "plain",
  },
  {
    study: "Table 3: jump length",
    claim: "Longer jumps are better than single steps: j = 10 against j = 1, which tends to blur.",
    better: "long",
    worse: "short",
  },
  {
    study: "Table 3: jump length, half way",
    claim: "The same of j = 5 against j = 1.",
    better: "resample",
    worse: "short",
  },
  {
    study: "Table 4: against SDEdit's strategy",
    claim: "RePaint's resampling is better than SDEdit's repeats of the last half, at the same cost.",
    better: "resample",
    worse: "sdedit",
  },
  {
    study: "Table 2 at j = 1: against slowing down",
    claim: "Resampling with single steps instead of jumps of 5, against as many smaller steps.",
    better: "short",
    worse: "slow",
  },
  {
    study: "Table 2 at j = 1: against none",
    claim: "The same against no resampling.",
    better: "short",
    worse: "plain",
  },
  {
    study: "Table 4 at j = 1: against SDEdit's strategy",
    claim: "The same against SDEdit's repeats.",
    better: "short",
    worse: "sdedit",
  },
];

/** LPIPS on CelebA-HQ that the paper's Table 1 has for RePaint. */
export const PAPER_MASKS: Readonly<Record<string, number>> = {
  "alternating-lines": 0.009,
  narrow: 0.028,
  "super-resolve": 0.029,
  wide: 0.059,
  half: 0.165,
  expand: 0.435,
};

export type Verdict = "holds" | "not shown" | "contradicted";

/**
 * Five pictures agree by chance more often than once in twenty (2 · ½⁵), whatever a bootstrap of them says; six do not.
 */
export const fewestPictures = 6;

/** Of the difference better − worse of a measure: its interval has to leave 0 out. */
export function verdictOf(difference: Estimate | undefined, better: "lower" | "higher"): Verdict {
  if (difference?.low === undefined || difference.high === undefined) return "not shown";
  if (difference.count < fewestPictures) return "not shown";
  const [low, high] = better === "lower" ? [-difference.high, -difference.low] : [difference.low, difference.high];
  return low > 0 ? "holds" : high < 0 ? "contradicted" : "not shown";
}
