/**
 * The report of `reproduce`: README.md with tables and verdicts, plots as SVG, pictures as sheets, numbers as JSON. Says of every
 * claim whether it holds here, on how many pictures. Not here: the claims (src/evaluate/studies.ts), the measures.
 */
import { join } from "node:path";
import { intervalChart } from "../evaluate/charts.ts";
import { asymmetry, eyeDifference } from "../evaluate/meaning.ts";
import { type Task, tasksOf } from "../evaluate/plan.ts";
import type { Portrait } from "../evaluate/portraits.ts";
import { intervalWords } from "../evaluate/report.ts";
import type { EvaluationResult } from "../evaluate/result.ts";
import { type Estimate, estimate, estimateDifference, mean } from "../evaluate/statistics.ts";
import {
  COMPARISONS,
  fewestPictures,
  PAPER_MASKS,
  STUDY_SETTINGS,
  type StudySetting,
  verdictOf,
} from "../evaluate/studies.ts";
import { byPicture, MEASURES, type Measure } from "../evaluate/summary.ts";
import { contactSheet, type SheetRow } from "../node/contactSheet.ts";
import { ensureFolder, writeFileAtomic } from "../node/files.ts";
import { decodePicture, encodePng } from "../node/pictures.ts";
import type { Picture } from "../repaint/image.ts";
import type { EvaluationFolder } from "./evaluateFolder.ts";
import type { Inputs } from "./evaluatePlan.ts";

export interface StudyFolder {
  readonly name: string;
  readonly folder: EvaluationFolder;
  readonly inputs: Inputs;
  /** In the order of the plan's pictures. */
  readonly portraits: readonly Portrait[];
}

/** A result with what it means. */
interface Judged extends EvaluationResult {
  readonly eye: number;
  readonly asymmetry: number;
}

interface Study {
  readonly source: StudyFolder;
  readonly tasks: readonly Task[];
  readonly judged: ReadonlyMap<number, Judged>;
}

/** Of the comparisons. Eyes and symmetry are this data's own: what the paper's portraits cannot be asked. */
const judgedMeasures: readonly (Measure & { readonly better: "lower" | "higher" })[] = [
  ...(["lpips", "psnrFill", "ssim", "border"] as const).map((key) => {
    const measure = MEASURES.find((one) => one.key === key)!;
    return { ...measure, better: measure.better as "lower" | "higher" };
  }),
  { key: "eye", title: "eyes' difference", better: "lower", digits: 1, of: (result) => (result as Judged).eye },
  { key: "asymmetry", title: "asymmetry", better: "lower", digits: 1, of: (result) => (result as Judged).asymmetry },
];

