/** The schedule of times against the program's own, against a naive twin, and refusing what makes no sense. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import {
  countModelCalls,
  MAX_TRANSITIONS,
  type Schedule,
  scheduleFromProgram,
  scheduleTimes,
} from "../src/repaint/schedule.ts";
import { PRESETS, samplingCalls } from "../src/repaint/sampling.ts";
import goldens from "./goldens/repaint/schedules.json" with { type: "json" };

const smallCount = fc.integer({ min: 1, max: 3 });
const plainSchedule = fc.record({
  steps: fc.integer({ min: 1, max: 80 }),
  jumpLength: fc.integer({ min: 1, max: 90 }),
  resamples: fc.integer({ min: 1, max: 8 }),
});
/** Every extra set or left out, sizes such that a run stays below a million transitions. */
const anySchedule: fc.Arbitrary<Schedule> = fc.record(
  {
    steps: fc.integer({ min: 1, max: 40 }),
    jumpLength: fc.integer({ min: 1, max: 45 }),
    resamples: smallCount,
    sampleCount: smallCount,
    jump2Length: fc.integer({ min: 1, max: 12 }),
    jump2Resamples: smallCount,
    jump3Length: fc.integer({ min: 1, max: 6 }),
    jump3Resamples: smallCount,
    startResampling: fc.integer({ min: 1, max: 45 }),
  },
  { requiredKeys: ["steps", "jumpLength", "resamples"] },
);

/** The definition, with tables of counters: slow and literal. */
function naiveTimes(s: Schedule): number[] {
  const { sampleCount = 1, startResampling = 1e8 } = s;
  const table = (length: number, resamples: number): number[] => {
    const counts: number[] = [];
    for (let k = 0; k < s.steps - length; k += length) counts[k] = resamples - 1;
    return counts;
  };
  const lengths = [s.jumpLength, s.jump2Length ?? 1, s.jump3Length ?? 1];
  const resamples = [s.resamples, s.jump2Resamples ?? 1, s.jump3Resamples ?? 1];
  const counts = lengths.map((length, i) => table(length, resamples[i]!));
  const times: number[] = [];
  let t = s.steps;
  while (t >= 1) {
    t--;
    times.push(t);
    if (t + 1 < s.steps - 1 && t <= startResampling) for (let i = 0; i < sampleCount - 1; i++) times.push(t + 1, t);
    for (const level of [2, 1, 0]) {
      const left = counts[level]![t] ?? 0;
      if (left === 0 || t > startResampling - lengths[level]!) continue;
      counts[level]![t] = left - 1;
      for (let i = 0; i < lengths[level]!; i++) times.push(++t);
      for (let below = level + 1; below < 3; below++) counts[below] = table(lengths[below]!, resamples[below]!);
    }
  }
  return [...times, -1];
}

test.each(goldens)("golden schedule $params", ({ params, times, model_calls, length }) => {
  const made = scheduleTimes(scheduleFromProgram(params));
  expect(made).toEqual(times);
  expect(made).toHaveLength(length);
  expect(countModelCalls(made)).toBe(model_calls);
});

test.each([
  ["fast", 28, 10],
  ["balanced", 58, 20],
  ["paper", 2410, 250],
] as const)("preset %s makes %i model calls, %i where nothing is known", (name, calls, plain) => {
  expect(samplingCalls(PRESETS[name])).toBe(calls);
  expect(samplingCalls(PRESETS[name], false)).toBe(plain);
});

test.each([
  [25, 5, 5, 105],
  [100, 10, 5, 460],
  [250, 10, 10, 2410],
])("T %i, j %i, r %i makes %i model calls", (steps, jumpLength, resamples, calls) => {
  expect(countModelCalls(scheduleTimes({ steps, jumpLength, resamples }))).toBe(calls);
});

test("a tail climbs from time 0 and descends without jumps, and costs its length each time", () => {
  expect(scheduleTimes({ steps: 4, jumpLength: 1, resamples: 1, tailLength: 2, tailResamples: 3 })).toEqual([
    3, 2, 1, 0, 1, 2, 1, 0, 1, 2, 1, 0, -1,
  ]);
  fc.assert(
    fc.property(plainSchedule, fc.nat(60), smallCount, (schedule, length, tailResamples) => {
      const tailLength = 1 + (length % schedule.steps);
      fc.pre(tailLength < schedule.steps);
      const calls = countModelCalls(scheduleTimes({ ...schedule, tailLength, tailResamples }));
      expect(calls).toBe(countModelCalls(scheduleTimes(schedule)) + (tailResamples - 1) * tailLength);
    }),
  );
  const whole = { steps: 4, jumpLength: 1, resamples: 1, tailLength: 4, tailResamples: 2 };
  expect(() => scheduleTimes(whole)).toThrow(/shorter than the 4 steps of the run, got 4/);
  expect(() => scheduleTimes({ ...whole, tailLength: 0 })).toThrow(InputError);
});

