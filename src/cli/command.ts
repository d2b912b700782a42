/**
 * What a command is: options as data, `parse` from options to settings, `run` from settings. Not here: help (help.ts),
 * what a command finds around it while it runs (context.ts).
 */
import { parseArgs } from "node:util";
import { InputError } from "../errors.ts";
import type { Context } from "./context.ts";
import { quoted } from "../text/quoted.ts";
import { choice, hint, wholeNumber } from "./values.ts";

export interface Option {
  /** Without the dashes. */
  readonly name: string;
  /** How help writes the value; an option without one is a switch. */
  readonly value?: string;
  readonly help: string;
  readonly repeat?: boolean;
}

/**
 * A command. Its options are read once, by `parse`; `run` sees settings only. (Methods, not functions in properties: so
 * that commands of different settings fit into one list.)
 */
export interface Command<Settings = unknown> {
  readonly name: string;
  readonly summary: string;
  /** How help writes the positional arguments, separated by spaces; one in brackets may be left out. */
  readonly positional?: string;
  readonly options: readonly Option[];
  /** Paragraphs below the options in help. */
  readonly notes?: readonly string[];
  /** All that was asked for, checked as far as neither network nor device is needed. @throws InputError */
  parse(given: Arguments): Settings | Promise<Settings>;
  /** Resolves to the exit status; nothing means 0. */
  run(settings: Settings, context: Context): Promise<number | void>;
}

export const jsonOption: Option = { name: "json", help: "one JSON object per event on stdout (docs/cli.md)" };
export const weightsOption: Option = {
  name: "weights",
  value: "F",
  help: "checkpoint (.pt or .safetensors), its https address, or shipped model",
};
export const forceOption: Option = { name: "force", help: "overwrite files that exist" };
export const adapterOption: Option = {
  name: "adapter",
  value: "NAME",
  help: "default, hardware, swiftshader, or a part of an adapter's name",
};
export const precisionOption: Option = {
  name: "precision",
  value: "f32|f16",
  help: "storage of activations and weights; arithmetic is f32 (default f32)",
};
export const helpOption: Option = { name: "help", help: "this text" };

/** The options of one call, by name. */
export class Arguments {
  readonly positionals: readonly string[];
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>, positionals: readonly string[]) {
    this.#values = values;
    this.positionals = positionals;
  }

  /** The first. */
  get positional(): string | undefined {
    return this.positionals[0];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  all(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  text(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  /** @throws InputError when it was not given */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new InputError(`--${name} is needed; see --help`);
    return value;
  }

  /** @throws InputError unless it is absent or a whole number of the range */
  integer(name: string, { min, max }: { min: number; max: number }): number | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : wholeNumber(`--${name}`, value, { min, max });
  }

  /** @throws InputError unless it is absent or one of the choices */
  choice<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const value = this.text(name);
    return value === undefined ? undefined : choice(`--${name}`, value, choices);
  }
}

/**
 * The command's arguments. `--name value` and `--name=value`; a value that begins with two dashes needs the second
 * form.
 * @throws InputError that names the nearest option for one that is unknown
 */
export function parseArguments(command: Command, argv: readonly string[]): Arguments {
  const options = new Map([...command.options, helpOption].map((option) => [option.name, option]));
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(
      [...options.values()].map(({ name, value }) => [
        name,
        { type: value ? "string" : "boolean", ...(name === "help" ? { short: "h" } : {}) } as const,
      ]),
    ),
    strict: false,
    tokens: true,
  });
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = options.get(token.name);
    const shown = token.rawName.slice(0, 60);
    if (!option) {
      const near = hint(
        token.name,
        [...options.keys()].map((name) => `--${name}`),
      );
      throw new InputError(`${shown} is no option of \`${command.name}\`${near}; see \`${command.name} --help\``);
    }
    if (!option.value) {
      if (token.value !== undefined) throw new InputError(`${shown} is a switch and takes no value`);
      values.set(option.name, []);
      continue;
    }
    if (token.value === undefined || token.value === "" || (!token.inlineValue && token.value.startsWith("--")))
      throw new InputError(`${shown} needs a value: ${shown} ${option.value}`);
    const before = values.get(option.name);
    if (before && !option.repeat) throw new InputError(`${shown} is given twice; give it once`);
    values.set(option.name, [...(before ?? []), token.value]);
  }
  if (!values.has("help")) checkPositionals(command, positionals);
  return new Arguments(values, positionals);
}

function checkPositionals({ name, positional }: Command, given: readonly string[]): void {
  const wanted = positional?.split(" ") ?? [];
  const extra = given[wanted.length];
  const takes = wanted.length === 0 ? "options only" : wanted.length === 1 ? `one ${positional}` : positional;
  if (extra !== undefined)
    throw new InputError(`\`${name}\` takes ${takes}, got ${quoted(extra)} too; see \`${name} --help\``);
  const missing = wanted[given.length];
  if (missing !== undefined && !missing.startsWith("["))
    throw new InputError(`\`${name}\` needs a ${missing}: repaint ${name} ${positional}`);
}
