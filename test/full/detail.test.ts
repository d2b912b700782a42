/** Runs in detail that take long: both samplers paused, stopped and without their device, little memory, guidance. */
import { describe, expect, it, test } from "vitest";
import { Device } from "../../src/engine/device.ts";
import { RePaint, type InpaintOptions } from "../../src/index.ts";
import { freshDevice } from "../support/gpu.ts";
import { box, job, langevin, samplings } from "../support/largeHole.ts";
import { tinyClassifier } from "../support/tinyClassifier.ts";
import { tinyNetwork } from "../support/tinyNetwork.ts";
import { tinyRuns } from "../support/tinyRuns.ts";

const { device, fill, pixels, repaint, weights } = await tinyRuns();

describe.each(samplings)("$sampler in detail", (sampling) => {
  const options: InpaintOptions = { sampling, detail: "full" };

  it("has the same bits for every batch, in parts or paused, and other ones for another seed", async () => {
    const expected = await pixels(options);
    expect(await pixels({ ...options, batch: 4 })).toEqual(expected);
    const { modelCalls, images } = await repaint().cost(job(), { ...options, batch: 4 });
    expect(modelCalls).toBeLessThan(images / 2);
    const paused = fill(options);
    for await (const { step } of paused) {
      if (step % 3 !== 0) continue;
      paused.pause();
      setTimeout(() => paused.resume(), 1);
    }
    expect((await paused).pictures[0]!.data).toEqual(expected);
    expect(await pixels(options, job(4n))).not.toEqual(expected);
  });

  it("stops with what there is, and shows it before", async () => {
    const { modelCalls } = await repaint().cost(job(), options);
    const run = fill({ ...options, previewEvery: 1 });
    let last: Uint8ClampedArray | undefined;
    const steps: number[] = [];
    for await (const { step, steps: all, previews } of run) {
      expect(all).toBe(modelCalls);
      steps.push(step);
      last = previews?.get(0)!.data ?? last;
      // Of a step that is whole: between tiles there is none.
      if (previews && step > modelCalls / 2) run.stop();
    }
    const result = await run;
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect([result.modelCalls, result.reached]).toEqual([steps.at(-1), ["preview"]]);
    expect(result.pictures[0]!.data).toEqual(last);
    expect(last).not.toEqual(await pixels({ sampling }));
  });

  it("outlives its device with the same bits", async () => {
    const devices = [await freshDevice(), new Device(device.gpu, device.info)];
    devices[1]!.dispose = () => undefined;
    let given = 0;
    const model = await RePaint.load(weights, { device: () => Promise.resolve(devices[given++]!) });
    const run = model.inpaint(job(), { ...options, snapshotSeconds: 0 });
    let lost = false;
    for await (const { step, steps } of run) {
      if (step < 0.7 * steps || lost) continue;
      lost = true;
      devices[0]!.gpu.destroy();
    }
    expect((await run).pictures[0]!.data).toEqual(await pixels(options));
    expect(given).toBe(2);
    model.dispose();
  });
});

test("with less memory it goes window by window, to the end of the same hole, and leaves nothing on the device", async () => {
  const before = device.counters.liveBytes;
  const options = { sampling: langevin, detail: "full" } as const;
  const { pictures, modelCalls } = await fill({ ...options, stateBytes: 84 * 17 ** 2 });
  expect(modelCalls).toBeGreaterThan((await repaint().cost(job(), options)).modelCalls);
  expect(pictures[0]!.data).not.toEqual(await pixels(options));
  const grey = pictures[0]!.data.filter((_, i) => i % 4 !== 3 && job().keep.data[i >> 2] === 0);
  expect(new Set(grey).size).toBeGreaterThan(50);
  expect(device.counters.liveBytes).toBe(before);
});

test("a scratch too thin for the network's size is filled at the picture's", async () => {
  const scratch = job(3n, [box(2, 17, 36, 1)]);
  const coarse = await fill({ sampling: langevin }, scratch);
  const fine = await fill({ sampling: langevin, detail: "full" }, scratch);
  expect(coarse.modelCalls).toBe(0);
  expect([fine.reached, fine.modelCalls > 0]).toEqual([["result"], true]);
  expect(fine.pictures[0]!.data).not.toEqual(coarse.pictures[0]!.data);
});

test("several pictures, with classes and a classifier that guides, are each what they are alone", async () => {
  const guided = await RePaint.load(tinyNetwork(["a", "b", "any"]), {
    device,
    classifier: tinyClassifier({ outChannels: 2 }),
  });
  const jobs = [Object.assign({}, job(1n), { class: 1 }), Object.assign({}, job(2n, [box(3, 3, 5, 5)]), { class: 0 })];
  const options = { sampling: langevin, detail: "full", classifierScale: 5 } as const;
  const { pictures } = await guided.inpaint(jobs, { ...options, batch: 3 });
  for (const [index, one] of jobs.entries())
    expect((await guided.inpaint(one, options)).pictures[0]!.data).toEqual(pictures[index]!.data);
  const { pictures: unguided } = await guided.inpaint(jobs, { ...options, classifierScale: undefined });
  expect(unguided[0]!.data).not.toEqual(pictures[0]!.data);
  guided.dispose();
});
