/** Transitions: they replay to the times they came from, and a damaged list of times is refused with its place. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { PRESETS } from "../src/repaint/sampling.ts";
import { countModelCalls, scheduleTimes } from "../src/repaint/schedule.ts";
import { singleTransitionsOf, type Transition, transitionsOf } from "../src/repaint/transitions.ts";
import goldens from "./goldens/repaint/schedules.json" with { type: "json" };

const randomTimes = fc
  .record({
    steps: fc.integer({ min: 1, max: 40 }),
    jumpLength: fc.integer({ min: 1, max: 15 }),
    resamples: fc.integer({ min: 1, max: 4 }),
    sampleCount: fc.integer({ min: 1, max: 3 }),
    jump2Length: fc.integer({ min: 1, max: 6 }),
    jump2Resamples: fc.integer({ min: 1, max: 3 }),
  })
  .map(scheduleTimes);

function replay(start: number, transitions: readonly Transition[]): number[] {
  const times = [start];
  for (const step of transitions) {
    if (step.from !== times.at(-1)) throw new Error(`${JSON.stringify(step)} does not start at ${times.at(-1)}`);
    if (step.kind === "reverse") times.push(step.from - 1);
    else for (let t = step.from + 1; t <= step.to; t++) times.push(t);
  }
  return times;
}

function checkTransitions(times: readonly number[]): void {
  const merged = transitionsOf(times);
  const single = singleTransitionsOf(times);
  expect(replay(times[0]!, merged)).toEqual(times);
  expect(replay(times[0]!, single)).toEqual(times);
  expect(single).toHaveLength(times.length - 1);
  expect(merged.some((step, i) => step.kind === "climb" && merged[i + 1]?.kind === "climb")).toBe(false);
  expect(single.every((step) => step.kind === "reverse" || step.to === step.from + 1)).toBe(true);
  for (const list of [merged, single]) {
    expect(list.filter((step) => step.kind === "reverse")).toHaveLength(countModelCalls(times));
  }
}

test.each(goldens)("golden schedule $params", ({ times }) => checkTransitions(times));

test("1,000 random schedules replay to their times, merged and single", () => {
  fc.assert(fc.property(randomTimes, checkTransitions), { numRuns: 1000 });
});

test("a short run, spelled out", () => {
  const times = [3, 2, 1, 2, 3, 2, 1, 0, 1, 0, -1];
  expect(transitionsOf(times)).toEqual([
    { kind: "reverse", from: 3 },
    { kind: "reverse", from: 2 },
    { kind: "climb", from: 1, to: 3 },
    { kind: "reverse", from: 3 },
    { kind: "reverse", from: 2 },
    { kind: "reverse", from: 1 },
    { kind: "climb", from: 0, to: 1 },
    { kind: "reverse", from: 1 },
    { kind: "reverse", from: 0 },
  ]);
  expect(singleTransitionsOf(times).slice(2, 4)).toEqual([
    { kind: "climb", from: 1, to: 2 },
    { kind: "climb", from: 2, to: 3 },
  ]);
});

test("the paper's setting has 216 climbs of 10 steps", () => {
  const climbs = transitionsOf(scheduleTimes(PRESETS.paper)).filter((step) => step.kind === "climb");
  expect(climbs).toHaveLength(216);
  expect(climbs.every((step) => step.to - step.from === 10)).toBe(true);
});

test.each<[string, unknown, RegExp]>([
  ["no list", { 0: 1, length: 2 }, /^the times of a run must be a list of 2 to 5000001 integers, got object$/],
  ["nothing", undefined, /got undefined$/],
  ["an empty list", [], /got 0 of them$/],
  ["only the end", [-1], /got 1 of them$/],
  ["too many times", Object.assign([], { length: 5_000_002 }), /got 5000002 of them$/],
  ["no first number", ["2", 1, 0, -1], /^the first time must be an integer from 0 on, got "2"$/],
  ["a negative start", [-2, -1], /^the first time must be an integer from 0 on, got -2$/],
  ["an infinite start", [Infinity, 1, 0, -1], /^the first time .* got Infinity$/],
  ["no end", [2, 1, 0], /^the last time must be -1, got 0;/],
  ["an end that is a string", [1, 0, "-1"], /^the last time must be -1, got "-1";/],
  ["an early end", [1, 0, -1, 0, -1], /^time 2 of 4 must be from 0 to 1, got -1;/],
  ["a climb above the start", [1, 0, 1, 2, 1, 0, -1], /^time 3 of 6 must be from 0 to 1, got 2;/],
  ["a fraction", [2, 1.5, 1, 0, -1], /^time 1 of 4 must be from 0 to 2, got 1.5;/],
  ["a hole", Object.assign([1], { 2: 0, 3: -1 }), /^time 1 of 3 must be from 0 to 1, got nothing;/],
  ["a list inside", [1, [0], -1], /^time 1 of 2 must be from 0 to 1, got \[0\];/],
  ["not a number", [1, Number.NaN, -1], /got NaN;/],
  ["a leap", [3, 1, 0, -1], /^neighbouring times must differ by 1; times 0 and 1 are 3 and 1$/],
  ["a pause", [1, 1, 0, -1], /^neighbouring times must differ by 1; times 0 and 1 are 1 and 1$/],
  ["a leap to the end", [2, 1, -1], /^neighbouring times must differ by 1; times 1 and 2 are 1 and -1$/],
])("times with %s are refused", (_, times, message) => {
  for (const read of [transitionsOf, singleTransitionsOf]) {
    expect(() => read(times as number[])).toThrow(InputError);
    expect(() => read(times as number[])).toThrow(message);
  }
});
