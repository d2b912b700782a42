/** What debugging says of what was chosen, and that it says nothing, and makes no words, where nobody asked. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, it, vi } from "vitest";
import { debug, debugTopics, showDebug } from "../src/engine/debug.ts";
import { PlanBuilder, type Plan } from "../src/engine/plan.ts";
import { tune, type PlanClock } from "../src/engine/tuning/tuner.ts";
import { TuningMemory } from "../src/engine/tuning/memory.ts";
import { InputError } from "../src/errors.ts";
import { loadTraits } from "../src/operators/traits.ts";
import { convolutionKey, type ConvolutionLayer } from "../src/operators/convolution/layer.ts";
import { planMemory } from "../src/unet/memoryPlan.ts";
import { UNet } from "../src/unet/unet.ts";
import { cli, folder, golden } from "./support/cli.ts";
import { countedAdapters, countingDevice } from "./support/countingGpu.ts";
import { goldenCheckpoint, goldenUrl } from "./support/goldens.ts";

/** The lines so far. */
function watch(topics: string): string[] {
  const lines: string[] = [];
  showDebug(topics, (line) => lines.push(line));
  return lines;
}

afterEach(() => showDebug(""));

describe("topics", () => {
  it("that are not shown make no line", () => {
    const lines = watch("plan");
    debug("kernels", () => expect.fail("nobody asked"));
    debug("plan", () => "shown");
    expect(lines).toEqual(["plan: shown"]);
    showDebug("");
    for (const topic of debugTopics) debug(topic, () => expect.fail("nobody asks any more"));
  });

  it("are named with commas between; others are refused", () => {
    const lines = watch(" plan, kernels");
    for (const topic of debugTopics) debug(topic, () => "x");
    expect(lines).toEqual(["kernels: x", "plan: x"]);
    expect(() => showDebug("kernel")).toThrow(
      new InputError('REPAINT_DEBUG: expected some of kernels,tuner,plan, got "kernel"'),
    );
  });

  it("go to the console where nobody else takes them", () => {
    const console_ = vi.spyOn(console, "debug").mockReturnValue();
    showDebug("plan");
    debug("plan", () => "x");
    expect(console_.mock.calls).toEqual([["plan: x"]]);
    console_.mockRestore();
  });
});

describe("a network", async () => {
  const checkpoint = await goldenCheckpoint("unet/adm.weights.safetensors");
  const size = { batch: 1, height: 32, width: 32 };
  const { device } = countingDevice(countedAdapters["nvidia"]!);

  it("says of every layer what runs it and why, once", async () => {
    const first: Partial<Record<"layer", ConvolutionLayer>> = {};
    const lines = watch("kernels");
    const table = await load();
    expect(lines.length).toBeGreaterThan(30);
    expect(new Set(lines).size).toBe(lines.length);
    const { input, middle, output } = checkpoint.architecture;
    for (const block of [...input.flat(), ...middle, ...output.flatMap(({ blocks }) => blocks)])
      if (block.kind === "res")
        expect(lines.filter((line) => line.includes(`${block.name}.out_layers.3:`))).toHaveLength(1);
    expect(lines.find((line) => line.includes(" out.2:"))).toMatch(
      /^kernels: out\.2: 3x3 32x32 \d+>8 f32\/f32 bias after norm silu by \S.*, by the table's rule for .+$/,
    );
    expect(
      lines.some((line) =>
        /attention: attention \d+ \dx\d+ f32 by tiled 32x16, by the table's rule for width 64/.test(line),
      ),
    ).toBe(true);
    expect(table).toBe(lines.length);

    // The same network with an answer of a tuner for its first layer.
    const traits = await loadTraits(device);
    showDebug("");
    const { planForward } = await import("../src/unet/network.ts");
    const { declareWeights } = await import("../src/unet/weights.ts");
    const { architecture } = checkpoint;
    const weights = declareWeights(architecture, "f32");
    const onConvolution = (name: string, layer: ConvolutionLayer) => {
      if (name === "input_blocks.0.0") first.layer = layer;
    };
    planForward({ architecture, weights, traits, activations: "f32", onConvolution }, size);
    const tuned = watch("kernels");
    await load(new Map([[convolutionKey(first.layer!), "blocked 8x2x4/64"]]));
    expect(tuned).toContainEqual(
      expect.stringMatching(/^kernels: input_blocks\.0\.0: .* by blocked 8x2x4\/64, as tuned$/),
    );

    async function load(choices?: ReadonlyMap<string, string>): Promise<number> {
      const network = await UNet.load(device, checkpoint, { choices });
      (await network.session(size)).dispose();
      network.dispose();
      return lines.length;
    }
  });

  it("says what a session takes, as the memory plan has it", async () => {
    const lines = watch("plan");
    const network = await UNet.load(device, checkpoint);
    (await network.session(size)).dispose();
    network.dispose();
    const memory = planMemory(checkpoint.architecture, size, {
      activations: "f32",
      weightType: "f32",
      embeddings: 1,
      traits: network.traits,
      limits: device.limits,
    });
    const mib = (bytes: number) => (bytes / 2 ** 20).toFixed(2);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^plan: \d+ dispatches of \d+\.\d\d G multiply-adds; \d+ temporary tensors in arenas of /);
    for (const part of [
      `in arenas of ${memory.arenas.map(mib).join(" + ")} MiB`,
      `of ${mib(memory.transformed)} MiB; 3 inputs and outputs of ${mib(memory.inputsAndOutput)} MiB`,
    ])
      expect(lines[0]).toContain(part);
  });
});

