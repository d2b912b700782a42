/** The options of a run that are numbers: schedule, seeds, region, feather. Checked before a device is opened. */
import { InputError } from "../../errors.ts";
import type { Box } from "../../pictures/holes.ts";
import { respacedTimesteps } from "../../repaint/respacing.ts";
import { type Order, PRESETS, type RePaintSampling } from "../../repaint/sampling.ts";
import { type Schedule, scheduleTimes } from "../../repaint/schedule.ts";
import { spendCalls, STRATEGIES, type Strategy } from "../../repaint/strategies.ts";
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import { type Arguments, type Option, quoted } from "../command.ts";
import { count } from "../../text/quantities.ts";
import type { AdapterKind } from "../../engine/adapter.ts";

export const presetOption: Option = {
  name: "preset",
  value: "NAME",
  help: "fast (25, 5, 5), balanced (100, 10, 5) or paper (250, 10, 10): steps, jump length, resamples",
};

export const scheduleOptions: readonly Option[] = [
  presetOption,
  { name: "steps", value: "N", help: "T, the noise levels that the run visits" },
  { name: "jump-length", value: "N", help: "j, how many levels a jump goes back up" },
  { name: "resamples", value: "N", help: "r, how often each stretch is sampled; 1 never jumps" },
  { name: "start-resampling", value: "N", help: "jump only at noise levels up to N (default: at all)" },
  {
    name: "strategy",
    value: "NAME",
    help: `how the schedule's model calls are spent: ${Object.entries(STRATEGIES)
      .map(([name, meaning]) => `${name} (${meaning})`)
      .join(", ")}`,
  },
];

/** What a reverse step is. */
export const samplingOptions: readonly Option[] = [
  { name: "eta", value: "X", help: "DDIM with this η, 0 (no noise) to 1, instead of the network's own variance" },
  {
    name: "order",
    value: "program|paper",
    help: "as RePaint's program does it (default), or the paper's Algorithm 1 to the letter",
  },
  {
    name: "respacing",
    value: "TEXT",
    help: 'which noise levels the steps are, in guided-diffusion\'s words: "250", "ddim50", "10,15,20" (default: evenly)',
  },
];

export type PresetName = keyof typeof PRESETS;

/** What a run is without --preset: about a minute a picture on either kind of adapter. */
export function defaultPreset(kind: AdapterKind): PresetName {
  return kind === "cpu" ? "fast" : "balanced";
}

export function readPreset(given: Arguments): PresetName | undefined {
  return given.choice("preset", Object.keys(PRESETS) as PresetName[]);
}

/**
 * The schedule as a function of the kind of adapter, since the default preset depends on it. --steps, --jump-length,
 * --resamples and --start-resampling replace parts of the preset; --strategy spends its model calls in another way.
 * @throws InputError for settings that no adapter could run
 */
export function readSchedule(
  given: Arguments,
  { diffusion }: Checkpoint,
): (kind: AdapterKind) => { preset: PresetName; schedule: Schedule } {
  const preset = readPreset(given);
  const limit = diffusion.diffusionSteps;
  const respacing = given.text("respacing");
  const visited = respacing === undefined ? undefined : respacedTimesteps(limit, respacing).length;
  const steps = given.integer("steps", { min: 1, max: Number.MAX_SAFE_INTEGER }) ?? visited;
  if (steps !== undefined && steps > limit)
    throw new InputError(
      `--steps: this network was trained with ${limit} noise levels and a run visits some of them, so 1 to ${limit} are possible, got ${steps}`,
    );
  const jumpLength = given.integer("jump-length", { min: 1, max: limit });
  const resamples = given.integer("resamples", { min: 1, max: 1_000_000 });
  const startResampling = given.integer("start-resampling", { min: 1, max: limit });
  const strategy = given.choice("strategy", Object.keys(STRATEGIES) as Strategy[]) ?? "resample";
  const parts = {
    ...(steps === undefined ? {} : { steps }),
    ...(jumpLength === undefined ? {} : { jumpLength }),
    ...(resamples === undefined ? {} : { resamples }),
    ...(startResampling === undefined ? {} : { startResampling }),
  };
  const scheduleOf = (kind: AdapterKind) => {
    const name = preset ?? defaultPreset(kind);
    const { sampler: _, ...schedule } = PRESETS[name];
    return { preset: name, schedule: spendCalls({ ...schedule, ...parts }, strategy) };
  };
  if (visited !== undefined && (steps !== visited || strategy === "slow-down"))
    throw new InputError(
      `--respacing ${quoted(respacing!)} visits ${visited} noise levels: leave --steps and --strategy slow-down away, which say it, too`,
    );
  for (const kind of ["cpu", "gpu"] as const) {
    const { schedule } = scheduleOf(kind);
    scheduleTimes(schedule);
    if (schedule.steps > limit && strategy === "slow-down")
      throw new InputError(
        `--strategy slow-down: ${schedule.steps} model calls would be as many steps, and this network was trained with ${limit} noise levels: give fewer --steps or --resamples`,
      );
    if (schedule.steps > limit)
      throw new InputError(
        `the preset has ${schedule.steps} steps and this network was trained with ${limit} noise levels: give --steps`,
      );
  }
  return scheduleOf;
}

