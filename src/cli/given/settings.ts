/** Options of many commands that are numbers or a few words: seeds, region, feather, precision, sizes. */
import { InputError } from "../../errors.ts";
import type { Box } from "../../pictures/holes.ts";
import type { Arguments } from "../command.ts";
import { quoted } from "../../text/quoted.ts";
import { consecutiveSeeds, seedCounts, seedFrom } from "../values.ts";
import { precisions, type Precision } from "../../numbers/storage.ts";

export function readSeed(given: Arguments): bigint {
  return seedFrom("--seed", given.text("seed") ?? "0");
}

/** seed, seed + 1, … for --count. */
export function readSeeds(given: Arguments): bigint[] {
  return consecutiveSeeds(readSeed(given), given.integer("count", seedCounts) ?? 1);
}

export function readRegion(given: Arguments): Box | undefined {
  const text = given.text("region");
  if (text === undefined) return undefined;
  const numbers = text.split(",").map((part) => (/^\s*\d{1,9}\s*$/.test(part) ? Number(part) : NaN));
  if (numbers.length !== 4 || numbers.some(Number.isNaN))
    throw new InputError(`--region: expected X,Y,W,H in pixels of the picture as 0,0,64,64, got ${quoted(text)}`);
  const [x, y, width, height] = numbers as [number, number, number, number];
  return { x, y, width, height };
}

export function readFeather(given: Arguments): number {
  return given.integer("feather", { min: 0, max: 256 }) ?? 0;
}

export function readPrecision(given: Arguments): Precision {
  return given.choice("precision", precisions) ?? "f32";
}

/** A size in pixels; undefined where the option was not given. @throws InputError */
export function readSize(given: Arguments, option = "size"): { width: number; height: number } | undefined {
  const text = given.text(option);
  if (text === undefined) return undefined;
  const match = /^(\d{1,5})x(\d{1,5})$/.exec(text);
  if (!match) throw new InputError(`--${option}: expected WIDTHxHEIGHT as 256x256, got ${quoted(text)}`);
  return { width: Number(match[1]), height: Number(match[2]) };
}
