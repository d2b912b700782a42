/** Help as text, made from the commands' own data. */
import { type Command, helpOption, type Option } from "./command.ts";

const width = 100;

export function generalHelp(commands: readonly Command[]): string {
  return [
    "repaint — RePaint inpainting with guided-diffusion's networks on WebGPU",
    "",
    "Usage: repaint COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...columns(commands.map(({ name, summary }) => [name, summary])),
    "",
    "repaint COMMAND --help tells the options of a command; repaint --version the version.",
    "",
    "Exit status: 0 done, 1 our mistake or a failed self-test, 2 input that cannot be used, 3 no adapter,",
    "5 out of memory or a lost device, 130 interrupted.",
    "",
  ].join("\n");
}

export function commandHelp(command: Command): string {
  const { name, summary, positional, options, notes = [] } = command;
  return [
    `Usage: repaint ${name}${positional ? ` ${positional}` : ""} [OPTIONS]`,
    "",
    ...wrap(`${summary[0]!.toUpperCase()}${summary.slice(1)}.`, width),
    "",
    "Options:",
    ...columns([...options, helpOption].map((option) => [usage(option), option.help])),
    ...notes.flatMap((note) => ["", ...wrap(note, width)]),
    "",
  ].join("\n");
}

function usage({ name, value, repeat }: Option): string {
  return `--${name}${value ? ` ${value}` : ""}${repeat ? " …" : ""}`;
}

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const left = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  return rows.flatMap(([name, text]) => {
    const [first = "", ...rest] = wrap(text, width - left - 4);
    const head =
      name.length > left ? [`  ${name}`, `  ${" ".repeat(left)}  ${first}`] : [`  ${name.padEnd(left)}  ${first}`];
    return [...head, ...rest.map((line) => `  ${" ".repeat(left)}  ${line}`)];
  });
}

function wrap(text: string, length: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    if (line && line.length + word.length >= length) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines;
}
