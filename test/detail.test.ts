/**
 * Holes larger than the network at the picture's own scale: which sizes and windows are gone through, and a run of a
 * tiny network over them. More runs: test/full/detail.test.ts; what a known field says of tiles: gaussianField.test.ts.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { InpaintOptions } from "../src/index.ts";
import { encodePng, readPicture } from "../src/node/pictures.ts";
import { readPngText } from "../src/node/pictures/pngText.ts";
import { intersection } from "../src/pictures/holes.ts";
import { createPicture, type Picture } from "../src/pictures/image.ts";
import { chosenOctaves, octavesOf, windowsOf } from "../src/pictures/octaves.ts";
import { planRegions } from "../src/pictures/region.ts";
import { defaultDiffusion } from "../src/checkpoints/config.ts";
import { diffusionOf } from "../src/repaint/planRun.ts";
import { refinedSampling } from "../src/repaint/refine.ts";
import { samplingCalls, type Sampling } from "../src/repaint/sampling.ts";
import { cli, events, folder } from "./support/cli.ts";
import { box, hole, job, langevin, maskOf, noise } from "./support/largeHole.ts";
import { tinySize as side } from "./support/tinyNetwork.ts";
import { tinyRuns } from "./support/tinyRuns.ts";

describe("the sizes of a region", () => {
  const sizesOf = (width: number) => octavesOf({ width, height: width }, 64).map((size) => size.width);

  it("rise by about an octave to its own, and are none at scale 1", () => {
    expect(sizesOf(64)).toEqual([]);
    expect(sizesOf(40)).toEqual([]);
    expect(sizesOf(70)).toEqual([70]);
    expect(sizesOf(128)).toEqual([128]);
    expect(sizesOf(150)).toEqual([150]);
    expect(sizesOf(256)).toEqual([128, 256]);
    expect(sizesOf(1000)).toEqual([127, 253, 503, 1000]);
  });

  it("are fewer for auto where the picture around the hole has less detail", () => {
    const keep = maskOf(64, 64, [box(20, 20, 20, 20)]);
    const [region] = planRegions(keep, { modelWidth: side, modelHeight: side });
    const chosen = (picture: Picture) => chosenOctaves({ picture, keep }, region!, { side, detail: "auto" }).length;
    const sharp = noise(64, 64);
    const all = octavesOf(region!, side).length;
    expect(all).toBe(2);
    expect(chosen(sharp)).toBe(2);
    const waves = createPicture(64, 64);
    for (let i = 0; i < 64 * 64; i++) waves.data.fill(128 + 20 * Math.sin(((i % 64) * Math.PI) / 10), 4 * i, 4 * i + 3);
    expect(chosen(waves)).toBe(1);
    expect(chosen(createPicture(64, 64))).toBe(0);
    // What lies under the hole does not count.
    const painted = createPicture(64, 64);
    for (const [i, known] of keep.data.entries()) if (!known) painted.data.set(sharp.data.subarray(4 * i, 4 * i + 4), 4 * i); // prettier-ignore
    expect(chosen(painted)).toBe(0);
    expect(chosenOctaves({ picture: painted, keep }, region!, { side, detail: "full" })).toHaveLength(2);
  });
});

describe("the windows of a size", () => {
  it("cover what is to be filled once, with context, within the pixels that were given", () => {
    const holes = fc.array(
      fc.record({ x: fc.nat(50), y: fc.nat(50), width: fc.integer({ min: 1, max: 40 }), height: fc.integer({ min: 1, max: 40 }) }), // prettier-ignore
      { minLength: 1, maxLength: 2 },
    );
    fc.assert(
      fc.property(holes, fc.integer({ min: 400, max: 20_000 }), (boxes, mostPixels) => {
        const keep = maskOf(100, 100, boxes);
        for (const region of planRegions(keep, { modelWidth: side, modelHeight: side }))
          for (const size of octavesOf(region, side)) {
            const windows = windowsOf(keep, region, size, { side, mostPixels });
            expect(windows.length).toBeGreaterThan(0);
            const covered = new Uint8Array(size.width * size.height);
            const whole = { x: 0, y: 0, width: size.width, height: size.height };
            for (const { box, core } of windows) {
              expect(box.width * box.height).toBeLessThanOrEqual(mostPixels);
              expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(side);
              expect(intersection(box, whole)).toEqual(box);
              expect(intersection(core, box)).toEqual(core);
              // Half a tile of context wherever the size goes on.
              expect(box.x === 0 || core.x - box.x >= side / 2).toBe(true);
              expect(box.x + box.width === size.width || box.x + box.width >= core.x + core.width + side / 2).toBe(true); // prettier-ignore
              for (let y = core.y; y < core.y + core.height; y++)
                for (let x = core.x; x < core.x + core.width; x++) covered[y * size.width + x]!++;
            }
            expect(Math.max(...covered)).toBe(1);
            const [across, down] = [size.width / region.width, size.height / region.height];
            for (let v = region.fill.y; v < region.fill.y + region.fill.height; v++)
              for (let u = region.fill.x; u < region.fill.x + region.fill.width; u++) {
                if (keep.data[v * 100 + u]) continue;
                const x = Math.floor((u + 0.5 - region.x) * across);
                const y = Math.floor((v + 0.5 - region.y) * down);
                expect(covered[y * size.width + x]).toBe(1);
              }
          }
      }),
      { numRuns: 15 },
    );
  });

  it("are refused where none fits", () => {
    const keep = maskOf(64, 64, [box(10, 10, 40, 40)]);
    const [region] = planRegions(keep, { modelWidth: side, modelHeight: side });
    expect(() => windowsOf(keep, region!, region!, { side, mostPixels: 60 })).toThrow(
      /^detail: a part of 8x8 .*model"$/,
    );
  });
});

const { fill, pixels, repaint, weights } = await tinyRuns();

describe("a run in detail", () => {
  const options: InpaintOptions = { sampling: langevin, detail: "full" };
  const sampling = langevin;

  it("changes the hole alone, has the calls that it says, and is sharper than the network's size", async () => {
    const { pictures, modelCalls, reached } = await fill(options);
    expect(await repaint().cost(job(), options)).toEqual({ modelCalls, images: modelCalls });
    expect(reached).toEqual(["result"]);
    const [before, coarse] = [job().picture.data, await pixels({ sampling })];
    const [width, height] = [40, 36];
    const at = (x: number, y: number, data: ArrayLike<number>) => data[4 * (y * width + x)]!;
    let [steps, coarseSteps] = [0, 0];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const inside = x >= hole.x && y >= hole.y && x < hole.x + hole.width && y < hole.y + hole.height;
        const i = 4 * (y * width + x);
        const here = pictures[0]!.data.subarray(i, i + 4);
        if (!inside) expect(here).toEqual(before.subarray(i, i + 4));
        else if (x > hole.x) {
          steps += Math.abs(here[0]! - at(x - 1, y, pictures[0]!.data));
          coarseSteps += Math.abs(at(x, y, coarse) - at(x - 1, y, coarse));
        }
      }
    expect(steps).toBeGreaterThan(2 * coarseSteps);
  });

  it("has the same bits for every batch, and other ones for another seed", async () => {
    const expected = await pixels(options);
    const run = fill({ ...options, batch: 4 });
    let images = 0;
    for await (const progress of run) images += progress.images;
    const { pictures, modelCalls } = await run;
    expect(pictures[0]!.data).toEqual(expected);
    expect(await repaint().cost(job(), { ...options, batch: 4 })).toEqual({ modelCalls, images });
    expect(modelCalls).toBeLessThan(images / 2);
    expect(await pixels(options, job(4n))).not.toEqual(expected);
  });
});

test("stops between two tiles of a step with what there was before it", async () => {
  const coarse = repaint().modelCalls(langevin);
  const run = fill({ sampling: langevin, detail: "full", previewEvery: 1 });
  const previews: number[] = [];
  for await (const progress of run) {
    if (progress.previews) previews.push(progress.step);
    if (progress.step === coarse + 2) run.stop();
  }
  const { pictures, modelCalls, reached } = await run;
  // A step over the tiles is not whole yet.
  expect([modelCalls, previews.at(-1), reached]).toEqual([coarse + 2, coarse, ["preview"]]);
  const before = await pixels({ sampling: langevin });
  const differences = before.map((value, i) => Math.abs(value - pictures[0]!.data[i]!));
  expect(differences.reduce((a, b) => a + b) / before.length).toBeLessThan(2);
  expect(pictures[0]!.data).not.toEqual(job().picture.data);
});

test("where a hole fits the network nothing changes, neither bits nor calls", async () => {
  const small = job(3n, [box(5, 5, 4, 4), box(30, 20, 3, 4)]);
  const plain = await fill({ sampling: langevin }, small);
  for (const detail of ["auto", "full", "model"] as const) {
    const { pictures, modelCalls } = await fill({ sampling: langevin, detail }, small);
    expect([pictures[0]!.data, modelCalls]).toEqual([plain.pictures[0]!.data, plain.modelCalls]);
  }
  expect(await pixels({ sampling: langevin, detail: "model" })).toEqual(await pixels({ sampling: langevin }));
});

test.each([
  [{ detail: "fine" }, /^detail: expected model, auto, full, got "fine"$/],
  [{ detail: 2 }, /^detail: expected model, auto, full, got 2$/],
  [{ detail: "full", stateBytes: 500 }, /^detail: a part of 8x8 with its surroundings does not fit .*$/],
  [{ detail: "full", stateBytes: "much" }, /^stateBytes: expected a number of bytes above 0, got "much"$/],
])("%j is refused in one line", async (options, message) => {
  await expect(fill({ sampling: langevin, ...(options as InpaintOptions) })).rejects.toThrow(message);
});

test("repaint inpaint --detail says calls and time, and the PNG and the events how it was made", async () => {
  const here = await folder();
  const at = (name: string) => join(here, name);
  const { picture, keep } = job();
  const mask = createPicture(keep.width, keep.height);
  for (const [i, known] of keep.data.entries()) mask.data.fill(known ? 0 : 255, 4 * i, 4 * i + 3);
  for (let i = 3; i < mask.data.length; i += 4) mask.data[i] = 255;
  await writeFile(at("net.safetensors"), weights);
  await writeFile(at("a.png"), encodePng(picture));
  await writeFile(at("mask.png"), encodePng(mask));
  const base = ["inpaint", "--weights", at("net.safetensors"), "--image", at("a.png"), "--fill", at("mask.png")];
  const argv = [...base, "--levels", "5", "--inner", "1", "--seed", "3", "--json"];
  const plain = await cli([...argv, "--out", at("plain.png")]);
  expect(plain.err).toMatch(/scaled up 2\.\d times from the network's 8x8; --detail auto goes on/);
  const full = await cli([...argv, "--out", at("full.png"), "--detail", "full"]);
  const { modelCalls, images } = await repaint().cost(job(), { sampling: langevin, detail: "full" });
  expect(full.err).toMatch(/With --detail full \d+ model calls in all, over \d+ tiles: about \d+ s\./);
  expect(full.err).not.toMatch(/scaled up/);
  const all = events(full.out);
  expect(all.find(({ event }) => event === "detail")).toMatchObject({ detail: "full", modelCalls, images });
  expect(all.at(-1)).toMatchObject({ event: "done", modelCalls });
  expect((await readPicture(at("full.png"))).data).toEqual(await pixels({ sampling: langevin, detail: "full" }));
  expect(JSON.parse(readPngText(await readFile(at("full.png"))).Settings!)).toMatchObject({ detail: "full" });
  const wrong = await cli([...argv, "--out", at("x.png"), "--detail", "ful"]);
  expect([wrong.status, wrong.err]).toEqual([2, expect.stringMatching(/--detail: expected .*did you mean full\?/)]);
});

describe("the sampling of a size", () => {
  const visited = (sampling: Sampling, steps = 1000) => {
    const refined = refinedSampling(sampling, steps);
    const { timestepMap } = diffusionOf({ ...defaultDiffusion, diffusionSteps: steps }, refined);
    return { refined, timesteps: [...timestepMap] };
  };

  it("visits as many levels as the lower 40 % of a run has, from where they begin, closer the lower they are", () => {
    expect(visited({ sampler: "langevin", levels: 10, inner: 2 }).timesteps).toEqual([0, 37, 148, 333]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 250 }), fc.constantFrom(250, 1000, 4000), (levels, steps) => {
        for (const sampling of [
          { sampler: "langevin", levels, inner: 1 },
          { sampler: "repaint", steps: levels, jumpLength: 1, resamples: 2 },
        ] as const) {
          const { refined, timesteps } = visited(sampling, steps);
          expect(samplingCalls(refined)).toBe(samplingCalls({ ...sampling, strength: 0.4 }));
          const count = Math.max(1, Math.round(0.4 * levels));
          expect(timesteps).toHaveLength(count);
          expect(timesteps.at(-1)).toBe(Math.round(((count - 1) / Math.max(levels - 1, 1)) * (steps - 1)));
          for (let k = 1; k < count; k++) expect(timesteps[k]).toBeGreaterThan(timesteps[k - 1]!);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("is the run's own where it says which levels", () => {
    const sampling = { sampler: "langevin", levels: 12, inner: 2, respacing: "6,6" } as const;
    expect(refinedSampling(sampling, 1000)).toEqual({ ...sampling, strength: 0.4 });
  });
});
