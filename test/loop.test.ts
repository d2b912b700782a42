/** The loop on a small network: seeds and batches, allocations, interruption, orders, recorded traces. */
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { DeviceLostError } from "../src/errors.ts";
import { replay } from "../src/repaint/replay.ts";
import { sample, type SampleOptions, type SampleProgress } from "../src/repaint/loop.ts";
import { Classifier } from "../src/unet/classifier.ts";
import { UNet } from "../src/unet/unet.ts";
import {
  goldenCheckpoint,
  goldenClassifier,
  goldenTensors,
  goldenUrl,
  relativeError,
  shapeOf,
  tensor,
} from "./support/goldens.ts";
import { freshDevice, gpuDevice } from "./support/gpu.ts";
import { uniform } from "./support/random.ts";

const device = await gpuDevice();
let unet: UNet;
beforeAll(async () => {
  unet = await UNet.load(device, await goldenCheckpoint("unet/new-attention-order.weights.safetensors"));
});
afterAll(() => unet.dispose());

// Smaller than the network was made for: it takes any even size, and this is quick.
const size = { channels: 3, height: 8, width: 8 };
const pixels = size.height * size.width;

/** A picture of noise whose left half is known. */
function picture(seed: number) {
  const next = uniform(seed);
  return {
    image: Float32Array.from({ length: 3 * pixels }, () => 2 * next() - 1),
    keep: Float32Array.from({ length: pixels }, (_, i) => (i % size.width < 4 ? 1 : 0)),
  };
}

const join = (parts: readonly Float32Array[]) => Float32Array.from(parts.flatMap((part) => [...part]));

function batchOf(seeds: readonly bigint[]): Pick<SampleOptions, "unet" | "shape" | "seeds" | "known"> {
  const pictures = seeds.map((seed) => picture(Number(seed)));
  return {
    unet,
    seeds,
    shape: { ...size, batch: seeds.length },
    known: { image: join(pictures.map(({ image }) => image)), keep: join(pictures.map(({ keep }) => keep)) },
  };
}

async function run(options: SampleOptions): Promise<{ x: Float32Array; progress: SampleProgress[] }> {
  const generator = sample(options);
  const progress: SampleProgress[] = [];
  let next = await generator.next();
  while (!next.done) {
    progress.push(next.value);
    next = await generator.next();
  }
  return { x: next.value, progress };
}

const short = { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 } as const;

