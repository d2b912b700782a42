/**
 * What a list of times means: each falling pair is a reverse step, each run of rising pairs one climb.
 * The list may come from a recorded trace, so it is checked here.
 * Not here: how the times are made (schedule.ts) and what a transition computes (diffusion.ts).
 */
import { InputError } from "../errors.ts";
import { shown } from "../text/quoted.ts";
import { MAX_TRANSITIONS } from "./schedule.ts";

/** `reverse` is one model call and goes from `from` to `from − 1`; `climb` adds the noise of `to − from` steps. */
export type Transition =
  | { readonly kind: "reverse"; readonly from: number }
  | { readonly kind: "climb"; readonly from: number; readonly to: number };

/**
 * The transitions of a run, in order, with rising steps in a row merged into one climb.
 * Throws InputError unless the times are integers that start at the highest, change by exactly 1 and reach −1 as the
 * last and only there. Whether the highest is the diffusion's last step is requireSteps' matter.
 */
export function transitionsOf(times: readonly number[]): Transition[] {
  checkTimes(times);
  const transitions: Transition[] = [];
  for (let i = 0; i + 1 < times.length; i++) {
    const from = times[i]!;
    if (times[i + 1]! < from) {
      transitions.push({ kind: "reverse", from });
      continue;
    }
    while (times[i + 2]! > times[i + 1]!) i++;
    transitions.push({ kind: "climb", from, to: times[i + 1]! });
  }
  return transitions;
}

/** As transitionsOf, but every rise is a climb of one step: a recorded trace has one draw of noise for each. */
export function singleTransitionsOf(times: readonly number[]): Transition[] {
  checkTimes(times);
  return times.slice(1).map((to, i) => {
    const from = times[i]!;
    return to < from ? { kind: "reverse", from } : { kind: "climb", from, to };
  });
}

function checkTimes(times: unknown): asserts times is readonly number[] {
  if (!Array.isArray(times) || times.length < 2 || times.length > MAX_TRANSITIONS + 1) {
    const came = Array.isArray(times) ? `${times.length} of them` : typeof times;
    throw new InputError(`the times of a run must be a list of 2 to ${MAX_TRANSITIONS + 1} integers, got ${came}`);
  }
  const last = times.length - 1;
  const highest = times[0];
  if (!isTime(highest)) throw new InputError(`the first time must be an integer from 0 on, got ${shown(highest)}`);
  for (let i = 1; i <= last; i++) {
    const time: unknown = times[i];
    if (i === last ? time !== -1 : !isTime(time) || time > highest) {
      const wanted = i === last ? "the last time must be -1" : `time ${i} of ${last} must be from 0 to ${highest}`;
      throw new InputError(`${wanted}, got ${shown(time)}; a run starts at its highest time and ends at -1`);
    }
    const before = times[i - 1] as number;
    if (Math.abs((time as number) - before) !== 1) {
      throw new InputError(
        `neighbouring times must differ by 1; times ${i - 1} and ${i} are ${before} and ${shown(time)}`,
      );
    }
  }
}

function isTime(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
