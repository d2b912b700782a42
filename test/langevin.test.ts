/**
 * Guided Langevin steps: their numbers against the formulas in float64, the plan, and runs of a small network: the same
 * bits alone, in a batch and from any snapshot, nothing allocated, plain samples, what is refused. The golden traces
 * are in loop.test.ts.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, test, vi } from "vitest";
import { InputError } from "../src/errors.ts";
import { createDiffusion } from "../src/repaint/diffusion.ts";
import { sample, type SampleOptions, type Snapshot } from "../src/repaint/loop.ts";
import { planRun } from "../src/repaint/planRun.ts";
import { stateLayout } from "../src/repaint/runPlan.ts";
import { downCoefficients, innerCoefficients } from "../src/repaint/samplers/langevin.ts";
import { resolveSampling, samplingCalls, type LangevinSampling } from "../src/repaint/sampling.ts";
import { UNet } from "../src/unet/unet.ts";
import { goldenCheckpoint } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { uniform } from "./support/random.ts";

const diffusion = createDiffusion({ noiseSchedule: "linear", diffusionSteps: 1000, respacing: "12" });
const finite = (min: number, max: number) => fc.double({ min, max, noNaN: true });

describe("a step's numbers", () => {
  const values = fc.tuple(fc.nat(11), finite(-1, 1), finite(-3, 3), finite(-1, 1), finite(-3, 3));

  it("are Langevin's at a level", () => {
    fc.assert(
      fc.property(values, finite(0.01, 4), finite(0, 30), ([k, start, x, known, z], step, lambda) => {
        const [signal, v] = [Math.sqrt(diffusion.alphaBar[k]!), 1 - diffusion.alphaBar[k]!];
        const epsilon = (x - signal * start) / Math.sqrt(v);
        const [f, g] = [Math.exp(-step), Math.exp(-step * (1 + lambda))];
        const free = signal * start + f * (x - signal * start) + Math.sqrt(v * (1 - f * f)) * z;
        const centre = signal * known + (lambda / (1 + lambda)) * Math.sqrt(v) * epsilon;
        const held = centre + g * (x - centre) + Math.sqrt((v / (1 + lambda)) * (1 - g * g)) * z;
        const made = innerCoefficients(diffusion, k, { step, lambda });
        expect(made.freeXStart * start + made.freeX * x + made.freeNoise * z).toBeCloseTo(free, 9);
        expect(made.heldXStart * start + made.heldX * x + made.heldKnown * known + made.heldNoise * z).toBeCloseTo(
          held,
          9,
        );
      }),
    );
  });

  it("are DDIM's down to the next, and at the end x̂₀ and the picture", () => {
    fc.assert(
      fc.property(values, ([k, start, x, known]) => {
        const [now, below] = [diffusion.alphaBar[k]!, diffusion.alphaBarPrevious[k]!];
        const epsilonOf = (clean: number) => (x - Math.sqrt(now) * clean) / Math.sqrt(1 - now);
        const down = (clean: number) => Math.sqrt(below) * clean + Math.sqrt(1 - below) * epsilonOf(clean);
        const made = downCoefficients(diffusion, k);
        expect(made.freeXStart * start + made.freeX * x).toBeCloseTo(down(start), 9);
        expect(made.heldKnown * known + made.heldX * x).toBeCloseTo(down(known), 9);
        expect([made.freeNoise, made.heldNoise, made.heldXStart]).toEqual([0, 0, 0]);
      }),
    );
    expect(downCoefficients(diffusion, 0)).toMatchObject({ freeXStart: 1, freeX: 0, heldKnown: 1, heldX: 0 });
  });
});

const short: LangevinSampling = { sampler: "langevin", levels: 4, inner: 2 };
const size = { channels: 3, height: 8, width: 8 };
const pixels = size.height * size.width;

describe("the plan", () => {
  const settings = {
    diffusionSteps: 1000,
    noiseSchedule: "linear",
    learnSigma: true,
    sigmaSmall: false,
    predictXstart: false,
    rescaleTimesteps: false,
    rescaleLearnedSigmas: false,
    useKl: false,
    timestepRespacing: "",
  } as const;
  const layout = stateLayout({ batch: 1, ...size }, 6);
  const four = createDiffusion({ noiseSchedule: "linear", diffusionSteps: 1000, respacing: "4" });
  const plan = (sampling: LangevinSampling, hasKnown: boolean) =>
    planRun(sampling, { settings, diffusion: four, layout, hasKnown, scale: 0 });

  it("stays at each level for the inner steps, but at the still ones", async () => {
    const { steps } = await plan({ ...short, still: 2 }, true);
    expect(steps.map(({ call }) => call)).toEqual([undefined, 3, 3, 3, 2, 2, 2, 1, 0]);
  });

  it("only descends where nothing is known", async () => {
    const { steps, dispatches } = await plan(short, false);
    expect(steps.map(({ call }) => call)).toEqual([3, 2, 1, 0]);
    expect(Object.keys(dispatches)).toEqual(["langevin"]);
  });

  test.each([
    [{}, 10],
    [{ still: 0 }, 12],
    [{ still: 4 }, 4],
    [{ inner: 0 }, 4],
    [{ inner: 5, still: 2 }, 14],
  ])("with %j makes %i calls, as are counted", async (change, calls) => {
    const { steps } = await plan({ ...short, ...change }, true);
    expect(steps.filter(({ call }) => call !== undefined)).toHaveLength(calls);
    expect(samplingCalls({ ...short, ...change })).toBe(calls);
  });
});

const device = await gpuDevice();
let unet: UNet;
beforeAll(async () => {
  unet = await UNet.load(device, await goldenCheckpoint("unet/new-attention-order.weights.safetensors"));
});
afterAll(() => unet.dispose());

/** Pictures of noise whose left half is known, and a column half known. */
function batchOf(seeds: readonly bigint[]): SampleOptions {
  const pictures = seeds.map((seed) => {
    const next = uniform(Number(seed % 1000n));
    return Array.from({ length: 3 * pixels }, () => 2 * next() - 1);
  });
  const keep = Array.from({ length: pixels }, (_, i) => (i % 8 < 3 ? 1 : i % 8 === 3 ? 0.5 : 0));
  return {
    unet,
    seeds,
    sampling: short,
    shape: { ...size, batch: seeds.length },
    known: { image: pictures.flat(), keep: seeds.flatMap(() => keep) },
  };
}