export async function writeReproduction(
  out: string,
  folders: readonly StudyFolder[],
): Promise<{ file: string; results: number; tasks: number }> {
  const studies: Study[] = [];
  for (const source of folders) studies.push(await judge(source));
  const [settings, masks, diversity] = studies as [Study, Study, Study];
  const results = studies.reduce((sum, { judged }) => sum + judged.size, 0);
  const tasks = studies.reduce((sum, study) => sum + study.tasks.length, 0);
  for (const part of ["pictures", "plots"]) await ensureFolder(join(out, part));
  const write = (file: string, bytes: Uint8Array) => writeFileAtomic(join(out, file), bytes, { force: true });
  const text = (words: string) => new TextEncoder().encode(words);

  const measures = judgedMeasures.filter(({ of }) => [...settings.judged.values()].some((one) => of(one) !== null));
  const names = settings.source.folder.plan.settings.map(({ name }) => name as StudySetting);
  const plots: string[] = [];
  for (const measure of measures) {
    const rows = names.flatMap((name) => {
      const value = estimateOf(ofSetting(settings, name), measure);
      return value ? [{ label: STUDY_SETTINGS[name].title, group: "", value }] : [];
    });
    if (rows.length === 0) continue;
    const svg = intervalChart(rows, { title: measure.title, digits: measure.digits, standalone: true });
    await write(`plots/${measure.key}.svg`, text(svg));
    plots.push(
      `**${measure.title}**, ${measure.better} is better\n\n![${measure.title} by setting](plots/${measure.key}.svg)`,
    );
  }
  const sheets = [
    ["settings", await settingsSheet(settings)],
    ["masks", await masksSheet(masks)],
    ["diversity", await seedsSheet(diversity)],
  ] as const;
  const written = new Set<string>();
  for (const [name, rows] of sheets)
    if (rows.some(({ pictures }) => pictures.some(Boolean))) {
      written.add(name);
      await write(`pictures/${name}.png`, encodePng(contactSheet(rows), { Software: "repaint-webgpu" }));
    }
  const sheet = (name: (typeof sheets)[number][0], what: string) =>
    written.has(name) ? [`![${what}](pictures/${name}.png)`] : [];

  const facts = { results, tasks, measures, names, plots };
  const page = [
    ...(await opening(settings, studies, facts)),
    ...comparisons(settings, measures),
    ...settingsTable(settings, names, measures),
    ...plots,
    ...sheet("settings", "Rows: true pictures, inputs, and the results of each setting"),
    ...masksSection(settings, masks),
    ...sheet("masks", "Each picture with its masks and results"),
    ...diversitySection(diversity),
    ...sheet("diversity", "True picture, input, and the seeds"),
    "## Not here yet",
    "The rows of class-conditional models and of classifier guidance await a shipped class-conditional model with its classifier.",
  ].join("\n\n");
  await write("README.md", text(`${page}\n`));
  const numbers = studies.map(({ source, judged }) => ({
    study: source.name,
    plan: source.folder.plan,
    results: [...judged.values()],
  }));
  await write("results.json", text(`${JSON.stringify(numbers, null, 1)}\n`));
  return { file: join(out, "README.md"), results, tasks };
}

async function judge(source: StudyFolder): Promise<Study> {
  const tasks = tasksOf(source.folder.plan);
  const judged = new Map<number, Judged>();
  for (const [index, result] of await source.folder.results(tasks)) {
    const task = tasks[index]!;
    const picture = await source.folder.picture(task);
    const portrait = source.portraits[task.picture]!;
    const keep = await source.inputs.mask(task);
    judged.set(index, {
      ...result,
      ...{ eye: eyeDifference(picture, portrait), asymmetry: asymmetry(picture, keep, portrait) },
    });
  }
  return { source, tasks, judged };
}

const ofSetting = ({ judged }: Study, setting: string): Judged[] =>
  [...judged.values()].filter((result) => result.setting === setting);

const estimateOf = (results: readonly Judged[], measure: Measure): Estimate | undefined =>
  estimate([...byPicture(results, measure).values()]);

const cell = (value: Estimate | undefined, digits: number): string => {
  if (!value) return "–";
  const interval = intervalWords(value, digits);
  return `${value.mean.toFixed(digits)}${interval ? ` (${interval})` : ""}`;
};

const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

async function opening(
  settings: Study,
  studies: readonly Study[],
  { results, tasks }: { results: number; tasks: number },
): Promise<string[]> {
  const { plan } = settings.source.folder;
  const all = studies.flatMap(({ judged }) => [...judged.values()]);
  const adapters = [...new Set(all.map(({ adapter }) => adapter))].join(", ");
  const calls = all.reduce((sum, { modelCalls }) => sum + modelCalls, 0);
  const counted = plan.pictures.filter(({ name }) =>
    plan.settings.every((setting) => ofSetting(settings, setting.name).some(({ picture }) => picture === name)),
  ).length;
  const seconds = all.reduce((sum, one) => sum + one.seconds, 0);
  const truths = await Promise.all(
    settings.source.portraits.slice(0, plan.pictures.length).map(async (portrait, picture) => ({
      eye: eyeDifference(portrait.picture, portrait),
      asymmetry: asymmetry(portrait.picture, await settings.source.inputs.mask({ mask: 0, picture }), portrait),
    })),
  );
  return [
    "# The paper's studies on portraits64",
    "Written by `npm run reproduce` (`repaint reproduce`), which runs the studies and makes this page from their results.",
    `${results < tasks ? "**Not complete yet:** " : ""}${results} of ${tasks} results on ${adapters || "no adapter yet"}: ${calls} model calls, ${Math.round(seconds / 60)} minutes. The model is the shipped one, the pictures are drawn portraits that it has not seen (${counted} of ${plan.pictures.length} with all settings, right half to be filled), T = 20 where the paper has 250. So this shows whether what the paper says of methods shows at a size that a processor can make; it does not repeat its numbers. Nobody voted, and LPIPS is ${plan.lpips ? "measured with the given weights" : "not measured, since no weights of it are shipped"}.`,
    `Differences are of the same pictures, with 95 % intervals of a bootstrap over pictures. *holds*: the interval has no 0 and the sign that the paper says; *contradicted*: the other sign; *not shown*: 0 is in it, or there are fewer than ${fewestPictures} pictures, which agree by chance too often. With so few a small effect cannot show.`,
    `Because the portraits are drawn, meaning can be measured: the **eyes' difference** is the distance of the filled iris' colour from the known one's (${mean(truths.map(({ eye }) => eye)).toFixed(1)} in the true pictures), **asymmetry** that of the head's filled pixels from their mirror images (${mean(truths.map((one) => one.asymmetry)).toFixed(1)}); both are root mean squares over colours of 0 … 255.`,
  ];
}

