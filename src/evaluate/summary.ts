/**
 * Many results as few numbers: every measure's mean over pictures with its interval, by mask and setting. No text, no
 * drawing.
 */
import type { EvaluationPlan } from "./plan.ts";
import type { EvaluationResult } from "./result.ts";
import { type Estimate, estimate, estimateDifference, mean } from "./statistics.ts";

export interface Measure {
  readonly key: string;
  readonly title: string;
  /** What is better; "neither" for costs and for what should match the true picture. */
  readonly better: "lower" | "higher" | "neither";
  readonly digits: number;
  /** Wall time differs from run to run. */
  readonly isTime?: boolean;
  /** Of one result; diversity is of several and has its own way. */
  readonly of: (result: EvaluationResult) => number | null;
}

const pairMean = (values: readonly (number | null)[]): number | null =>
  values.length === 0 || values.includes(null) ? null : mean(values as number[]);

/**
 * In the order of tables. Diversity is the mean distance to the seeds before: over a picture's results, of all pairs.
 */
export const MEASURES: readonly Measure[] = [
  { key: "lpips", title: "LPIPS", better: "lower", digits: 4, of: ({ lpips }) => lpips },
  { key: "ssim", title: "SSIM", better: "higher", digits: 4, of: ({ ssim }) => ssim },
  { key: "psnr", title: "PSNR, dB", better: "higher", digits: 2, of: ({ psnr }) => psnr },
  { key: "psnrFill", title: "PSNR of the fill, dB", better: "higher", digits: 2, of: ({ psnrFill }) => psnrFill },
  {
    key: "border",
    title: "extra step at the border",
    better: "lower",
    digits: 2,
    of: ({ borderStep, borderStepTruth }) =>
      borderStep === null || borderStepTruth === null ? null : borderStep - borderStepTruth,
  },
  {
    key: "grain",
    title: "extra grain",
    better: "lower",
    digits: 1,
    of: ({ grain, grainTruth }) =>
      typeof grain === "number" && typeof grainTruth === "number" ? grain - grainTruth : null,
  },
  {
    key: "diversity",
    title: "diversity, RMS",
    better: "neither",
    digits: 2,
    of: ({ pairs }) => pairMean(pairs.map(({ rms }) => rms)),
  },
  {
    key: "diversityLpips",
    title: "diversity, LPIPS",
    better: "neither",
    digits: 4,
    of: ({ pairs }) => pairMean(pairs.map(({ lpips }) => lpips)),
  },
  { key: "modelCalls", title: "model calls", better: "neither", digits: 0, of: ({ modelCalls }) => modelCalls },
  { key: "seconds", title: "seconds", better: "neither", digits: 2, isTime: true, of: ({ seconds }) => seconds },
];

/** One value a picture: the mean over its seeds, over its pairs for diversity. */
export function byPicture(results: readonly EvaluationResult[], { key, of }: Measure): Map<string, number> {
  const values = new Map<string, { sum: number; weight: number }>();
  for (const result of results) {
    const value = of(result);
    if (value === null) continue;
    const weight = key.startsWith("diversity") ? result.pairs.length : 1;
    const { sum, weight: so } = values.get(result.picture) ?? { sum: 0, weight: 0 };
    values.set(result.picture, { sum: sum + value * weight, weight: so + weight });
  }
  return new Map([...values].map(([picture, { sum, weight }]) => [picture, sum / weight]));
}

export interface SummaryRow {
  readonly mask: string;
  readonly setting: string;
  readonly results: number;
  readonly measures: Readonly<Record<string, Estimate | undefined>>;
  /** To the plan's first setting, over the pictures that both have. */
  readonly differences: Readonly<Record<string, Estimate | undefined>>;
}

export function summarize(plan: EvaluationPlan, results: readonly EvaluationResult[]): SummaryRow[] {
  const cells = new Map<string, EvaluationResult[]>();
  const cellOf = (mask: string, setting: string) => JSON.stringify([mask, setting]);
  for (const result of results) {
    const key = cellOf(result.mask, result.setting);
    cells.set(key, [...(cells.get(key) ?? []), result]);
  }
  return plan.masks.flatMap(({ name: mask }) => {
    const first = cells.get(cellOf(mask, plan.settings[0]!.name)) ?? [];
    return plan.settings.map(({ name: setting }, index): SummaryRow => {
      const own = cells.get(cellOf(mask, setting)) ?? [];
      const each = (make: (measure: Measure) => Estimate | undefined) =>
        Object.fromEntries(MEASURES.map((measure) => [measure.key, make(measure)]));
      return {
        mask,
        setting,
        results: own.length,
        measures: each((measure) => estimate([...byPicture(own, measure).values()])),
        differences:
          index === 0 ? {} : each((measure) => estimateDifference(byPicture(own, measure), byPicture(first, measure))),
      };
    });
  });
}