async function finish(options: SampleOptions): Promise<{ x: Float32Array; starts: Float32Array[] }> {
  const generator = sample(options);
  const starts: Float32Array[] = [];
  for (;;) {
    const { done, value } = await generator.next();
    if (done) return { x: value, starts };
    if (value.xStart) starts.push(value.xStart);
  }
}

describe("a run", () => {
  it("gives bit-identical images alone and in a batch of 3", async () => {
    const { x: alone } = await finish(batchOf([5n]));
    const { x: batch } = await finish(batchOf([9n, 5n, 2n ** 63n]));
    expect(batch.slice(3 * pixels, 6 * pixels)).toEqual(alone);
    expect(batch.slice(0, 3 * pixels)).not.toEqual(alone);
    expect(alone.every(Number.isFinite)).toBe(true);
  });

  it("gives the same bits when it goes on from any of its snapshots", async () => {
    const snapshots: Snapshot[] = [];
    const options = batchOf([1n, 2n]);
    const whole = { ...options, snapshotSeconds: 0, onSnapshot: (snapshot: Snapshot) => void snapshots.push(snapshot) };
    const { x: expected } = await finish(whole);
    expect(snapshots.map(({ calls }) => calls)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const resume of snapshots.slice(0, -1)) expect((await finish({ ...options, resume })).x).toEqual(expected);
  });

  it("ends with the picture where it is known, with x̂₀ where not, and between them where the mask is", async () => {
    const options = { ...batchOf([7n]), previewEvery: 1 };
    const { x, starts } = await finish(options);
    const { image, keep } = options.known!;
    const [first, last] = [starts[0]!, starts.at(-1)!];
    expect(Math.max(...last.map(Math.abs))).toBeLessThanOrEqual(1);
    for (const [i, value] of x.entries()) {
      const k = keep[i % pixels]!;
      expect(value).toBeCloseTo(k * image[i]! + (1 - k) * last[i]!, 5);
    }
    expect(first).not.toEqual(last);
  });

  it("allocates and reads back nothing after its first call", async () => {
    const createBuffer = vi.spyOn(device.gpu, "createBuffer");
    const createBindGroup = vi.spyOn(device.gpu, "createBindGroup");
    const generator = sample({ ...batchOf([3n]), sampling: { ...short, levels: 20, inner: 3 } });
    const made = () => [createBuffer.mock.calls.length, createBindGroup.mock.calls.length, device.counters.readbacks];
    try {
      await generator.next();
      const before = made();
      for (let calls = 1; calls < 77; calls++) await generator.next();
      expect(made()).toEqual(before);
      expect((await generator.next()).done).toBe(true);
    } finally {
      vi.restoreAllMocks();
    }
  });

  it("depends on step size, strength and inner steps", async () => {
    const results = [];
    for (const change of [{}, { step: 0.5 }, { lambda: 2 }, { inner: 3 }, { still: 0 }])
      results.push((await finish({ ...batchOf([4n]), sampling: { ...short, ...change } })).x.join());
    expect(new Set(results).size).toBe(5);
  });
});

