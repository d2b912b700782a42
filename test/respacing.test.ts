/** Respacing strings: the timesteps they keep, as properties of every string that fits, and clear refusals. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { respacedTimesteps } from "../src/repaint/respacing.ts";

test("250 of 1000 rounds half to even: 0, 4, 8, …, 995, 999", () => {
  const timesteps = respacedTimesteps(1000, "250");
  expect(timesteps.slice(0, 4)).toEqual([0, 4, 8, 12]);
  expect(timesteps.slice(-2)).toEqual([995, 999]);
});

test.each([
  [10, "", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  [10, "10", [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
  // Stride 2.5 meets both halves that round down and halves that round up.
  [11, "5", [0, 2, 5, 8, 10]],
  // Sections of 4, 3 and 3.
  [10, "2,1,3", [0, 3, 4, 7, 8, 9]],
  [10, "0, 2", [5, 9]],
  [10, "1", [0]],
  [10, "ddim5", [0, 2, 4, 6, 8]],
  [10, "ddim4", [0, 3, 6, 9]],
  [1, "1", [0]],
])("%i steps, %j", (steps, respacing, wanted) => expect(respacedTimesteps(steps, respacing)).toEqual(wanted));

test("any sections that fit give rising timesteps of their own section, its first and last among them", () => {
  const sections = fc
    .array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }) }), { minLength: 1, maxLength: 6 })
    .chain((list) => fc.tuple(fc.constant(list), fc.integer({ min: list.length, max: 1500 })));
  fc.assert(
    fc.property(sections, ([list, steps]) => {
      const bounds = list.map((_, i) => i * Math.floor(steps / list.length) + Math.min(i, steps % list.length));
      const sizes = bounds.map((start, i) => (bounds[i + 1] ?? steps) - start);
      const counts = list.map(({ share }, i) => Math.max(1, Math.round(share * sizes[i]!)));
      const timesteps = respacedTimesteps(steps, counts.join(","));
      expect(timesteps).toHaveLength(counts.reduce((sum, count) => sum + count, 0));
      expect(timesteps.every((t, i) => Number.isInteger(t) && t > (timesteps[i - 1] ?? -1))).toBe(true);
      bounds.forEach((start, i) => {
        const inside = timesteps.filter((t) => t >= start && t < start + sizes[i]!);
        expect(inside).toHaveLength(counts[i]!);
        expect(inside[0]).toBe(start);
        if (counts[i]! > 1) expect(inside.at(-1)).toBe(start + sizes[i]! - 1);
      });
    }),
    { numRuns: 500 },
  );
});

test("ddimN gives N evenly strided steps from 0, or says that no stride does", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 1200 }), fc.integer({ min: 1, max: 1200 }), (steps, count) => {
      const strides = Array.from({ length: steps - 1 }, (_, i) => i + 1);
      const stride = strides.find((n) => Math.ceil(steps / n) === count);
      const respacing = `ddim${count}`;
      if (stride === undefined) {
        expect(() => respacedTimesteps(steps, respacing)).toThrow(/^no integer stride gives exactly/);
      } else {
        expect(respacedTimesteps(steps, respacing)).toEqual(Array.from({ length: count }, (_, i) => i * stride));
      }
    }),
    { numRuns: 500 },
  );
});

test.each<[unknown, RegExp]>([
  ["1001", /^respacing "1001" takes 1001 timesteps from a section of 1000 /],
  ["500,501", /^respacing "500,501" takes 501 timesteps from a section of 500 \(1000 diffusion steps in 2\)/],
  ["ddim300", /^no integer stride gives exactly 300 of 1000 diffusion steps/],
  ["ddim1", /^no integer stride gives exactly 1 of 1000/],
  ["0", /^respacing "0" keeps no timestep/],
  ["0,0", /keeps no timestep/],
  ["ddim", /^respacing must be .* got "ddim"$/],
  ["-5", /^respacing must be .* got "-5"$/],
  ["10,", /got "10,"$/],
  ["10,,20", /got "10,,20"$/],
  ["2.5", /got "2.5"$/],
  ["1e2", /got "1e2"$/],
  [" ", /got " "$/],
  ["fast27", /got "fast27"$/],
  ["9".repeat(101), /got "9{100}…"$/],
  [250, /got 250$/],
  [null, /got null$/],
])("%j is refused", (respacing, message) => {
  expect(() => respacedTimesteps(1000, respacing as string)).toThrow(InputError);
  expect(() => respacedTimesteps(1000, respacing as string)).toThrow(message);
});
