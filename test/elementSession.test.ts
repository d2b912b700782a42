/**
 * The element's use of the engine: which model counts, what a stop ends, one run at a time. With an engine made up
 * here.
 */
import { describe, expect, test } from "vitest";
import type { EngineClient, EngineRun, InpaintCallbacks, InpaintResult, LoadOptions, ModelInfo, ModelSource } from "../src/element/types.ts"; // prettier-ignore
import { EngineSession, type ModelState, type Settings } from "../src/element/ui/engineSession.ts";
import { CheckpointError, InterruptedError } from "../src/errors.ts";
import { PRESETS } from "../src/repaint/sampling.ts";

const settings: Settings = {
  sampling: PRESETS.fast,
  seed: 1n,
  count: 1,
  precision: "f32",
  detail: "model",
  class: 4,
  classifierScale: 2,
  previewSeconds: 0,
};
const done: InpaintResult = { variations: [], modelCalls: 1, seconds: 1, stopped: false };
const picture = { width: 1, height: 1, data: new Uint8ClampedArray(4) };
const copy = async () => ({ picture, keep: { width: 1, height: 1, data: new Float32Array(1) } });

/** Loads what is named well; says what it was told. */
function madeUp() {
  const told: string[] = [];
  const loads: { title: string; precision: string | undefined; finish: () => void }[] = [];
  let callbacks: InpaintCallbacks = {};
  let finish: (result: InpaintResult) => void = () => undefined;
  const client = {
    load: (source: ModelSource, { precision, signal }: LoadOptions = {}) =>
      new Promise<ModelInfo>((resolve, reject) => {
        const title = (source as { shipped: string }).shipped;
        signal?.addEventListener("abort", () => reject(new InterruptedError("stopped")));
        const end = () =>
          title === "bad"
            ? reject(new CheckpointError("bad: expected a model"))
            : resolve({ title, precision, classes: null } as ModelInfo);
        loads.push({ title, precision, finish: end });
      }),
    estimate: async () => ({ modelCalls: 1, secondsPerCall: 1, seconds: 1 }),
    inpaint: (request: { class?: number }, given: InpaintCallbacks): EngineRun => {
      callbacks = given;
      told.push(`inpaint class ${request.class}`);
      const result = new Promise<InpaintResult>((resolve, reject) => {
        finish = resolve;
        given.signal?.addEventListener("abort", () => reject(new InterruptedError("stopped")));
      });
      const tell = (what: string) => () => void told.push(what);
      return {
        result,
        pause: tell("pause"),
        resume: tell("resume"),
        stop: tell("stop"),
        setPreviews: tell("previews"),
      };
    },
    dispose: () => told.push("dispose"),
  };
  const session = new EngineSession(() => client as unknown as EngineClient);
  const states: string[] = [];
  session.on("model", (state: ModelState) => states.push(state.kind));
  const step = (number: number) => callbacks.onProgress?.({ state: "running", step: number, steps: 9, secondsPerStep: 1, secondsLeft: 1 }); // prettier-ignore
  return { session, loads, told, states, step, finish: () => finish(done) };
}
const settle = () => new Promise((resolve) => setTimeout(resolve));
const shipped = (name: string) => ({ source: { shipped: name } });

describe("the session with the engine", () => {
  test("loads what is wanted once, and again for another precision", async () => {
    const { session, loads } = madeUp();
    void session.ready();
    const ready = session.ready();
    loads[0]!.finish();
    expect((await ready).title).toBe("portraits64");
    await session.ready("f32");
    expect(loads.length).toBe(1);
    void session.ready("f16");
    expect(loads.map(({ precision }) => precision)).toEqual(["f32", "f16"]);
  });

  test("a file that is no model leaves the one before, which the engine still has", async () => {
    const { session, loads, states } = madeUp();
    void session.ready();
    loads[0]!.finish();
    await settle();
    session.want(shipped("bad"));
    const failing = session.ready();
    loads[1]!.finish();
    await expect(failing).rejects.toThrow("bad: expected a model");
    expect(session.model).toMatchObject({ kind: "loaded", info: { title: "portraits64" } });
    expect(session.wanted).toEqual(shipped("portraits64"));
    await session.ready();
    expect(loads.length).toBe(2);
    expect(states).toEqual(["loading", "loaded", "none", "loading", "loaded"]);
  });

  test("a page's model that cannot be had is no other one, now or later", async () => {
    const { session, loads, states } = madeUp();
    void session.ready();
    loads[0]!.finish();
    await settle();
    session.want(shipped("bad"), "none");
    for (const n of [1, 2]) {
      const running = session.run(copy, settings);
      loads[n]!.finish();
      await expect(running).rejects.toThrow("bad: expected a model");
    }
    expect(session.wanted).toEqual(shipped("bad"));
    expect(states).toEqual(["loading", "loaded", "none", "loading", "failed", "loading", "failed"]);
  });

  test("without one before it has failed, and the next who needs it tries again", async () => {
    const { session, loads } = madeUp();
    session.want(shipped("bad"));
    const failing = session.ready();
    loads[0]!.finish();
    await expect(failing).rejects.toThrow(CheckpointError);
    expect(session.model.kind).toBe("failed");
    void session.ready();
    expect(loads.length).toBe(2);
  });

  test("a stop before the first step ends the run at once, a later one keeps what there is", async () => {
    const { session, loads, told, step, finish } = madeUp();
    const waiting = session.run(copy, settings);
    session.stop();
    await expect(waiting).rejects.toThrow(InterruptedError);
    expect(session.progress).toBeUndefined();
    loads[0]!.finish();
    const run = session.run(copy, settings);
    await settle();
    await expect(session.run(copy, settings)).rejects.toThrow(/under way already/);
    step(1);
    session.pause();
    session.stop();
    // A model without classes is given none.
    expect(told).toEqual(["inpaint class undefined", "pause", "stop"]);
    finish();
    expect(await run).toBe(done);
    expect(session.progress).toBeUndefined();
  });
});

test("other settings are estimated at once from the last estimate, and then by the engine", async () => {
  const { session, loads } = madeUp();
  const heard: unknown[] = [];
  session.on("estimate", (estimate) => heard.push(estimate));
  const loaded = session.ready();
  loads[0]!.finish();
  await loaded;
  session.adjustEstimate({ ...settings, sampling: PRESETS.paper });
  expect(heard).toEqual([]);
  session.askEstimate(settings, undefined);
  await expect.poll(() => heard).toHaveLength(1);
  // The engine that is made up says one call for 28.
  session.adjustEstimate({ ...settings, sampling: PRESETS.paper });
  expect(heard[1]).toEqual({ modelCalls: Math.round(2410 / 28), secondsPerCall: 1, seconds: Math.round(2410 / 28) });
  session.adjustEstimate({ ...settings, count: 3 });
  expect(heard[2]).toMatchObject({ modelCalls: 3 });
});
