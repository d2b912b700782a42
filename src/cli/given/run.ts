/**
 * How a run is sampled, as somebody asks for it. One row a setting: options of the command line, the words of
 * `evaluate --setting` and the objects of evaluate's plan files are all read by these rows. Not here: what the settings do
 * (src/repaint/sampling.ts), and other options of a run (settings.ts).
 */
import type { DiffusionSettings } from "../../checkpoints/config.ts";
import type { AdapterKind } from "../../engine/adapter.ts";
import { InputError } from "../../errors.ts";
import { respacedTimesteps } from "../../repaint/respacing.ts";
import { type Order, type Preset, PRESETS, type Sampling, samplingCalls } from "../../repaint/sampling.ts";
import { spendCalls, STRATEGIES, type Strategy } from "../../repaint/strategies.ts";
import { count } from "../../text/quantities.ts";
import type { Arguments, Option } from "../command.ts";
import { quoted } from "../../text/quoted.ts";
import { choice, fraction, wholeNumber, type Written } from "../values.ts";

interface Row<T> {
  /** How help writes the value. */
  readonly value: string;
  readonly help: string;
  /** @throws InputError, which calls the setting `what` */
  read(this: void, what: string, written: Written): T;
}

const among =
  <T extends string>(choices: readonly T[]) =>
  (what: string, written: Written): T =>
    choice(what, written, choices);
const from1To = (max: number) => (what: string, written: Written) => wholeNumber(what, written, { min: 1, max });

/** A network's flags may say no more noise levels. */
const mostLevels = 1_000_000;

/** In the order of help. All but preset and strategy are parts of `Sampling`, by its names; options write `jumpLength` as --jump-length. */
const rows = {
  preset: {
    value: "NAME",
    help: "fast (25, 5, 5), balanced (100, 10, 5) or paper (250, 10, 10): steps, jump length, resamples",
    read: among(Object.keys(PRESETS) as Preset[]),
  },
  steps: { value: "N", help: "T, the noise levels that the run visits", read: from1To(Number.MAX_SAFE_INTEGER) },
  jumpLength: { value: "N", help: "j, how many levels a jump goes back up", read: from1To(mostLevels) },
  resamples: {
    value: "N",
    help: "r, how often each stretch is sampled; 1 never jumps",
    read: from1To(1_000_000),
  },
  startResampling: {
    value: "N",
    help: "jump only at noise levels up to N (default: at all)",
    read: from1To(mostLevels),
  },
  strategy: {
    value: "NAME",
    help: `how the schedule's model calls are spent: ${Object.entries(STRATEGIES)
      .map(([name, meaning]) => `${name} (${meaning})`)
      .join(", ")}`,
    read: among(Object.keys(STRATEGIES) as Strategy[]),
  },
  eta: {
    value: "X",
    help: "DDIM with this η, 0 (no noise) to 1, instead of the network's own variance",
    read: fraction,
  },
  order: {
    value: "program|paper",
    help: "as RePaint's program does it (default), or the paper's Algorithm 1 to the letter",
    read: among<Order>(["program", "paper"]),
  },
  respacing: {
    value: "TEXT",
    help: 'which noise levels the steps are, in guided-diffusion\'s words: "250", "ddim50", "10,15,20" (default: evenly)',
    read: (_what, written) => String(written),
  },
} as const satisfies Readonly<Record<string, Row<unknown>>>;

type Key = keyof typeof rows;

/**
 * What was asked for; what was not is undefined. What is sampled follows from it when the network and the kind of adapter are
 * known (`samplingFor`).
 */
export type RunSettings = { readonly [K in Key]?: ReturnType<(typeof rows)[K]["read"]> | undefined };

const optionOf = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const keyOf = new Map<string, Key>((Object.keys(rows) as Key[]).map((key) => [optionOf(key), key]));

/** By the names of options: "preset", "jump-length", … */
export const runSettingNames: readonly string[] = [...keyOf.keys()];

/** The options of these settings, all without names. `help` says something else of one. */
export function runOptions(
  names: readonly string[] = runSettingNames,
  help: Readonly<Record<string, string>> = {},
): Option[] {
  return names.map((name) => {
    const { value, help: usual } = rows[keyOf.get(name)!];
    return { name, value, help: help[name] ?? usual };
  });
}

/** From options. @throws InputError */
export function readRun(given: Arguments): RunSettings {
  return runSettings((name) => given.text(name));
}

