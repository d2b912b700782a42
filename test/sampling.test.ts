/** DDIM, strategies of equal cost, plain samples, and their options on the command line. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { encodePng, readPicture } from "../src/node/pictures.ts";
import { readPngText } from "../src/node/pictures/pngText.ts";
import { createPicture, type Picture } from "../src/pictures/image.ts";
import { drawKeepMask } from "../src/pictures/masks.ts";
import { RePaint } from "../src/repaint/repaint.ts";
import { PRESETS } from "../src/repaint/sampling.ts";
import { countModelCalls, scheduleTimes } from "../src/repaint/schedule.ts";
import { spendCalls } from "../src/repaint/strategies.ts";
import { writeFile } from "node:fs/promises";
import { cli, events, filesIn, folder, golden } from "./support/cli.ts";
import { gpuDevice } from "./support/gpu.ts";

const weights = golden("unet/new-attention-order.weights.safetensors");
const device = await gpuDevice();
let repaint: RePaint;
beforeAll(async () => {
  repaint = await RePaint.load(await readFile(weights), { device });
});
afterAll(() => repaint.dispose());

const size = { width: 16, height: 16 };
const schedule = { steps: 4, jumpLength: 2, resamples: 2 };
const sampling = { sampler: "repaint", ...schedule } as const;
const job = { picture: createPicture(16, 16), keep: drawKeepMask("half", size), seed: 3n };
const first = async (run: PromiseLike<{ pictures: readonly Picture[] }>) => (await run).pictures[0]!;

describe("spendCalls", () => {
  const former = { steps: 100, jumpLength: 10, resamples: 5 };
  it.each([schedule, former, PRESETS.paper])("spends what %j costs in three ways", (preset) => {
    const calls = (made: Parameters<typeof scheduleTimes>[0]) => countModelCalls(scheduleTimes(made));
    expect(spendCalls(preset, "resample")).toBe(preset);
    const slow = spendCalls(preset, "slow-down");
    expect([slow.steps, calls(slow), slow.resamples]).toEqual([calls(preset), calls(preset), 1]);
    const sdedit = spendCalls(preset, "sdedit");
    expect(sdedit).toMatchObject({ steps: preset.steps, tailLength: Math.floor(preset.steps / 2) });
    expect(Math.abs(calls(sdedit) - calls(preset))).toBeLessThanOrEqual(preset.steps / 4);
  });

  it("refuses others", () => {
    expect(() => spendCalls(schedule, "hurry" as never)).toThrow(InputError);
  });
});

describe("DDIM", () => {
  it("depends on η, repeats, and differs from DDPM with and without a known part", async () => {
    const plain = { sampling: { ...sampling, eta: 0 } };
    const sampled = await first(repaint.sample([{ seed: 1n }], plain));
    expect(await first(repaint.sample([{ seed: 1n }], plain))).toEqual(sampled);
    const pictures = [sampled];
    for (const eta of [0.5, 1, undefined])
      pictures.push(await first(repaint.sample([{ seed: 1n }], { sampling: { ...sampling, eta } })));
    expect(new Set(pictures.map(({ data }) => data.join())).size).toBe(4);
    const filled = await first(repaint.inpaint([job], plain));
    expect(filled.data).not.toEqual((await first(repaint.inpaint([job], { sampling }))).data);
  });

  it.each([-0.1, 1.1, NaN])("refuses an η of %d", async (eta) => {
    await expect(repaint.inpaint([job], { sampling: { ...sampling, eta } })).rejects.toThrow(
      /eta: expected a number from 0 to 1/,
    );
  });
});

it("samples pictures of the model's own size, each by its seed", async () => {
  const { pictures, modelCalls } = await repaint.sample([{ seed: 1n }, { seed: 2n }], { sampling, batch: 2 });
  expect(pictures.map(({ width, height }) => [width, height])).toEqual([
    [16, 16],
    [16, 16],
  ]);
  expect(modelCalls).toBe(4);
  expect(pictures[1]).toEqual(await first(repaint.sample([{ seed: 2n }], { sampling })));
});

describe("repaint sample", () => {
  it("writes a PNG a seed", async () => {
    const out = join(await folder(), "made");
    const argv = ["sample", "--weights", weights, "--steps", "3", "--out", out];
    const { status, err, out: text } = await cli([...argv, "--count", "2", "--seed", "5", "--eta", "0.5", "--json"]);
    expect([status, err]).toEqual([0, expect.stringContaining("2 pictures")]);
    expect(await filesIn(out)).toEqual(["5.png", "6.png"]);
    const expected = await first(repaint.sample([{ seed: 6n }], { sampling: { ...sampling, steps: 3, eta: 0.5 } }));
    expect((await readPicture(join(out, "6.png"))).data).toEqual(expected.data);
    expect(JSON.parse(readPngText(await readFile(join(out, "5.png"))).Settings!)).toMatchObject({
      sampling: { eta: 0.5 },
    });
    expect(events(text).filter(({ event }) => event === "result")).toHaveLength(2);
    expect(await cli(argv)).toMatchObject({ status: 0 });
    expect(await cli([...argv, "--seed", "5"])).toMatchObject({ status: 2, err: expect.stringMatching(/exists/) });
  });
});

describe("repaint inpaint", () => {
  async function settingsOf(options: readonly string[]) {
    const here = await folder();
    const [image, mask, out] = ["a.png", "m.png", "out.png"].map((name) => join(here, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(image, encodePng(job.picture));
    await cli(["mask", "half", "--size", "16x16", "--out", mask]);
    const argv = ["inpaint", "--image", image, "--fill", mask, "--weights", weights, "--out", out];
    const { status, err } = await cli([...argv, ...options]);
    if (status !== 0) throw new Error(err);
    return { err, settings: JSON.parse(readPngText(await readFile(out)).Settings!) as Record<string, unknown> };
  }
  const tiny = ["--steps", "4", "--jump-length", "2", "--resamples", "2"];

  it("takes every option of the schedule and of the step", async () => {
    const jumpsBelow = await settingsOf([...tiny, "--start-resampling", "2", "--eta", "0", "--order", "paper"]);
    expect(jumpsBelow.settings).toMatchObject({
      sampling: { ...sampling, startResampling: 2, eta: 0, order: "paper" },
    });
    expect(jumpsBelow.err).toContain("jumps up to level 2: 6 model calls");
    const slow = await settingsOf([...tiny, "--strategy", "slow-down"]);
    expect([slow.settings.sampling, slow.err]).toEqual([
      { ...sampling, steps: 6, jumpLength: 1, resamples: 1 },
      expect.stringContaining("6 steps, no jumps: 6 model calls"),
    ]);
    const sdedit = await settingsOf([...tiny, "--strategy", "sdedit"]);
    expect(sdedit.settings.sampling).toMatchObject({ steps: 4, tailLength: 2, tailResamples: 2 });
    const spaced = await settingsOf(["--respacing", "ddim5", "--resamples", "1"]);
    expect(spaced.settings).toMatchObject({ sampling: { respacing: "ddim5", steps: 5 } });
  });

  it("takes every option of guided Langevin steps, and writes down all numbers", async () => {
    const usual = { sampler: "langevin", levels: 3, inner: 2, step: 1, lambda: 8, still: 1 };
    const short = await settingsOf(["--levels", "3"]);
    expect([short.settings.sampling, short.err]).toEqual([
      usual,
      expect.stringContaining("guided Langevin, 3 levels of 2 steps: 7 model calls"),
    ]);
    const all = ["--inner", "1", "--step", "0.5", "--lambda", "4", "--still", "0", "--respacing", "ddim4"];
    expect((await settingsOf(["--sampler", "langevin", ...all])).settings.sampling).toEqual({
      ...usual,
      levels: 4,
      inner: 1,
      step: 0.5,
      lambda: 4,
      still: 0,
      respacing: "ddim4",
    });
    const fast = await settingsOf(["--preset", "fast"]);
    expect([fast.settings.sampling, fast.err]).toEqual([
      { ...usual, levels: 10 },
      expect.stringMatching(/preset fast: guided Langevin, 10 levels of 2 steps: 28 model calls/),
    ]);
  });

  it.each([
    [["--levels", "0"], /--levels: expected a whole number from 1/],
    [["--levels", "1001"], /--levels: this network was trained with 1000 noise levels/],
    [["--step", "0"], /--step: expected a number above 0, got "0"/],
    [["--step", "1e"], /--step: expected a number above 0, got "1e"/],
    [["--step", "-1"], /--step: expected a number above 0, got "-1"/],
    [["--lambda", "much"], /--lambda: expected a number from 0 on, got "much"/],
    [["--levels", "2", "--still", "3"], /--still: expected a whole number from 0 to 2, got 3/],
    [
      ["--sampler", "langevin", "--eta", "0"],
      /--sampler langevin asks for the sampler langevin, --eta belongs to repaint/,
    ],
    [["--preset", "fast", "--steps", "10"], /--preset fast asks for the sampler langevin, --steps belongs to repaint/],
    [["--preset", "paper", "--inner", "1"], /--preset paper asks for the sampler repaint, --inner belongs to langevin/],
    [["--sampler", "euler"], /--sampler: expected langevin or repaint, got "euler"/],
    [["--eta", "2"], /--eta: expected a number from 0 to 1, got "2"/],
    [["--eta", "much"], /--eta: expected a number from 0 to 1, got "much"/],
    [["--order", "papr"], /--order: expected program or paper, got "papr" \(did you mean paper\?\)/],
    [["--strategy", "slow"], /--strategy: expected resample, slow-down or sdedit, got "slow"/],
    [["--strategy", "slow-down", "--preset", "paper"], /2410 model calls would be as many steps/],
    [["--start-resampling", "0"], /--start-resampling: expected a whole number from 1/],
    [["--respacing", "20", "--steps", "10"], /visits 20 noise levels/],
    [["--respacing", "many"], /respacing must be/],
  ])("%j: one line", async (options, message) => {
    const error = await settingsOf(options).then(() => "", String);
    expect(error).toMatch(message);
    expect(error.trimEnd().split("\n")).toHaveLength(1);
  });
});