it("the tuner says what it timed, what it remembers, and what the budget left", async () => {
  const { device } = countingDevice(countedAdapters["nvidia"]!);
  const plans = new Map<Plan, number>();
  const candidate = (id: string, milliseconds: number) => {
    const plan = new PlanBuilder().finish();
    plans.set(plan, milliseconds);
    return { id, plan: () => plan };
  };
  const question = (key: string) => ({
    key,
    candidates: [candidate("slow", 3), candidate("fast", 1)],
    fallback: "slow",
    macs: 1,
    uses: 1,
  });
  // Each run is waited for 30 ms: after the first question the budget is over.
  let now = 0;
  const clock: PlanClock = {
    time: (plan) => {
      now += 30;
      return Promise.resolve({ milliseconds: plans.get(plan)! });
    },
  };
  const memory = await TuningMemory.open(device);
  const lines = watch("tuner");
  await tune([question("a"), question("b")], memory, clock, { budget: 100, now: () => now });
  await tune([question("a")], memory, clock, { budget: 0 });
  expect(lines[0]).toBe("tuner: a: fast, of 2 among 2 candidates (table: slow): slow 3.000 ms, fast 1.000 ms");
  expect(lines.at(-2)).toBe("tuner: b: no answer: the budget ends, or nothing runs");
  expect(lines.at(-1)).toBe("tuner: a: fast, remembered");
});

describe("REPAINT_DEBUG of the command line", () => {
  const forward = async (setting: string) => {
    vi.stubEnv("REPAINT_DEBUG", setting);
    try {
      const output = join(await folder(), "out.safetensors");
      const weights = fileURLToPath(goldenUrl("unet/adm.weights.safetensors")!);
      const input = golden("unet/adm.io.safetensors");
      return await cli(["unet", "--weights", weights, "--input", input, "--output", output]);
    } finally {
      vi.unstubAllEnvs();
    }
  };

  it("prints to stderr, for this run alone", async () => {
    const { status, out, err } = await forward("kernels,1,plan");
    expect([status, out]).toEqual([0, ""]);
    expect(err).toMatch(/^kernels: input_blocks\.0\.0: .*$/m);
    expect(err).toMatch(/^plan: \d+ dispatches/m);
    expect((await forward("")).err).not.toMatch(/kernels:|plan:/);
  });

  it("says what it expected", async () => {
    const { status, err } = await forward("everything");
    expect([status, err]).toEqual([
      2,
      'repaint: REPAINT_DEBUG: expected some of kernels,tuner,plan, got "everything"\n',
    ]);
  });
});
