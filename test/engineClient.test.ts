/**
 * The engine behind messages, in a page of a real browser: in a worker, and in the page itself with the same results.
 */
import { afterAll, describe, expect, test, vi } from "vitest";
import { createEngineClient } from "../src/element/client.ts";
import { fromErrorMessage, toErrorMessage } from "../src/element/errors.ts";
import { OutOfMemoryError, RePaintError } from "../src/errors.ts";
import { SourceChangedError } from "../src/sources/httpWords.ts";
import type { Results } from "./e2e/engineClient.ts";
import { closeChromium, noChromium, runInChromium } from "./support/chromium.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";

describe.skipIf(noChromium)("the engine's client in Chromium", () => {
  afterAll(closeChromium);

  test.each(["worker", "page"] as const)("answers all that is asked, in the %s", async (where) => {
    const results = await runInChromium<Results>("test/e2e/engineClient.ts", { weights: tinyNetwork(), where });
    expect(results).toMatchObject({
      adapter: { available: true, where, kind: "cpu", name: expect.stringMatching(/swiftshader/i) },
      beforeLoad: expect.stringMatching(/^InputError: no model is loaded/),
      model: { title: "tiny.safetensors", imageSize: 8, classes: null, precision: "f32", diffusionSteps: 1000 },
      loadPhases: ["uploading"],
      notAModel: expect.stringMatching(/^CheckpointError: notes.txt/),
      isInputError: true,
      debugTopic: expect.stringMatching(/^InputError: REPAINT_DEBUG: expected some of .*, got "kernel"$/),
      stillThere: 28,
      estimate: { modelCalls: 56, secondsPerCall: expect.any(Number) },
      seeds: ["7", "8"],
      handedOver: 0,
      states: ["preparing", "running", "paused", "running", "stopping"],
      withShaders: ["preparing"],
      preview: { index: 0, step: expect.any(Number), x: 4, y: 0, bytes: 4 * 4 * 8 },
      whilePaused: 0,
      stopped: { stopped: true, reached: ["preview"] },
      aborted: "Error: changed my mind",
      disposed: Array(2).fill("InterruptedError: the engine was disposed of"),
    });
    same ??= results.pixels;
    expect(results.pixels).toEqual(same);
    expect((results.model as { sha256: string }).sha256).toMatch(/^[0-9a-f]{64}$/);
  });
  let same: Uint8Array | undefined;
});

test("the client knows ImageNet's classes, which the worker does not carry, and leaves a file's own alone", async () => {
  vi.stubGlobal("navigator", {});
  const loaded = async (info: object) => {
    const engine = createEngineClient({ worker: () => answering(info) });
    return (await engine.load(new File([], "model"))).classNames;
  };
  expect((await loaded({ classes: 1000, classNames: null }))?.[388]).toBe("giant panda");
  expect(await loaded({ classes: 1000, classNames: ["mine"] })).toEqual(["mine"]);
  expect(await loaded({ classes: 9, classNames: null })).toBeNull();
  vi.unstubAllGlobals();
});

/** A worker whose answer to every request is the same. */
function answering(answer: object): Worker {
  const worker = {
    onmessage: undefined as ((event: { data: unknown }) => void) | undefined,
    postMessage: ({ id }: { id: number }) => worker.onmessage?.({ data: { id, answer } }),
    terminate: () => undefined,
  };
  setTimeout(() => worker.onmessage?.({ data: { hello: { hasGpu: true, url: "" } } }));
  return worker as unknown as Worker;
}

test("disposing of an engine ends a worker that is still starting", async () => {
  let ended = 0;
  const worker = { postMessage: () => undefined, terminate: () => ended++ };
  const engine = createEngineClient({ worker: () => worker as unknown as Worker });
  const waiting = engine.adapter();
  await Promise.resolve();
  engine.dispose();
  expect(ended).toBe(1);
  await expect(waiting).rejects.toThrow("the engine was disposed of");
});

describe("errors between threads", () => {
  test("keep the class that can be caught, their message, and nothing else", () => {
    const error = fromErrorMessage(toErrorMessage(new OutOfMemoryError("no room")));
    expect(error).toBeInstanceOf(OutOfMemoryError);
    expect(error).toBeInstanceOf(RePaintError);
    expect(String(error)).toBe("OutOfMemoryError: no room");
    expect(toErrorMessage(new SourceChangedError("changed")).name).toBe("InputError");
    expect(String(fromErrorMessage(toErrorMessage(new TypeError("x is not a function"))))).toBe("Error: TypeError: x is not a function"); // prettier-ignore
    expect(String(fromErrorMessage({ name: "constructor", message: "m" }))).toBe("Error: m");
    expect(toErrorMessage(new DOMException("gone", "AbortError")).name).toBe("InterruptedError");
  });
});
