/**
 * Means with intervals: the percentile bootstrap (Efron 1979) over pictures, since results of one picture (its seeds)
 * are not independent. Seeded, so that a report is the same every time. Not here: what is measured.
 */
import { quickWords } from "../pictures/random.ts";

export interface Estimate {
  readonly mean: number;
  /** 95 %; undefined for fewer than two pictures. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Pictures. */
  readonly count: number;
}

const draws = 2000;
const tail = 0.025;

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** One value a picture: their mean and the bootstrap's 95 % interval. Undefined for no values. */
export function estimate(values: readonly number[], seed = 1): Estimate | undefined {
  const count = values.length;
  if (count === 0) return undefined;
  if (count === 1) return { mean: values[0]!, count };
  const next = quickWords(seed);
  const means = Array.from({ length: draws }, () => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += values[Math.floor((next() / 2 ** 32) * count)]!;
    return sum / count;
  }).sort((a, b) => a - b);
  return { mean: mean(values), low: quantile(means, tail), high: quantile(means, 1 - tail), count };
}

/**
 * The mean difference a − b over the pictures that have both, each picture's two drawn together: what two settings
 * differ by on the same pictures.
 */
export function estimateDifference(
  a: ReadonlyMap<string, number>,
  b: ReadonlyMap<string, number>,
  seed = 1,
): Estimate | undefined {
  const differences = [...a].flatMap(([picture, value]) => (b.has(picture) ? [value - b.get(picture)!] : []));
  return estimate(differences, seed);
}

/** Linear between the neighbours, of sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}
