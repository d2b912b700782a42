/** Choices by the clock: a clock that the test holds, memory, budget; then networks on the real device. */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DeviceLostError } from "../src/errors.ts";
import { PlanBuilder, type Plan } from "../src/engine/plan.ts";
import { profileExecutor } from "../src/engine/profiler.ts";
import { readFloats } from "../src/engine/readback.ts";
import { deviceClock, tune, type PlanClock, type TunerOptions } from "../src/engine/tuning/tuner.ts";
import { TuningMemory, type TuningStore } from "../src/engine/tuning/memory.ts";
import { type LoadOptions, RePaint } from "../src/index.ts";
import { tuningFile } from "../src/node/tuningFile.ts";
import { renoise } from "../src/shaders/renoise.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { toNhwc } from "../src/unet/layout.ts";
import { loadTraits } from "../src/operators/traits.ts";
import { tuneNetworks, tuningQuestions } from "../src/unet/tuning.ts";
import { UNet } from "../src/unet/unet.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { tinyNetwork, tinySize } from "./support/tinyNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";
import type { TuningQuestion } from "../src/engine/tuning/question.ts";

const infoOf = (description: string) =>
  ({ vendor: "maker", architecture: "", device: "", description }) as GPUAdapterInfo;
const adapter = {
  info: infoOf("driver 1"),
  kind: "gpu" as const,
  half: "native" as const,
};

/** A store in this process, with the texts at hand. */
function textStore(): TuningStore & { texts: Map<string, string> } {
  const texts = new Map<string, string>();
  const read = (id: string) => Promise.resolve(texts.get(id));
  return { name: "a test", texts, read, write: (id, text) => Promise.resolve(void texts.set(id, text)) };
}

/** Plans that only the fake clock knows, by the candidate's id. */
const planNamed = (id: string): Plan => ({ tensors: [], preparation: [], dispatches: [], id }) as Plan;
const idOf = (plan: Plan) => (plan as Plan & { id: string }).id;

function question(key: string, ids: readonly string[], macs = 1): TuningQuestion {
  return { key, candidates: ids.map((id) => ({ id, plan: () => planNamed(id) })), fallback: ids[0]!, macs, uses: 1 };
}

/** A clock that stands still but for what is timed. */
function fakeClock(times: Record<string, number | Error>, compile: number) {
  const asked: string[] = [];
  let at = 0;
  const time: PlanClock["time"] = (plan) => {
    const id = idOf(plan);
    asked.push(id);
    const one = times[id]!;
    if (one instanceof Error) return Promise.reject(one);
    at += one;
    const output = Uint8Array.of(id.startsWith("wrong") ? 1 : 0);
    return Promise.resolve({ milliseconds: one, output });
  };
  const prepare = () => Promise.resolve(void (at += compile));
  return { time, prepare, asked, now: () => at };
}

async function ask(
  questions: readonly TuningQuestion[],
  times: Record<string, number | Error>,
  {
    store = textStore(),
    compile = 0,
    ...options
  }: Partial<TunerOptions> & { store?: TuningStore; compile?: number } = {},
) {
  const clock = fakeClock(times, compile);
  const memory = await TuningMemory.open(adapter, store);
  const result = await tune(questions, memory, clock, { budget: 1e9, now: clock.now, ...options });
  return { ...result, asked: clock.asked };
}