test("1,000 random schedules equal the naive twin, move by 1, stay in range and end at -1", () => {
  fc.assert(
    fc.property(anySchedule, (schedule) => {
      const times = scheduleTimes(schedule);
      expect(times).toEqual(naiveTimes(schedule));
      expect(times[0]).toBe(schedule.steps - 1);
      expect(times.at(-1)).toBe(-1);
      const inside = times.slice(0, -1);
      expect(inside.every((t) => Number.isInteger(t) && t >= 0 && t < schedule.steps)).toBe(true);
      expect(inside.every((t, i) => Math.abs(times[i + 1]! - t) === 1)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("model calls without extras follow the closed formula", () => {
  fc.assert(
    fc.property(plainSchedule, ({ steps, jumpLength, resamples }) => {
      const climbs = Math.max(0, Math.ceil((steps - jumpLength) / jumpLength));
      const calls = countModelCalls(scheduleTimes({ steps, jumpLength, resamples }));
      expect(calls).toBe(steps + (resamples - 1) * jumpLength * climbs);
    }),
    { numRuns: 1000 },
  );
});

const fields = [
  ["steps", "t_T"],
  ["jumpLength", "jump_length"],
  ["resamples", "jump_n_sample"],
  ["sampleCount", "n_sample"],
  ["jump2Length", "jump2_length"],
  ["jump2Resamples", "jump2_n_sample"],
  ["jump3Length", "jump3_length"],
  ["jump3Resamples", "jump3_n_sample"],
  ["startResampling", "start_resampling"],
] as const;

test.each(fields)("%s must be a positive integer, and so must %s", (field, programName) => {
  const program = { t_T: 10, jump_length: 5, jump_n_sample: 2 };
  for (const bad of [0, -1, 2.5, Number.NaN, Infinity, 2 ** 60, "3", null, [4], {}, true]) {
    const refused = (name: string) => new RegExp(`^${name} must be a positive integer, got `);
    const schedule = { ...PRESETS.paper, [field]: bad } as unknown as Schedule;
    expect(() => scheduleTimes(schedule)).toThrow(InputError);
    expect(() => scheduleTimes(schedule)).toThrow(refused(field));
    expect(() => scheduleFromProgram({ ...program, [programName]: bad })).toThrow(InputError);
    expect(() => scheduleFromProgram({ ...program, [programName]: bad })).toThrow(refused(programName));
  }
});

test("the program's names reach their fields", () => {
  const program = Object.fromEntries(fields.map(([, name], i) => [name, i + 1]));
  expect(scheduleFromProgram(program)).toEqual(Object.fromEntries(fields.map(([field], i) => [field, i + 1])));
});

test.each([
  ["no object", null, /must be an object .* got null/],
  ["a list", [250, 10, 10], /must be an object .* got \[250,10,10\]/],
  ["a missing parameter", { t_T: 10, jump_length: 5 }, /^jump_n_sample must be a positive integer, got nothing$/],
  [
    "an unknown parameter",
    { t_T: 10, jump_length: 5, jump_n_samples: 2 },
    /^unknown schedule parameter "jump_n_samples"/,
  ],
  ["an inherited name", JSON.parse('{"__proto__": 1, "t_T": 10}'), /^unknown schedule parameter "__proto__"/],
])("a schedule of the program with %s is refused", (_, value, message) => {
  expect(() => scheduleFromProgram(value)).toThrow(InputError);
  expect(() => scheduleFromProgram(value)).toThrow(message);
});

test.each([
  { steps: 250, jumpLength: 1, resamples: 1_000_000 },
  { steps: 1e15, jumpLength: 1, resamples: 1 },
  { steps: 1000, jumpLength: 10, resamples: 2, sampleCount: 1e12 },
  { steps: 1000, jumpLength: 1, resamples: 1e6, jump2Resamples: 1e6, jump3Resamples: 1e6 },
])("an absurd schedule is refused: %j", (schedule) => {
  const refusal = expect.objectContaining({
    name: "InputError",
    message: expect.stringMatching(/more than 5,000,000 transitions; lower steps/),
  });
  expect(() => scheduleTimes(schedule)).toThrow(refusal);
});

test("the limit counts transitions exactly", () => {
  // Two falls, and a rise and a fall for each further sample: 2·r transitions.
  const longest = { steps: 2, jumpLength: 1, resamples: MAX_TRANSITIONS / 2 };
  expect(scheduleTimes(longest).length - 1).toBe(MAX_TRANSITIONS);
  expect(() => scheduleTimes({ ...longest, resamples: longest.resamples + 1 })).toThrow(InputError);
});
