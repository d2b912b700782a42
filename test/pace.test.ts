/** Submissions are cut to a tenth of a second by the speed seen so far, on adapters of any speed. */
import { describe, expect, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { Executor } from "../src/engine/executor.ts";
import { Pace } from "../src/engine/pace.ts";
import { PlanBuilder } from "../src/engine/plan.ts";
import { relu } from "../src/shaders/relu.ts";
import { gpuDevice } from "./support/gpu.ts";

/** Milliseconds that submissions take on an adapter of `speed` multiply-adds a millisecond, each cut to the pace. */
async function drive(kind: "cpu" | "gpu", speed: (submission: number) => number, count: number): Promise<number[]> {
  const pace = new Pace(kind);
  const taken: number[] = [];
  let clock = 0;
  for (let submission = 0; submission < count; submission++) {
    const macs = pace.macsPerSubmit;
    const done = Promise.resolve();
    pace.watch(macs, done, () => clock);
    const milliseconds = macs / speed(submission);
    clock += milliseconds;
    taken.push(milliseconds);
    await done;
    await Promise.resolve();
  }
  return taken;
}

describe("the pace", () => {
  it.each([
    ["cpu", 2e5],
    ["cpu", 1e6],
    ["cpu", 3e7],
    ["gpu", 1e7],
    ["gpu", 1e10],
  ] as const)("comes to a tenth of a second on a %s of %s multiply-adds a millisecond", async (kind, speed) => {
    const taken = await drive(kind, () => speed, 20);
    expect(Math.max(...taken)).toBeLessThanOrEqual(500);
    expect(taken.at(-1)).toBeGreaterThan(80);
    expect(taken.at(-1)).toBeLessThan(120);
  });

  it("slows down at once and speeds up little by little", async () => {
    const taken = await drive("cpu", (submission) => (submission === 10 ? 5e5 : 2e6), 14);
    expect(taken[10]).toBeGreaterThan(300);
    expect(taken[11]).toBeLessThan(50);
    expect(taken[12]).toBeGreaterThan(taken[11]!);
    expect(taken[13]).toBeLessThan(120);
  });

  it("learns nothing from submissions without work or from a lost device", async () => {
    const pace = new Pace("cpu");
    const before = pace.macsPerSubmit;
    pace.watch(10, Promise.resolve());
    pace.watch(1e9, Promise.reject(new Error("lost")));
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(pace.macsPerSubmit).toBe(before);
  });
});

it("an executor cuts its plan by the pace of its device", async () => {
  const shared = await gpuDevice();
  const device = new Device(shared.gpu, shared.info);
  const builder = new PlanBuilder();
  const x = builder.external("x", "f32", [64]);
  const y = builder.external("y", "f32", [64]);
  const macs = device.pace.macsPerSubmit * 0.4;
  for (let i = 0; i < 6; i++)
    builder.dispatch(relu, { tensors: { x, y }, parameters: { vectors: 16 }, variant: {}, macs });
  const buffers = await Promise.all(["x", "y"].map((name) => device.createBuffer(name, 256, 0x8c)));
  const externals = new Map([x, y].map((tensor, i) => [tensor, { buffer: buffers[i]! }]));
  const executor = await Executor.create(device, builder.finish(), externals);
  const parts: number[] = [];
  await executor.run({ onProgress: (done) => parts.push(done) });
  // The first two fit; then the device turns out to be fast, and more do.
  expect(parts[0]).toBeCloseTo(2 / 6);
  expect(parts.at(-1)).toBe(1);
  expect(parts.length).toBeLessThanOrEqual(4);
  executor.dispose();
  for (const buffer of buffers) device.destroyBuffer(buffer);
});
