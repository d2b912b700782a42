/**
 * Guided runs of tiny networks: what the gradient does to a step, told by runs with and without it; bits in a batch and
 * after a break; what is refused. The golden trace is in loop.test.ts.
 */
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { Device } from "../src/engine/device.ts";
import { InputError } from "../src/errors.ts";
import { RePaint, type InpaintJob } from "../src/index.ts";
import { createDiffusion } from "../src/repaint/diffusion.ts";
import type { Guidance } from "../src/repaint/guidance.ts";
import { replay, type ReplayStep } from "../src/repaint/replay.ts";
import type { Sampling } from "../src/repaint/sampling.ts";
import { sample, type SampleOptions, type Snapshot } from "../src/repaint/loop.ts";
import { planClassifierMemory } from "../src/unet/classifierMemory.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { Classifier } from "../src/unet/classifier.ts";
import { fromNhwc, toNhwc } from "../src/unet/layout.ts";
import { UNet } from "../src/unet/unet.ts";
import { relativeError } from "./support/goldens.ts";
import { freshDevice, gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";
import { tinyNetwork, tinySize } from "./support/tinyNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { loadTraits } from "../src/operators/traits.ts";
import { forwardOnce } from "../src/cli/tasks/forward.ts";
import { classifyOnce } from "../src/cli/tasks/classify.ts";

const device = await gpuDevice();
let unet: UNet;
let classifier: Classifier;
beforeAll(async () => {
  unet = await UNet.load(device, await openCheckpoint(bytesSource("tiny", tinyNetwork())));
  classifier = await Classifier.load(device, await openClassifier(bytesSource("guide", tinyClassifier())));
});
afterAll(() => [unet, classifier].forEach((network) => network.dispose()));

const pixels = tinySize ** 2;
const one = { batch: 1, channels: 3, height: tinySize, width: tinySize };
const diffusion = createDiffusion({ noiseSchedule: "linear", diffusionSteps: 1000, respacing: "2" });
const guide = (classes: readonly number[], scale = 3): Guidance => ({ classifier, scale, classes });

async function gradientAt(x: Float32Array, k: number, y: number): Promise<Float32Array> {
  const inputs = { shape: one, x, t: [diffusion.modelTimesteps[k]!], y: [y] };
  return (await classifyOnce(device, classifier, inputs)).grad;
}

/** The learned variance, from the network's second half of channels. */
async function varianceAt(x: Float32Array, k: 0 | 1): Promise<Float32Array> {
  const inputs = { x: { shape: one, values: x }, lowRes: undefined, t: [diffusion.modelTimesteps[k]!], y: undefined };
  const { out } = await forwardOnce(device, unet, inputs);
  const [small, large] = [diffusion.posteriorLogVarianceClipped[k]!, diffusion.logBetas[k]!];
  return out.slice(3 * pixels).map((v) => Math.exp(((v + 1) / 2) * large + (1 - (v + 1) / 2) * small));
}

/** The unguided step's mean, from x̂₀. */
async function meanAt(x: Float32Array, k: 0 | 1): Promise<Float32Array> {
  const { xStart } = await stepFrom(x, k);
  const { posteriorMeanCoefficientX0: ofX0, posteriorMeanCoefficientXt: ofXt } = diffusion;
  return combine([xStart, x], (start, at) => ofX0[k]! * start + ofXt[k]! * at);
}

/** Combines pictures value by value. */
function combine(parts: readonly Float32Array[], body: (...at: number[]) => number): Float32Array {
  return parts[0]!.map((_, i) => body(...parts.map((part) => part[i]!)));
}

describe("a guided step", () => {
  it("moves DDPM's mean by scale · variance · gradient, at the x and timestep of the network", async () => {
    const start = Float32Array.from(values(3 * pixels, 1));
    // All is known, so that what the second step sees does not depend on where a strong first one has led.
    const keep = new Float32Array(pixels).fill(1);
    const image = Float32Array.from(values(3 * pixels, 2, { deviation: 0.5 }));
    const knownNoise = Float32Array.from(values(3 * pixels, 3));
    const zeros = new Float32Array(3 * pixels);
    const steps: ReplayStep[] = [];
    const draws = [start, zeros, zeros, knownNoise];
    const trace = {
      shape: one,
      known: { image, keep },
      draws: 4,
      noise: (draw: number) => Promise.resolve(draws[draw]!),
      run: { sampler: "repaint" as const, times: [1, 0, -1] },
      respacing: "2",
      noiseSchedule: "linear" as const,
      diffusionSteps: 1000,
    };
    for await (const step of replay(unet, { ...trace, guidance: guide([4], 1e4) })) steps.push(step);
    // From the second step on the networks see x with the known region noised and blended in.
    const [signal, noise] = [Math.sqrt(diffusion.alphaBar[0]!), Math.sqrt(1 - diffusion.alphaBar[0]!)];
    const blended = combine([image, knownNoise], (x, z) => signal * x + noise * z);
    for (const [step, x, k] of [
      [steps[0]!, start, 1],
      [steps[1]!, blended, 0],
    ] as const) {
      const moved = combine([step.sample, await meanAt(x, k)], (a, b) => a - b);
      const expected = combine([await varianceAt(x, k), await gradientAt(x, k, 4)], (v, g) => 1e4 * v * g);
      expect(relativeError(moved, expected)).toBeLessThan(1e-3);
    }
  });

  it("takes DDIM's ε by √(1 − ᾱ) · scale · gradient, Algorithm 2", async () => {
    const x = Float32Array.from(values(3 * pixels, 4));
    const [plain, guided] = [
      await stepFrom(x, 1, { sampling: ddim }),
      await stepFrom(x, 1, { sampling: ddim, guidance: guide([2]) }),
    ];
    const gradient = await gradientAt(x, 1, 2);
    const [before, now] = diffusion.alphaBar;
    const [signal, noise] = [Math.sqrt(now!), Math.sqrt(1 - now!)];
    const epsilon = combine(
      [x, plain.xStart, gradient],
      (at, start, g) => (at - signal * start) / noise - noise * 3 * g,
    );
    const xStart = combine([x, epsilon], (at, e) => (at - noise * e) / signal);
    const next = combine([xStart, epsilon], (start, e) => Math.sqrt(before!) * start + Math.sqrt(1 - before!) * e);
    expect(relativeError(guided.xStart, xStart)).toBeLessThan(1e-4);
    expect(relativeError(guided.x, next)).toBeLessThan(1e-4);
    expect(relativeError(plain.x, next)).toBeGreaterThan(1e-3);
  });
});

const twoSteps = { sampler: "repaint", steps: 2, jumpLength: 1, resamples: 1 } as const;
const ddim = { ...twoSteps, eta: 0, clip: false };

/** x and x̂₀ after the step from `k` of two, from a given x. */
async function stepFrom(x: Float32Array, k: 0 | 1, options: Partial<SampleOptions> = {}) {
  const nhwc = toNhwc(x, one);
  const resume: Snapshot = {
    next: 1 - k,
    calls: 1 - k,
    carried: new Map([["x", nhwc.buffer.slice(0) as ArrayBuffer]]),
  };
  const snapshots: Snapshot[] = [];
  const generator = sample({
    unet,
    shape: one,
    seeds: [1n],
    sampling: twoSteps,
    resume,
    previewEvery: 1,
    snapshotSeconds: 0,
    onSnapshot: (snapshot: Snapshot) => void snapshots.push(snapshot),
    ...options,
  });
  const { value } = await generator.next();
  const { xStart } = value as { xStart: Float32Array };
  await generator.next();
  await generator.return(undefined as never);
  return { x: fromNhwc(new Float32Array(snapshots[0]!.carried.get("x")!), one), xStart };
}

async function finish(options: SampleOptions): Promise<{ x: Float32Array; snapshots: Snapshot[] }> {
  const snapshots: Snapshot[] = [];
  const generator = sample({ ...options, snapshotSeconds: 0, onSnapshot: (snapshot) => void snapshots.push(snapshot) });
  for (;;) {
    const { done, value } = await generator.next();
    if (done) return { x: value, snapshots };
  }
}

const samplings: readonly Sampling[] = [
  { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 },
  { sampler: "langevin", levels: 3, inner: 1 },
];

const guided = (seeds: readonly bigint[], classes: readonly number[]): Omit<SampleOptions, "sampling"> => ({
  unet,
  seeds,
  shape: { ...one, batch: seeds.length },
  guidance: guide(classes),
  known: {
    image: Float32Array.from(seeds.flatMap((seed) => [...values(3 * pixels, 10 + Number(seed))])),
    keep: Float32Array.from({ length: seeds.length * pixels }, (_, i) => (i % tinySize < 4 ? 1 : 0)),
  },
});

describe.each(samplings)("a guided run by $sampler", (sampling) => {
  const options = (seeds: readonly bigint[], classes: readonly number[]) => ({ ...guided(seeds, classes), sampling });

  it("gives an image the same bits alone and in a batch of other classes, and from any of its snapshots", async () => {
    const before = device.counters.liveBytes;
    const alone = await finish(options([7n], [1]));
    const batch = await finish(options([3n, 7n], [4, 1]));
    expect(batch.x.slice(3 * pixels)).toEqual(alone.x);
    const other = await finish(options([7n], [2]));
    expect(other.x).not.toEqual(alone.x);
    for (const resume of alone.snapshots.slice(1, 4))
      expect((await finish({ ...options([7n], [1]), resume })).x).toEqual(alone.x);
    expect(device.counters.liveBytes).toBe(before);
  });

  it("of scale 0 is the unguided one", async () => {
    const guided = await finish({ ...options([7n], [1]), guidance: guide([1], 0) });
    expect(guided.x).toEqual((await finish({ ...options([7n], [1]), guidance: undefined })).x);
  });

  it("refuses classes, scales and classifiers that do not fit, and leaves nothing behind", async () => {
    const before = device.counters.liveBytes;
    const refused = (guidance: Guidance, words: RegExp) =>
      expect(finish({ ...options([7n], [1]), guidance })).rejects.toThrow(words);
    await refused(guide([5]), /^class: the classifier knows classes from 0 to 4, got 5$/);
    await refused(guide([1, 2]), /expected one of each of 1 images, got 2/);
    await refused(guide([1], NaN), /classifier scale: expected a number, got NaN/);
    for (const [change, words] of [
      [{ imageSize: 16 }, /classifier big is for images of 16×16 and the network for 8×8: take one/],
      [{ inChannels: 1 }, /classifier big takes images of 1 channels and the network makes 3/],
    ] as const) {
      const other = await Classifier.load(device, await openClassifier(bytesSource("big", tinyClassifier(change))));
      await refused({ ...guide([1]), classifier: other }, words);
      other.dispose();
    }
    expect(device.counters.liveBytes).toBe(before);
  });
});

it("a guided run by DDIM without noise is the same with either sampler where nothing is known", async () => {
  const ddim: Sampling = { sampler: "repaint", steps: 3, jumpLength: 1, resamples: 1, eta: 0 };
  const plainly = { ...guided([7n], [1]), known: undefined };
  const [one, other] = [
    await finish({ ...plainly, sampling: ddim }),
    await finish({ ...plainly, sampling: { sampler: "langevin", levels: 3, inner: 1 } }),
  ];
  expect(relativeError(other.x, one.x)).toBeLessThan(1e-5);
});

describe("RePaint", () => {
  const job = (seed: bigint, label?: number): InpaintJob => {
    const data = Uint8ClampedArray.from(values(4 * pixels, Number(seed)), (value) => 128 + 60 * value);
    const keep = Float32Array.from({ length: pixels }, (_, i) => (i % tinySize < 4 ? 1 : 0));
    const size = { width: tinySize, height: tinySize };
    return { picture: { ...size, data }, keep: { ...size, data: keep }, seed, class: label };
  };
  const sampling = { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 } as const;
  const both = { classifier: tinyClassifier() };

  it("guides each picture of a batch to its own class, and only where a scale is given", async () => {
    const progress: number[][] = [];
    const onProgress = (done: number, total: number): void => void progress.push([done, total]);
    const before = device.counters.liveBytes;
    const repaint = await RePaint.load(tinyNetwork(), { device, ...both, onProgress });
    expect(new Set(progress.map(([, total]) => total)).size).toBe(1);
    expect(progress.at(-1)![0]).toBe(progress.at(-1)![1]);
    const run = async (jobs: InpaintJob[], classifierScale?: number) =>
      (await repaint.inpaint(jobs, { sampling, batch: 8, classifierScale })).pictures.map(({ data }) => data);
    const [first, second] = await run([job(1n, 0), job(2n, 4)], 5);
    expect(await run([job(2n, 4)], 5)).toEqual([second]);
    expect(await run([job(1n, 3)], 5)).not.toEqual([first]);
    expect(await run([job(1n)])).not.toEqual([first]);
    await expect(run([job(1n)], 5)).rejects.toThrow(/draws every picture towards one, and picture 0 has none/);
    await expect(run([job(1n, 5)], 5)).rejects.toThrow(/classes from 0 to 4, got 5/);
    repaint.dispose();
    expect(device.counters.liveBytes).toBe(before);
  });

  it("refuses a scale without a classifier, and a classifier of another size before it is loaded", async () => {
    const repaint = await RePaint.load(tinyNetwork(), { device });
    await expect(repaint.inpaint([job(1n, 1)], { sampling, classifierScale: 1 })).rejects.toThrow(
      /no classifier was loaded/,
    );
    repaint.dispose();
    const other = { classifier: tinyClassifier({ imageSize: 16 }) };
    await expect(RePaint.load(tinyNetwork(), { device, ...other })).rejects.toThrow(InputError);
  });

  it("goes on after a lost device with both networks, to the same picture", async () => {
    const kept = await RePaint.load(tinyNetwork(), { device, ...both });
    const expected = (await kept.inpaint([job(5n, 2)], { sampling, classifierScale: 5 })).pictures;
    kept.dispose();
    const devices = [await freshDevice(), new Device(device.gpu, device.info)];
    devices[1]!.dispose = () => undefined;
    let given = 0;
    const repaint = await RePaint.load(tinyNetwork(), { ...both, device: () => Promise.resolve(devices[given++]!) });
    // Before the first step, so that nothing is compiled for it; snapshots of guided runs are tested above.
    devices[0]!.gpu.destroy();
    const run = await repaint.inpaint([job(5n, 2)], { sampling, classifierScale: 5 });
    expect(given).toBe(2);
    expect(run.pictures[0]!.data).toEqual(expected[0]!.data);
    expect(repaint.classifier!.device).toBe(devices[1]);
    repaint.dispose();
  });
});

test("the classifier takes on the device what the plan says, with its own x and without", async () => {
  const size = { batch: 2, height: tinySize, width: tinySize };
  const traits = await loadTraits(device);
  const options = { activations: "f32", weightType: "f32", embeddings: 70, limits: device.limits, traits } as const;
  const { architecture } = classifier.checkpoint;
  const plan = planClassifierMemory(architecture, size, options);
  const before = device.counters.liveBytes;
  const taken = () => device.counters.liveBytes - before;
  const own = await Classifier.load(device, classifier.checkpoint);
  expect(taken()).toBe(plan.weights);
  const session = await own.session(size, [0, 1]);
  const arenas = plan.arenas.reduce((a, b) => a + b, 0);
  expect(taken()).toBe(plan.weights + plan.transformed + plan.inputsAndOutput + arenas + plan.parameters);
  const shared = planClassifierMemory(architecture, size, { ...options, sharesX: true });
  expect(plan.inputsAndOutput - shared.inputsAndOutput).toBe(2 * pixels * 16);
  session.dispose();
  const table = await own.embed(Array.from({ length: 70 }, (_, i) => i));
  expect(taken()).toBe(plan.weights + plan.embeddings);
  table.dispose();
  own.dispose();
});
