/** What runs begin with where they do not begin with noise alone: --strength and --start-from. */
import { InputError } from "../../errors.ts";
import type { Arguments, Option } from "../command.ts";
import { readRun, type RunSettings } from "./run.ts";

export interface Beginning {
  readonly run: RunSettings;
  /** A picture, or a folder of pictures; undefined: a run with a strength begins with the picture's own. */
  readonly startFrom: string | undefined;
}

export const startOption: Option = {
  name: "start-from",
  value: "F",
  help: "with --strength: a copy of the picture with your guess in the hole, or a folder of such",
};

/** With the settings of the run, of which the strength is one. @throws InputError */
export function readBeginning(given: Arguments): Beginning {
  const run = readRun(given);
  const startFrom = given.text(startOption.name);
  if (startFrom !== undefined && run.strength === undefined)
    throw new InputError("--start-from needs --strength X: 0.5 begins at half of the noise levels");
  return { run, startFrom };
}
