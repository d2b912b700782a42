/**
 * Runs that are paused, stopped, continued from a snapshot, or that lose their device; what fifty runs leave behind.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { DeviceLostError, InterruptedError } from "../src/errors.ts";
import { RePaint, type Picture } from "../src/index.ts";
import type { Job } from "../src/repaint/repaint.ts";
import { sample, type SampleOptions, type Snapshot } from "../src/repaint/loop.ts";
import type { Sampling } from "../src/repaint/sampling.ts";
import { freshDevice, gpuDevice } from "./support/gpu.ts";
import { uniform } from "./support/random.ts";
import { tinyNetwork, tinySize as size } from "./support/tinyNetwork.ts";

const device = await gpuDevice();
const weights = tinyNetwork();
/** 6 model calls each. */
const samplings: readonly Sampling[] = [
  { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 },
  { sampler: "langevin", levels: 2, inner: 2, still: 0 },
];

let repaint: RePaint;
beforeAll(async () => {
  repaint = await RePaint.load(weights, { device });
});
afterAll(() => repaint.dispose());

/** A picture of noise of the model's size, whose left half is known. */
function job(seed: bigint): Job {
  const next = uniform(Number(seed));
  const picture = {
    width: size,
    height: size,
    data: Uint8ClampedArray.from({ length: 4 * size ** 2 }, () => 256 * next()),
  };
  const keep = { width: size, height: size, data: Float32Array.from({ length: size ** 2 }, (_, i) => (i % size < size / 2 ? 1 : 0)) }; // prettier-ignore
  return { picture, keep, seed };
}

async function pixelsOf(run: PromiseLike<{ pictures: readonly Picture[] }>): Promise<Uint8ClampedArray> {
  return (await run).pictures[0]!.data;
}

/** A run that is asked to do something after its n-th model call. */
async function after(run: ReturnType<RePaint["inpaint"]>, call: number, act: () => void) {
  let seen = 0;
  for await (const { step } of run) {
    seen++;
    if (step === call) act();
  }
  return { seen, result: await run };
}