function comparisons(settings: Study, measures: typeof judgedMeasures): string[] {
  const rows = COMPARISONS.map(({ study, claim, better, worse }) => {
    const differences = measures.map((measure) => {
      const [a, b] = [better, worse].map((name) => byPicture(ofSetting(settings, name), measure));
      const difference = estimateDifference(a!, b!);
      if (!difference) return "–";
      const sign = difference.mean > 0 ? "+" : "";
      const verdict = verdictOf(difference, measure.better);
      return `${sign}${cell(difference, measure.digits)}, n = ${difference.count}: **${verdict}**`;
    });
    const [first, second] = [better, worse].map((name) => STUDY_SETTINGS[name].title);
    return [`**${study}.** ${claim} Here: ${first} minus ${second}.`, ...differences];
  });
  const heads = ["what the paper says", ...measures.map(({ title, better }) => `${title} (${better} is better)`)];
  return ["## What holds", table(heads, rows), "n: pictures that have both settings."];
}

function settingsTable(settings: Study, names: readonly StudySetting[], measures: typeof judgedMeasures): string[] {
  const { plan } = settings.source.folder;
  const rows = names.map((name) => {
    const own = ofSetting(settings, name);
    const { modelCalls } = plan.settings.find((setting) => setting.name === name)!;
    const seconds = own.length > 0 ? mean(own.map((one) => one.seconds)).toFixed(0) : "–";
    const cells = measures.map((measure) => cell(estimateOf(own, measure), measure.digits));
    return [STUDY_SETTINGS[name].title, String(modelCalls), String(own.length), ...cells, seconds];
  });
  const heads = ["setting", "model calls", "results", ...measures.map(({ title }) => title), "seconds"];
  return ["## Tables 2 to 4: settings", table(heads, rows)];
}

function masksSection(settings: Study, masks: Study): string[] {
  const shared = new Set(masks.source.folder.plan.pictures.map(({ name }) => name));
  const half = ofSetting(settings, "resample").filter(({ picture }) => shared.has(picture));
  const measures = MEASURES.filter(({ key }) => ["lpips", "psnr", "psnrFill", "ssim", "border"].includes(key));
  const rows = Object.keys(PAPER_MASKS).map((mask) => {
    const own = mask === "half" ? half : [...masks.judged.values()].filter((result) => result.mask === mask);
    return {
      mask,
      own,
      psnr: estimateOf(
        own,
        measures.find(({ key }) => key === "psnr")!,
      ),
    };
  });
  const here = rows.filter(({ psnr }) => psnr).sort((a, b) => b.psnr!.mean - a.psnr!.mean);
  const isWhole = here.length === rows.length && new Set(rows.map(({ own }) => own.length)).size === 1;
  const isSame = here.every(({ mask }, i) => mask === rows[i]!.mask);
  const compared = isWhole
    ? isSame
      ? ": the same order"
      : ": not the same order"
    : ", not compared, since masks have different pictures";
  const order = here.map(({ mask }) => mask).join(", ");
  return [
    "## Table 1: the six masks",
    `The paper's order of difficulty (LPIPS on CelebA-HQ, RePaint's row) is ${Object.keys(PAPER_MASKS).join(", ")}. Here, by PSNR of the whole picture, easiest first: ${order || "nothing yet"}${compared}.`,
    table(
      ["mask", "paper's LPIPS", "pictures", ...measures.map(({ title }) => title)],
      rows.map(({ mask, own }) => [
        mask,
        PAPER_MASKS[mask]!.toFixed(3),
        String(own.length),
        ...measures.map((measure) => cell(estimateOf(own, measure), measure.digits)),
      ]),
    ),
  ];
}

