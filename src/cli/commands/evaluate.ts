/**
 * `repaint evaluate`: pictures × masks × settings × seeds to results, measures and one report. Resumes, shards, merges. Not here:
 * what is asked (evaluateRequest.ts), the plan (evaluatePlan.ts), the folder, the work and the report.
 */
import { InputError, InterruptedError } from "../../errors.ts";
import { type EvaluationPlan, planDifference, shardTasks, tasksOf } from "../../evaluate/plan.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  flagsOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { classOption, readClasses } from "../given/classes.ts";
import type { Context } from "../context.ts";
import { lpipsOption, withEngine, withLpips } from "../evaluation/engine.ts";
import { EvaluationFolder } from "../evaluation/folder.ts";
import { makePlan } from "../evaluation/plan.ts";
import { writeReport } from "../evaluation/report.ts";
import { readRequest, requestOptions } from "../evaluation/request.ts";
import { runTasks } from "../evaluation/run.ts";
import { guideOptions, plannedGuide, withModelAndGuide } from "../given/guide.ts";
import { modelHash, readFlags, requirePictureModel } from "../given/model.ts";
import { readPrecision } from "../given/settings.ts";
import { readShard, shardOptions } from "../given/shards.ts";
import { count } from "../../text/quantities.ts";

export const evaluate: Command = {
  name: "evaluate",
  summary: "run pictures × masks × settings × seeds, measure the results, write a report",
  options: [
    ...requestOptions,
    { name: "out", value: "DIR", help: "folder of results and report; a run goes on where it stopped" },
    { ...weightsOption, help: `${weightsOption.help} (default portraits64)` },
    lpipsOption,
    precisionOption,
    classOption,
    ...guideOptions,
    flagsOption,
    ...shardOptions,
    {
      name: "merge",
      value: "DIR",
      repeat: true,
      help: "put the folders of shards together into --out; nothing is run",
    },
    { name: "pictures", value: "N", help: "rows of pictures in the report (default 24)" },
    adapterOption,
    jsonOption,
  ],
  notes: [
    "The folder --out belongs to what was asked: the same command goes on after Ctrl-C, a kill or a crash, another one is refused. Several shards may share it, or have one each for --merge.",
    "It gets report.html, results.csv and results.json, pictures/ and results/. docs/evaluate.md says what is measured.",
  ],
  run,
};

async function run(context: Context, given: Arguments): Promise<void> {
  const out = given.required("out");
  const rows = given.integer("pictures", { min: 0, max: 100_000 });
  if (given.has("merge")) return merge(context, given, out, rows);
  const request = await readRequest(given);
  const shard = readShard(given, process.env);
  const flags = await readFlags(given);
  await withModelAndGuide(context, given, flags, async (model, guide) => {
    requirePictureModel(model);
    await withLpips(context, given.all("lpips"), async (lpipsFiles) => {
      const { plan, inputs } = await makePlan(context, request, model.checkpoint, {
        model: { name: model.name, sha256: await modelHash(model, context) },
        precision: readPrecision(given),
        labels: (pictures) => readClasses(given, model, guide, pictures),
        classifier: guide && (await plannedGuide(guide, model, context)),
        lpips: lpipsFiles?.map(({ hash }) => hash),
      });
      const folder = await EvaluationFolder.open(out, plan);
      const tasks = shard ? shardTasks(plan, shard) : tasksOf(plan);
      await folder.tidy(tasks);
      const done = await folder.results(tasks);
      sayPlan(context, plan, { tasks: tasks.length, done: done.size, shard });
      if (done.size < tasks.length)
        await withEngine(
          context,
          given,
          { model, guide, flags, lpips: lpipsFiles?.map(({ file }) => file) },
          (engine) =>
            runTasks(context, { plan, inputs, folder, ...engine }, tasks, done).catch((error: unknown) => {
              throw error instanceof InterruptedError ? stopped(done.size, tasks.length, out) : error;
            }),
        );
      await report(context, folder, rows);
    });
  });
}

function stopped(done: number, total: number, out: string): InterruptedError {
  return new InterruptedError(
    `stopped with ${done} of ${total} results in ${out}: the same command goes on from there`,
  );
}

function sayPlan(
  { report }: Context,
  plan: EvaluationPlan,
  { tasks, done, shard }: { tasks: number; done: number; shard: ReturnType<typeof readShard> },
): void {
  const { pictures, masks, settings, seeds } = plan;
  const part = shard && { index: shard.index + 1, count: shard.count, from: shard.from };
  report.event("plan", {
    pictures: pictures.length,
    masks: masks.length,
    settings: settings.length,
    seeds: seeds.length,
    tasks,
    done,
    lpips: plan.lpips !== undefined,
    ...(part ? { shard: part } : {}),
  });
  report.say(
    [
      `${count(pictures.length, "picture")} × ${count(masks.length, "mask")} × ${count(settings.length, "setting")} × ${count(seeds.length, "seed")}`,
      ...(part ? [`part ${part.index} of ${part.count} (${part.from})`] : []),
      `${count(tasks, "result")}${done > 0 ? `, ${done} of them there` : ""}`,
    ].join(", "),
  );
}

async function report({ report: to }: Context, folder: EvaluationFolder, rows: number | undefined): Promise<void> {
  const { results, total } = await writeReport(folder, { rows });
  const file = `${folder.path.replace(/[/\\]+$/, "")}/report.html`;
  to.event("report", { file, results: results.length, tasks: total });
  const missing = total - results.length;
  to.say(
    `${results.length} of ${count(total, "result")}; wrote ${file}${missing > 0 ? `. ${missing} are other parts' or not made yet` : ""}`,
  );
}

async function merge(context: Context, given: Arguments, out: string, rows: number | undefined): Promise<void> {
  const foreign = [...requestOptions, ...shardOptions].find(({ name }) => given.has(name));
  if (foreign)
    throw new InputError(
      `--merge only puts results together, and --${foreign.name} says what to run: give one of them`,
    );
  const parts = [];
  for (const path of given.all("merge")) parts.push(await EvaluationFolder.openExisting(path));
  const [first, ...others] = parts as [EvaluationFolder, ...EvaluationFolder[]];
  for (const { path, plan } of others) {
    const difference = planDifference(first.plan, plan);
    if (difference)
      throw new InputError(
        `${first.path} and ${path} are of different plans: ${difference.replace(" there ", " in the first ").replace(/ here$/, " in the other")}`,
      );
  }
  const folder = await EvaluationFolder.open(out, first.plan);
  const tasks = tasksOf(first.plan);
  await folder.tidy(tasks);
  const done = await folder.results(tasks);
  for (const part of parts) {
    if (part.path === out) continue;
    for (const [index, result] of await part.results(tasks)) {
      context.signal.throwIfAborted();
      if (done.has(index)) continue;
      await folder.adopt(part, tasks[index]!, result);
      done.set(index, result);
    }
  }
  await report(context, folder, rows);
}
