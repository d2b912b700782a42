/** The sampler and all its settings, from what somebody asked for, the network and the kind of adapter. */
import type { DiffusionSettings } from "../../checkpoints/config.ts";
import type { AdapterKind } from "../../engine/adapter.ts";
import { InputError } from "../../errors.ts";
import { respacedTimesteps } from "../../repaint/respacing.ts";
import {
  langevinSettings,
  type LangevinSampling,
  noiseLevels,
  type Preset,
  PRESETS,
  type RePaintSampling,
  SAMPLER_SETTINGS,
  type SamplerName,
  type Sampling,
  samplingCalls,
} from "../../repaint/sampling.ts";
import { spendCalls } from "../../repaint/strategies.ts";
import { count } from "../../text/quantities.ts";
import { wholeNumber } from "../values.ts";
import { quoted } from "../../text/quoted.ts";
import { optionOf, type RunSettings, samplerOf } from "./run.ts";

/** What a run is without --preset. */
export function defaultPreset(kind: AdapterKind): Preset {
  return kind === "cpu" ? "fast" : "balanced";
}

/** What RePaint is where no preset was named: 105 and 460 model calls. */
const usualRePaint: Readonly<Record<AdapterKind, RePaintSampling>> = {
  cpu: { sampler: "repaint", steps: 25, jumpLength: 5, resamples: 5 },
  gpu: { sampler: "repaint", steps: 100, jumpLength: 10, resamples: 5 },
};

export interface RunSampling {
  /** The preset that it is; undefined: other numbers were asked for. */
  readonly preset: Preset | undefined;
  readonly sampling: Sampling;
}

/**
 * What is sampled, as a function of the kind of adapter, since the default preset depends on it.
 * @throws InputError for settings that this network could run on no adapter, or on one kind only
 */
export function samplingFor(
  settings: RunSettings,
  { diffusionSteps }: Pick<DiffusionSettings, "diffusionSteps">,
): (kind: AdapterKind) => RunSampling {
  const sampler = samplerOf(settings) ?? PRESETS[defaultPreset("cpu")].sampler;
  const makeSampling = sampler === "repaint" ? makeRePaint : makeLangevin;
  const runOn = (kind: AdapterKind) => makeSampling(settings, kind, diffusionSteps);
  for (const kind of ["cpu", "gpu"] as const) requireRunnable(runOn(kind).sampling, settings, diffusionSteps);
  return runOn;
}

/** What may be asked for beside a preset, which stays that preset. */
const besidePreset: readonly string[] = ["eta", "order", "respacing", "strength"];

function makeLangevin(settings: RunSettings, kind: AdapterKind, limit: number): RunSampling {
  const preset = settings.preset ?? defaultPreset(kind);
  const base = PRESETS[preset] as LangevinSampling;
  const given = partsFor("langevin", { ...settings, levels: visitedLevels(settings, "levels", limit) });
  const sampling = { ...base, ...given };
  // All numbers, so that a picture says how it was made whatever the defaults of another version are.
  const whole = { ...sampling, ...langevinSettings(sampling) };
  const isPreset = Object.keys(given).every((key) => besidePreset.includes(key));
  return { preset: isPreset ? preset : undefined, sampling: whole };
}

function makeRePaint(settings: RunSettings, kind: AdapterKind, limit: number): RunSampling {
  const { preset, strategy = "resample" } = settings;
  for (const key of ["jumpLength", "startResampling"] as const)
    if (settings[key] !== undefined) wholeNumber(`--${optionOf(key)}`, settings[key], { min: 1, max: limit });
  const given = partsFor("repaint", { ...settings, steps: visitedLevels(settings, "steps", limit) });
  const base = preset ? (PRESETS[preset] as RePaintSampling) : usualRePaint[kind];
  const whole = { ...base, ...given };
  if (strategy !== "resample") {
    const { startResampling: _, ...kept } = whole;
    return { preset: undefined, sampling: { ...kept, ...spendCalls(whole, strategy) } };
  }
  const isPreset = Object.keys(given).every((key) => besidePreset.includes(key));
  return { preset: isPreset ? preset : undefined, sampling: whole };
}

