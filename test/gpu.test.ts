/** The shared device of the tests, and that error scopes catch what they are for. */
import { expect, test } from "vitest";
import { withErrorScope } from "./support/errorScope.ts";
import { gpuDevice } from "./support/gpu.ts";

test("the device is shared and computes", async () => {
  const device = await gpuDevice();
  expect(await gpuDevice()).toBe(device);
  const { squares } = await import("./e2e/squares.ts");
  expect(await withErrorScope(device, () => squares(device.gpu, [1, 2, 3, -4.5]))).toEqual([1, 4, 9, 20.25]);
});

test("an error scope throws what WebGPU has against the body, and the next one is clean", async () => {
  const device = await gpuDevice();
  const wrong = withErrorScope(device, () => device.gpu.createBuffer({ size: 16, usage: 0 }));
  await expect(wrong).rejects.toThrow(/WebGPU validation/);
  const throwing = withErrorScope(device, () => Promise.reject(new Error("of the body")));
  await expect(throwing).rejects.toThrow("of the body");
  await expect(withErrorScope(device, () => 7)).resolves.toBe(7);
});