it("needs nothing of a learned variance: a network of fixed variance runs as well, by ε and by x₀", async () => {
  const checkpoint = await goldenCheckpoint("unet/fixed-sigma.weights.safetensors");
  const ends = [];
  for (const predictXstart of [false, true]) {
    const diffusion = { ...checkpoint.diffusion, predictXstart };
    const fixed = await UNet.load(device, { ...checkpoint, diffusion });
    const { x } = await finish({ ...batchOf([2n]), unet: fixed });
    fixed.dispose();
    expect(x.every((value) => Math.abs(value) <= 1.001)).toBe(true);
    ends.push(x.join());
  }
  expect(ends[0]).not.toBe(ends[1]);
});

describe("settings", () => {
  it.each([
    [{ levels: 0 }, /^levels: expected a whole number from 1, got 0$/],
    [{ levels: 2.5 }, /^levels: expected a whole number from 1, got 2.5$/],
    [{ inner: -1 }, /^inner: expected a whole number from 0, got -1$/],
    [{ step: 0 }, /^step: expected a number above 0, got 0$/],
    [{ step: Infinity }, /^step: expected a number above 0, got Infinity$/],
    [{ lambda: -1 }, /^lambda: expected a number from 0, got -1$/],
    [{ lambda: Number.NaN }, /^lambda: expected a number from 0, got NaN$/],
    [{ still: 5 }, /^still: expected a whole number from 0 to the 4 levels, got 5$/],
    [{ inner: 10_000_000 }, /more than 5,000,000 model calls/],
    [{ eta: 0 }, /^sampling: the sampler langevin has no setting "eta"; it has levels, inner, step/],
    [{ sampler: "repaint" }, /^sampling: the sampler repaint has no setting "levels"; it has steps/],
    [{ sampler: "euler" }, /^sampling: expected a preset's name or settings with `sampler`, one of langevin, repaint/],
    [{ sampler: undefined }, /one of langevin, repaint/],
  ])("%j are refused in one line", (change, message) => {
    const refuse = () => resolveSampling({ ...short, ...change } as LangevinSampling);
    expect(refuse).toThrow(InputError);
    expect(refuse).toThrow(message);
  });

  it("with a respacing must agree with it, and with what the network was trained for", async () => {
    const run = (change: Partial<LangevinSampling>) => finish({ ...batchOf([1n]), sampling: { ...short, ...change } });
    await expect(run({ respacing: "ddim5" })).rejects.toThrow(/4 steps.*5/);
    await expect(run({ levels: 1001 })).rejects.toThrow(/^levels: .*1000 diffusion steps.*1001/);
  });
});
