/**
 * A study of `reproduce` with its results and what they mean: judged pictures, means, the report's cells. Not here:
 * what is run (src/evaluate/studies.ts), the report's sections (report.ts, meaning.ts).
 */
import { asymmetry, backgroundDifference, eyeDifference, eyeNames } from "../../evaluate/meaning.ts";
import { type Task, tasksOf } from "../../evaluate/plan.ts";
import type { PortraitSheet } from "../../evaluate/portraits.ts";
import { intervalWords } from "../../evaluate/report.ts";
import type { EvaluationResult } from "../../evaluate/result.ts";
import { type Estimate, estimate, estimateDifference } from "../../evaluate/statistics.ts";
import { type Verdict, verdictOf } from "../../evaluate/studies.ts";
import { byPicture, MEASURES, type Measure } from "../../evaluate/summary.ts";
import type { SheetRow } from "../../node/contactSheet.ts";
import { decodePicture } from "../../node/pictures.ts";
import type { Mask, Picture } from "../../pictures/image.ts";
import type { EvaluationFolder } from "../evaluation/folder.ts";
import type { Inputs } from "../evaluation/plan.ts";

export interface StudyFolder {
  readonly name: string;
  readonly folder: EvaluationFolder;
  readonly inputs: Inputs;
  /** Its portraits are the plan's pictures, in this order, and more. */
  readonly sheet: PortraitSheet;
}

/** What a picture means, by the geometry of its portrait. */
export interface Meaning {
  readonly eye: number;
  readonly asymmetry: number;
  /** Both eyes look like one of the named colours: 100, else 0. */
  readonly sameEyes: number;
  /** Null where the known part shows none of it. */
  readonly background: number | null;
}

export type Judged = EvaluationResult & Meaning;

export interface Study {
  readonly source: StudyFolder;
  readonly tasks: readonly Task[];
  readonly judged: ReadonlyMap<number, Judged>;
}

export type JudgedMeasure = Measure & { readonly better: "lower" | "higher" };

/** Eyes, symmetry and backgrounds are this data's own: what the paper's portraits cannot be asked. */
const meaningMeasures: readonly JudgedMeasure[] = [
  {
    key: "sameEyes",
    title: "eye-colour agreement, %",
    better: "higher",
    digits: 0,
    of: (result) => (result as Judged).sameEyes,
  },
  { key: "eye", title: "eyes' difference", better: "lower", digits: 1, of: (result) => (result as Judged).eye },
  { key: "asymmetry", title: "asymmetry", better: "lower", digits: 1, of: (result) => (result as Judged).asymmetry },
  {
    key: "background",
    title: "background's difference",
    better: "lower",
    digits: 1,
    of: (result) => (result as Judged).background,
  },
];

const measureOf = (key: string): JudgedMeasure => {
  const found = MEASURES.find((one) => one.key === key)!;
  return { ...found, better: found.better as "lower" | "higher" };
};

/** Of the comparisons of settings. */
export const settingMeasures = [...["lpips", "psnrFill", "ssim", "border"].map(measureOf), ...meaningMeasures];

/** Of filled halves: what they mean first. */
export const halfMeasures = [...meaningMeasures, ...["psnrFill", "border", "grain", "ssim", "lpips"].map(measureOf)];

function meaningOf(picture: Picture, keep: Mask, { portraits, irises }: PortraitSheet, index: number): Meaning {
  const portrait = portraits[index]!;
  const [left, right] = eyeNames(picture, portrait, irises);
  return {
    eye: eyeDifference(picture, portrait),
    asymmetry: asymmetry(picture, keep, portrait),
    sameEyes: left === right ? 100 : 0,
    background: backgroundDifference(picture, portrait.picture, keep) ?? null,
  };
}

export async function judge(source: StudyFolder): Promise<Study> {
  const tasks = tasksOf(source.folder.plan);
  const judged = new Map<number, Judged>();
  for (const [index, result] of await source.folder.results(tasks)) {
    const task = tasks[index]!;
    const meaning = meaningOf(
      await source.folder.picture(task),
      await source.inputs.mask(task),
      source.sheet,
      task.picture,
    );
    judged.set(index, { ...result, ...meaning });
  }
  return { source, tasks, judged };
}

/** What pictures of the study mean that no network made: `make` has the place of each and its mask. */
export async function meaningsOf(
  { source }: Study,
  make: (index: number, keep: Mask) => Picture,
): Promise<readonly Meaning[]> {
  return Promise.all(
    source.folder.plan.pictures.map(async (_, picture) => {
      const keep = await source.inputs.mask({ mask: 0, picture });
      return meaningOf(make(picture, keep), keep, source.sheet, picture);
    }),
  );
}

export const trueMeanings = (study: Study): Promise<readonly Meaning[]> =>
  meaningsOf(study, (index) => study.source.sheet.portraits[index]!.picture);

/** Of what no network made; undefined for measures that are not about meaning. */
function estimateMeaning(values: readonly Meaning[], { key }: Measure): Estimate | undefined {
  if (!meaningMeasures.some((one) => one.key === key)) return undefined;
  return estimate(values.flatMap((one) => one[key as keyof Meaning] ?? []));
}

