/**
 * An evaluation as data: pictures × masks × settings × seeds, in an order that every process agrees on, and how shards
 * divide it. Not here: files (src/cli), running.
 */
import type { MaskPattern } from "../pictures/masks.ts";
import type { Sampling } from "../repaint/sampling.ts";
import { shown } from "../text/quoted.ts";
import type { Precision } from "../numbers/storage.ts";

export interface PlannedPicture {
  readonly name: string;
  /** Of the file. */
  readonly sha256: string;
  readonly width: number;
  readonly height: number;
}

export interface PlannedMask {
  readonly name: string;
  /** A pattern, whose strokes in picture i have the seed `seed` + i; without one the masks are files. */
  readonly pattern?: MaskPattern;
  readonly seed?: string;
  /** Of the keep masks of all pictures in order, a byte a pixel. */
  readonly sha256: string;
}

export interface PlannedSetting {
  readonly name: string;
  readonly sampling: Sampling;
  /** Of one crop. */
  readonly modelCalls: number;
}

/** What decides the results, so that a folder of results belongs to one plan. */
export interface EvaluationPlan {
  readonly version: 1;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly precision: Precision;
  /** Of all pictures, or of each; the network's unconditional one, or none, without either. */
  readonly class?: number;
  readonly classes?: readonly (number | undefined)[];
  /** What guides the runs towards their classes. */
  readonly classifier?: { readonly name: string; readonly sha256: string; readonly scale: number };
  /** Of the weights' files; without them LPIPS is not measured. */
  readonly lpips?: readonly string[];
  readonly pictures: readonly PlannedPicture[];
  readonly masks: readonly PlannedMask[];
  readonly settings: readonly PlannedSetting[];
  /** 0 … 2⁶⁴ − 1. */
  readonly seeds: readonly string[];
}

/** One result to make; the numbers are places in the plan's lists. */
export interface Task {
  readonly index: number;
  readonly setting: number;
  readonly mask: number;
  readonly picture: number;
  readonly seed: number;
}

/** Seeds run fastest, pictures slowest: what is there of a run that was stopped has all settings of its pictures. */
export function tasksOf({ settings, masks, pictures, seeds }: EvaluationPlan): Task[] {
  const tasks: Task[] = [];
  for (const picture of pictures.keys())
    for (const mask of masks.keys())
      for (const setting of settings.keys())
        for (const seed of seeds.keys()) tasks.push({ index: tasks.length, setting, mask, picture, seed });
  return tasks;
}

export interface Shard {
  /** From 0. */
  readonly index: number;
  readonly count: number;
}

/**
 * A shard's tasks. The seeds of a picture stay together, since diversity compares them; each such group goes to the
 * shard with the fewest model calls so far, so that settings of different cost spread evenly.
 */
export function shardTasks(plan: EvaluationPlan, shard: Shard): Task[] {
  const costs: number[] = Array.from({ length: shard.count }, () => 0);
  const groupSize = plan.seeds.length;
  let owner = 0;
  return tasksOf(plan).filter(({ index, setting }) => {
    if (index % groupSize === 0) {
      owner = costs.indexOf(Math.min(...costs));
      costs[owner]! += plan.settings[setting]!.modelCalls;
    }
    return owner === shard.index;
  });
}

/** Of a task's files: its place, and its names as far as a file name can have them. */
export function taskName(plan: EvaluationPlan, { index, setting, mask, picture, seed }: Task): string {
  const words = [plan.pictures[picture]!, plan.masks[mask]!, plan.settings[setting]!].map(({ name }) => name);
  const readable = [...words, plan.seeds[seed]!].join("-").replaceAll(/[^\w.-]+/g, "_");
  return `${String(index).padStart(6, "0")}-${readable.slice(0, 80)}`;
}

/**
 * Where two plans differ: the path of what does ("settings.0.sampling.steps"), and its value in either; undefined:
 * absent.
 */
export interface PlanDifference {
  readonly path: string;
  readonly values: readonly [unknown, unknown];
}

/** The first difference of two plans; undefined: they are equal. */
export function planDifference(one: unknown, other: unknown, path = ""): PlanDifference | undefined {
  const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
  if (isObject(one) && isObject(other)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const found = planDifference(one[key], other[key], path ? `${path}.${key}` : key);
      if (found) return found;
    }
    return undefined;
  }
  return one === other ? undefined : { path, values: [one, other] };
}

/** "settings.0.sampling.steps is 25 there and 50 here", for "there" and "here" as the places of the two plans. */
export function differenceWords({ path, values }: PlanDifference, ...places: readonly [string, string]): string {
  const [one, other] = values.map((value) => (value === undefined ? "absent" : shown(value)));
  return `${path || "the plan"} is ${one} ${places[0]} and ${other} ${places[1]}`;
}