/** From what was written for the setting of a name; undefined where nothing was. @throws InputError */
export function runSettings(writtenFor: (name: string) => Written | undefined): RunSettings {
  const read = ([name, key]: readonly [string, Key]) => {
    const written = writtenFor(name);
    return written === undefined ? [] : [[key, rows[key].read(`--${name}`, written)] as const];
  };
  return Object.fromEntries([...keyOf].flatMap(read));
}

/** What a run is without --preset: about a minute a picture on either kind of adapter. */
export function defaultPreset(kind: AdapterKind): Preset {
  return kind === "cpu" ? "fast" : "balanced";
}

/** Whoever gives one of these wants another schedule than a preset's. */
const scheduleKeys: readonly Key[] = ["steps", "jumpLength", "resamples", "startResampling", "strategy"];

export interface RunSampling {
  /** The preset whose schedule it is; undefined: parts of the schedule were asked for. */
  readonly preset: Preset | undefined;
  readonly sampling: Sampling;
}

/**
 * What is sampled, as a function of the kind of adapter, since the default preset depends on it.
 * @throws InputError for settings that this network could run on no adapter, or on one kind only
 */
export function samplingFor(
  settings: RunSettings,
  { diffusionSteps: limit }: Pick<DiffusionSettings, "diffusionSteps">,
): (kind: AdapterKind) => RunSampling {
  const { preset, strategy, ...given } = settings;
  const visited = visitedLevels(settings, limit);
  const steps = given.steps ?? visited;
  if (steps !== undefined && steps > limit)
    throw new InputError(
      `--steps: this network was trained with ${limit} noise levels and a run visits some of them, so 1 to ${limit} are possible, got ${steps}`,
    );
  for (const key of ["jumpLength", "startResampling"] as const)
    if (given[key] !== undefined) wholeNumber(`--${optionOf(key)}`, given[key], { min: 1, max: limit });
  const parts = withoutUndefined({ ...given, steps });
  const isPreset = scheduleKeys.every((key) => settings[key] === undefined);
  const runOn = (kind: AdapterKind): RunSampling => {
    const name = preset ?? defaultPreset(kind);
    return { preset: isPreset ? name : undefined, sampling: spent({ ...PRESETS[name], ...parts }, strategy) };
  };
  for (const kind of ["cpu", "gpu"] as const) requireRunnable(runOn(kind).sampling, strategy, limit);
  return runOn;
}

/** As many as --respacing says; undefined without it. @throws InputError where something else says it, too */
function visitedLevels({ respacing, steps, strategy }: RunSettings, limit: number): number | undefined {
  if (respacing === undefined) return undefined;
  const visited = respacedTimesteps(limit, respacing).length;
  if (strategy !== "slow-down" && (steps === undefined || steps === visited)) return visited;
  throw new InputError(
    `--respacing ${quoted(respacing)} visits ${visited} noise levels: leave --steps and --strategy slow-down away, which say it, too`,
  );
}

function withoutUndefined<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const defined = Object.entries(values).filter(([, value]) => value !== undefined);
  return Object.fromEntries(defined) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

/** The same model calls, spent in the way of the strategy. */
function spent(sampling: Sampling, strategy: Strategy = "resample"): Sampling {
  if (strategy === "resample") return sampling;
  const { startResampling: _, ...kept } = sampling;
  return { ...kept, ...spendCalls(sampling, strategy) };
}

function requireRunnable(sampling: Sampling, strategy: Strategy | undefined, limit: number): void {
  // Counting refuses schedules that are too long to be made.
  samplingCalls(sampling);
  if (sampling.steps <= limit) return;
  throw new InputError(
    strategy === "slow-down"
      ? `--strategy slow-down: ${sampling.steps} model calls would be as many steps, and this network was trained with ${limit} noise levels: give fewer --steps or --resamples`
      : `the preset has ${sampling.steps} steps and this network was trained with ${limit} noise levels: give --steps`,
  );
}

/** "100 steps, jump length 10, 5 resamples". */
export function scheduleWords(sampling: Sampling): string {
  const { steps, jumpLength, resamples, tailLength = 1, tailResamples = 1, startResampling } = sampling;
  return [
    `${steps} steps`,
    ...(resamples === 1 && tailResamples === 1 ? ["no jumps"] : []),
    ...(resamples > 1 ? [`jump length ${jumpLength}, ${count(resamples, "resample")}`] : []),
    ...(startResampling === undefined ? [] : [`jumps up to level ${startResampling}`]),
    ...(tailResamples > 1 ? [`the last ${tailLength} sampled ${tailResamples} times`] : []),
  ].join(", ");
}