export const ofSetting = ({ judged }: Study, setting: string): Judged[] =>
  [...judged.values()].filter((result) => result.setting === setting);

export const estimateOf = (results: readonly Judged[], measure: Measure): Estimate | undefined =>
  estimate([...byPicture(results, measure).values()]);

/** Of better − worse over the pictures that both have: its cell, with the verdict in the words given for it. */
export function differenceCell(
  better: readonly Judged[],
  worse: readonly Judged[],
  measure: JudgedMeasure,
  words: Readonly<Record<Verdict, string>>,
): string {
  const difference = estimateDifference(byPicture(better, measure), byPicture(worse, measure));
  if (!difference) return "–";
  const sign = difference.mean > 0 ? "+" : "";
  const verdict = words[verdictOf(difference, measure.better)];
  return `${sign}${cell(difference, measure.digits)}, n = ${difference.count}: **${verdict}**`;
}

/** A verdict where nobody claimed anything. */
export const found: Readonly<Record<Verdict, string>> = {
  holds: "better",
  contradicted: "worse",
  "not shown": "not shown",
};

export const headOf = ({ title, better }: JudgedMeasure): string => `${title} (${better} is better)`;

export const cell = (value: Estimate | undefined, digits: number): string => {
  if (!value) return "–";
  const interval = intervalWords(value, digits);
  return `${value.mean.toFixed(digits)}${interval ? ` (${interval})` : ""}`;
};

/** Of results, and of what no network made: a cell for each measure. */
export const meanCells = (results: readonly Judged[], measures: readonly Measure[]): string[] =>
  measures.map((measure) => cell(estimateOf(results, measure), measure.digits));
export const meaningCells = (values: readonly Meaning[], measures: readonly Measure[]): string[] =>
  measures.map((measure) => cell(estimateMeaning(values, measure), measure.digits));

export const table = (heads: readonly string[], rows: readonly (readonly string[])[]): string =>
  [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

async function shown({ source, judged }: Study, task: Task | undefined): Promise<Picture | undefined> {
  return task && judged.has(task.index) ? source.folder.picture(task) : undefined;
}

async function inputOf({ source }: Study, task: Task, part: "truth" | "input"): Promise<Picture | undefined> {
  const png = (await source.folder.inputs(task))[part];
  return png && decodePicture(png, part);
}

/** A setting of a study, by its place there, and what its pictures are called. */
interface LabelledSetting {
  readonly label: string;
  readonly place: number;
}

/** A picture with all masks: a row of inputs, and one of results for each setting. */
export async function masksRows(
  study: Study,
  picture: number,
  settings: readonly LabelledSetting[],
): Promise<SheetRow[]> {
  const { masks, pictures } = study.source.folder.plan;
  const tasksOf = (setting: number) =>
    study.tasks.filter((task) => task.picture === picture && task.setting === setting);
  const inputs = tasksOf(0).map((task) => inputOf(study, task, "input"));
  const rows = settings.map(async ({ label, place }) => ({
    label,
    pictures: await Promise.all(tasksOf(place).map((task) => shown(study, task))),
  }));
  const masked = `${pictures[picture]!.name}: ${masks.map(({ name }) => name).join(", ")}`;
  return [{ label: masked, pictures: await Promise.all(inputs) }, ...(await Promise.all(rows))];
}

/** A picture, its input, and what a setting made of it with each seed. */
export async function seedsRow(study: Study, picture: number, { label, place }: LabelledSetting): Promise<SheetRow> {
  const own = study.tasks.filter((task) => task.picture === picture);
  const inputs = await Promise.all((["truth", "input"] as const).map((part) => inputOf(study, own[0]!, part)));
  const made = own.filter(({ setting }) => setting === place).map((task) => shown(study, task));
  const { name } = study.source.folder.plan.pictures[picture]!;
  return { label: `${name}: true, input, ${label}`, pictures: [...inputs, ...(await Promise.all(made))] };
}

/** Pictures of the report: the file's name, what they are, and rows. */
export interface PictureSheet {
  readonly name: string;
  readonly what: string;
  readonly rows: readonly SheetRow[];
}

/** A sheet has no more columns. */
const mostColumns = 8;

/** Columns are pictures; rows the true ones, the inputs, and what is asked for. */
export async function picturesSheet(
  first: Study,
  rows: readonly { readonly label: string; readonly study: Study; readonly setting: number }[],
): Promise<SheetRow[]> {
  const columns = first.source.folder.plan.pictures.slice(0, mostColumns);
  const row = async (label: string, pick: (picture: number) => Promise<Picture | undefined>): Promise<SheetRow> => ({
    label,
    pictures: await Promise.all(columns.map((_, picture) => pick(picture))),
  });
  const taskOf = ({ tasks }: Study, picture: number, setting: number) =>
    tasks.find((task) => task.picture === picture && task.setting === setting);
  return Promise.all([
    row("true pictures", (picture) => inputOf(first, taskOf(first, picture, 0)!, "truth")),
    row("inputs", (picture) => inputOf(first, taskOf(first, picture, 0)!, "input")),
    ...rows.map(({ label, study, setting }) => row(label, (picture) => shown(study, taskOf(study, picture, setting)))),
  ]);
}
