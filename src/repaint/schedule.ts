/**
 * The schedule of times: in which order RePaint visits the noise levels, down and up again (RePaint, section 4.2).
 * A schedule is data; this file turns it into the list of times and counts the model calls.
 * Not here: noise levels and coefficients (diffusion.ts), and what the pairs of times mean (transitions.ts).
 */
import { InputError } from "../errors.ts";
import { shown } from "../text/quoted.ts";

/**
 * A RePaint schedule. Every field is a positive integer. The extras default to no effect. Without jumps and with more
 * steps it is what the paper calls slowing down, and with a tail SDEdit's way to resample (strategies.ts).
 */
export interface Schedule {
  /** T, the number of respaced diffusion steps; times run from T − 1 down to 0. */
  steps: number;
  /** j, how many steps a climb goes back up. */
  jumpLength: number;
  /** r, how often each stretch of j steps is sampled; r = 1 never climbs. */
  resamples: number;
  /** How often each single step is sampled (the program's n_sample). Default 1. */
  sampleCount?: number;
  /** A second and a third level of climbs inside the first; each starts afresh after a climb of the level above. */
  jump2Length?: number;
  jump2Resamples?: number;
  jump3Length?: number;
  jump3Resamples?: number;
  /** Climbs end at or below this time, and single steps are repeated from times up to it. Default 1e8: no limit. */
  startResampling?: number;
  /** How many of the last steps make the tail, and how often it is sampled: when time 0 is reached, the run climbs back
   * to time `tailLength` and descends without jumps, `tailResamples` − 1 times. */
  tailLength?: number;
  tailResamples?: number;
}

/** The longest schedule that is made: the paper's setting has 4570 transitions. */
export const MAX_TRANSITIONS = 5_000_000;

const DEFAULTS: Omit<Required<Schedule>, "steps" | "jumpLength" | "resamples"> = {
  sampleCount: 1,
  jump2Length: 1,
  jump2Resamples: 1,
  jump3Length: 1,
  jump3Resamples: 1,
  startResampling: 1e8,
  tailLength: 1,
  tailResamples: 1,
};

/** The program's name of each field, as recorded traces and configuration files write it. */
const PROGRAM_NAMES: Record<string, keyof Schedule> = {
  t_T: "steps",
  n_sample: "sampleCount",
  jump_length: "jumpLength",
  jump_n_sample: "resamples",
  jump2_length: "jump2Length",
  jump2_n_sample: "jump2Resamples",
  jump3_length: "jump3Length",
  jump3_n_sample: "jump3Resamples",
  start_resampling: "startResampling",
};

/**
 * The times of a run: T − 1 first, −1 last, neighbours differing by exactly 1. A falling pair is one model call,
 * a rising pair one re-noising step.
 * Throws InputError where a field is no positive integer, or where the run has more than MAX_TRANSITIONS transitions.
 */
export function scheduleTimes(schedule: Schedule): number[] {
  const { steps, sampleCount, startResampling, tailLength, tailResamples, ...all } = completeSchedule(schedule);
  const first = jumpLevel(steps, all.jumpLength, all.resamples);
  const second = jumpLevel(steps, all.jump2Length, all.jump2Resamples);
  const third = jumpLevel(steps, all.jump3Length, all.jump3Resamples);
  const innermostFirst = [
    { ...third, inner: [] },
    { ...second, inner: [third] },
    { ...first, inner: [second, third] },
  ];

  const times: number[] = [];
  const visit = (time: number): void => {
    if (times.length === MAX_TRANSITIONS) throw tooLong(schedule);
    times.push(time);
  };
  let t = steps;
  while (t >= 1) {
    visit(--t);
    if (t + 1 < steps - 1 && t <= startResampling) {
      for (let i = 1; i < sampleCount; i++) {
        visit(t + 1);
        visit(t);
      }
    }
    // One pass over the levels, each testing the time at which the level before it left off.
    for (const level of innermostFirst) {
      if (t > startResampling - level.length || !level.take(t)) continue;
      for (let i = 0; i < level.length; i++) visit(++t);
      for (const inner of level.inner) inner.refill();
    }
  }
  for (let i = 1; i < tailResamples; i++) {
    for (let time = 1; time <= tailLength; time++) visit(time);
    for (let time = tailLength - 1; time >= 0; time--) visit(time);
  }
  times.push(-1);
  return times;
}

/** The number of network evaluations of a run: its falling pairs. T + (r − 1)·j·⌈(T − j)/j⌉ where no extra is set, and
 * (tailResamples − 1)·tailLength more with a tail. */
export function countModelCalls(times: readonly number[]): number {
  let calls = 0;
  for (let i = 1; i < times.length; i++) if (times[i]! < times[i - 1]!) calls++;
  return calls;
}

/**
 * A schedule from the vocabulary of the RePaint program: t_T, n_sample, jump_length, jump_n_sample, jump2_length, …,
 * start_resampling, as a recorded trace carries it. t_T, jump_length and jump_n_sample must be there.
 * Throws InputError for anything else, unknown names included: one that is ignored would change the run silently.
 */
export function scheduleFromProgram(value: unknown): Schedule {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new InputError(`a schedule must be an object with t_T, jump_length and jump_n_sample, got ${shown(value)}`);
  }
  const schedule: Partial<Schedule> = {};
  for (const [name, given] of Object.entries(value)) {
    const field = Object.hasOwn(PROGRAM_NAMES, name) ? PROGRAM_NAMES[name] : undefined;
    if (field === undefined) {
      const known = Object.keys(PROGRAM_NAMES).join(", ");
      throw new InputError(`unknown schedule parameter ${shown(name)}; the parameters are ${known}`);
    }
    schedule[field] = positiveInteger(name, given);
  }
  return {
    ...schedule,
    steps: positiveInteger("t_T", schedule.steps),
    jumpLength: positiveInteger("jump_length", schedule.jumpLength),
    resamples: positiveInteger("jump_n_sample", schedule.resamples),
  };
}

function completeSchedule(schedule: Schedule): Required<Schedule> {
  const complete: Required<Schedule> = { ...DEFAULTS, ...schedule };
  for (const name of [...Object.values(PROGRAM_NAMES), "tailLength", "tailResamples"] as const)
    positiveInteger(name, complete[name]);
  if (complete.tailResamples > 1 && complete.tailLength >= complete.steps)
    throw new InputError(
      `tailLength: a tail must be shorter than the ${complete.steps} steps of the run, got ${complete.tailLength}`,
    );
  if (complete.steps > MAX_TRANSITIONS) throw tooLong(schedule);
  return complete;
}

/**
 * The counters of one level of climbs: r − 1 climbs from each multiple of the length below T − length. Only the climbs
 * made since the last refill are stored, so that neither memory nor a refill grows with T.
 */
function jumpLevel(steps: number, length: number, resamples: number) {
  const climbed = new Map<number, number>();
  return {
    length,
    /** Whether a climb from t is left; if so, it is counted as made. */
    take(t: number): boolean {
      const made = climbed.get(t) ?? 0;
      if (t % length !== 0 || t >= steps - length || made >= resamples - 1) return false;
      climbed.set(t, made + 1);
      return true;
    },
    refill(): void {
      climbed.clear();
    },
  };
}

function positiveInteger(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  throw new InputError(`${name} must be a positive integer, got ${shown(value)}`);
}

function tooLong(schedule: Schedule): InputError {
  const limit = MAX_TRANSITIONS.toLocaleString("en-US");
  return new InputError(
    `the schedule ${shown(schedule)} has more than ${limit} transitions; lower steps or the numbers of resamples`,
  );
}
