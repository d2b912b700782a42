/** Arenas: live tensors never overlap, a dispatch never reads and writes one arena, limits hold. Random plans. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lifetimes, planArenas, type ArenaLimits } from "../src/engine/arena.ts";
import { OutOfMemoryError } from "../src/errors.ts";
import { foldWorkgroups } from "../src/engine/executor.ts";
import { defineKernel, read, readOptional, write } from "../src/engine/kernel.ts";
import { accesses, PlanBuilder, type Plan } from "../src/engine/plan.ts";
import { byteLength, type Tensor } from "../src/engine/tensor.ts";

/** Reads one or two tensors and writes one: enough to make any graph. */
const mix = defineKernel()({
  name: "mix",
  bindings: { a: read, b: readOptional, y: write },
  parameters: {},
  workgroups: () => 1,
  source: () => "",
});

const limits: ArenaLimits = {
  maxStorageBufferBindingSize: 4096,
  maxBufferSize: 8192,
  minStorageBufferOffsetAlignment: 256,
};

/**
 * A random plan: each dispatch reads earlier tensors (recent ones mostly, old ones as skips do) and writes a new one.
 */
const randomPlan = fc
  .array(
    fc.record({
      length: fc.integer({ min: 1, max: 1024 }),
      a: fc.nat(),
      b: fc.option(fc.nat(), { nil: undefined }),
      dtype: fc.constantFrom("f32" as const, "f16" as const),
    }),
    { minLength: 1, maxLength: 40 },
  )
  .map((steps): Plan => {
    const builder = new PlanBuilder();
    const tensors: Tensor[] = [builder.external("x", "f32", [16])];
    for (const [index, { length, a, b, dtype }] of steps.entries()) {
      const y = builder.temporary(`t${index}`, dtype, [length]);
      const pick = (n: number) => tensors[tensors.length - 1 - (n % Math.min(tensors.length, 1 + (n % 9)))]!;
      builder.dispatch(mix, {
        tensors: { a: pick(a), b: b === undefined ? undefined : pick(b), y },
        parameters: {},
        variant: {},
      });
      tensors.push(y);
    }
    return builder.finish();
  });

describe("planArenas", () => {
  it("keeps live tensors apart, and what a dispatch reads apart from what it writes", () => {
    fc.assert(
      fc.property(randomPlan, (plan) => {
        const { sizes, placements } = planArenas(plan, limits);
        const lives = lifetimes(plan);
        expect(placements.size).toBe(lives.length);
        for (const [index, life] of lives.entries()) {
          const place = placements.get(life.tensor)!;
          expect(place.offset % limits.minStorageBufferOffsetAlignment).toBe(0);
          expect(place.size).toBeGreaterThanOrEqual(byteLength(life.tensor));
          expect(place.offset + place.size).toBeLessThanOrEqual(sizes[place.arena]!);
          expect(sizes[place.arena]!).toBeLessThanOrEqual(limits.maxBufferSize);
          for (const other of lives.slice(index + 1)) {
            if (life.first > other.last || other.first > life.last) continue;
            const apart = placements.get(other.tensor)!;
            const overlap =
              place.arena === apart.arena &&
              place.offset < apart.offset + apart.size &&
              apart.offset < place.offset + place.size;
            expect(overlap, `${life.tensor.name} and ${other.tensor.name}`).toBe(false);
          }
        }
        for (const dispatch of plan.dispatches) {
          const { reads, writes } = accesses(dispatch);
          const arenas = (tensors: Tensor[]) => tensors.flatMap((tensor) => placements.get(tensor)?.arena ?? []);
          for (const arena of arenas(writes)) expect(arenas(reads)).not.toContain(arena);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("shares memory: a chain of equal tensors needs two of them", () => {
    const builder = new PlanBuilder();
    let last = builder.external("x", "f32", [64]);
    for (let i = 0; i < 20; i++) {
      const y = builder.temporary(`t${i}`, "f32", [64]);
      builder.dispatch(mix, { tensors: { a: last, y }, parameters: {}, variant: {} });
      last = y;
    }
    expect(planArenas(builder.finish(), limits).sizes).toEqual([256, 256]);
  });

  it("names a tensor that is larger than a binding", () => {
    const builder = new PlanBuilder();
    const y = builder.temporary("the large one", "f32", [2000]);
    builder.dispatch(mix, { tensors: { a: builder.external("x", "f32", [4]), y }, parameters: {}, variant: {} });
    expect(() => planArenas(builder.finish(), limits)).toThrow(OutOfMemoryError);
    expect(() => planArenas(builder.finish(), limits)).toThrow(/the large one needs 8000 bytes.*at most 4096/);
  });
});

describe("foldWorkgroups", () => {
  it("covers every count within the limit of a dimension", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer({ min: 50_000, max: 65_535 }), (count, maximum) => {
        const [x, y] = foldWorkgroups(count, maximum, "test");
        expect(x * y).toBeGreaterThanOrEqual(count);
        expect(x * (y - 1)).toBeLessThan(count);
        expect(Math.max(x, y)).toBeLessThanOrEqual(maximum);
      }),
    );
    expect(() => foldWorkgroups(0, 65535, "test")).toThrow(/expected 1 to 4294836225 workgroups, got 0/);
  });
});
