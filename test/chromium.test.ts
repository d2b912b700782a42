/** Our sources in a page of a real browser, bundled by Vite, and the harness that all such tests use. */
import { afterAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium, runInChromium } from "./support/chromium.ts";
import { decode, encode } from "./support/wire.ts";

describe.skipIf(noChromium)("Chromium", () => {
  afterAll(closeChromium);

  test("the engine's device computes in a page", async () => {
    const numbers = Float32Array.from({ length: 1000 }, (_, index) => index / 8 - 50);
    const result = await runInChromium<{ name: string; kind: string; squares: Float32Array }>(
      "test/e2e/engineDevice.ts",
      numbers,
    );
    expect(result.name).toMatch(/swiftshader/i);
    expect(result.kind).toBe("cpu");
    expect(result.squares).toEqual(numbers.map((number) => number * number));
  });

  test("a failure in the page is the test's failure, with what the page wrote", async () => {
    const failing = runInChromium("test/e2e/failing.ts");
    await expect(failing).rejects.toThrow(/failing\.ts failed in Chromium: [^]*on purpose[^]*before the failure/);
  });
});

test("values cross between test and page unchanged", () => {
  const value = {
    text: "ü",
    list: [1, null, { deep: new Float32Array([NaN, -0, Infinity, 1e-45]) }],
    bytes: new Uint8Array(100_000).map((_, index) => index),
    part: new Float64Array(8).fill(3).subarray(2, 5),
    whole: new BigInt64Array([-(2n ** 63n), 5n]),
    none: new Uint32Array(),
  };
  expect(decode(encode(value))).toEqual(value);
  expect(decode(encode(undefined))).toBe(null);
  expect(() => encode(new DataView(new ArrayBuffer(4)))).toThrow("a DataView cannot cross");
});
