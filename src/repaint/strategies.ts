/**
 * The ways to spend a budget of model calls that the paper compares (section 5.4 to 5.6): RePaint's jumps, slowing the
 * diffusion down, and SDEdit's repeats of the last half. Each turns a schedule into one of about the same cost.
 */
import { InputError } from "../errors.ts";
import { countModelCalls, scheduleTimes, type Schedule } from "./schedule.ts";

/** Every strategy, with what it does with the model calls of a schedule. */
export const STRATEGIES = {
  resample: "RePaint's jumps",
  "slow-down": "as many smaller steps, no jumps",
  sdedit: "one descent, then the last half again and again",
} as const;

export type Strategy = keyof typeof STRATEGIES;

/**
 * A schedule that spends the model calls of `schedule` in another way. `slow-down`: exactly as many steps. `sdedit`:
 * the same steps once, then climbs to T/2 and descents from there (Meng et al. 2022, as RePaint's section 5.6 uses it),
 * as many as come nearest to the budget.
 * @throws InputError for an unknown strategy or schedule
 */
export function spendCalls(schedule: Schedule, strategy: Strategy): Schedule {
  const { steps } = schedule;
  const calls = countModelCalls(scheduleTimes(schedule));
  const plain = { jumpLength: 1, resamples: 1 };
  switch (strategy) {
    case "resample":
      return schedule;
    case "slow-down":
      return { steps: calls, ...plain };
    case "sdedit": {
      const tailLength = Math.max(1, Math.floor(steps / 2));
      return { steps, ...plain, tailLength, tailResamples: 1 + Math.round((calls - steps) / tailLength) };
    }
    default:
      throw new InputError(
        `strategy: expected one of ${Object.keys(STRATEGIES).join(", ")}, got ${JSON.stringify(strategy)}`,
      );
  }
}
