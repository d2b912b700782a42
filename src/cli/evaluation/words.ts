/**
 * Masks and settings in a few words, as options and the lists of a plan file have them: "wide:7",
 * "long:steps=100,resamples=5".
 */
import { InputError } from "../../errors.ts";
import { MASK_PATTERNS, type MaskPattern } from "../../pictures/masks.ts";
import { readPattern } from "../given/masks.ts";
import { runSettingNames, runSettings } from "../given/run.ts";
import { quoted } from "../../text/quoted.ts";
import { about, hint, seedFrom, type Written } from "../values.ts";
import type { RequestedMask, RequestedSetting } from "./request.ts";

/** "wide", "wide:7" or "all". @throws InputError */
export function masksFromWords(text: string): RequestedMask[] {
  const [, kind = "", digits = "0"] = /^([^:]*)(?::(.*))?$/s.exec(text)!;
  const seed = seedFrom(`the seed of mask ${quoted(text)}`, digits);
  if (kind === "all") return Object.keys(MASK_PATTERNS).map((name) => ({ name, pattern: name as MaskPattern, seed }));
  return [{ name: text, pattern: readPattern(kind), seed }];
}

/** "fast", "steps=50,resamples=2" or "NAME:…". @throws InputError */
export function settingFromWords(text: string): RequestedSetting {
  const [, name, words = ""] = /^(?:([^:=,]+):)?(.*)$/s.exec(text)!;
  const written = new Map<string, string>();
  for (const word of words.split(",")) {
    const [, key = "preset", value = ""] = /^(?:([^=]*)=)?(.*)$/s.exec(word.trim())!;
    if (written.has(key)) throw new InputError(`setting ${quoted(text)}: ${key} is given twice`);
    requireSettingName(text, key);
    if (value === "") throw new InputError(`setting ${quoted(text)}: ${key} needs a value`);
    written.set(key, value);
  }
  return namedSetting((name ?? words).trim(), written);
}

/** @throws InputError that says which setting it is about */
export function namedSetting(name: string, written: ReadonlyMap<string, Written>): RequestedSetting {
  return { name, run: about(`setting ${JSON.stringify(name)}`, () => runSettings((key) => written.get(key))) };
}

/** @throws InputError that names the nearest one */
export function requireSettingName(setting: string, key: string): void {
  if (!runSettingNames.includes(key))
    throw new InputError(
      `setting ${quoted(setting)}: ${quoted(key)} is no option of a setting${hint(key, runSettingNames)}; they are ${runSettingNames.join(", ")}`,
    );
}
