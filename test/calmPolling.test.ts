/**
 * Waiting for a software adapter in Node leaves the processor to its shaders: turns of the event loop while something
 * is awaited.
 */
import { afterEach, expect, test, vi } from "vitest";
import { calmPolling } from "../src/node/calmPolling.ts";
import { openGpu } from "../src/node/adapter.ts";
import { adapterKind } from "../src/engine/adapter.ts";

afterEach(() => vi.restoreAllMocks());

/** An adapter whose device's work ends when it is told to. */
async function fakeDevice() {
  const ends: (() => void)[] = [];
  const wait = () => new Promise<void>((resolve) => ends.push(resolve));
  const device = {
    popErrorScope: wait,
    createComputePipelineAsync: wait,
    createBuffer: () => ({ mapAsync: wait }),
    queue: { onSubmittedWorkDone: wait },
  };
  const adapter = { requestDevice: async () => device } as unknown as GPUAdapter;
  calmPolling(adapter);
  return { device: await adapter.requestDevice(), ends };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test("each turn of the event loop naps once, however many waits there are, and not at all when they have ended", async () => {
  const { device, ends } = await fakeDevice();
  const naps = vi.spyOn(Atomics, "wait");
  await turn();
  expect(naps).not.toHaveBeenCalled();
  // Waits that end at once and begin again, as a network's many small ones do.
  for (let i = 0; i < 20; i++) {
    const wait = device.queue.onSubmittedWorkDone();
    ends.pop()!();
    await wait;
  }
  const waits = [
    device.queue.onSubmittedWorkDone(),
    device.popErrorScope(),
    device.createComputePipelineAsync({} as GPUComputePipelineDescriptor),
    device.createBuffer({ size: 16, usage: 1 }).mapAsync(1),
  ];
  naps.mockClear();
  const turns = 10;
  for (let i = 0; i < turns; i++) await turn();
  expect(naps.mock.calls.length).toBeGreaterThanOrEqual(turns - 1);
  expect(naps.mock.calls.length).toBeLessThanOrEqual(turns + 1);
  for (const [, , , milliseconds] of naps.mock.calls) expect(milliseconds).toBeLessThanOrEqual(1);
  for (const end of ends) end();
  await Promise.all(waits);
  await turn();
  naps.mockClear();
  await turn();
  expect(naps).not.toHaveBeenCalled();
});

test("a software adapter is waited for so, hardware is not", async () => {
  const { adapter } = await openGpu();
  expect(Object.hasOwn(adapter, "requestDevice")).toBe(adapterKind(adapter.info) === "cpu");
});
