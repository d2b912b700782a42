/**
 * `repaint reproduce`: the paper's studies on unseen portraits, as evaluations that resume, and a report of what holds. What is
 * run and claimed: src/evaluate/studies.ts. Pictures and classes: reproducePictures.ts. The report: reproduceReport.ts.
 */
import { join } from "node:path";
import { InputError, InterruptedError } from "../../errors.ts";
import { type Task, tasksOf } from "../../evaluate/plan.ts";
import type { PortraitSheet } from "../../evaluate/portraits.ts";
import type { EvaluationResult } from "../../evaluate/result.ts";
import { STUDY_RUNS, STUDY_SETTINGS, type StudyRun } from "../../evaluate/studies.ts";
import { ensureFolder } from "../../node/files.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  flagsOption,
  hint,
  jsonOption,
  quoted,
  weightsOption,
} from "../command.ts";
import type { Context } from "../context.ts";
import { type LpipsFile, lpipsOption, withEngine, withLpips } from "../evaluation/engine.ts";
import { EvaluationFolder } from "../evaluation/folder.ts";
import { makePlan } from "../evaluation/plan.ts";
import { requestFrom } from "../evaluation/request.ts";
import { runTasks, type Work } from "../evaluation/run.ts";
import {
  classifierFlagsOption,
  guideOptions,
  type OpenGuide,
  plannedGuide,
  withModelAndGuide,
} from "../given/guide.ts";
import { modelHash, type OpenModel, readFlags, requirePictureModel, withModel } from "../given/model.ts";
import { labelsFor, readUnseen, writePortraits } from "../reproduction/pictures.ts";
import { writeReproduction } from "../reproduction/report.ts";
import type { StudyFolder } from "../reproduction/study.ts";

const studyNames = STUDY_RUNS.map(({ name }) => name);

export const reproduce: Command = {
  name: "reproduce",
  summary: "run the paper's studies on unseen portraits and write a report",
  options: [
    { name: "out", value: "DIR", help: "where the report goes (default reproduction)" },
    {
      name: "work",
      value: "DIR",
      help: "folder of the results; a run goes on where it stopped (default out/reproduction)",
    },
    { ...weightsOption, help: `${weightsOption.help} (default portraits64)` },
    flagsOption,
    { name: "baseline", value: "F", help: "another model, whose filled halves stand beside this one's" },
    guideOptions[0]!,
    classifierFlagsOption,
    {
      name: "pictures",
      value: "[STUDY:]N",
      repeat: true,
      help: "portraits of each study, or of one (default 8; masks and diversity have 2 at most unless named)",
    },
    { name: "study", value: "NAME", repeat: true, help: `run this one only: ${studyNames.join(", ")}` },
    lpipsOption,
    { name: "report", help: "only write the report of the results that are there" },
    adapterOption,
    jsonOption,
  ],
  notes: [
    "About 4,000 model calls: half an hour or so on an idle processor. docs/evaluate.md says what is compared. The rows of classes need a model that knows the portraits' classes, those of guidance --classifier; without them they are left out, with the reason.",
  ],
  run,
};

/** A study that can be run, or has been. */
type Ready = StudyFolder & Pick<Work, "plan" | "inputs" | "folder">;

async function run(context: Context, given: Arguments): Promise<void> {
  const out = given.text("out") ?? "reproduction";
  const work = given.text("work") ?? join("out", "reproduction");
  const unseen = await readUnseen();
  const counts = readCounts(given, unseen.portraits.length);
  const wanted = given.all("study").map(requireStudy);
  const flags = await readFlags(given);
  await withModelAndGuide(context, given, flags, (model, guide) =>
    withBaseline(context, given, (baseline) =>
      withLpips(context, given.all("lpips"), async (lpips) => {
        requirePictureModel(model);
        await ensureFolder(out);
        const files = await writePortraits(join(work, "portraits"), unseen, Math.max(...counts.values()));
        const place = { context, unseen, files, counts, work, lpips };
        const own: Ready[] = [];
        const skipped: { name: string; reason: string }[] = [];
        for (const study of STUDY_RUNS) {
          const made = await prepare(study, { ...place, model, guide });
          if (typeof made === "string") skipped.push({ name: study.name, reason: made });
          else own.push(made);
        }
        const other: Ready[] = [];
        if (baseline) {
          const halves = STUDY_RUNS.find(({ name }) => name === "halves")!;
          other.push((await prepare(halves, { ...place, model: baseline, guide: undefined })) as Ready);
        }
        if (!given.has("report"))
          for (const [studies, parts] of [
            [own, { model, guide, flags }],
            [other, { model: baseline!, guide: undefined, flags: undefined }],
          ] as const)
            await runStudies(
              context,
              given,
              { ...parts, lpips: lpips?.map(({ file }) => file) },
              {
                studies: studies.filter(({ name }) => wanted.length === 0 || wanted.includes(name)),
                work,
              },
            );
        for (const { name, reason } of skipped) context.report.say(`${name}: left out, since ${reason}`);
        const { file, results, tasks } = await writeReproduction(out, { studies: own, baseline: other[0], skipped });
        context.report.event("report", { file, results, tasks, skipped });
        context.report.say(`${results} of ${tasks} results; wrote ${file}`);
      }),
    ),
  );
}