describe.each(samplings)("$sampler", (sampling) => {
  describe("a run", () => {
    it("pauses, says so, rests, and goes on to the same picture without counting the pause", async () => {
      const expected = await pixelsOf(repaint.inpaint([job(1n)], { sampling }));
      const run = repaint.inpaint([job(1n)], { sampling });
      const steps: number[] = [];
      let latest = { secondsPerStep: 0 };
      const begin = performance.now();
      const whole = (async () => {
        for await (const progress of run) {
          latest = progress;
          if (steps.push(progress.step) === 2) run.pause();
        }
      })();
      while (steps.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
      const pause = Math.max(1, 10 * latest.secondsPerStep);
      await new Promise((resolve) => setTimeout(resolve, 1000 * pause));
      expect(run.paused).toBe(true);
      expect(steps).toEqual([1, 2]);
      run.resume();
      await whole;
      const seconds = (performance.now() - begin) / 1000;
      expect(steps).toEqual([1, 2, 3, 4, 5, 6]);
      expect(6 * latest.secondsPerStep).toBeLessThan(seconds - 0.9 * pause);
      expect(await pixelsOf(run)).toEqual(expected);
    });

    it("ends by its signal while it is paused", async () => {
      const controller = new AbortController();
      const run = repaint.inpaint([job(1n)], { sampling, signal: controller.signal });
      run.pause();
      const reason = new Error("enough");
      setTimeout(() => controller.abort(reason), 50);
      await expect(run).rejects.toBe(reason);
    });

    it("ends with InterruptedError where its loop is left, or what it runs on is disposed of", async () => {
      const left = repaint.inpaint([job(1n)], { sampling });
      for await (const _ of left) break;
      await expect(left).rejects.toThrow(InterruptedError);
      const other = await RePaint.load(weights, { device });
      const doomed = other.inpaint([job(1n)], { sampling });
      const progress = doomed[Symbol.asyncIterator]();
      await progress.next();
      other.dispose();
      const end = async () => {
        while (!(await progress.next()).done);
      };
      await expect(end()).rejects.toThrow(InterruptedError);
      await expect(doomed).rejects.toThrow(InterruptedError);
    });

    it("stops with its estimate so far, whole pictures before it, inputs after it", async () => {
      const jobs = [job(1n), job(2n), job(3n)];
      const whole = await repaint.inpaint(jobs, { sampling, batch: 1 });
      expect(whole.reached).toEqual(["result", "result", "result"]);
      const heard: unknown[] = [];
      const onPicture = (index: number, _: Picture, reached: string): void => void heard.push([index, reached]);
      const run = repaint.inpaint(jobs, { sampling, batch: 1, onPicture, previewEvery: 1 });
      let preview: Picture | undefined;
      for await (const { step, previews } of run) {
        if (step === 8) [preview] = [previews!.get(1)!];
        if (step === 8) run.stop();
      }
      const { pictures, reached, modelCalls } = await run;
      expect(reached).toEqual(["result", "preview", "nothing"]);
      expect(heard).toEqual([[0, "result"], [1, "preview"]]); // prettier-ignore
      expect(modelCalls).toBe(8);
      expect(pictures[0]!.data).toEqual(whole.pictures[0]!.data);
      expect(pictures[1]!.data).toEqual(preview!.data);
      expect(pictures[2]!.data).toEqual(jobs[2]!.picture.data);
    });

    it("stops while it is paused, and the pause ends", async () => {
      const run = repaint.inpaint([job(1n)], { sampling });
      const { seen, result } = await after(run, 2, () => {
        run.pause();
        setTimeout(() => run.stop(), 50);
      });
      expect([seen, result.reached]).toEqual([2, ["preview"]]);
    });

    it("shows previews by time, as often as is asked at the moment", async () => {
      const seen: boolean[] = [];
      const run = repaint.inpaint([job(1n)], { sampling, previewSeconds: 1e-6 });
      for await (const { step, previews } of run) {
        seen.push(previews !== undefined);
        if (step === 3) run.setPreviews(0);
      }
      expect(seen).toEqual([true, true, true, false, false, false]);
    });

    it("gives the same bits when it goes on from any of its snapshots", async () => {
      const shape = { batch: 2, channels: 3, height: 8, width: 8 };
      const next = uniform(3);
      const known = {
        image: Float32Array.from({ length: 2 * 3 * 64 }, () => 2 * next() - 1),
        keep: Float32Array.from({ length: 2 * 64 }, (_, i) => (i % 8 < 4 ? 1 : 0)),
      };
      const snapshots: Snapshot[] = [];
      const options: SampleOptions = { unet: repaint.unet, shape, sampling, seeds: [1n, 2n], known };
      const finish = async (extra: Partial<SampleOptions>) => {
        const generator = sample({ ...options, ...extra });
        for (;;) {
          const { done, value } = await generator.next();
          if (done) return value;
        }
      };
      const expected = await finish({ snapshotSeconds: 0, onSnapshot: (snapshot) => snapshots.push(snapshot) });
      expect(snapshots.map(({ calls }) => calls)).toEqual([1, 2, 3, 4, 5, 6]);
      for (const resume of snapshots.slice(0, 5)) expect(await finish({ resume })).toEqual(expected);
    });

    it("takes no snapshot where nobody asks for one", async () => {
      const before = device.counters.readbacks;
      await repaint.inpaint([job(1n)], { sampling, snapshotSeconds: 0 });
      // The result, and the flag that every call was finite: after the first, and before the result.
      expect(device.counters.readbacks - before).toBe(3);
    });
  });

  describe("a lost device", () => {
    it("is replaced, and the picture is the one without the loss", async () => {
      // The second shares the pipelines that the other tests have compiled, which takes seconds on a software adapter.
      const devices = [await freshDevice(), new Device(device.gpu, device.info)];
      devices[1]!.dispose = () => undefined;
      const given: Device[] = [];
      const factory = () => {
        given.push(devices[given.length]!);
        return Promise.resolve(given.at(-1)!);
      };
      const expected = await pixelsOf(repaint.inpaint([job(5n)], { sampling }));
      const model = await RePaint.load(weights, { device: factory });
      const losses: Error[] = [];
      const options = { sampling, snapshotSeconds: 0, onDeviceLost: (error: Error) => void losses.push(error) };
      const run = model.inpaint([job(5n)], options);
      const steps: number[] = [];
      for await (const { step } of run) {
        steps.push(step);
        if (step === 4 && losses.length === 0) devices[0]!.gpu.destroy();
      }
      expect(steps).toEqual([1, 2, 3, 4, 4, 5, 6]);
      expect(losses).toEqual([expect.any(DeviceLostError)]);
      expect(given).toHaveLength(2);
      expect((await run).pictures[0]!.data).toEqual(expected);
      expect(model.unet.device).toBe(devices[1]);
      model.dispose();
    });

    it("that is the caller's ends the run", async () => {
      const own = await freshDevice();
      const model = await RePaint.load(weights, { device: own });
      own.gpu.destroy();
      await expect(model.inpaint([job(5n)], { sampling })).rejects.toThrow(DeviceLostError);
      model.dispose();
    });

    it("that is lost again and again is given up", async () => {
      const made: Device[] = [];
      const factory = async () => {
        made.push(await freshDevice());
        if (made.length > 1) made.at(-1)!.gpu.destroy();
        return made.at(-1)!;
      };
      const model = await RePaint.load(weights, { device: factory });
      made[0]!.gpu.destroy();
      await expect(model.inpaint([job(5n)], { sampling })).rejects.toThrow(DeviceLostError);
      expect(made).toHaveLength(4);
    });
  });

  describe("fifty runs", () => {
    it("leave no buffer behind, whichever way they end", async () => {
      const before = device.counters.liveBytes;
      for (let i = 0; i < 50; i++) {
        const run = repaint.inpaint([job(BigInt(i))], {
          sampling: { sampler: "repaint", steps: 2, jumpLength: 1, resamples: 1 },
        });
        if (i % 3 === 0) await run;
        else if (i % 3 === 1) await after(run, 1, () => run.stop());
        else for await (const _ of run) break;
      }
      expect(device.counters.liveBytes).toBe(before);
    });
  });
});
