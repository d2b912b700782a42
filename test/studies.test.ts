/**
 * The paper's studies: portraits whose meaning can be measured, settings of like cost, verdicts, and the report's form.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readUnseen } from "../src/cli/reproduction/pictures.ts";
import { intervalChart } from "../src/evaluate/charts.ts";
import { asymmetry, backgroundDifference, eyeDifference, eyeNames } from "../src/evaluate/meaning.ts";
import { cutSheet } from "../src/evaluate/portraits.ts";
import { COMPARISONS, PAPER_MASKS, STUDY_RUNS, verdictOf } from "../src/evaluate/studies.ts";
import { mean } from "../src/evaluate/statistics.ts";
import type { Picture } from "../src/pictures/image.ts";
import { drawKeepMask, MASK_PATTERNS } from "../src/pictures/masks.ts";
import type { EvaluationPlan } from "../src/evaluate/plan.ts";
import { cli, filesIn, folder, golden } from "./support/cli.ts";
import { full } from "./support/full.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";

const { portraits, irises, classes } = await readUnseen();
const keep = drawKeepMask("half", { width: 64, height: 64 });

/** The left half of one and the right half of another. */
function halves(left: Picture, right: Picture): Picture {
  return { ...left, data: left.data.map((value, i) => ((i >> 2) % 64 < 32 ? value : right.data[i]!)) };
}

const mixed = portraits.map(({ picture }, i) => halves(picture, portraits[(i + 1) % portraits.length]!.picture));

describe("unseen portraits", () => {
  it("are 64, eight of each class, as their program drew them", () => {
    expect(portraits).toHaveLength(64);
    for (const label of classes.keys()) expect(portraits.filter((one) => one.class === label)).toHaveLength(8);
    const small = { width: 64, height: 64, data: new Uint8ClampedArray(4 * 64 * 64) };
    expect(() => cutSheet(small, { classes, irises, portraits, size: 64, columns: 8 })).toThrow(/should be 512x512/);
  });

  it("have the eye colours that weights/train/portraits.py reads, whole and of two halves", async () => {
    const python = JSON.parse(await readFile(golden("eyeColours.json"), "utf8")) as Record<
      "true" | "mixed",
      string[][]
    >;
    expect(portraits.map((one) => eyeNames(one.picture, one, irises))).toEqual(python.true);
    expect(portraits.map((one, i) => eyeNames(mixed[i]!, one, irises))).toEqual(python.mixed);
  });

  it("agree left and right, and a half of another portrait is seen to disagree", () => {
    const of = (pictures: readonly Picture[]) => ({
      eye: mean(portraits.map((one, i) => eyeDifference(pictures[i]!, one))),
      mirror: mean(portraits.map((one, i) => asymmetry(pictures[i]!, keep, one))),
    });
    const [own, other] = [of(portraits.map(({ picture }) => picture)), of(mixed)];
    expect(own.eye).toBeLessThan(15);
    expect(other.eye).toBeGreaterThan(2 * own.eye);
    expect(other.mirror).toBeGreaterThan(1.5 * own.mirror);
  });
});

