/**
 * --flags and --classifier-flags: what a checkpoint's file does not say of its network. Not here: what flags mean
 * (src/checkpoints/flags.ts).
 */
import { readFile } from "node:fs/promises";
import { classifierPresets } from "../../checkpoints/released/classifiers.ts";
import { findPreset, presets } from "../../checkpoints/released/find.ts";
import { InputError } from "../../errors.ts";
import { asInputError } from "../../node/files.ts";
import type { Arguments, Option } from "../command.ts";
import { quoted } from "../../text/quoted.ts";

export const flagsOption: Option = {
  name: "flags",
  value: "JSON|@FILE|PRESET",
  help: "flags that the checkpoint does not carry, in the constructor's or the scripts' words, or a released network's",
};

export const networkOption: Option = {
  name: "network",
  value: "NAME",
  help: "of several networks in one file the one to take (default: the averaged one)",
};

export const classifierFlagsOption: Option = {
  name: "classifier-flags",
  value: "JSON|@FILE|PRESET",
  help: "flags that the classifier's file does not carry",
};

export type FlagsOption = "flags" | "classifier-flags";

/**
 * The option's JSON: its own, a file's, or a released network's; undefined where the option was not given. @throws
 * InputError
 */
export async function readFlags(given: Arguments, option: FlagsOption = "flags"): Promise<unknown> {
  const value = given.text(option);
  if (value === undefined) return undefined;
  const preset = findPreset(value) ?? classifierPresets.find(({ name }) => name === value);
  if (preset) return preset.flags;
  const text = value.startsWith("@") ? await readText(value.slice(1), `cannot read --${option} ${value}`) : value;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    const names = [...presets, ...classifierPresets].map(({ name }) => name).join(", ");
    throw new InputError(
      `--${option} ${quoted(value)} is not JSON (${reason}) and no released network's name; ` +
        `give an object as {"num_heads": 4}, or one of ${names}`,
    );
  }
}

async function readText(path: string, problem: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw asInputError(error, problem);
  }
}
