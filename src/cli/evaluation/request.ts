/**
 * What an evaluation is asked to do, from options or from a JSON file: names of pictures, masks, settings and seeds, checked in
 * form. Not here: reading the pictures and making a plan of it (evaluatePlan.ts).
 */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { asInputError } from "../../node/files.ts";
import { MASK_PATTERNS, type MaskPattern } from "../../pictures/masks.ts";
import { Arguments, hint, type Option, quoted } from "../command.ts";
import { readSeeds } from "../given/settings.ts";
import { readPattern } from "../given/masks.ts";

export interface RequestedMask {
  readonly name: string;
  readonly pattern: MaskPattern;
  readonly seed: bigint;
}

export interface RequestedSetting {
  readonly name: string;
  /** By the names of `inpaint`'s options. */
  readonly options: Arguments;
}

export interface EvaluationRequest {
  readonly images: readonly string[];
  readonly masks: readonly RequestedMask[];
  /** Mask files, as `inpaint` takes them. */
  readonly files: { readonly kind: "fill" | "keep"; readonly path: string } | undefined;
  readonly settings: readonly RequestedSetting[];
  readonly seeds: readonly bigint[];
}

export const requestOptions: readonly Option[] = [
  { name: "plan", value: "F", help: "JSON file that says the following six (docs/evaluate.md)" },
  { name: "image", value: "F", repeat: true, help: "picture (PNG or JPEG), or a folder of pictures" },
  {
    name: "mask",
    value: "KIND[:SEED]",
    repeat: true,
    help: `${Object.keys(MASK_PATTERNS).join(", ")}, or all; every picture gets its own strokes`,
  },
  { name: "fill", value: "F", help: "mask picture or folder of masks, white where it is to be filled" },
  { name: "keep", value: "F", help: "the other way round: white where the picture is known" },
  {
    name: "setting",
    value: "[NAME:]WORDS",
    repeat: true,
    help: 'preset and inpaint\'s options with commas: "fast", "long:steps=100,jump-length=10,resamples=5,strategy=sdedit" (default fast)',
  },
  { name: "seed", value: "N", help: "the first seed (default 0)" },
  { name: "count", value: "N", help: "results of each picture, with the seeds seed, seed+1, … (default 1)" },
];

const settingOptions = [
  "preset",
  "steps",
  "jump-length",
  "resamples",
  "start-resampling",
  "strategy",
  "eta",
  "order",
  "respacing",
];

/** @throws InputError */
export async function readRequest(given: Arguments): Promise<EvaluationRequest> {
  const path = given.text("plan");
  const form = requestOptions.map(({ name }) => name).filter((name) => name !== "plan");
  if (path === undefined) return fromOptions(given);
  const both = form.find((name) => given.has(name));
  if (both) throw new InputError(`--plan says what to evaluate, and --${both} does, too: give one of them`);
  return fromFile(path);
}

function fromOptions(given: Arguments): EvaluationRequest {
  const [fill, keep] = [given.text("fill"), given.text("keep")];
  return complete({
    images: given.all("image"),
    masks: given.all("mask").flatMap(maskFromText),
    fill,
    keep,
    settings: given.all("setting").map(settingFromText),
    seeds: readSeeds(given),
  });
}

/** A request of our own, in the options' words. @throws InputError */
export function requestFrom(given: {
  readonly images: readonly string[];
  readonly masks: readonly string[];
  readonly settings: readonly string[];
  readonly seeds: readonly bigint[];
}): EvaluationRequest {
  return complete({
    ...given,
    masks: given.masks.flatMap(maskFromText),
    settings: given.settings.map(settingFromText),
  });
}

interface Parts {
  readonly images: readonly string[];
  readonly masks: readonly RequestedMask[];
  readonly fill?: string | undefined;
  readonly keep?: string | undefined;
  readonly settings: readonly RequestedSetting[];
  readonly seeds: readonly bigint[];
}

function complete({ images, masks, fill, keep, settings, seeds }: Parts): EvaluationRequest {
  if (images.length === 0) throw new InputError("pictures are needed: --image F, or images in the plan");
  if (fill !== undefined && keep !== undefined)
    throw new InputError("fill and keep say the same thing in two ways: give one of them");
  if (masks.length === 0 && fill === undefined && keep === undefined)
    throw new InputError("masks are needed: --mask KIND, or --fill F or --keep F for files");
  requireDistinct("mask", [...masks, ...((fill ?? keep) ? [{ name: fill === undefined ? "keep" : "fill" }] : [])]);
  requireDistinct("setting", settings);
  requireDistinct(
    "seed",
    seeds.map((seed) => ({ name: String(seed) })),
  );
  return {
    images,
    masks,
    seeds,
    files:
      fill !== undefined ? { kind: "fill", path: fill } : keep !== undefined ? { kind: "keep", path: keep } : undefined,
    settings: settings.length > 0 ? settings : [settingFromText("fast")],
  };
}

function requireDistinct(what: string, all: readonly { readonly name: string }[]): void {
  const names = all.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InputError(`${what} ${quoted(twice)} is given twice; give it once, or another name`);
}

/** "wide", "wide:7" or "all". */
function maskFromText(text: string): RequestedMask[] {
  const [, kind = "", digits] = /^([^:]*)(?::(.*))?$/s.exec(text)!;
  const seed = digits === undefined ? 0n : readSeeds(new Arguments(new Map([["seed", [digits]]]), []))[0]!;
  if (kind === "all") return Object.keys(MASK_PATTERNS).map((name) => ({ name, pattern: name as MaskPattern, seed }));
  return [{ name: text, pattern: readPattern(kind), seed }];
}

