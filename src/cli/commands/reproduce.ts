/**
 * `repaint reproduce`: the paper's studies on unseen portraits, as evaluations that resume, and a report of what holds.
 * What is run and claimed: src/evaluate/studies.ts. Pictures, classes and the report: src/cli/reproduction.
 */
import { join } from "node:path";
import { InputError, InterruptedError } from "../../errors.ts";
import { type Task, tasksOf } from "../../evaluate/plan.ts";
import type { PortraitSheet } from "../../evaluate/portraits.ts";
import type { EvaluationResult } from "../../evaluate/result.ts";
import { STUDY_RUNS, STUDY_SETTINGS, type StudyRun } from "../../evaluate/studies.ts";
import { ensureFolder } from "../../node/files.ts";
import { adapterOption, type Arguments, type Command, jsonOption, weightsOption } from "../command.ts";
import type { Context } from "../context.ts";
import { type LpipsFile, lpipsOption, type Parts, withEngine, withLpips } from "../evaluation/engine.ts";
import { EvaluationFolder } from "../evaluation/folder.ts";
import { makePlan } from "../evaluation/plan.ts";
import { completeRequest } from "../evaluation/request.ts";
import { runTasks, type Work } from "../evaluation/run.ts";
import { classifierFlagsOption, flagsOption, networkOption } from "../given/flags.ts";
import {
  guideOption,
  type GuideSettings,
  type OpenGuide,
  plannedGuide,
  readGuide,
  withModelAndGuide,
} from "../given/guide.ts";
import {
  modelHash,
  type ModelSettings,
  type OpenModel,
  readModel,
  requirePictureModel,
  withModel,
} from "../given/model.ts";
import { exampleMask, labelsFor, readUnseen, writePortraits } from "../reproduction/pictures.ts";
import { writeReproduction } from "../reproduction/report.ts";
import type { StudyFolder } from "../reproduction/study.ts";
import { quoted } from "../../text/quoted.ts";
import { hint } from "../values.ts";

interface Settings {
  readonly out: string;
  readonly work: string;
  readonly model: ModelSettings;
  readonly guide: GuideSettings | undefined;
  readonly baseline: string | undefined;
  readonly lpips: readonly string[];
  /** Portraits of the studies that were named, and of all others under "". */
  readonly pictures: ReadonlyMap<string, number>;
  /** As many portraits of each study as docs/reproduction has, unless `pictures` says otherwise, and long studies. */
  readonly isFull: boolean;
  /** Those to run; none: all. */
  readonly studies: readonly string[];
  readonly reportOnly: boolean;
  readonly adapter: string | undefined;
}

/** Of all studies: the figures of the paper are not about storage. */
const precision = "f32";

const studyNames = STUDY_RUNS.map(({ name }) => name);
const longStudies = new Set(STUDY_RUNS.filter(({ isLong }) => isLong).map(({ name }) => name));

export const reproduceCommand: Command<Settings> = {
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
    networkOption,
    { name: "baseline", value: "F", help: "another model, whose filled halves stand beside this one's" },
    guideOption,
    classifierFlagsOption,
    {
      name: "pictures",
      value: "[STUDY:]N",
      repeat: true,
      help: "portraits of each study, or of one (default 8; those of masks and diversity have 2 at most unless named)",
    },
    {
      name: "study",
      value: "NAME",
      repeat: true,
      help: `run and report this one only: ${studyNames.join(", ")} (${[...longStudies].join(", ")}: only so, or with --full)`,
    },
    { name: "full", help: "every study, on as many portraits as docs/reproduction has" },
    lpipsOption,
    { name: "report", help: "only write the report of the results that are there" },
    adapterOption,
    jsonOption,
  ],
  notes: [
    "About 9,000 model calls, 20 minutes or so on two idle cores; 140,000 with --full, hours. docs/evaluate.md says what is compared. The rows of classes need a model that knows the portraits' classes, those of guidance --classifier; without them they are left out, with the reason.",
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const out = given.text("out") ?? "reproduction";
  return {
    out,
    work: given.text("work") ?? join("out", "reproduction"),
    pictures: readPictures(given),
    isFull: given.has("full"),
    studies: given.all("study").map(requireStudy),
    baseline: given.text("baseline"),
    lpips: given.all("lpips"),
    reportOnly: given.has("report"),
    adapter: given.text("adapter"),
    guide: await readGuide(given),
    model: await readModel(given),
  };
}

function readPictures(given: Arguments): Map<string, number> {
  const asked = new Map<string, number>();
  for (const text of given.all("pictures")) {
    const [, study = "", digits = ""] = /^(?:(.*):)?(.*)$/s.exec(text)!;
    if (text.includes(":")) requireStudy(study);
    if (!/^\d{1,4}$/.test(digits))
      throw new InputError(
        `--pictures ${quoted(text)}: expected how many portraits, or how many of a study as halves:8`,
      );
    if (asked.has(study)) throw new InputError(`--pictures ${quoted(text)}: that is said twice`);
    asked.set(study, Number(digits));
  }
  return asked;
}

function requireStudy(name: string): string {
  if (studyNames.includes(name)) return name;
  throw new InputError(`${quoted(name)} is no study${hint(name, studyNames)}; they are ${studyNames.join(", ")}`);
}

