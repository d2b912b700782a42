/**
 * Runs that begin with a picture (SDEdit's strength): which levels they visit, that they keep the guess, the same bits
 * alone and in a batch and after a break, and what the command line makes of it.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { encodePng, readPicture } from "../src/node/pictures.ts";
import { readPngText } from "../src/node/pictures/pngText.ts";
import { createPicture, type Picture } from "../src/pictures/image.ts";
import { createDiffusion } from "../src/repaint/diffusion.ts";
import { sample, type SampleOptions, type Snapshot } from "../src/repaint/loop.ts";
import { planRun } from "../src/repaint/planRun.ts";
import { RePaint, type InpaintJob } from "../src/repaint/repaint.ts";
import { stateLayout } from "../src/repaint/runPlan.ts";
import { PRESETS, samplingCalls, type Sampling } from "../src/repaint/sampling.ts";
import { walkOf } from "../src/repaint/walk.ts";
import { cli, events, folder } from "./support/cli.ts";
import { gpuDevice } from "./support/gpu.ts";
import { uniform } from "./support/random.ts";
import { tinyNetwork, tinySize as size } from "./support/tinyNetwork.ts";

const device = await gpuDevice();
let repaint: RePaint;
beforeAll(async () => {
  repaint = await RePaint.load(tinyNetwork(), { device });
});
afterAll(() => repaint.dispose());

const samplings: readonly Sampling[] = [
  { sampler: "repaint", steps: 8, jumpLength: 2, resamples: 2 },
  { sampler: "langevin", levels: 8, inner: 2 },
];

/** Of noise around a grey. */
function noise(seed: number, [width, height] = [size, size]): Picture {
  const next = uniform(seed);
  const picture = createPicture(width!, height!);
  for (let i = 0; i < picture.data.length; i++) picture.data[i] = i % 4 === 3 ? 255 : 90 + 60 * next();
  return picture;
}

const pixels = size ** 2;
const left = {
  width: size,
  height: size,
  data: Float32Array.from({ length: pixels }, (_, i) => (i % size < 4 ? 1 : 0)),
};
const job = (seed: bigint, startFrom?: Picture): InpaintJob => ({ picture: noise(Number(seed)), keep: left, seed, startFrom }); // prettier-ignore

const fill = async (jobs: InpaintJob | InpaintJob[], sampling: Sampling, batch = 1) =>
  (await repaint.inpaint(jobs, { sampling, batch })).pictures.map(({ data }) => data);

describe.each(samplings)("$sampler with a strength", (sampling) => {
  const half = { ...sampling, strength: 0.5 } as Sampling;

  it("visits the lower levels alone, as it does where these are all", async () => {
    const diffusion = createDiffusion({ noiseSchedule: "linear", diffusionSteps: 1000, respacing: "8" });
    const { diffusion: settings } = repaint.checkpoint;
    const layout = stateLayout({ batch: 1, channels: 3, height: size, width: size }, 6);
    const context = { settings, diffusion, layout, hasKnown: true, scale: 0 };
    const called = async (one: Sampling) => (await planRun(one, context)).steps.flatMap(({ call }) => call ?? []);
    const four = { ...sampling, [sampling.sampler === "repaint" ? "steps" : "levels"]: 4 } as Sampling;
    expect(await called(half)).toEqual(await called(four));
    expect(Math.max(...(await called(half)))).toBe(3);
    expect(samplingCalls(half)).toBe((await called(half)).length);
    expect(samplingCalls(half, false)).toBe(4);
    expect(walkOf(half)).toEqual(walkOf(four));
    expect(await called({ ...sampling, strength: 0.01 })).toHaveLength(1);
    // Of all levels as without, but from the picture.
    expect(await called({ ...sampling, strength: 1 })).toEqual(await called(sampling));
  });

  it("keeps the guess at the lowest level, and known pixels anyway", async () => {
    const fine = { ...sampling, strength: 0.001, [sampling.sampler === "repaint" ? "steps" : "levels"]: 1000 } as Sampling; // prettier-ignore
    const guess = noise(77);
    const [own] = await fill(job(3n), fine);
    const [guessed] = await fill(job(3n, guess), fine);
    const { data } = noise(3);
    for (let i = 0; i < 4 * pixels; i++) {
      const isKnown = (i >> 2) % size < 4;
      // The noise of this level is 1 % of the range, and the network of the tests answers with as much.
      expect(Math.abs(own![i]! - data[i]!)).toBeLessThan(isKnown ? 0.5 : 12);
      expect(Math.abs(guessed![i]! - (isKnown ? data : guess.data)[i]!)).toBeLessThan(isKnown ? 0.5 : 12);
    }
  });

  it("has the same bits alone and in a batch, and depends on guess and strength", async () => {
    const jobs = [job(1n, noise(10)), job(2n, noise(11)), job(2n)];
    const together = await fill(jobs, half, 3);
    for (const [index, one] of jobs.entries()) expect(await fill(one, half)).toEqual([together[index]!]);
    expect(new Set([...together, ...(await fill(job(2n), sampling))].map(String)).size).toBe(4);
    expect(await fill(job(2n, noise(2)), half)).toEqual([together[2]!]);
  });

  it("goes on from any snapshot to the same bits", async () => {
    const options: SampleOptions = {
      unet: repaint.unet,
      shape: { batch: 1, channels: 3, height: size, width: size },
      sampling: half,
      seeds: [4n],
      startFrom: Float32Array.from({ length: 3 * pixels }, (_, i) => Math.sin(i)),
      known: { image: new Float32Array(3 * pixels), keep: left.data },
    };
    const finish = async (given: SampleOptions): Promise<Float32Array> => {
      const run = sample(given);
      for (;;) {
        const next = await run.next();
        if (next.done) return next.value;
      }
    };
    const snapshots: Snapshot[] = [];
    const onSnapshot = (snapshot: Snapshot) => void snapshots.push(snapshot);
    const whole = await finish({ ...options, onSnapshot, snapshotSeconds: 0 });
    expect(snapshots).toHaveLength(samplingCalls(half));
    for (const resume of snapshots.slice(0, -1)) expect(await finish({ ...options, resume })).toEqual(whole);
    await expect(finish({ ...options, startFrom: undefined })).rejects.toThrow(/picture to start from.*got 0/);
    await expect(finish({ ...options, sampling })).resolves.not.toEqual(whole);
  });
});

