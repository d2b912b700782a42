/**
 * A value from what somebody wrote: text of the command line, text or a number of a JSON file. `what` is how an error
 * calls it ("--steps"); every error says what was expected and what came.
 */
import { InputError } from "../errors.ts";
import { nearNames } from "../text/near.ts";
import { shown } from "../text/quoted.ts";

export type Written = string | number;

/** @throws InputError unless it is a whole number from `min` to `max`, which may be infinite */
export function wholeNumber(what: string, written: Written, { min, max }: { min: number; max: number }): number {
  const number = typeof written === "number" ? written : /^\d{1,15}$/.test(written) ? Number(written) : NaN;
  if (!Number.isInteger(number) || number < min || number > max)
    throw new InputError(
      `${what}: expected a whole number from ${min} ${max === Infinity ? "on" : `to ${max}`}, got ${shown(written)}`,
    );
  return number;
}

/** @throws InputError unless it is a number from 0 to 1 */
export function fraction(what: string, written: Written): number {
  const number = decimal(written);
  if (!(number >= 0 && number <= 1))
    throw new InputError(`${what}: expected a number from 0 to 1, got ${shown(written)}`);
  return number;
}

/** @throws InputError unless it is a number above 0 */
export function positive(what: string, written: Written): number {
  const number = decimal(written);
  if (!(number > 0)) throw new InputError(`${what}: expected a number above 0, got ${shown(written)}`);
  return number;
}

/** @throws InputError unless it is a number above 0 and at most 1 */
export function share(what: string, written: Written): number {
  const number = decimal(written);
  if (!(number > 0 && number <= 1))
    throw new InputError(`${what}: expected a number above 0, at most 1, got ${shown(written)}`);
  return number;
}

/** @throws InputError unless it is a number from 0 on */
export function notNegative(what: string, written: Written): number {
  const number = decimal(written);
  if (!(number >= 0)) throw new InputError(`${what}: expected a number from 0 on, got ${shown(written)}`);
  return number;
}

/** Finite and without a sign; NaN for everything else. */
function decimal(written: Written): number {
  const number =
    typeof written === "number" || /^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(written) ? Number(written) : NaN;
  return Number.isFinite(number) ? number : NaN;
}

/** @throws InputError that names the nearest choice */
export function choice<T extends string>(what: string, written: Written, choices: readonly T[]): T {
  const found = choices.find((one) => one === written);
  if (found !== undefined) return found;
  const near = hint(String(written), choices);
  const [last, ...others] = [...choices].reverse();
  const words = others.length === 0 ? last : `${others.reverse().join(", ")} or ${last}`;
  throw new InputError(`${what}: expected ${words}, got ${shown(written)}${near}`);
}

const seedLimit = 1n << 64n;

/** @throws InputError unless it is a whole number below 2⁶⁴; a number of JSON is exact up to 2⁵³ only */
export function seedFrom(what: string, written: Written): bigint {
  const isExact = typeof written === "number" ? Number.isSafeInteger(written) : /^\d{1,20}$/.test(written);
  const seed = isExact ? BigInt(written) : seedLimit;
  if (seed < 0n || seed >= seedLimit)
    throw new InputError(`${what}: expected a whole number from 0 to ${seedLimit - 1n}, got ${shown(written)}`);
  return seed;
}

/** seed, seed + 1, … @throws InputError where they pass the largest seed */
export function consecutiveSeeds(seed: bigint, count: number): bigint[] {
  if (seed + BigInt(count) > seedLimit)
    throw new InputError(
      `--count ${count}: the seeds from ${seed} on would pass ${seedLimit - 1n}; choose a smaller --seed`,
    );
  return Array.from({ length: count }, (_, i) => seed + BigInt(i));
}

/** The most seeds of one command. */
export const seedCounts = { min: 1, max: 10_000 } as const;

/** What `body` returns. An InputError that it throws first says what it is about: "setting "fast": --steps: …". */
export function about<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${what}: ${error.message}`) : error;
  }
}

/** ` (did you mean …?)`, or nothing where no name is near. */
export function hint(name: string, known: readonly string[]): string {
  const [near] = nearNames(name.startsWith("--") || !known[0]?.startsWith("--") ? name : `--${name}`, known);
  return near === undefined ? "" : ` (did you mean ${near}?)`;
}