function diversitySection({ judged, source }: Study): string[] {
  const all = [...judged.values()];
  const rms = all.flatMap(({ pairs }) => pairs.map((pair) => pair.rms));
  const truth = all.flatMap(({ psnrFill }) => (psnrFill === null ? [] : 255 / 10 ** (psnrFill / 20)));
  const counts = `${new Set(all.map(({ picture }) => picture)).size} pictures, ${source.folder.plan.seeds.length} seeds each`;
  const words =
    rms.length === 0
      ? "Nothing yet."
      : `Here (${counts}): two results of one picture differ by ${mean(rms).toFixed(1)} of 255 over the filled half (RMS, ${rms.length} pairs, ${Math.min(...rms).toFixed(1)} to ${Math.max(...rms).toFixed(1)}), and a result from the true half by ${mean(truth).toFixed(1)}. That they differ ${Math.min(...rms) > 1 ? "**holds**" : "is **not shown**"}; with so few steps part of it is noise.`;
  return ["## Figure 1: diversity", `The paper shows that one input has many fillings that all fit. ${words}`];
}

async function shown({ source, judged }: Study, task: Task | undefined): Promise<Picture | undefined> {
  return task && judged.has(task.index) ? source.folder.picture(task) : undefined;
}

async function inputOf({ source }: Study, task: Task, part: "truth" | "input"): Promise<Picture | undefined> {
  const png = (await source.folder.inputs(task))[part];
  return png && decodePicture(png, part);
}

/** Columns are pictures; rows the true ones, the inputs, and every setting. */
async function settingsSheet(study: Study): Promise<SheetRow[]> {
  const { plan } = study.source.folder;
  const columns = plan.pictures.map((_, picture) => study.tasks.filter((task) => task.picture === picture));
  const row = async (label: string, pick: (tasks: readonly Task[]) => Promise<Picture | undefined>) => ({
    label,
    pictures: await Promise.all(columns.map(pick)),
  });
  const rows = [
    await row("true pictures", (tasks) => inputOf(study, tasks[0]!, "truth")),
    await row("inputs", (tasks) => inputOf(study, tasks[0]!, "input")),
  ];
  for (const [index, { name, modelCalls }] of plan.settings.entries())
    rows.push(
      await row(`${STUDY_SETTINGS[name as StudySetting].title}: ${modelCalls} calls`, (tasks) =>
        shown(
          study,
          tasks.find((task) => task.setting === index),
        ),
      ),
    );
  return rows;
}

/** A row of inputs and one of results for each picture, by mask. */
async function masksSheet(study: Study): Promise<SheetRow[]> {
  const { plan } = study.source.folder;
  const rows: SheetRow[] = [];
  for (const [picture, { name }] of plan.pictures.entries()) {
    const own = study.tasks.filter((task) => task.picture === picture);
    rows.push({
      label: `${name}: ${plan.masks.map((mask) => mask.name).join(", ")}`,
      pictures: await Promise.all(own.map((task) => inputOf(study, task, "input"))),
    });
    rows.push({ label: "filled", pictures: await Promise.all(own.map((task) => shown(study, task))) });
  }
  return rows;
}

async function seedsSheet(study: Study): Promise<SheetRow[]> {
  const { plan } = study.source.folder;
  return Promise.all(
    plan.pictures.map(async ({ name }, picture) => {
      const own = study.tasks.filter((task) => task.picture === picture);
      const results = await Promise.all(own.map((task) => shown(study, task)));
      const inputs = await Promise.all((["truth", "input"] as const).map((part) => inputOf(study, own[0]!, part)));
      return { label: `${name}: true, input, seeds ${plan.seeds.join(", ")}`, pictures: [...inputs, ...results] };
    }),
  );
}
