/**
 * `repaint reproduce`: the paper's studies on drawn portraits and the shipped model, as evaluations that resume, and a report of
 * what holds. What is run and claimed: src/evaluate/studies.ts. The report: reproduceReport.ts.
 */
import { join } from "node:path";
import { InterruptedError } from "../engine/errors.ts";
import { tasksOf } from "../evaluate/plan.ts";
import { drawPortrait, type Portrait } from "../evaluate/portraits.ts";
import { fewestPictures, STUDY_RUNS, STUDY_SETTINGS } from "../evaluate/studies.ts";
import { ensureFolder, writeFileAtomic } from "../node/files.ts";
import { encodePng } from "../node/pictures.ts";
import { adapterOption, type Arguments, type Command, jsonOption } from "./command.ts";
import type { Context } from "./context.ts";
import { lpipsOption, withEngine, withLpips } from "./evaluateEngine.ts";
import { EvaluationFolder } from "./evaluateFolder.ts";
import { makePlan } from "./evaluatePlan.ts";
import { requestFrom } from "./evaluateRequest.ts";
import { runTasks, type Work } from "./evaluateRun.ts";
import { modelHash, withModel } from "./model.ts";
import { type StudyFolder, writeReproduction } from "./reproduceReport.ts";

const defaultPictures = fewestPictures;
/** The portraits are those of these seeds on: none of them was in the training data, which another program drew. */
const firstPortrait = 1000n;

export const reproduce: Command = {
  name: "reproduce",
  summary: "run the paper's studies on the shipped model and write a report",
  options: [
    { name: "out", value: "DIR", help: "where the report goes (default reproduction)" },
    {
      name: "work",
      value: "DIR",
      help: "folder of the results; a run goes on where it stopped (default out/reproduction)",
    },
    { name: "pictures", value: "N", help: `portraits in the comparisons of settings (default ${defaultPictures})` },
    lpipsOption,
    { name: "report", help: "only write the report of the results that are there" },
    adapterOption,
    jsonOption,
  ],
  notes: ["About 1,750 model calls: ten minutes or so on an idle processor. docs/evaluate.md says what is compared."],
  run,
};

async function run(context: Context, given: Arguments): Promise<void> {
  const out = given.text("out") ?? "reproduction";
  const work = given.text("work") ?? join("out", "reproduction");
  const pictures = given.integer("pictures", { min: 1, max: 1000 }) ?? defaultPictures;
  const portraits = Array.from({ length: pictures }, (_, i) => drawPortrait(firstPortrait + BigInt(i)));
  await ensureFolder(out);
  const files = await writePortraits(join(work, "portraits"), portraits);
  await withModel(context, undefined, undefined, (model) =>
    withLpips(context, given.all("lpips"), async (lpips) => {
      const parts = {
        model: { name: model.name, sha256: await modelHash(model, context) },
        ...{ precision: "f32" as const, class: undefined, lpips: lpips?.map(({ hash }) => hash) },
      };
      const studies: (StudyFolder & Pick<Work, "plan" | "inputs" | "folder">)[] = [];
      for (const study of STUDY_RUNS) {
        const request = requestFrom({
          images: files.slice(0, study.pictures ?? pictures),
          masks: study.masks,
          settings: study.settings.map((name) => `${name}:${STUDY_SETTINGS[name].words}`),
          seeds: study.seeds,
        });
        const made = await makePlan(context, request, model.checkpoint, parts);
        // A folder for each number of pictures: another number is another plan.
        const folder = await EvaluationFolder.open(join(work, `${study.name}-${made.plan.pictures.length}`), made.plan);
        studies.push({ name: study.name, folder, portraits, ...made });
      }
      if (!given.has("report"))
        await withEngine(
          context,
          given,
          { model, flags: undefined, lpips: lpips?.map(({ file }) => file) },
          async (engine) => {
            for (const { name, plan, inputs, folder } of studies) {
              const tasks = tasksOf(plan);
              await folder.tidy(tasks);
              const done = await folder.results(tasks);
              context.report.say(`${name}: ${done.size} of ${tasks.length} results are there`);
              await runTasks(context, { plan, inputs, folder, ...engine }, tasks, done).catch((error: unknown) => {
                if (!(error instanceof InterruptedError)) throw error;
                throw new InterruptedError(`stopped: the same command goes on with what is in ${work}`);
              });
            }
          },
        );
      const { file, results, tasks } = await writeReproduction(out, studies);
      context.report.event("report", { file, results, tasks });
      context.report.say(`${results} of ${tasks} results; wrote ${file}`);
    }),
  );
}

async function writePortraits(folder: string, portraits: readonly Portrait[]): Promise<string[]> {
  await ensureFolder(folder);
  const files: string[] = [];
  for (const [i, { picture }] of portraits.entries()) {
    const file = join(folder, `portrait${String(i + 1).padStart(3, "0")}.png`);
    await writeFileAtomic(file, encodePng(picture), { force: true });
    files.push(file);
  }
  return files;
}
