/** An evaluation asked for in a JSON file (docs/evaluate.md). Not here: what its few words mean (words.ts). */
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { asInputError } from "../../node/files.ts";
import { quoted } from "../../text/quoted.ts";
import { about, consecutiveSeeds, hint, seedCounts, seedFrom, wholeNumber, type Written } from "../values.ts";
import { completeRequest, type EvaluationRequest, type RequestedMask, type RequestedSetting } from "./request.ts";
import { masksFromWords, namedSetting, requireSettingName, settingFromWords } from "./words.ts";

const planKeys = ["images", "masks", "fill", "keep", "settings", "seeds", "seed", "count"];

/** @throws InputError that names the file */
export async function requestFromFile(path: string): Promise<EvaluationRequest> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw asInputError(error, `cannot read --plan ${path}`);
  }
  return about(path, () => requestFromJson(jsonObject(text), dirname(path)));
}

function jsonObject(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new InputError(`is not JSON (${(error as Error).message})`);
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw new InputError("expected an object");
  return json as Record<string, unknown>;
}

/** Names of files mean those in `folder`, the plan's own, so that it can be run from anywhere. */
function requestFromJson(plan: Record<string, unknown>, folder: string): EvaluationRequest {
  const unknown = Object.keys(plan).find((key) => !planKeys.includes(key));
  if (unknown !== undefined)
    throw new InputError(
      `${quoted(unknown)} is no part of a plan${hint(unknown, planKeys)}; they are ${planKeys.join(", ")}`,
    );
  const list = (key: string): readonly unknown[] => {
    const value = plan[key] ?? [];
    return Array.isArray(value) ? value : [value];
  };
  const place = (name: unknown, key: string): string => {
    if (typeof name !== "string" || name === "") throw new InputError(`${key}: expected a file or a folder`);
    return resolve(folder, name);
  };
  return completeRequest({
    images: list("images").map((name) => place(name, "images")),
    masks: list("masks").flatMap((mask) => (typeof mask === "string" ? masksFromWords(mask) : maskFromObject(mask))),
    fill: plan.fill === undefined ? undefined : place(plan.fill, "fill"),
    keep: plan.keep === undefined ? undefined : place(plan.keep, "keep"),
    settings: list("settings").map((setting) =>
      typeof setting === "string" ? settingFromWords(setting) : settingFromObject(setting),
    ),
    seeds: seedsFrom(plan),
  });
}

const isWritten = (value: unknown): value is Written =>
  (typeof value === "string" && value !== "") || (typeof value === "number" && Number.isFinite(value));

/** {"kind": "wide", "seed": 7, "name": "brush"}; seed and name may be missing. */
function maskFromObject(mask: unknown): RequestedMask {
  const { kind, seed = 0, name, ...rest } = Object(mask) as Record<string, unknown>;
  if (typeof kind !== "string" || !isWritten(seed) || (name !== undefined && !isWritten(name)) || Object.keys(rest)[0])
    throw new InputError(
      `masks: expected a kind or {"kind": …, "seed": …, "name": …}, got ${quoted(JSON.stringify(mask))}`,
    );
  const [made] = masksFromWords(seed === 0 ? kind : `${kind}:${seed}`);
  return { ...made!, name: name === undefined ? made!.name : String(name) };
}

/**
 * {"name": "long", "steps": 100, "jumpLength": 10}, by the names of options, in camel case or as options are written.
 */
function settingFromObject(setting: unknown): RequestedSetting {
  const { name, ...rest } = Object(setting) as Record<string, unknown>;
  const written = new Map<string, Written>();
  const shown = isWritten(name) ? String(name) : JSON.stringify(setting);
  for (const [key, value] of Object.entries(rest)) {
    const option = key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    requireSettingName(shown, option);
    if (!isWritten(value)) throw new InputError(`settings: ${key}: expected a number or text`);
    if (written.has(option)) throw new InputError(`setting ${quoted(shown)}: ${option} is given twice`);
    written.set(option, value);
  }
  if (written.size === 0 || (name !== undefined && !isWritten(name)))
    throw new InputError(`settings: expected words or an object of options, got ${quoted(JSON.stringify(setting))}`);
  const words = [...written].map(([key, value]) => (key === "preset" ? String(value) : `${key}=${value}`));
  return namedSetting(name === undefined ? words.join(",") : String(name), written);
}

/** A list, or as many from one on. */
function seedsFrom({ seeds, seed, count }: Record<string, unknown>): bigint[] {
  const number = (name: string, value: unknown): Written => {
    if (isWritten(value)) return value;
    throw new InputError(`${name}: expected a whole number`);
  };
  if (seeds === undefined) {
    const counted = wholeNumber("count", number("count", count ?? 1), seedCounts);
    return consecutiveSeeds(seedFrom("seed", number("seed", seed ?? 0)), counted);
  }
  if (seed !== undefined || count !== undefined)
    throw new InputError("seeds, and seed with count, say the same: give one");
  if (!Array.isArray(seeds) || seeds.length === 0) throw new InputError("seeds: expected a list of whole numbers");
  return seeds.map((value) => seedFrom("seeds", number("seeds", value)));
}