describe("the tuner", () => {
  it("takes the fastest, keeps the default where nothing is clearly faster, and looks twice at what is near", async () => {
    const questions = [question("a", ["default", "slow", "fast"]), question("b", ["base", "equal"])];
    const { answers, asked, timed } = await ask(questions, { default: 10, slow: 50, fast: 5, base: 10, equal: 9.9 });
    expect(Object.fromEntries(answers)).toEqual({ a: "fast", b: "base" });
    expect(asked.filter((id) => id === "slow")).toHaveLength(1);
    expect(asked.filter((id) => id === "equal")).toHaveLength(2);
    expect(timed.find(({ id }) => id === "fast")).toMatchObject({ milliseconds: 5, fallbackMilliseconds: 10 });
  });

  it("looks again at a default that loses its place: its clock may have been disturbed", async () => {
    let looks = 0;
    const time: PlanClock["time"] = (plan) =>
      Promise.resolve({ milliseconds: idOf(plan) === "other" ? 9.9 : looks++ < 2 ? 30 : 10 });
    // The first look of all is the probe.
    const memory = await TuningMemory.open(adapter, textStore());
    const { answers } = await tune([question("a", ["default", "other"])], memory, { time }, { budget: 1e9 });
    expect([answers.get("a"), looks]).toEqual(["default", 3]);
  });

  it("does without a candidate that the adapter rejects, and says so; a lost device ends it", async () => {
    const warnings: string[] = [];
    const questions = [question("a", ["default", "broken", "fast"])];
    const options = { onWarning: (message: string) => warnings.push(message) };
    const { answers } = await ask(questions, { default: 10, broken: new Error("no"), fast: 5 }, options);
    expect(answers.get("a")).toBe("fast");
    expect(warnings).toEqual([expect.stringMatching(/a: this adapter does not run broken: no/)]);
    const lost = ask(questions, { default: 10, broken: new DeviceLostError("gone"), fast: 5 });
    await expect(lost).rejects.toThrow(DeviceLostError);
  });

  it("believes no candidate whose output is not the default's, however fast it is", async () => {
    const warnings: string[] = [];
    const agree = (output: Uint8Array, expected: Uint8Array) => output[0] === expected[0];
    const questions = [{ ...question("a", ["default", "wrong", "fast"]), agree }];
    const options = { onWarning: (message: string) => warnings.push(message) };
    const { answers } = await ask(questions, { default: 10, wrong: 1, fast: 5 }, options);
    expect(answers.get("a")).toBe("fast");
    expect(warnings).toEqual([expect.stringMatching(/wrong: it computes something else/)]);
  });

  it("stops at its budget, what costs most first, and goes on the next time", async () => {
    const store = textStore();
    const ids = (name: string) => [`${name}1`, `${name}2`];
    const questions = [
      question("big", ids("b"), 100),
      question("least", ids("l"), 1),
      question("middle", ids("m"), 50),
    ];
    const times = { l1: 1, l2: 2, b1: 400, b2: 300, m1: 50, m2: 40 };
    const first = await ask(questions, times, { store, budget: 700 });
    // The first tells a rate.
    expect(first.asked).toEqual(["l1", "b1", "b2"]);
    expect([first.left, first.answers.get("big"), first.answers.get("middle")]).toEqual([2, "b2", undefined]);
    const second = await ask(questions, times, { store, budget: 1000 });
    expect(second.asked).toEqual(["l1", "m1", "m2", "m2", "m1", "l1", "l2"]);
    expect([second.left, second.remembered, second.answers.size]).toEqual([0, 1, 3]);
    const none = await ask(questions, times, { store: textStore(), budget: 0 });
    expect([none.asked.length, none.left, none.answers.size]).toEqual([0, 3, 0]);
  });

  it("uses what a budget left half done, and asks it again", async () => {
    const store = textStore();
    const ids = ["1", "2", "3", "4", "5", "6"];
    const times = { "1": 9, "2": 5, "3": 7, "4": 8, "5": 6, "6": 1 };
    const first = await ask([question("a", ids)], times, { store, budget: 200, compile: 100 });
    expect([first.left, first.answers.get("a")]).toEqual([1, "2"]);
    const loaded = await ask([question("a", ids)], times, { store, budget: 0 });
    expect([loaded.left, loaded.answers.get("a"), loaded.asked]).toEqual([1, "2", []]);
    const second = await ask([question("a", ids)], times, { store });
    expect([second.left, second.answers.get("a")]).toEqual([0, "6"]);
  });

  it("reports progress, and keeps what it has when it is stopped", async () => {
    const store = textStore();
    const questions = [question("a", ["a1", "a2"]), question("b", ["b1", "b2"], 5)];
    const control = new AbortController();
    const seen: string[] = [];
    const onProgress = ({ key, done, total }: { key: string; done: number; total: number }) => {
      seen.push(`${done}/${total} ${key}`);
      if (key === "a") control.abort(new Error("stopped"));
    };
    const times = { a1: 1, a2: 1, b1: 3, b2: 1 };
    await expect(ask(questions, times, { store, onProgress, signal: control.signal })).rejects.toThrow("stopped");
    expect(seen).toEqual(["0/2 b", "1/2 a"]);
    const { answers, remembered } = await ask(questions, times, { store, budget: 0 });
    expect([remembered, answers.get("b")]).toEqual([1, "b2"]);
  });
});

