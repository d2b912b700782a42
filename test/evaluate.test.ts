/**
 * `repaint evaluate`: one run, shards and merging, resuming from damage, plans that change, and everything it refuses.
 */
import { readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { differenceWords, type EvaluationPlan, planDifference, shardTasks, tasksOf } from "../src/evaluate/plan.ts";
import { readShard } from "../src/cli/given/shards.ts";
import { Arguments } from "../src/cli/command.ts";
import { cli, events } from "./support/cli.ts";
import { evaluationFolder, outcome } from "./support/evaluation.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";

const settings = ["--setting", "plain:steps=2,resamples=1", "--setting", "steps=2,jump-length=1,resamples=2"];

async function prepared(pictures = 2) {
  const { at, images, weights } = await evaluationFolder(pictures);
  const base = ["evaluate", "--weights", weights, "--image", images, "--mask", "narrow:5", ...settings];
  const out = (name: string) => join(at, name);
  return {
    at,
    images,
    weights,
    out,
    run: (name: string, ...more: string[]) => cli([...base, "--out", out(name), ...more]),
  };
}

describe("evaluate", () => {
  it("is the same in one run, in two shards that are merged, and after losing results", async () => {
    const { out, run } = await prepared();
    const whole = await run("whole", "--count", "2", "--json");
    expect(whole).toMatchObject({ status: 0 });
    const said = events(whole.out);
    expect(said.find(({ event }) => event === "plan")).toMatchObject({
      pictures: 2,
      masks: 1,
      settings: 2,
      seeds: 2,
      tasks: 8,
    });
    expect(said.filter(({ event }) => event === "result")).toHaveLength(8);
    expect(said.at(-1)).toMatchObject({ event: "report", results: 8, tasks: 8 });
    const expected = await outcome(out("whole"));
    expect(expected.report).toMatch(/8 of 8 results/);
    const csv = (await readFile(join(out("whole"), "results.csv"), "utf8")).trim().split("\n");
    expect(csv).toHaveLength(9);
    expect(csv[0]).toBe(
      "picture,mask,setting,seed,lpips,ssim,psnr,psnrFill,border,grain,diversity,diversityLpips,modelCalls,seconds,file",
    );

    for (const part of [1, 2])
      expect((await run(`part${part}`, "--count", "2", "--shard", `${part}/2`)).status).toBe(0);
    expect((await outcome(out("part1"))).results).toHaveLength(4);
    const merged = await cli(["evaluate", "--merge", out("part1"), "--merge", out("part2"), "--out", out("merged")]);
    expect(merged).toMatchObject({ status: 0, err: expect.stringContaining("8 of 8 results") as string });
    expect(await outcome(out("merged"))).toEqual(expected);

    // A torn record, a damaged picture, a lost one, and what a kill leaves of writing: all made again, nothing else.
    const [records, pictures] = await Promise.all(
      ["results", "pictures"].map((name) => readdir(join(out("whole"), name))),
    );
    await truncate(join(out("whole"), "results", records![3]!), 40);
    await writeFile(join(out("whole"), "pictures", pictures![5]!), "damaged");
    await rm(join(out("whole"), "pictures", pictures![6]!));
    await writeFile(join(out("whole"), "results", `.${records![3]!}.0123456789ab.tmp`), "torn");
    const again = await run("whole", "--count", "2", "--json");
    expect(
      events(again.out)
        .filter(({ event }) => event === "result")
        .map(({ task }) => task),
    ).toEqual([3, 5, 6]);
    expect(await outcome(out("whole"))).toEqual(expected);
    expect(
      events((await run("whole", "--count", "2", "--json")).out).filter(({ event }) => event === "result"),
    ).toEqual([]);
  });

  it("fills each picture with its class, guided by a classifier, and the plan says so", async () => {
    const { at, out, run } = await prepared();
    const guide = join(at, "guide.safetensors");
    await writeFile(guide, tinyClassifier());
    const guided = ["--classifier", guide, "--class", "2", "--class", "4"];
    expect((await run("guided", ...guided, "--classifier-scale", "2.5")).status).toBe(0);
    expect((await run("plain")).status).toBe(0);
    const plan = JSON.parse(await readFile(join(out("guided"), "plan.json"), "utf8")) as EvaluationPlan;
    expect(plan).toMatchObject({ classes: [2, 4], classifier: { name: "guide.safetensors", scale: 2.5 } });
    expect((await outcome(out("guided"))).report).toMatch(/Guided by guide\.safetensors .* with scale 2\.5/);
    const [first] = await readdir(join(out("plain"), "pictures"));
    const bytes = (name: string) => readFile(join(out(name), "pictures", first!));
    expect(await bytes("guided")).not.toEqual(await bytes("plain"));
    const other = await run("guided", ...guided);
    expect([other.status, other.err]).toEqual([2, expect.stringMatching(/classifier\.scale is 2\.5 there and 1 here/)]);
  });

  it("refuses another plan in the same folder, and says what differs", async () => {
    const { out, run, at, images, weights } = await prepared(1);
    expect((await run("out")).status).toBe(0);
    const refused = async (argv: string[], message: RegExp) => {
      const { status, err } = await cli(argv);
      expect(err.trim().split("\n").at(-1)).toMatch(message);
      expect(status).toBe(2);
    };
    const base = ["evaluate", "--weights", weights, "--image", images, "--out", out("out")];
    await refused(
      [...base, "--mask", "narrow:5", "--setting", "plain:steps=3,resamples=1", ...settings.slice(2)],
      /holds results of another plan: settings\.0\.sampling\.steps is 2 there and 3 here/,
    );
    await refused(
      [...base, "--mask", "narrow:6", ...settings],
      /another plan: masks\.0\.name is "narrow:5" there and "narrow:6" here/,
    );
    await refused(
      ["evaluate", "--merge", out("out"), "--merge", at, "--out", out("m")],
      /is no folder of `evaluate`: it has no plan\.json/,
    );
    await refused([...base.slice(0, -1), at, "--mask", "half", ...settings], /holds something else/);
  });

  it("takes a plan file, whose names mean its own folder", async () => {
    const { at, weights } = await prepared(1);
    const plan = {
      images: ["images"],
      masks: [{ kind: "narrow", seed: 5, name: "thin" }, "half"],
      settings: [{ name: "plain", steps: 2, resamples: 1, startResampling: 1 }],
      seeds: [3, "18446744073709551615"],
    };
    await writeFile(join(at, "plan.json"), JSON.stringify(plan));
    const run = await cli([
      "evaluate",
      "--plan",
      join(at, "plan.json"),
      "--weights",
      weights,
      "--out",
      join(at, "out"),
    ]);
    expect(run).toMatchObject({ status: 0 });
    const { plan: made } = JSON.parse(await readFile(join(at, "out", "results.json"), "utf8")) as {
      plan: EvaluationPlan;
    };
    expect(made).toMatchObject({ seeds: ["3", "18446744073709551615"], masks: [{ name: "thin" }, { name: "half" }] });
    expect(made.settings[0]).toMatchObject({ name: "plain", sampling: { steps: 2, resamples: 1, startResampling: 1 } });
    for (const [wrong, message] of [
      [{ ...plan, image: "x" }, /"image" is no part of a plan \(did you mean images\?\)/],
      [{ ...plan, masks: ["widde"] }, /"widde" is no kind of mask \(did you mean wide\?\)/],
      [
        { ...plan, settings: [{ preset: "fast", eta: 0.5 }] },
        /plan\.json: setting "fast,eta=0\.5": --preset fast asks for the sampler langevin, --eta belongs to repaint/,
      ],
      [
        { ...plan, settings: [{ steps: 2.5 }] },
        /plan\.json: setting "steps=2\.5": --steps: expected a whole number .*, got 2\.5$/,
      ],
      [{ ...plan, settings: [{ jumpLength: 2, "jump-length": 3 }] }, /jump-length is given twice/],
      [{ ...plan, seeds: [2 ** 60] }, /plan\.json: seeds: expected a whole number from 0 .*, got 1152921504606847000$/],
      [{ ...plan, masks: ["half:x"] }, /plan\.json: the seed of mask "half:x": expected a whole number/],
      [{ ...plan, settings: [{ stepps: 3 }] }, /"stepps" is no option of a setting \(did you mean steps\?\)/],
      [{ ...plan, settings: [] }, undefined],
      [{ ...plan, seeds: [] }, /seeds: expected a list/],
      [{ ...plan, masks: [] }, /masks are needed/],
    ] as const) {
      if (!message) continue;
      await writeFile(join(at, "plan.json"), JSON.stringify(wrong));
      const { status, err } = await cli([
        "evaluate",
        "--plan",
        join(at, "plan.json"),
        "--weights",
        weights,
        "--out",
        join(at, "o2"),
      ]);
      expect([status, err.trim()]).toEqual([2, expect.stringMatching(message)]);
    }
  });

  it("says in a line what it cannot use", async () => {
    const { images, weights, at } = await prepared(1);
    const base = ["evaluate", "--weights", weights, "--out", join(at, "out")];
    const image = ["--image", images];
    for (const [more, message] of [
      [[], /pictures are needed/],
      [image, /masks are needed/],
      [[...image, "--mask", "circle"], /"circle" is no kind of mask/],
      [[...image, "--mask", "half", "--mask", "half"], /mask "half" is given twice/],
      [
        [...image, "--mask", "half", "--setting", "steps=0"],
        /setting "steps=0": --steps: expected a whole number from 1/,
      ],
      [
        [...image, "--mask", "half", "--setting", "quick"],
        /setting "quick": --preset: expected fast, balanced or paper/,
      ],
      [
        [...image, "--mask", "half", "--lpips", weights],
        /expected LPIPS weights over AlexNet, but this is a diffusion network/,
      ],
      [[...image, "--mask", "half", "--shard", "3/2"], /--shard: expected I\/N as 1\/4/],
      [[...image, "--mask", "half", "--shards", "2"], /--shards: no SLURM_ARRAY_TASK_ID/],
      [[...image, "--mask", "half", "--class", "1"], /knows no classes/],
      [["--merge", at, "--mask", "half"], /--merge only puts results together/],
    ] as const) {
      const { status, err } = await cli([...base, ...more]);
      expect([status, err.trim()]).toEqual([2, expect.stringMatching(message)]);
      expect(err.trim().split("\n")).toHaveLength(1);
    }
    expect(await readdir(at)).not.toContain("out");
  });
});

describe("shards", () => {
  const plan = {
    version: 1,
    pictures: Array.from({ length: 7 }, (_, i) => ({ name: `p${i}` })),
    masks: [{ name: "a" }, { name: "b" }],
    settings: [{ modelCalls: 10 }, { modelCalls: 100 }],
    seeds: ["0", "1", "2"],
  } as unknown as EvaluationPlan;

  it("divide the tasks, keep a picture's seeds together, and share the cost", () => {
    for (const count of [1, 2, 3, 5, 50]) {
      const shards = Array.from({ length: count }, (_, index) => shardTasks(plan, { index, count }));
      const all = shards.flat().map(({ index }) => index);
      expect(all.sort((a, b) => a - b)).toEqual(tasksOf(plan).map(({ index }) => index));
      for (const shard of shards) {
        const groups = new Set(shard.map(({ index }) => Math.floor(index / 3)));
        expect(shard).toHaveLength(3 * groups.size);
      }
      const costs = shards.map((tasks) => tasks.reduce((sum, { setting }) => sum + [10, 100][setting]!, 0));
      expect(Math.max(...costs) - Math.min(...costs)).toBeLessThanOrEqual(300);
    }
  });

  it("are told by Slurm, Kubernetes and GNU parallel", () => {
    const given = (values: Record<string, string>) =>
      new Arguments(new Map(Object.entries(values).map(([key, value]) => [key, [value]])), []);
    const none = given({});
    expect(readShard(none, {})).toBeUndefined();
    expect(
      readShard(none, { SLURM_ARRAY_TASK_ID: "6", SLURM_ARRAY_TASK_MIN: "4", SLURM_ARRAY_TASK_COUNT: "3" }),
    ).toMatchObject({ index: 2, count: 3 });
    expect(readShard(none, { SLURM_ARRAY_TASK_ID: "0", SLURM_ARRAY_TASK_COUNT: "2" })).toMatchObject({
      index: 0,
      count: 2,
    });
    expect(
      readShard(given({ shards: "8" }), {
        SLURM_ARRAY_TASK_ID: "7",
        SLURM_ARRAY_TASK_MIN: "7",
        SLURM_ARRAY_TASK_COUNT: "1",
      }),
    ).toMatchObject({ index: 7, count: 8 });
    expect(readShard(none, { JOB_COMPLETION_INDEX: "1", JOB_COMPLETIONS: "4" })).toMatchObject({ index: 1, count: 4 });
    expect(readShard(none, { JOB_COMPLETION_INDEX: "1" })).toBeUndefined();
    expect(readShard(none, { PARALLEL_SEQ: "3" })).toBeUndefined();
    expect(readShard(given({ shards: "3" }), { PARALLEL_SEQ: "3" })).toMatchObject({ index: 2, count: 3 });
    expect(readShard(given({ shard: "2/5" }), { SLURM_ARRAY_TASK_ID: "0", SLURM_ARRAY_TASK_COUNT: "2" })).toMatchObject(
      { index: 1, count: 5 },
    );
    expect(() => readShard(given({ shards: "3" }), { PARALLEL_SEQ: "4" })).toThrow(/PARALLEL_SEQ says part 4 of 3/);
    expect(() => readShard(none, { SLURM_ARRAY_TASK_ID: "x" })).toThrow(/SLURM_ARRAY_TASK_ID: expected a whole number/);
  });
});

it("planDifference finds the first place that differs", () => {
  expect(planDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toBeUndefined();
  const values = planDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })!;
  expect(values).toEqual({ path: "a.1.b", values: [2, 3] });
  expect(differenceWords(values, "there", "here")).toBe("a.1.b is 2 there and 3 here");
  const absent = planDifference({ a: [1] }, { a: [1, " there "] })!;
  expect(differenceWords(absent, "in the first", "in the other")).toBe(
    'a.1 is absent in the first and " there " in the other',
  );
});
