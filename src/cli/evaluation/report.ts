/**
 * What an evaluation's folder says in the end: report.html, results.json, results.csv. Made anew from the results each
 * time.
 */
import { join } from "node:path";
import { type EvaluationPlan, type Task, tasksOf } from "../../evaluate/plan.ts";
import { evaluationCsv, evaluationPage, type ReportPictures } from "../../evaluate/report.ts";
import type { EvaluationResult } from "../../evaluate/result.ts";
import { summarize } from "../../evaluate/summary.ts";
import { writeFileAtomic } from "../../node/files.ts";
import type { EvaluationFolder } from "./folder.ts";

const pngUrl = (png: Uint8Array): string => `data:image/png;base64,${Buffer.from(png).toString("base64")}`;

export interface ReportOptions {
  /** Of pictures. Default 24. */
  readonly rows: number | undefined;
}

export async function writeReport(
  folder: EvaluationFolder,
  { rows = 24 }: ReportOptions,
): Promise<{ results: readonly EvaluationResult[]; total: number }> {
  const { plan } = folder;
  const tasks = tasksOf(plan);
  const done = await folder.results(tasks);
  const results = tasks.flatMap(({ index }) => done.get(index) ?? []);
  const summary = summarize(plan, results);
  const all = groups(plan, tasks, done);
  const pictures: ReportPictures[] = [];
  for (const group of all.slice(0, rows)) pictures.push(await figures(folder, group));
  const picturesLeftOut = Math.max(0, all.length - rows);
  const page = evaluationPage({ plan, results, summary, pictures, picturesLeftOut });
  const json = `${JSON.stringify({ plan, summary, results }, null, 1)}\n`;
  for (const [name, text] of [
    ["results.json", json],
    ["results.csv", evaluationCsv(results)],
    ["report.html", page],
  ] as const)
    await writeFileAtomic(join(folder.path, name), new TextEncoder().encode(text), { force: true });
  return { results, total: tasks.length };
}

/** The tasks that are done, by picture and mask. */
function groups(plan: EvaluationPlan, tasks: readonly Task[], done: ReadonlyMap<number, EvaluationResult>): Task[][] {
  const byPair = new Map<string, Task[]>();
  for (const picture of plan.pictures.keys())
    for (const mask of plan.masks.keys()) byPair.set(`${picture} ${mask}`, []);
  for (const task of tasks) if (done.has(task.index)) byPair.get(`${task.picture} ${task.mask}`)!.push(task);
  return [...byPair.values()].filter((group) => group.length > 0);
}

async function figures(folder: EvaluationFolder, group: readonly Task[]): Promise<ReportPictures> {
  const { plan } = folder;
  const [first] = group as [Task, ...Task[]];
  const shown: { source: string; caption: string }[] = [];
  const { truth, input } = await folder.inputs(first);
  if (truth) shown.push({ source: pngUrl(truth), caption: "true picture" });
  if (input) shown.push({ source: pngUrl(input), caption: "input" });
  for (const task of group)
    shown.push({
      source: pngUrl(await folder.pngOf(task)),
      caption: `${plan.settings[task.setting]!.name}, seed ${plan.seeds[task.seed]!}`,
    });
  return { title: `${plan.pictures[first.picture]!.name}, ${plan.masks[first.mask]!.name}`, figures: shown };
}
