/** Runs before every test file: the same random cases in every run, and a GPU failure is reported where it happened. */
import { configureGlobal } from "fast-check";
import { afterEach, expect } from "vitest";
import { checkSharedDevice } from "./support/gpu.ts";

// A failing property prints its own seed; to look for new cases: REPAINT_TEST_SEED=$RANDOM npm test.
configureGlobal({ seed: Number(process.env.REPAINT_TEST_SEED ?? 2022) });

// WebGPU reports validation errors and losses late: without this a broken test would fail the one after it.
afterEach(checkSharedDevice);

// Vitest compares typed arrays element by element: 15 s for a file of weights. Equal bytes are equal values.
expect.addEqualityTesters([
  (a: unknown, b: unknown) =>
    ArrayBuffer.isView(a) && ArrayBuffer.isView(b) && a.constructor === b.constructor && equalBytes(a, b)
      ? true
      : undefined,
]);

function equalBytes(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const bytes = ({ buffer, byteOffset, byteLength }: ArrayBufferView) => Buffer.from(buffer, byteOffset, byteLength);
  return bytes(a).equals(bytes(b));
}
