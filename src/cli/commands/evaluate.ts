/**
 * `repaint evaluate`: pictures × masks × settings × seeds to results, measures and one report. Resumes, shards, merges.
 * Not here: what is asked (given/request.ts), the plan, the folder, the work and the report (src/cli/evaluation).
 */
import { InputError, InterruptedError } from "../../errors.ts";
import { differenceWords, type EvaluationPlan, planDifference, shardTasks, tasksOf } from "../../evaluate/plan.ts";
import { adapterOption, type Arguments, type Command, jsonOption, precisionOption, weightsOption } from "../command.ts";
import { classesFor, classOption, readClasses } from "../given/classes.ts";
import type { Context } from "../context.ts";
import { lpipsOption, withEngine, withLpips } from "../evaluation/engine.ts";
import { EvaluationFolder } from "../evaluation/folder.ts";
import { makePlan } from "../evaluation/plan.ts";
import { type ReportOptions, writeReport } from "../evaluation/report.ts";
import type { EvaluationRequest } from "../evaluation/request.ts";
import { runTasks } from "../evaluation/run.ts";
import { flagsOption, networkOption } from "../given/flags.ts";
import { guideOptions, type GuideSettings, plannedGuide, readGuide, withModelAndGuide } from "../given/guide.ts";
import { modelHash, type ModelSettings, readModel, requirePictureModel } from "../given/model.ts";
import { readRequest, requestOptions } from "../given/request.ts";
import { readPrecision } from "../given/settings.ts";
import { type GivenShard, readShard, shardOptions } from "../given/shards.ts";
import { count } from "../../text/quantities.ts";
import type { Precision } from "../../numbers/storage.ts";

/** Either folders to put together, or something to run. */
type Settings = { readonly out: string; readonly report: ReportOptions } & (
  | { readonly merge: readonly string[] }
  | {
      readonly merge: undefined;
      readonly request: EvaluationRequest;
      readonly shard: GivenShard | undefined;
      readonly model: ModelSettings;
      readonly guide: GuideSettings | undefined;
      readonly classes: readonly string[];
      readonly lpips: readonly string[];
      readonly precision: Precision;
      readonly adapter: string | undefined;
    }
);

type RunSettings = Extract<Settings, { readonly merge: undefined }>;

export const evaluateCommand: Command<Settings> = {
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
    networkOption,
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
  parse,
  run: (settings, context) => (settings.merge ? merge(settings.merge, settings, context) : run(settings, context)),
};

async function parse(given: Arguments): Promise<Settings> {
  const out = given.required("out");
  const report = { rows: given.integer("pictures", { min: 0, max: 100_000 }) };
  if (given.has("merge")) {
    const foreign = [...requestOptions, ...shardOptions].find(({ name }) => given.has(name));
    if (foreign)
      throw new InputError(
        `--merge only puts results together, and --${foreign.name} says what to run: give one of them`,
      );
    return { out, report, merge: given.all("merge") };
  }
  return {
    out,
    report,
    merge: undefined,
    request: await readRequest(given),
    shard: readShard(given, process.env),
    classes: readClasses(given),
    lpips: given.all("lpips"),
    precision: readPrecision(given),
    adapter: given.text("adapter"),
    guide: await readGuide(given),
    model: await readModel(given),
  };
}

async function run(settings: RunSettings, context: Context): Promise<void> {
  const { out, shard, precision } = settings;
  await withModelAndGuide(context, settings.model, settings.guide, async (model, guide) => {
    requirePictureModel(model);
    await withLpips(context, settings.lpips, async (lpipsFiles) => {
      const { plan, inputs } = await makePlan(context, settings.request, model.checkpoint, {
        model: { name: model.name, sha256: await modelHash(model, context) },
        precision,
        labels: (pictures) => classesFor(settings.classes, model, guide, pictures),
        classifier: guide && (await plannedGuide(guide, model, context)),
        lpips: lpipsFiles?.map(({ hash }) => hash),
      });
      const folder = await EvaluationFolder.open(out, plan);
      const tasks = shard ? shardTasks(plan, shard) : tasksOf(plan);
      await folder.tidy(tasks);
      const done = await folder.results(tasks);
      sayPlan(context, plan, { tasks: tasks.length, done: done.size, shard });
      if (done.size < tasks.length) {
        const parts = { model, guide, lpips: lpipsFiles?.map(({ file }) => file) };
        await withEngine(context, settings, parts, (engine) =>
          runTasks(context, { plan, inputs, folder, ...engine }, tasks, done).catch((error: unknown) => {
            throw error instanceof InterruptedError ? stopped(done.size, tasks.length, out) : error;
          }),
        );
      }
      await report(context, folder, settings.report);
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
  { tasks, done, shard }: { tasks: number; done: number; shard: GivenShard | undefined },
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

async function report({ report: to }: Context, folder: EvaluationFolder, options: ReportOptions): Promise<void> {
  const { results, total } = await writeReport(folder, options);
  const file = `${folder.path.replace(/[/\\]+$/, "")}/report.html`;
  to.event("report", { file, results: results.length, tasks: total });
  const missing = total - results.length;
  to.say(
    `${results.length} of ${count(total, "result")}; wrote ${file}${missing > 0 ? `. ${missing} are other parts' or not made yet` : ""}`,
  );
}

async function merge(
  paths: readonly string[],
  { out, report: reportOptions }: Pick<Settings, "out" | "report">,
  context: Context,
): Promise<void> {
  const parts = [];
  for (const path of paths) parts.push(await EvaluationFolder.openExisting(path));
  const [first, ...others] = parts as [EvaluationFolder, ...EvaluationFolder[]];
  for (const { path, plan } of others) {
    const difference = planDifference(first.plan, plan);
    if (difference)
      throw new InputError(
        `${first.path} and ${path} are of different plans: ${differenceWords(difference, "in the first", "in the other")}`,
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
  await report(context, folder, reportOptions);
}
