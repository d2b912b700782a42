/** Our sources in a page of a real browser, bundled by Vite, and the harness that all such tests use. */
import { afterAll, describe, expect, test } from "vitest";
import { readFileSync } from "node:fs";
import { RePaint } from "../src/index.ts";
import type { Tuned } from "./e2e/tuning.ts";
import { goldenTensors, goldenUrl, relativeError, tensor } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { closeChromium, noChromium, runInChromium } from "./support/chromium.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";
import { decode, encode } from "./support/wire.ts";

const goldenBytes = (name: string) => new Uint8Array(readFileSync(goldenUrl(`unet/${name}`)!));

interface Filled {
  readonly steps: number[];
  readonly modelCalls: number;
  readonly pixels: Uint8Array;
  readonly given: Readonly<Record<string, string>>;
}

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

  test("a whole network gives PyTorch's numbers in a page", async () => {
    const [weights, io] = ["weights", "io"].map((part) => goldenBytes(`new-attention-order.${part}.safetensors`));
    const out = await runInChromium<Float32Array>("test/e2e/forward.ts", { weights, io });
    const expected = await tensor(await goldenTensors("unet/new-attention-order.io.safetensors"), "out");
    expect(relativeError(out, expected)).toBeLessThanOrEqual(5e-5);
  });

  test("a picture is filled through the public API, as in Node, and known pixels stay", async () => {
    const weights = goldenBytes("new-attention-order.weights.safetensors");
    const [width, height] = [16, 16];
    const pixels = Uint8Array.from({ length: width * height * 4 }, (_, i) => (i % 4 === 3 ? 255 : (i * 37) % 251));
    const keep = Float32Array.from({ length: width * height }, (_, i) => (i % width < 9 ? 1 : 0));
    const result = await runInChromium<Filled>("test/e2e/inpaint.ts", { weights, width, height, pixels, keep });
    expect(result.steps).toEqual([1, 2, 3, 4, 5, 6]);
    expect(result.modelCalls).toBe(6);
    const same = ["imageData", "canvas", "offscreen", "bitmap", "image", "file", "strokes"];
    expect(result.given).toEqual({
      ...Object.fromEntries(same.map((name) => [name, "same"])),
      empty: expect.stringMatching(/^InputError: picture: expected .* something in it, got an HTMLCanvasElement$/),
      text: "InputError: picture is no picture that this browser can read: expected PNG, JPEG, WebP, AVIF or GIF",
      missing: expect.stringMatching(/^InputError: picture: expected .* got an HTMLImageElement$/),
      small:
        "InputError: the mask is 2x2, the picture 16x16: they must have the same size; resize the mask to the picture's",
    });
    const repaint = await RePaint.load(weights, { device: await gpuDevice() });
    const picture = { width, height, data: new Uint8ClampedArray(pixels) };
    const jobs = [{ picture, keep: { width, height, data: keep }, seed: 11n }];
    const { pictures } = await repaint.inpaint(jobs, {
      sampling: { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 },
    });
    repaint.dispose();
    for (let i = 0; i < pixels.length; i++) {
      if (keep[i >> 2] === 1) expect(result.pixels[i]).toBe(pixels[i]);
      else expect(Math.abs(result.pixels[i]! - pictures[0]!.data[i]!)).toBeLessThanOrEqual(1);
    }
  });

  test("what was tuned in a page is remembered there", async () => {
    const result = await runInChromium<Tuned>("test/e2e/tuning.ts", { weights: tinyNetwork() });
    expect([result.before, result.warnings, result.unknown]).toEqual([0, [], null]);
    expect(result.tuned.length).toBeGreaterThan(5);
    expect(new Map(result.loaded)).toEqual(new Map(result.tuned));
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