/** A study that can be run, or has been. */
type Ready = StudyFolder & Pick<Work, "plan" | "inputs" | "folder">;

async function run(settings: Settings, context: Context): Promise<void> {
  const { out, work } = settings;
  const unseen = await readUnseen();
  const counts = countsOf(settings, unseen.portraits.length);
  await withModelAndGuide(context, settings.model, settings.guide, (model, guide) =>
    withBaseline(context, settings.baseline, (baseline) =>
      withLpips(context, settings.lpips, async (lpips) => {
        requirePictureModel(model);
        await ensureFolder(out);
        const files = await writePortraits(join(work, "portraits"), unseen, Math.max(...counts.values()));
        const place = { context, unseen, files, counts, work, lpips };
        const { own, skipped } = await prepareAll({ ...place, model, guide });
        const other = baseline && (await prepareHalves({ ...place, model: baseline, guide: undefined }));
        const weights = lpips?.map(({ file }) => file);
        if (!settings.reportOnly) {
          await runStudies(context, settings, { model, guide, lpips: weights }, own);
          if (other)
            await runStudies(context, settings, { model: baseline, guide: undefined, lpips: weights }, [other]);
        }
        const isWanted = (name: string): boolean => wants(settings, name);
        for (const { name, reason } of skipped)
          if (isWanted(name)) context.report.say(`${name}: left out, since ${reason}`);
        const judged = { studies: own, baseline: other, skipped, isWanted };
        const { file, results, tasks } = await writeReproduction(out, judged);
        context.report.event("report", { file, results, tasks, skipped });
        context.report.say(`${results} of ${tasks} results; wrote ${file}`);
      }),
    ),
  );
}

/** Portraits of each study, `most` at most. @throws InputError */
function countsOf({ pictures: asked, isFull }: Settings, most: number): Map<string, number> {
  for (const [study, number] of asked)
    if (number < 1 || number > most)
      throw new InputError(
        `--pictures ${quoted(`${study && `${study}:`}${number}`)}: expected 1 to ${most}, the unseen portraits that there are, or a study's as halves:${most}`,
      );
  const all = asked.get("");
  return new Map(
    STUDY_RUNS.map(({ name, pictures, isExample, fullPictures = pictures }) => {
      const own = isFull ? fullPictures : pictures;
      const usual = all === undefined ? own : isExample ? Math.min(all, own) : all;
      return [name, asked.get(name) ?? usual];
    }),
  );
}

/** What the studies of a model have in common. */
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

interface Skipped {
  readonly name: string;
  readonly reason: string;
}

async function prepareAll(place: Place): Promise<{ own: Ready[]; skipped: Skipped[] }> {
  const own: Ready[] = [];
  const skipped: Skipped[] = [];
  for (const study of STUDY_RUNS) {
    const made = await prepare(study, place);
    if (typeof made === "string") skipped.push({ name: study.name, reason: made });
    else own.push(made);
  }
  return { own, skipped };
}

/** The study that a baseline shares, which needs no class. */
async function prepareHalves(place: Place): Promise<Ready> {
  const halves = STUDY_RUNS.find(({ name }) => name === "halves")!;
  return (await prepare(halves, place)) as Ready;
}

/** The study's plan and folder, or why there is none. */
async function prepare(study: StudyRun, place: Place): Promise<Ready | string> {
  const { context, unseen, files, counts, work, lpips, model, guide } = place;
  const labels = await labelsFor(study, unseen, model, guide);
  if (typeof labels === "string") return labels;
  const request = completeRequest({
    images: files.slice(0, counts.get(study.name)!),
    masks: study.masks.map((pattern) => ({ name: pattern, pattern, seed: 0n })),
    fill: study.example && exampleMask(study.example),
    settings: study.settings.map((name) => ({ name, run: STUDY_SETTINGS[name].run })),
    seeds: study.seeds,
  });
  const sha256 = await modelHash(model, context);
  const guided = study.guidance === undefined ? undefined : await plannedGuide(guide!, model, context);
  const made = await makePlan(context, request, model.checkpoint, {
    model: { name: model.name, sha256 },
    precision,
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

function wants({ studies, isFull }: Settings, name: string): boolean {
  return studies.length === 0 ? isFull || !longStudies.has(name) : studies.includes(name);
}

async function runStudies(context: Context, settings: Settings, parts: Parts, all: readonly Ready[]): Promise<void> {
  const { work, adapter } = settings;
  const studies = all.filter(({ name }) => wants(settings, name));
  const open: { study: Ready; tasks: Task[]; done: Map<number, EvaluationResult> }[] = [];
  for (const study of studies) {
    const tasks = tasksOf(study.plan);
    await study.folder.tidy(tasks);
    const done = await study.folder.results(tasks);
    context.report.say(`${study.name} of ${study.plan.model.name}: ${done.size} of ${tasks.length} results are there`);
    if (done.size < tasks.length) open.push({ study, tasks, done });
  }
  if (open.length === 0) return;
  await withEngine(context, { adapter, precision }, parts, async (engine) => {
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
  weights: string | undefined,
  body: (baseline: OpenModel | undefined) => Promise<void>,
): Promise<void> {
  if (weights === undefined) return body(undefined);
  const check = (model: OpenModel): Promise<void> => {
    requirePictureModel(model);
    return body(model);
  };
  return withModel(context, { weights }, check, "--baseline");
}
