/**
 * How a run is sampled, as somebody asks for it. One row a setting: options of the command line, the words of `evaluate
 * --setting` and the objects of evaluate's plan files are all read by these rows. Not here: what the settings do
 * (src/repaint/sampling.ts), what follows from them (sampling.ts), and other options of a run (settings.ts).
 */
import { InputError } from "../../errors.ts";
import { type Order, type Preset, PRESETS, SAMPLER_SETTINGS, type SamplerName } from "../../repaint/sampling.ts";
import { STRATEGIES, type Strategy } from "../../repaint/strategies.ts";
import type { Arguments, Option } from "../command.ts";
import { choice, fraction, notNegative, positive, share, wholeNumber, type Written } from "../values.ts";

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

type Setting = (typeof SAMPLER_SETTINGS)[SamplerName][number];
type Rows = Readonly<Record<"preset" | "sampler" | "strategy", Row<unknown>> & Partial<Record<Setting, Row<unknown>>>>;

/**
 * In the order of help. All but preset, sampler and strategy are settings of samplers, by their names in `Sampling`;
 * options write `jumpLength` as --jump-length.
 */
const rows = {
  preset: {
    value: "NAME",
    help: "fast (28 model calls) or balanced (58) by guided Langevin steps, or paper: RePaint as published (2410)",
    read: among(Object.keys(PRESETS) as Preset[]),
  },
  sampler: {
    value: "langevin|repaint",
    help: "guided Langevin steps or RePaint (default: the preset's, or whose settings are given)",
    read: among(Object.keys(SAMPLER_SETTINGS) as SamplerName[]),
  },
  levels: {
    value: "L",
    help: "langevin: the noise levels that the run visits",
    read: from1To(Infinity),
  },
  inner: {
    value: "N",
    help: "langevin: steps at each level, of one model call each",
    read: (what, written) => wholeNumber(what, written, { min: 0, max: 1_000_000 }),
  },
  step: { value: "H", help: "langevin: the size of a step (default 1)", read: positive },
  lambda: {
    value: "X",
    help: "langevin: how strongly the known part is drawn towards the picture (default 8)",
    read: notNegative,
  },
  still: {
    value: "N",
    help: "langevin: how many of the last levels have no steps (default 1)",
    read: (what, written) => wholeNumber(what, written, { min: 0, max: mostLevels }),
  },
  steps: {
    value: "N",
    help: "repaint: T, the noise levels that the run visits",
    read: from1To(Infinity),
  },
  jumpLength: { value: "N", help: "repaint: j, how many levels a jump goes back up", read: from1To(mostLevels) },
  resamples: {
    value: "N",
    help: "repaint: r, how often each stretch is sampled; 1 never jumps",
    read: from1To(1_000_000),
  },
  startResampling: {
    value: "N",
    help: "repaint: jump only at noise levels up to N (default: at all)",
    read: from1To(mostLevels),
  },
  strategy: {
    value: "NAME",
    help: `repaint: how the schedule's model calls are spent: ${Object.entries(STRATEGIES)
      .map(([name, meaning]) => `${name} (${meaning})`)
      .join(", ")}`,
    read: among(Object.keys(STRATEGIES) as Strategy[]),
  },
  eta: {
    value: "X",
    help: "repaint: DDIM with this η, 0 (no noise) to 1, instead of the network's own variance",
    read: fraction,
  },
  order: {
    value: "program|paper",
    help: "repaint: as RePaint's program does it (default), or the paper's Algorithm 1 to the letter",
    read: among<Order>(["program", "paper"]),
  },
  respacing: {
    value: "TEXT",
    help: 'which noise levels are visited, in guided-diffusion\'s words: "250", "ddim50", "10,15,20" (default: evenly)',
    read: (_what, written) => String(written),
  },
  strength: {
    value: "X",
    help: "begin with what lies in the hole (or --start-from) at this share of the noise levels, above 0 to 1; less keeps more of it",
    read: share,
  },
} as const satisfies Rows;

type Key = keyof typeof rows;

/**
 * What was asked for; what was not is undefined. What is sampled follows from it when the network and the kind of
 * adapter are known (given/sampling.ts).
 */
export type RunSettings = { readonly [K in Key]?: ReturnType<(typeof rows)[K]["read"]> | undefined };

export const optionOf = (key: string): string => key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const keyOf = new Map<string, Key>((Object.keys(rows) as Key[]).map((key) => [optionOf(key), key]));

/** By the names of options: "preset", "jump-length", … */
const optionNames: readonly string[] = [...keyOf.keys()];
/** Of a setting that is evaluated: with a strength a run would begin with the picture that it is measured against. */
export const runSettingNames: readonly string[] = optionNames.filter((name) => name !== "strength");

/** The options of these settings, all without names. `help` says something else of one. */
export function runOptions(
  names: readonly string[] = optionNames,
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
  const settings: RunSettings = Object.fromEntries([...keyOf].flatMap(read));
  // Refuses those of two samplers.
  samplerOf(settings);
  return settings;
}

/**
 * The sampler that was asked for, by name, by a preset or by a setting that only it has. @throws InputError where two
 * were
 */
export function samplerOf(settings: RunSettings): SamplerName | undefined {
  const asked = (Object.keys(settings) as Key[]).flatMap((key) => {
    const sampler = settings[key] === undefined ? undefined : askedBy(key, settings);
    const isNamed = key === "preset" || key === "sampler";
    const option = `--${optionOf(key)}`;
    const words = isNamed ? `${option} ${settings[key]} asks for` : `${option} belongs to`;
    return sampler ? [{ sampler, words }] : [];
  });
  const [first] = asked;
  const other = asked.find(({ sampler }) => sampler !== first?.sampler);
  if (first && other)
    throw new InputError(
      `${first.words} the sampler ${first.sampler}, ${other.words} ${other.sampler}: leave one of them away`,
    );
  return first?.sampler;
}

function askedBy(key: Key, { preset, sampler }: RunSettings): SamplerName | undefined {
  if (key === "preset") return PRESETS[preset!].sampler;
  if (key === "sampler") return sampler;
  if (key === "strategy") return "repaint";
  const owners = (Object.keys(SAMPLER_SETTINGS) as SamplerName[]).filter((name) =>
    (SAMPLER_SETTINGS[name] as readonly string[]).includes(key),
  );
  return owners.length === 1 ? owners[0] : undefined;
}