describe("what is refused in one line", () => {
  const [repaintSampling] = samplings;
  test.each([0, -0.5, 1.5, Number.NaN, "0.5"])("a strength of %j", async (strength) => {
    await expect(fill(job(1n), { ...repaintSampling, strength } as Sampling)).rejects.toThrow(
      /^strength: expected a number above 0, at most 1, got \S+$/,
    );
  });

  test("a picture to start from without a strength, of another size, or none at all", async () => {
    const half = { ...repaintSampling!, strength: 0.5 };
    await expect(fill(job(1n, noise(2)), repaintSampling!)).rejects.toThrow(/^startFrom: picture 0 has one and.*$/);
    await expect(fill(job(1n, noise(2, [4, 4])), half)).rejects.toThrow(/^startFrom is 4x4, the picture 8x8.*$/);
    await expect(fill(job(1n, "guess.png" as never), half)).rejects.toThrow(
      /^startFrom: expected an ImageData.*string$/,
    );
    const erased = { ...job(1n), picture: createPicture(size, size) };
    await expect(fill(erased, half)).rejects.toThrow(/^strength: nothing but transparency lies where picture 0.*$/);
    await expect(repaint.sample({ seed: 1n }, { sampling: half })).rejects.toThrow(/^strength: nothing but/);
    expect((await repaint.sample({ seed: 1n, startFrom: noise(2) }, { sampling: half })).modelCalls).toBe(4);
  });
});

describe("repaint inpaint --strength", () => {
  async function files() {
    const here = await folder();
    const at = (name: string) => join(here, name);
    const mask = createPicture(size, size);
    for (let i = 0; i < pixels; i++) mask.data.set(i % size < 4 ? [0, 0, 0, 255] : [255, 255, 255, 255], 4 * i);
    await writeFile(at("net.safetensors"), tinyNetwork());
    await writeFile(at("a.png"), encodePng(noise(3)));
    await writeFile(at("mask.png"), encodePng(mask));
    await mkdir(at("guesses"));
    await writeFile(at("guesses/a.png"), encodePng(noise(8)));
    await writeFile(at("guesses/small.png"), encodePng(noise(8, [4, 4])));
    const argv = ["inpaint", "--weights", at("net.safetensors"), "--image", at("a.png"), "--fill", at("mask.png")];
    return { at, argv: [...argv, "--levels", "8", "--inner", "1", "--seed", "3"] };
  }

  it("begins with the picture or with a guess, as the API does, and the PNG and the events say so", async () => {
    const { at, argv } = await files();
    const run = [...argv, "--strength", "0.5", "--json"];
    expect(await cli([...run, "--out", at("own.png")])).toMatchObject({ status: 0 });
    const guessed = await cli([...run, "--out", at("guessed.png"), "--start-from", at("guesses")]);
    expect(guessed).toMatchObject({ status: 0, err: expect.stringMatching(/begun with a picture at the lower 50 %/) });
    const sampling: Sampling = { sampler: "langevin", levels: 8, inner: 1, strength: 0.5 };
    expect((await readPicture(at("own.png"))).data).toEqual((await fill(job(3n), sampling))[0]);
    expect((await readPicture(at("guessed.png"))).data).toEqual((await fill(job(3n, noise(8)), sampling))[0]);
    const text = readPngText(await readFile(at("guessed.png")));
    expect(JSON.parse(text.Settings!)).toMatchObject({ sampling, startFrom: "a.png" });
    expect(events(guessed.out).find(({ event }) => event === "run")).toMatchObject({
      sampling,
      startFrom: at("guesses"),
      modelCalls: 7,
    });
  });

  it("refuses what is none", async () => {
    const { at, argv } = await files();
    const refused = async (more: string[], message: RegExp) => {
      const { status, err } = await cli([...argv, "--out", at("out.png"), ...more]);
      expect([status, err]).toEqual([2, expect.stringMatching(message)]);
      expect(err.trim().split("\n")).toHaveLength(1);
    };
    await refused(["--strength", "0"], /--strength: expected a number above 0, at most 1, got "?0/);
    await refused(["--strength", "2"], /--strength: expected a number above 0, at most 1/);
    await refused(["--start-from", at("a.png")], /--start-from needs --strength X/);
    const half = ["--strength", "0.5", "--start-from"];
    await refused([...half, at("nothing.png")], /nothing\.png/);
    await refused([...half, at("guesses/small.png")], /small\.png is 4x4 and \S+a\.png 8x8: paint the guess/);
    await refused([...half, at("net.safetensors")], /net\.safetensors/);
    const other = await cli(["evaluate", "--image", at("a.png"), "--mask", "half", "--setting", "strength=0.5", "--out", at("e")]); // prettier-ignore
    expect(other).toMatchObject({ status: 2, err: expect.stringMatching(/"strength" is no option of a setting/) });
  });

  it("is a preset's still", () => {
    expect(samplingCalls({ ...PRESETS.fast, strength: 0.5 })).toBe(13);
  });
});