/** "fast", "steps=50,resamples=2" or "NAME:…". */
function settingFromText(text: string): RequestedSetting {
  const [, name, words = ""] = /^(?:([^:=,]+):)?(.*)$/s.exec(text)!;
  const values = new Map<string, string[]>();
  for (const word of words.split(",")) {
    const [, key = "preset", value = ""] = /^(?:([^=]*)=)?(.*)$/s.exec(word.trim())!;
    if (values.has(key)) throw new InputError(`setting ${quoted(text)}: ${key} is given twice`);
    requireSettingOption(text, key);
    if (value === "") throw new InputError(`setting ${quoted(text)}: ${key} needs a value`);
    values.set(key, [value]);
  }
  return { name: (name ?? words).trim(), options: new Arguments(values, []) };
}

function requireSettingOption(setting: string, key: string): void {
  if (!settingOptions.includes(key))
    throw new InputError(
      `setting ${quoted(setting)}: ${quoted(key)} is no option of a setting${hint(key, settingOptions)}; they are ${settingOptions.join(", ")}`,
    );
}

const planKeys = ["images", "masks", "fill", "keep", "settings", "seeds", "seed", "count"];

async function fromFile(path: string): Promise<EvaluationRequest> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw asInputError(error, `cannot read --plan ${path}`);
  }
  const fail = (problem: string): never => {
    throw new InputError(`${path}: ${problem}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    fail(`is not JSON (${(error as Error).message})`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) fail("expected an object");
  const plan = json as Record<string, unknown>;
  const unknown = Object.keys(plan).find((key) => !planKeys.includes(key));
  if (unknown !== undefined)
    fail(`${quoted(unknown)} is no part of a plan${hint(unknown, planKeys)}; they are ${planKeys.join(", ")}`);
  const list = (key: string): readonly unknown[] => {
    const value = plan[key] ?? [];
    return Array.isArray(value) ? value : [value];
  };
  // Names in a plan mean the plan's own folder, so that it can be run from anywhere.
  const place = (name: unknown, key: string): string =>
    typeof name === "string" && name !== ""
      ? resolve(dirname(path), name)
      : fail(`${key}: expected a file or a folder`);
  try {
    return complete({
      images: list("images").map((name) => place(name, "images")),
      masks: list("masks").flatMap((mask) => (typeof mask === "string" ? maskFromText(mask) : maskFromObject(mask))),
      ...(plan.fill === undefined ? {} : { fill: place(plan.fill, "fill") }),
      ...(plan.keep === undefined ? {} : { keep: place(plan.keep, "keep") }),
      settings: list("settings").map((setting) =>
        typeof setting === "string" ? settingFromText(setting) : settingFromObject(setting),
      ),
      seeds: seedsFrom(plan),
    });
  } catch (error) {
    if (error instanceof InputError && !error.message.startsWith(path)) return fail(error.message);
    throw error;
  }
}

const isScalar = (value: unknown): value is string | number =>
  (typeof value === "string" && value !== "") || (typeof value === "number" && Number.isFinite(value));

function maskFromObject(mask: unknown): RequestedMask {
  const { kind, seed = 0, name, ...rest } = Object(mask) as Record<string, unknown>;
  if (typeof kind !== "string" || !isScalar(seed) || (name !== undefined && !isScalar(name)) || Object.keys(rest)[0])
    throw new InputError(
      `masks: expected a kind or {"kind": …, "seed": …, "name": …}, got ${quoted(JSON.stringify(mask))}`,
    );
  const [made] = maskFromText(`${kind}:${seed}`);
  return { ...made!, name: name === undefined ? (seed === 0 ? kind : `${kind}:${seed}`) : String(name) };
}

function settingFromObject(setting: unknown): RequestedSetting {
  const { name, ...rest } = Object(setting) as Record<string, unknown>;
  const values = new Map<string, string[]>();
  for (const [key, value] of Object.entries(rest)) {
    const option = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    requireSettingOption(isScalar(name) ? String(name) : JSON.stringify(setting), option);
    if (!isScalar(value)) throw new InputError(`settings: ${key}: expected a number or text`);
    values.set(option, [String(value)]);
  }
  const words = [...values].map(([key, [value]]) => (key === "preset" ? value : `${key}=${value}`)).join(",");
  if (values.size === 0 || (name !== undefined && !isScalar(name)))
    throw new InputError(`settings: expected words or an object of options, got ${quoted(JSON.stringify(setting))}`);
  return { name: name === undefined ? words : String(name), options: new Arguments(values, []) };
}

function seedsFrom({ seeds, seed, count }: Record<string, unknown>): bigint[] {
  const read = (name: "seed" | "count", value: unknown): [string, string[]][] => {
    if (value === undefined) return [];
    if (!isScalar(value)) throw new InputError(`${name}: expected a whole number`);
    return [[name, [String(value)]]];
  };
  if (seeds === undefined)
    return readSeeds(new Arguments(new Map([...read("seed", seed), ...read("count", count)]), []));
  if (seed !== undefined || count !== undefined)
    throw new InputError("seeds, and seed with count, say the same: give one");
  if (!Array.isArray(seeds) || seeds.length === 0) throw new InputError("seeds: expected a list of whole numbers");
  return seeds.flatMap((value) => readSeeds(new Arguments(new Map(read("seed", value)), [])));
}