describe("the memory", () => {
  const one = question("a", ["default", "fast"]);
  const times = { default: 10, fast: 5, new: 1 };
  const fast = { id: "fast", among: ["default", "fast"], milliseconds: 5 };

  it("is of one adapter and driver, and of the candidates there were", async () => {
    const store = textStore();
    await ask([one], times, { store });
    expect((await ask([one], times, { store })).asked).toEqual([]);
    expect((await ask([one], times, { store, again: true })).asked.length).toBeGreaterThan(0);
    expect((await ask([question("a", ["default", "fast", "new"])], times, { store })).answers.get("a")).toBe("new");
    const updated = { ...adapter, info: infoOf("driver 2") };
    expect((await TuningMemory.open(updated, store)).size).toBe(0);
  });

  it.each([
    ["that is no JSON", () => "{", /not JSON/],
    ["of another program", () => '{"format":"other"}', /expected the format/],
    ["of another adapter", (text: string) => text.replace(/"id": "\[/, '"id": "[1,'), /another adapter/],
    ["that is damaged", (text: string) => text.replace('"milliseconds": 5', '"milliseconds": "?"'), /damaged/],
    ["whose answer is no candidate", (text: string) => text.replace('"id": "fast"', '"id": "rm -rf"'), /damaged/],
  ])("ignores a record %s, with one warning, and writes over it", async (_, change, words) => {
    const store = textStore();
    await ask([one], times, { store });
    const [[id, text]] = [...store.texts] as [[string, string]];
    store.texts.set(id, change(text));
    expect(store.texts.get(id)).not.toBe(text);
    const warnings: string[] = [];
    const memory = await TuningMemory.open(adapter, store, (message) => warnings.push(message));
    expect(memory.size).toBe(0);
    expect(warnings).toEqual([expect.stringMatching(words)]);
    expect((await ask([one], times, { store })).answers.get("a")).toBe("fast");
    expect((await TuningMemory.open(adapter, store)).size).toBe(1);
  });

  it("that cannot be read or written costs a warning", async () => {
    const refuse = () => Promise.reject(new Error("disk full"));
    const warnings: string[] = [];
    const store = { name: "a full disk", read: refuse, write: refuse };
    const memory = await TuningMemory.open(adapter, store, (message) => warnings.push(message));
    memory.set(one, fast);
    await memory.save();
    expect(warnings).toEqual([
      expect.stringMatching(/not used: disk full/),
      expect.stringMatching(/not kept in a full disk/),
    ]);
    expect(memory.get(one)).toEqual({ id: "fast", isComplete: true });
  });

  it("in Node is a file, and keeps what another process has written meanwhile", async () => {
    const folder = await mkdtemp(join(tmpdir(), "tuning-"));
    try {
      const root = join(folder, "new");
      const store = await tuningFile(root);
      const [mine, theirs] = [await TuningMemory.open(adapter, store), await TuningMemory.open(adapter, store)];
      mine.set(one, fast);
      theirs.set(question("b", ["x", "y"]), { id: "y", among: ["x", "y"], milliseconds: 1 });
      await mine.save();
      await theirs.save();
      expect((await TuningMemory.open(adapter, await tuningFile(root))).size).toBe(2);
      const [name] = await readdir(root);
      expect(await readFile(join(root, name!), "utf8")).toContain('"adapter": "maker (driver 1)"');
      await writeFile(join(root, name!), "\0\0");
      const warnings: string[] = [];
      const damaged = await TuningMemory.open(adapter, store, (message) => warnings.push(message));
      expect([damaged.size, warnings.length]).toEqual([0, 1]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("networks", async () => {
  const device = await gpuDevice();
  const bytes = tinyNetwork();
  const checkpoint = await openCheckpoint(bytesSource("tiny", bytes));
  const network = { architecture: checkpoint.architecture, precision: "f32" } as const;
  const traits = await loadTraits(device);

  it.each([-1, -2])("run as they were tuned, an image alone with the bits that it has in a batch (%d)", async (at) => {
    const questions = await tuningQuestions([network], traits);
    const choices = new Map(questions.map(({ key, candidates }) => [key, candidates.at(at)!.id]));
    const unet = await UNet.load(device, checkpoint, { choices });
    const size = { height: tinySize, width: tinySize };
    const forward = async (images: readonly Float64Array[]) => {
      const batch = images.length;
      const session = await unet.session({ batch, ...size });
      const x = Float32Array.from(images.flatMap((image) => [...image]));
      device.upload(session.x, 0, toNhwc(x, { batch, channels: 3, ...size }));
      const table = await unet.embed(images.map(() => 500));
      const rows = images.map((_, n) => n);
      const times = await profileExecutor(device, session.embed(table, rows));
      const out = await readFloats(device, session.out);
      table.dispose();
      session.dispose();
      return { out, kernels: times.map(({ kernel }) => kernel) };
    };
    const images = [1, 2, 3].map((seed) => values(3 * tinySize ** 2, seed));
    const together = await forward(images);
    const chosen = questions.filter(({ uses }) => uses >= 1).map(({ candidates }) => candidates.at(at)!.plan());
    const expected = chosen.flatMap(({ dispatches }) => dispatches.map(({ kernel }) => kernel.name));
    expect(together.kernels).toEqual(expect.arrayContaining(expected));
    const length = together.out.length / 3;
    for (const [n, image] of images.entries())
      expect((await forward([image])).out).toEqual(together.out.slice(n * length, (n + 1) * length));
    unet.dispose();
  });

  it("are loaded with what is remembered; off means the table alone; a budget times what is not known", async () => {
    const store = textStore();
    const questions = await tuningQuestions([network], traits);
    // Ever faster, so that the candidate that is timed last wins; a second look finds what the first did.
    const known = new Map<Plan, number>();
    const clock: PlanClock = {
      time: (plan) => {
        const milliseconds = known.get(plan) ?? 1000 / 2 ** known.size;
        known.set(plan, milliseconds);
        return Promise.resolve({ milliseconds });
      },
    };
    const { answers } = await tuneNetworks(device, [network], { store, budget: 1e9, clock });
    expect(answers.size).toBe(questions.length);
    for (const { key, fallback } of questions) expect(answers.get(key)).not.toBe(fallback);
    const load = async (tune: LoadOptions["tune"]) => {
      const repaint = await RePaint.load(bytes, { device, tune });
      const { choices } = repaint.unet;
      repaint.dispose();
      return choices;
    };
    let asked = 0;
    const onProgress = () => void asked++;
    expect(await load({ store, budget: 1e9, onProgress })).toEqual(answers);
    expect(asked).toBe(0);
    expect(await load("off")).toBeUndefined();
    expect((await load(undefined))!.size).toBe(0);
    const real = await load({ budget: 1, onProgress });
    expect(asked).toBeGreaterThan(0);
    for (const { key, candidates } of questions)
      expect([undefined, ...candidates.map(({ id }) => id)]).toContain(real!.get(key));
  });

  it("tell a wrong output from rounding", async () => {
    const { agree } = (await tuningQuestions([network], traits))[0]!;
    const bytes = (...numbers: number[]) => new Uint8Array(Float32Array.from(numbers).buffer);
    expect(agree!(bytes(1, 2.0001, -3), bytes(1, 2, -3))).toBe(true);
    expect(agree!(bytes(1, 2, 0), bytes(1, 2, -3))).toBe(false);
    expect(agree!(bytes(1, NaN, -3), bytes(1, 2, -3))).toBe(false);
  });

  it("are timed on tensors of every type", async () => {
    const builder = new PlanBuilder();
    const picture = (name: string) => builder.external(name, "f32", [1, 4, 4, 4]);
    builder.dispatch(renoise, {
      tensors: {
        x: picture("x"),
        known: undefined,
        keep: undefined,
        seeds: builder.external("seeds", "u32", [1, 2]),
      },
      parameters: {
        images: 1,
        vectors: 16,
        pixelVectors: 1,
        draw: 0,
        blend: 0,
        blendSignal: 0,
        blendNoise: 0,
        signal: 1,
        noiseAmount: 1,
      },
      variant: {},
    });
    const { milliseconds, output } = await deviceClock(device).time(builder.finish(), { atMost: Infinity });
    expect(milliseconds).toBeGreaterThan(0);
    expect(new Float32Array(output!.buffer).every(Number.isFinite)).toBe(true);
  });
});