describe("backgroundDifference", () => {
  const middle = {
    width: 64,
    height: 64,
    data: Float32Array.from({ length: 64 * 64 }, (_, at) => {
      const [x, y] = [at % 64, at >> 6];
      return x >= 16 && x < 48 && y >= 16 && y < 48 ? 1 : 0;
    }),
  };
  /** A portrait whose known part is its own, and the rest what `other` says. */
  const compose = (one: Picture, other: (pixel: number, channel: number) => number): Picture => ({
    ...one,
    data: one.data.map((value, i) => (middle.data[i >> 2]! >= 0.5 || i % 4 === 3 ? value : other(i >> 2, i % 4))),
  });
  const pictures = portraits.map(({ picture }) => picture);
  const differences = (make: (picture: Picture, i: number) => Picture): number[] =>
    pictures.flatMap((picture, i) => backgroundDifference(make(picture, i), picture, middle) ?? []);

  it("is small for true portraits, and large where the background is another one's", () => {
    const own = differences((picture) => picture);
    // Hoods and scarves leave no background in the middle of some.
    expect(own.length).toBeGreaterThan(55);
    expect(mean(own)).toBeLessThan(3);
    const others = differences((picture, i) => compose(picture, (at, c) => pictures[(i + 9) % 64]!.data[4 * at + c]!));
    expect(mean(others)).toBeGreaterThan(30);
  });

  it("is how far a background is off, and does not see what stands before the smaller part of it", () => {
    const [portrait] = pictures as [Picture];
    const at = (pixel: number, c: number): number => portrait.data[4 * pixel + c]!;
    const off = (by: number) =>
      backgroundDifference(
        compose(portrait, (pixel, c) => at(pixel, c) - by),
        portrait,
        middle,
      )!;
    expect(off(0)).toBeLessThan(3);
    expect(off(20) - off(0)).toBeCloseTo(20, 0);
    // Every fourth column is black.
    const striped = compose(portrait, (pixel, c) => (pixel % 4 === 0 ? 0 : at(pixel, c)));
    expect(backgroundDifference(striped, portrait, middle)).toBeLessThan(3);
  });

  it("is none where nothing is filled, or nothing is known", () => {
    const [portrait] = pictures as [Picture];
    for (const value of [0, 1]) {
      const mask = { ...middle, data: middle.data.map(() => value) };
      expect(backgroundDifference(portrait, portrait, mask)).toBeUndefined();
    }
  });
});

