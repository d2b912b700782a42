/**
 * 100,000 damaged checkpoints of every kind, with what stands beside them: no crash, no hang, no memory beyond bounds.
 * Nothing in them is executed: a global that a pickle asks for is refused (pytorchFuzz.test.ts).
 */
import { expect, it } from "vitest";
import { fuzzCheckpoints } from "../support/checkpointFuzz.ts";

it.each(Array.from({ length: 10 }, (_, part) => part))(
  "mutated checkpoints, part %i of 10",
  async (part) => {
    const { opened, refused, slowestMs } = await fuzzCheckpoints(10_000 * part, 10_000);
    expect(opened + refused).toBe(10_000);
    // Both ends are reached.
    expect(opened).toBeGreaterThan(200);
    expect(refused).toBeGreaterThan(5_000);
    expect(slowestMs).toBeLessThan(20_000);
    expect(process.memoryUsage().rss).toBeLessThan(1.5e9);
    if (process.env.REPAINT_SHOW) console.log({ part, opened, refused, slowestMs, rss: process.memoryUsage().rss });
  },
  600_000,
);