/** The settings of a sampler that were given; a new one needs no line here. */
function partsFor<S extends SamplerName>(
  sampler: S,
  settings: RunSettings,
): Partial<Extract<Sampling, { sampler: S }>> {
  const own: readonly string[] = SAMPLER_SETTINGS[sampler];
  const given = Object.entries(settings).filter(([key, value]) => own.includes(key) && value !== undefined);
  return Object.fromEntries(given) as Partial<Extract<Sampling, { sampler: S }>>;
}

/** As many as asked for, or as --respacing says; undefined: as the preset has. @throws InputError */
function visitedLevels(settings: RunSettings, name: "levels" | "steps", limit: number): number | undefined {
  const { respacing, strategy, [name]: asked } = settings;
  if (asked !== undefined && asked > limit)
    throw new InputError(
      `--${name}: this network was trained with ${limit} noise levels and a run visits some of them, so 1 to ${limit} are possible, got ${asked}`,
    );
  if (respacing === undefined) return asked;
  const visited = respacedTimesteps(limit, respacing).length;
  if (strategy !== "slow-down" && (asked === undefined || asked === visited)) return visited;
  const others =
    strategy === "slow-down" ? `--${name} and --strategy slow-down away, which say` : `--${name} away, which says`;
  throw new InputError(`--respacing ${quoted(respacing)} visits ${visited} noise levels: leave ${others} it, too`);
}

function requireRunnable(sampling: Sampling, { strategy }: RunSettings, limit: number): void {
  if (sampling.sampler === "langevin")
    wholeNumber("--still", langevinSettings(sampling).still, { min: 0, max: sampling.levels });
  // Counting refuses schedules that are too long to be made.
  samplingCalls(sampling);
  const levels = noiseLevels(sampling);
  if (levels <= limit) return;
  throw new InputError(
    strategy === "slow-down"
      ? `--strategy slow-down: ${levels} model calls would be as many steps, and this network was trained with ${limit} noise levels: give fewer --steps or --resamples`
      : `the preset has ${levels} steps and this network was trained with ${limit} noise levels: give --${sampling.sampler === "repaint" ? "steps" : "levels"}`,
  );
}

/** "guided Langevin, 10 levels of 2 steps", "RePaint, 100 steps, jump length 10, 5 resamples". */
export function samplingWords(sampling: Sampling): string {
  const words = sampling.sampler === "repaint" ? `RePaint, ${scheduleWords(sampling)}` : langevinWords(sampling);
  const { strength } = sampling;
  if (strength === undefined) return words;
  return `${words}, begun with a picture at the lower ${Math.round(100 * strength)} % of them`;
}

function langevinWords(sampling: LangevinSampling): string {
  const { levels, inner, step, lambda, still } = langevinSettings(sampling);
  return [
    `guided Langevin, ${count(levels, "level")} of ${count(inner, "step")}`,
    ...(step === 1 ? [] : [`step size ${step}`]),
    ...(lambda === 8 ? [] : [`lambda ${lambda}`]),
    ...(still === 1 ? [] : [`the last ${still} without`]),
  ].join(", ");
}

function scheduleWords(sampling: RePaintSampling): string {
  const { steps, jumpLength, resamples, tailLength = 1, tailResamples = 1, startResampling } = sampling;
  return [
    `${steps} steps`,
    ...(resamples === 1 && tailResamples === 1 ? ["no jumps"] : []),
    ...(resamples > 1 ? [`jump length ${jumpLength}, ${count(resamples, "resample")}`] : []),
    ...(startResampling === undefined ? [] : [`jumps up to level ${startResampling}`]),
    ...(tailResamples > 1 ? [`the last ${tailLength} sampled ${tailResamples} times`] : []),
  ].join(", ");
}