describe("sample", () => {
  it("gives bit-identical images alone and in a batch of 3", async () => {
    const alone = await run({ ...batchOf([5n]), sampling: short });
    const batch = await run({ ...batchOf([9n, 5n, 2n ** 63n]), sampling: short });
    expect(batch.x.slice(3 * pixels, 6 * pixels)).toEqual(alone.x);
    expect(batch.x.slice(0, 3 * pixels)).not.toEqual(alone.x);
  });

  it("depends on both halves of a seed", async () => {
    const [low, high] = [
      await run({ ...batchOf([1n]), sampling: short }),
      await run({ ...batchOf([1n + 2n ** 32n]), known: batchOf([1n]).known, sampling: short }),
    ];
    expect(low.x).not.toEqual(high.x);
  });

  it("allocates nothing after the first of 300 steps and reads nothing back", async () => {
    const createBuffer = vi.spyOn(device.gpu, "createBuffer");
    const createBindGroup = vi.spyOn(device.gpu, "createBindGroup");
    const generator = sample({
      ...batchOf([3n]),
      sampling: { sampler: "repaint", steps: 60, jumpLength: 10, resamples: 6 },
    });
    try {
      await generator.next();
      const before = [createBuffer.mock.calls.length, createBindGroup.mock.calls.length, device.counters.readbacks];
      let steps = 1;
      for (let next = await generator.next(); !next.done && steps < 301; next = await generator.next()) steps++;
      expect(steps).toBeGreaterThanOrEqual(300);
      expect([createBuffer.mock.calls.length, createBindGroup.mock.calls.length, device.counters.readbacks]).toEqual(
        before,
      );
    } finally {
      await generator.return(undefined as never);
      vi.restoreAllMocks();
    }
  });

  it("reports progress, an estimate and previews", async () => {
    const { progress } = await run({ ...batchOf([4n]), sampling: short, previewEvery: 2 });
    expect(progress.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(progress.every(({ steps }) => steps === 6)).toBe(true);
    expect(progress.map(({ xStart }) => xStart !== undefined)).toEqual([false, true, false, true, false, true]);
    expect(Math.max(...progress[1]!.xStart!.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(progress[0]!.secondsLeft).toBeGreaterThan(0);
    expect(progress.at(-1)!.secondsLeft).toBe(0);
  });

  it("stops by a signal, by leaving the loop, and frees everything", async () => {
    const bytes = device.counters.liveBytes;
    const controller = new AbortController();
    const generator = sample({ ...batchOf([4n]), sampling: short, signal: controller.signal });
    await generator.next();
    const reason = new Error("changed my mind");
    controller.abort(reason);
    await expect(generator.next()).rejects.toBe(reason);
    for await (const _ of sample({ ...batchOf([4n]), sampling: short })) break;
    expect(device.counters.liveBytes).toBe(bytes);
    const aborted = run({ ...batchOf([4n]), sampling: short, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toHaveProperty("name", "AbortError");
  });

  it("says so when the device is lost in mid-run", async () => {
    const doomed = await freshDevice();
    const model = await UNet.load(doomed, await goldenCheckpoint("unet/new-attention-order.weights.safetensors"));
    const generator = sample({ ...batchOf([4n]), unet: model, sampling: short });
    await generator.next();
    doomed.gpu.destroy();
    const rest = async () => {
      while (!(await generator.next()).done);
    };
    await expect(rest()).rejects.toThrow(DeviceLostError);
  });

  it("samples plainly where nothing is known", async () => {
    const { progress, x } = await run({ ...batchOf([4n]), known: undefined, sampling: short });
    expect(progress).toHaveLength(4);
    expect(x.every(Number.isFinite)).toBe(true);
  });

  it("keeps the known pixels near the picture in both orders, and the orders differ", async () => {
    const options = {
      ...batchOf([6n]),
      sampling: { sampler: "repaint", steps: 20, jumpLength: 5, resamples: 2 } as const,
    };
    const [program, paper] = [
      await run(options),
      await run({ ...options, sampling: { ...options.sampling, order: "paper" } }),
    ];
    const { image, keep } = options.known!;
    // Algorithm 1 ends with √ᾱ₁ of the picture where it is known; the program with the network's own reconstruction.
    const known = (x: ArrayLike<number>) => Float32Array.from(x).filter((_, i) => keep[i % pixels] === 1);
    expect(relativeError(known(paper.x), known(image))).toBeLessThan(0.01);
    expect(program.x).not.toEqual(paper.x);
  });

  it("refuses schedules that do not fit the diffusion", async () => {
    const sampling = { sampler: "repaint", steps: 10, jumpLength: 2, resamples: 1 } as const;
    await expect(run({ ...batchOf([1n]), sampling: { ...sampling, respacing: "20" } })).rejects.toThrow(/10 steps.*20/);
    await expect(run({ ...batchOf([1n]), sampling: { ...sampling, steps: 1001 } })).rejects.toThrow(
      /1000 diffusion steps.*1001/,
    );
    await expect(run({ ...batchOf([1n]), seeds: [], sampling })).rejects.toThrow(/seeds: expected 1, got 0/);
  });
});

async function checkTrace(name: string, weights: string, guide?: string): Promise<void> {
  const file = await goldenTensors(`repaint/${name}.safetensors`);
  const recorded = JSON.parse(file.metadata.get("case")!) as {
    sampler?: "langevin";
    inner: number;
    step: number;
    lambda: number;
    still: number;
    times: number[];
    respacing: string;
    beta_schedule: "linear";
    diffusion_steps: number;
    y?: number[];
    scale?: number;
  };
  const noise = await tensor(file, "noise");
  const [batch, channels, height, width] = shapeOf(file, "gt");
  const elements = batch * channels * height * width;
  const draws = file.tensors.get("noise")!.shape[0]!;
  const model = await UNet.load(device, await goldenCheckpoint(`${weights}.weights.safetensors`));
  const classifier =
    guide === undefined
      ? undefined
      : await Classifier.load(device, await goldenClassifier(`${guide}.weights.safetensors`));
  const guidance = classifier && { classifier, scale: recorded.scale!, classes: recorded.y! };
  const { sampler, inner, step, lambda, still, times } = recorded;
  const run = sampler ? { sampler, inner, step, lambda, still } : { sampler: "repaint" as const, times };
  let last: Float32Array | undefined;
  for await (const { sample: x } of replay(model, {
    shape: { batch, channels, height, width },
    known: { image: await tensor(file, "gt"), keep: await tensor(file, "keep_mask") },
    guidance,
    classes: recorded.y,
    draws,
    run,
    respacing: recorded.respacing,
    noiseSchedule: recorded.beta_schedule,
    diffusionSteps: recorded.diffusion_steps,
    noise: (draw) => Promise.resolve(noise.subarray(draw * elements, (draw + 1) * elements)),
  }))
    last = x;
  model.dispose();
  classifier?.dispose();
  const samples = await tensor(file, "samples");
  expect(relativeError(last!, samples.subarray(samples.length - elements))).toBeLessThanOrEqual(sampler ? 1e-4 : 2e-4);
}

describe("replay", () => {
  const traces = [
    ["trace-learned-sigma", "unet/adm", undefined],
    ["trace-class-cond", "unet/class-cond", undefined],
    ["trace-guided", "unet/class-cond", "unet/classifier-attention"],
    ["trace-portraits", "unet/portraits64", undefined],
    ["trace-langevin", "unet/adm", undefined],
    ["trace-langevin-classes", "unet/class-cond", undefined],
  ] as const;
  describe.each(traces)("%s", (name, weights, guide) => {
    const files = [`repaint/${name}`, `${weights}.weights`, ...(guide ? [`${guide}.weights`] : [])];
    const skipped = files.some((path) => !goldenUrl(`${path}.safetensors`));
    const why = skipped ? " (skipped: only in the whole golden set, REPAINT_GOLDEN)" : "";
    it.skipIf(skipped)(`ends where the recorded run ended${why}`, () => checkTrace(name, weights, guide));
  });

  it("refuses noise that is not as long as the times need", async () => {
    const trace = {
      shape: { ...size, batch: 1 },
      known: picture(1),
      draws: 5,
      noise: () => Promise.resolve(new Float32Array(3 * pixels)),
      run: { sampler: "repaint" as const, times: [1, 0, 1, 0, -1] },
      respacing: "2",
      noiseSchedule: "linear" as const,
      diffusionSteps: 1000,
    };
    await expect(replay(unet, trace).next()).rejects.toThrow(
      /expected 7 draws for 3 model calls and what is between them, got 5/,
    );
  });
});
