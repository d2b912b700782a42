/** The paper's studies: portraits whose meaning can be measured, settings of like cost, verdicts, and the report's form. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { intervalChart } from "../src/evaluate/charts.ts";
import { asymmetry, eyeDifference } from "../src/evaluate/meaning.ts";
import { drawPortrait } from "../src/evaluate/portraits.ts";
import { COMPARISONS, PAPER_MASKS, STUDY_RUNS, verdictOf } from "../src/evaluate/studies.ts";
import { mean } from "../src/evaluate/statistics.ts";
import type { Picture } from "../src/repaint/image.ts";
import { drawKeepMask, MASK_PATTERNS } from "../src/repaint/masks.ts";
import type { EvaluationPlan } from "../src/evaluate/plan.ts";
import { cli, folder } from "./support/cli.ts";

const portraits = Array.from({ length: 24 }, (_, i) => drawPortrait(BigInt(i)));
const keep = drawKeepMask("half", { width: 64, height: 64 });

/** The left half of one and the right half of another. */
function halves(left: Picture, right: Picture): Picture {
  return { ...left, data: left.data.map((value, i) => ((i >> 2) % 64 < 32 ? value : right.data[i]!)) };
}

describe("drawn portraits", () => {
  it("are the same for a seed everywhere, and others for others", () => {
    const hash = ({ data }: Picture) => createHash("sha256").update(data).digest("hex").slice(0, 16);
    expect(new Set(portraits.map(({ picture }) => hash(picture))).size).toBe(portraits.length);
    expect(hash(drawPortrait(7n).picture)).toBe(hash(portraits[7]!.picture));
  });

  it("agree left and right, and a half of another portrait is seen to disagree", () => {
    const own = portraits.map((one) => ({
      eye: eyeDifference(one.picture, one),
      mirror: asymmetry(one.picture, keep, one),
    }));
    const mixed = portraits.map((one, i) => {
      const picture = halves(one.picture, portraits[(i + 1) % portraits.length]!.picture);
      return { eye: eyeDifference(picture, one), mirror: asymmetry(picture, keep, one) };
    });
    expect(mean(own.map(({ eye }) => eye))).toBeLessThan(15);
    expect(mean(mixed.map(({ eye }) => eye))).toBeGreaterThan(3 * mean(own.map(({ eye }) => eye)));
    expect(mean(mixed.map(({ mirror }) => mirror))).toBeGreaterThan(2 * mean(own.map(({ mirror }) => mirror)));
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
    const masks = [...STUDY_RUNS[0]!.masks, ...STUDY_RUNS[1]!.masks];
    expect(masks.sort()).toEqual(Object.keys(MASK_PATTERNS).sort());
    expect(Object.keys(PAPER_MASKS).sort()).toEqual(masks);
  });

  it("report what is there, before there is anything, at like cost", async () => {
    const at = await folder();
    const argv = ["reproduce", "--report", "--pictures", "2", "--out", join(at, "out"), "--work", join(at, "work")];
    expect(await cli(argv)).toMatchObject({ status: 0, err: expect.stringContaining("0 of 28 results") as string });
    const page = await readFile(join(at, "out", "README.md"), "utf8");
    expect(page).toMatch(/^# The paper's studies on portraits64\n/);
    for (const words of [
      "0 of 28 results",
      "Table 2",
      "Table 3",
      "Table 4",
      "Table 1",
      "Figure 1",
      "class-conditional",
    ])
      expect(page).toContain(words);
    const plan = JSON.parse(await readFile(join(at, "work", "settings-2", "plan.json"), "utf8")) as EvaluationPlan;
    const calls = Object.fromEntries(plan.settings.map(({ name, modelCalls }) => [name, modelCalls]));
    expect(calls).toEqual({ plain: 20, resample: 35, slow: 35, sdedit: 40, long: 30, short: 39 });
  });
});

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