interface Place {
  readonly context: Context;
  readonly unseen: PortraitSheet;
  readonly files: readonly string[];
  readonly counts: ReadonlyMap<string, number>;
  readonly work: string;
  readonly lpips: readonly LpipsFile[] | undefined;
  readonly model: OpenModel;
  readonly guide: OpenGuide | undefined;
}

/** The study's plan and folder, or why there is none. */
async function prepare(study: StudyRun, place: Place): Promise<Ready | string> {
  const { context, unseen, files, counts, work, lpips, model, guide } = place;
  const labels = await labelsFor(study, unseen, model, guide);
  if (typeof labels === "string") return labels;
  const request = requestFrom({
    images: files.slice(0, counts.get(study.name)!),
    masks: study.masks,
    settings: study.settings.map((name) => `${name}:${STUDY_SETTINGS[name].words}`),
    seeds: study.seeds,
  });
  const sha256 = await modelHash(model, context);
  const guided = study.guidance === undefined ? undefined : await plannedGuide(guide!, model, context);
  const made = await makePlan(context, request, model.checkpoint, {
    model: { name: model.name, sha256 },
    precision: "f32",
    lpips: lpips?.map(({ hash }) => hash),
    labels: (pictures) => Promise.resolve(labels.slice(0, pictures)),
    classifier: guided && { ...guided, scale: study.guidance! },
  });
  // A folder for whatever would be another plan: a model, a classifier, a number of pictures.
  const name = [study.name, made.plan.pictures.length, ...(guided ? [guided.sha256.slice(0, 8)] : [])].join("-");
  const ofModel = `${model.name.replaceAll(/[^\w.-]+/g, "_")}-${sha256.slice(0, 8)}`;
  const folder = await EvaluationFolder.open(join(work, ofModel, name), made.plan);
  return { name: study.name, folder, sheet: unseen, ...made };
}

async function runStudies(
  context: Context,
  given: Arguments,
  parts: Parameters<typeof withEngine>[2],
  { studies, work }: { studies: readonly Ready[]; work: string },
): Promise<void> {
  const open: { study: Ready; tasks: Task[]; done: Map<number, EvaluationResult> }[] = [];
  for (const study of studies) {
    const tasks = tasksOf(study.plan);
    await study.folder.tidy(tasks);
    const done = await study.folder.results(tasks);
    context.report.say(`${study.name} of ${study.plan.model.name}: ${done.size} of ${tasks.length} results are there`);
    if (done.size < tasks.length) open.push({ study, tasks, done });
  }
  if (open.length === 0) return;
  await withEngine(context, given, parts, async (engine) => {
    for (const { study, tasks, done } of open) {
      context.report.say(`${study.name}: ${tasks.length - done.size} to make`);
      await runTasks(context, { ...study, ...engine }, tasks, done).catch((error: unknown) => {
        if (!(error instanceof InterruptedError)) throw error;
        throw new InterruptedError(`stopped: the same command goes on with what is in ${work}`);
      });
    }
  });
}

function withBaseline(
  context: Context,
  given: Arguments,
  body: (baseline: OpenModel | undefined) => Promise<void>,
): Promise<void> {
  const path = given.text("baseline");
  if (path === undefined) return body(undefined);
  const check = (model: OpenModel): Promise<void> => {
    requirePictureModel(model);
    return body(model);
  };
  return withModel(context, path, undefined, check, "baseline");
}

/** Pictures of each study. */
function readCounts(given: Arguments, most: number): Map<string, number> {
  const asked = new Map<string | undefined, number>();
  for (const text of given.all("pictures")) {
    const [, study, digits = ""] = /^(?:(.*):)?(.*)$/s.exec(text)!;
    if (study !== undefined) requireStudy(study);
    const number = /^\d{1,4}$/.test(digits) ? Number(digits) : NaN;
    if (!(number >= 1 && number <= most))
      throw new InputError(
        `--pictures ${quoted(text)}: expected 1 to ${most}, the unseen portraits that there are, or a study's as halves:${most}`,
      );
    if (asked.has(study)) throw new InputError(`--pictures ${quoted(text)}: that is said twice`);
    asked.set(study, number);
  }
  const all = asked.get(undefined);
  return new Map(
    STUDY_RUNS.map(({ name, pictures, isExample }) => {
      const usual = all === undefined ? pictures : isExample ? Math.min(all, pictures) : all;
      return [name, asked.get(name) ?? usual];
    }),
  );
}

function requireStudy(name: string): string {
  if (studyNames.includes(name)) return name;
  throw new InputError(`${quoted(name)} is no study${hint(name, studyNames)}; they are ${studyNames.join(", ")}`);
}