type ReverseSettings = Pick<RePaintSampling, "eta" | "order" | "respacing">;

/** Of the options that were given. @throws InputError */
export function readSampling(given: Arguments): ReverseSettings {
  const text = given.text("eta");
  const eta = text === undefined || !/^\d*\.?\d+$/.test(text) ? NaN : Number(text);
  if (text !== undefined && !(eta >= 0 && eta <= 1))
    throw new InputError(`--eta: expected a number from 0 to 1, got ${quoted(text)}`);
  const order = given.choice<Order>("order", ["program", "paper"]);
  const respacing = given.text("respacing");
  return {
    ...(text === undefined ? {} : { eta }),
    ...(order === undefined ? {} : { order }),
    ...(respacing === undefined ? {} : { respacing }),
  };
}

const seedLimit = 1n << 64n;

/** seed, seed + 1, … for --count. */
export function readSeeds(given: Arguments): bigint[] {
  const text = given.text("seed") ?? "0";
  const seed = /^\d{1,20}$/.test(text) ? BigInt(text) : seedLimit;
  if (seed >= seedLimit)
    throw new InputError(`--seed: expected a whole number from 0 to ${seedLimit - 1n}, got ${quoted(text)}`);
  const count = given.integer("count", { min: 1, max: 10_000 }) ?? 1;
  if (seed + BigInt(count) > seedLimit)
    throw new InputError(
      `--count ${count}: the seeds from ${seed} on would pass ${seedLimit - 1n}; choose a smaller --seed`,
    );
  return Array.from({ length: count }, (_, i) => seed + BigInt(i));
}

export function readRegion(given: Arguments): Box | undefined {
  const text = given.text("region");
  if (text === undefined) return undefined;
  const numbers = text.split(",").map((part) => (/^\s*\d{1,9}\s*$/.test(part) ? Number(part) : NaN));
  if (numbers.length !== 4 || numbers.some(Number.isNaN))
    throw new InputError(`--region: expected X,Y,W,H in pixels of the picture as 0,0,64,64, got ${quoted(text)}`);
  const [x, y, width, height] = numbers as [number, number, number, number];
  return { x, y, width, height };
}

export function readFeather(given: Arguments): number {
  return given.integer("feather", { min: 0, max: 256 }) ?? 0;
}

export function readPrecision(given: Arguments): "f32" | "f16" {
  return given.choice("precision", ["f32", "f16"]) ?? "f32";
}

/** A size in pixels. @throws InputError */
export function readSize(text: string, option: string): { width: number; height: number } {
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  if (!match) throw new InputError(`${option}: expected WIDTHxHEIGHT as 256x256, got ${quoted(text)}`);
  return { width: Number(match[1]), height: Number(match[2]) };
}

/** "100 steps, jump length 10, 5 resamples". */
export function scheduleWords(schedule: Schedule): string {
  const { steps, jumpLength, resamples, tailLength = 1, tailResamples = 1, startResampling } = schedule;
  return [
    `${steps} steps`,
    ...(resamples === 1 && tailResamples === 1 ? ["no jumps"] : []),
    ...(resamples > 1 ? [`jump length ${jumpLength}, ${count(resamples, "resample")}`] : []),
    ...(startResampling === undefined ? [] : [`jumps up to level ${startResampling}`]),
    ...(tailResamples > 1 ? [`the last ${tailLength} sampled ${tailResamples} times`] : []),
  ].join(", ");
}