describe("studies", () => {
  it("call a claim held only where the interval leaves 0 out", () => {
    const of = (low: number, high: number) => ({ mean: (low + high) / 2, low, high, count: 6 });
    expect(verdictOf(of(0.1, 0.5), "higher")).toBe("holds");
    expect(verdictOf(of(0.1, 0.5), "lower")).toBe("contradicted");
    expect(verdictOf(of(-0.5, -0.1), "lower")).toBe("holds");
    expect(verdictOf(of(-0.1, 0.5), "higher")).toBe("not shown");
    expect(verdictOf({ ...of(0.1, 0.5), count: 5 }, "higher")).toBe("not shown");
    expect(verdictOf({ mean: 3, count: 1 }, "higher")).toBe("not shown");
    expect(verdictOf(undefined, "higher")).toBe("not shown");
  });

  it("compare what is run, over the paper's six masks", () => {
    const run = new Set(STUDY_RUNS[0]!.settings);
    for (const { better, worse } of COMPARISONS) expect([run.has(better), run.has(worse)]).toEqual([true, true]);
    const masks = [...new Set(STUDY_RUNS.flatMap((study) => study.masks))];
    expect(masks.sort()).toEqual(Object.keys(MASK_PATTERNS).sort());
    expect(Object.keys(PAPER_MASKS).sort()).toEqual(masks);
  });

  it("report what is there, before there is anything, at like cost, and why rows are missing", async () => {
    const at = await folder();
    const argv = ["reproduce", "--report", "--pictures", "2", "--pictures", "halves:3"];
    const outcome = await cli([...argv, "--out", join(at, "out"), "--work", join(at, "work")]);
    expect(outcome).toMatchObject({ status: 0, err: expect.stringContaining("0 of 90 results") as string });
    const page = await readFile(join(at, "out", "README.md"), "utf8");
    expect(page).toMatch(/^# The paper's studies on /);
    for (const words of [
      "0 of 90 results",
      "Table 2",
      "Table 3",
      "Table 4",
      "Table 1",
      "Figure 1",
      "true pictures",
      "Fewer calls",
    ])
      expect(page).toContain(words);
    expect(page).toMatch(/Not run: guidance, scale 1, since no classifier was given \(--classifier\)\./);
    const calls = Object.fromEntries(
      (await planOf(join(at, "work"), "settings-2")).settings.map(({ name, modelCalls }) => [name, modelCalls]),
    );
    expect(calls).toEqual({ plain: 20, resample: 35, slow: 35, sdedit: 40, long: 30, short: 39 });
  });

  it("fill with each picture's class, guided, and with another model, where there are such", async () => {
    const at = await folder();
    const [weights, other, guide] = ["classes", "other", "guide"].map((name) => join(at, `${name}.safetensors`));
    await writeFile(weights!, tinyNetwork([...classes, "any"]));
    await writeFile(other!, tinyNetwork());
    await writeFile(guide!, tinyClassifier({ outChannels: 8 }, { class_names: JSON.stringify(classes) }));
    const places = ["--out", join(at, "out"), "--work", join(at, "work"), "--pictures", "1"];
    const models = ["--weights", weights!, "--baseline", other!, "--classifier", guide!];
    // Halves are 130 calls a picture, so they are filled in `npm run test:full` only.
    const names = ["class", "guided-4", ...(full ? ["halves"] : [])];
    const studies = names.flatMap((name) => ["--study", name]);
    const { status, err } = await cli(["reproduce", ...models, ...studies, ...places]);
    expect([status, err]).toEqual([0, expect.stringContaining(`${full ? 6 : 2} of `)]);
    const page = await readFile(join(at, "out", "README.md"), "utf8");
    for (const words of ["| its own class | 1 |", "| guidance, scale 4 | 1 |"]) expect(page).toContain(words);
    for (const words of ["other.safetensors (", "T = 25, j = 5, r = 5"]) expect(page.includes(words)).toBe(full);
    expect(page).not.toContain("Not run");
    const work = join(at, "work");
    expect(await planOf(work, "halves-1", "classes")).toMatchObject({ class: 8 });
    expect(await planOf(work, "class-1")).toMatchObject({ class: 0 });
    expect(await planOf(work, "guided-4-1")).toMatchObject({ class: 0, classifier: { scale: 4 } });
    const picture = async (study: string) =>
      (await readFile(await fileIn(join(at, "work"), `${study}.*000000-portrait001-half-resample-1\\.png$`))).toString(
        "base64",
      );
    expect(new Set(await Promise.all(["class-1", "guided-4-1"].map(picture))).size).toBe(2);
    // Everything is there: nothing is run, and no device opened.
    const again = await cli(["reproduce", ...models, ...studies, ...places]);
    expect([again.status, again.err]).toEqual([0, expect.not.stringContaining("to make")]);
  });

  it.each([
    [["--pictures", "65"], /--pictures "65": expected 1 to 64, the unseen portraits that there are/],
    [["--pictures", "halfs:3"], /"halfs" is no study \(did you mean halves\?\)/],
    [["--study", "all"], /"all" is no study; they are settings, halves/],
    [["--weights", golden("unet/super-res.weights.safetensors")], /super-resolution network/],
    [["--baseline", "portraits46"], /--baseline portraits46: neither a file nor a shipped model/],
  ])("refuse %j in a line", async (argv, message) => {
    const at = await folder();
    const { status, err } = await cli(["reproduce", "--out", join(at, "a"), "--work", join(at, "b"), ...argv]);
    expect([status, err]).toEqual([2, expect.stringMatching(message)]);
    expect(err.trim().split("\n")).toHaveLength(1);
    expect(await filesIn(at)).toEqual([]);
  });
});

/** Of a folder of results below a model's. */
async function planOf(work: string, study: string, model = ""): Promise<EvaluationPlan> {
  return JSON.parse(await readFile(await fileIn(work, `${model}.*/${study}.*/plan\\.json$`), "utf8")) as EvaluationPlan;
}

async function fileIn(at: string, pattern: string): Promise<string> {
  const files = await readdir(at, { recursive: true });
  const found = files.find((file) => new RegExp(pattern).test(file));
  expect(found, `${pattern} in ${files.join(" ")}`).toBeDefined();
  return join(at, found!);
}

describe("intervalChart", () => {
  it("is well-formed SVG with a dot a row, whiskers where there is an interval, and escaped text", () => {
    const svg = intervalChart(
      [
        { label: 'a <b> "c"', group: "one", value: { mean: 1, low: 0.5, high: 1.5, count: 3 } },
        { label: "d", group: "two", value: { mean: -2, count: 1 } },
      ],
      { title: "x & y", digits: 2, standalone: true },
    );
    expect(svg.match(/<circle /g)).toHaveLength(2);
    expect(svg.match(/stroke-width="2"/g)).toHaveLength(1);
    expect(svg).toContain("a &lt;b&gt; &quot;c&quot;: 1.00, 95 % from 0.50 to 1.50, 3 pictures");
    expect(svg).not.toMatch(/NaN|undefined/);
  });
});
