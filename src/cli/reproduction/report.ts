/**
 * The report of `reproduce`: README.md with tables and verdicts, plots as SVG, pictures as sheets, numbers as JSON.
 * Says of every claim whether it holds here, on how many pictures. Not here: the claims (src/evaluate/studies.ts), the
 * measures, what is about meaning alone (meaning.ts).
 */
import { join } from "node:path";
import { intervalChart } from "../../evaluate/charts.ts";
import { mean } from "../../evaluate/statistics.ts";
import { COMPARISONS, fewestPictures, PAPER_MASKS, STUDY_SETTINGS, type StudySetting } from "../../evaluate/studies.ts";
import { MEASURES } from "../../evaluate/summary.ts";
import { contactSheet, type SheetRow } from "../../node/contactSheet.ts";
import { ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { encodePng } from "../../node/pictures.ts";
import { fewerParts } from "./fewer.ts";
import { classesSection, halvesSection } from "./meaning.ts";
import {
  differenceCell,
  estimateOf,
  judge,
  type JudgedMeasure,
  masksRows,
  meanCells,
  type Meaning,
  ofSetting,
  type PictureSheet,
  picturesSheet,
  seedsRow,
  settingMeasures,
  type Study,
  type StudyFolder,
  table,
  trueMeanings,
} from "./study.ts";
import { count } from "../../text/quantities.ts";

const asClaimed = { holds: "holds", contradicted: "contradicted", "not shown": "not shown" } as const;

/** What the report is of: the studies by name, and those that could not be, with a reason. */
export interface Reproduction {
  readonly studies: readonly StudyFolder[];
  /** The halves of another model. */
  readonly baseline: StudyFolder | undefined;
  readonly skipped: readonly { readonly name: string; readonly reason: string }[];
  /** Whether a study was asked for: those that were not have no section. */
  readonly isWanted: (study: string) => boolean;
}

/** What a row of classes and guidance is called. */
const rowTitles: Readonly<Record<string, string>> = { class: "its own class" };
const titleOfRow = (name: string): string => rowTitles[name] ?? `guidance, scale ${name.replace(/^guided-/, "")}`;

/** Everything that the report is made from, judged. */
interface JudgedStudies extends Pick<Reproduction, "skipped" | "isWanted"> {
  readonly studies: ReadonlyMap<string, Study>;
  readonly baseline: Study | undefined;
}

type Write = (file: string, content: string | Uint8Array) => Promise<void>;

/** A part of the page. */
interface Part {
  /** Any of these makes it. */
  readonly of: (study: string) => boolean;
  /** Another study, whose rows stand beside these as far as they are there. */
  readonly beside?: string;
  readonly make: (judged: JudgedStudies, write: Write) => Promise<readonly string[]>;
}

const isFewer = (name: string): boolean => name.startsWith("fewer");

const parts: readonly Part[] = [
  { of: (name) => name === "settings", make: settingsPart },
  { of: (name) => name === "halves", make: halvesPart },
  { of: isOfClasses, beside: "settings", make: classesPart },
  { of: (name) => name === "masks", beside: "settings", make: masksPart },
  { of: (name) => name === "diversity", make: diversityPart },
  { of: isFewer, beside: "halves", make: fewerPart },
];

/** @returns the report's file, and how many results of how many it is made from */
export async function writeReproduction(
  out: string,
  reproduction: Reproduction,
): Promise<{ file: string; results: number; tasks: number }> {
  const { isWanted } = reproduction;
  const judged = await judgeAll(reproduction);
  const names = [...judged.studies.keys()];
  const wanted = parts.filter(({ of }) => names.some((name) => of(name) && isWanted(name)));
  const isShown = (name: string): boolean => wanted.some(({ of, beside }) => of(name) || beside === name);
  const shown = [...judged.studies.values()].filter(
    ({ source: { name }, judged: own }) => isWanted(name) || (isShown(name) && own.size > 0),
  );
  const all = [...shown, ...(judged.baseline ? [judged.baseline] : [])];
  const results = all.reduce((sum, study) => sum + study.judged.size, 0);
  const tasks = all.reduce((sum, study) => sum + study.tasks.length, 0);
  for (const folder of ["pictures", "plots"]) await ensureFolder(join(out, folder));
  const write: Write = (file, content) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    return writeFileAtomic(join(out, file), bytes, { force: true });
  };
  const page = await opening(all, { results, tasks });
  for (const { make } of wanted) page.push(...(await make(judged, write)));
  await write("README.md", `${page.join("\n\n")}\n`);
  await write("results.json", `${JSON.stringify(all.map(numbersOf), null, 1)}\n`);
  return { file: join(out, "README.md"), results, tasks };
}

async function judgeAll({ studies: folders, baseline, ...rest }: Reproduction): Promise<JudgedStudies> {
  const studies = new Map<string, Study>();
  for (const source of folders) studies.set(source.name, await judge(source));
  return { studies, baseline: baseline && (await judge(baseline)), ...rest };
}

async function settingsPart({ studies }: JudgedStudies, write: Write): Promise<readonly string[]> {
  const settings = studies.get("settings")!;
  const measures = settingMeasures.filter(({ of }) => [...settings.judged.values()].some((one) => of(one) !== null));
  const names = settings.source.folder.plan.settings.map(({ name }) => name as StudySetting);
  return [
    ...comparisons(settings, measures),
    ...settingsTable(settings, names, measures),
    ...(await writePlots(write, settings, names, measures)),
    ...(await writeSheet(write, {
      name: "settings",
      what: "Rows: true pictures, inputs, and the results of each setting",
      rows: await settingsSheet(settings),
    })),
  ];
}

async function halvesPart({ studies, baseline }: JudgedStudies, write: Write): Promise<readonly string[]> {
  const halves = studies.get("halves")!;
  const { lines, sheet } = await halvesSection(baseline ? [halves, baseline] : [halves]);
  const what = "Rows: true pictures, inputs, and the halves that were filled";
  return [...lines, ...(await writeSheet(write, { name: "halves", what, rows: sheet }))];
}

async function classesPart({ studies, skipped }: JudgedStudies, write: Write): Promise<readonly string[]> {
  const { lines, sheet } = await classesSection(
    studies.get("settings")!,
    [...studies].filter(([name]) => isOfClasses(name)).map(([name, study]) => ({ title: titleOfRow(name), study })),
    skipped.map(({ name, reason }) => ({ title: titleOfRow(name), reason })),
  );
  const what = "Rows: true pictures, inputs, filled without a class, with it, and guided";
  return [...lines, ...(await writeSheet(write, { name: "classes", what, rows: sheet }))];
}

async function masksPart({ studies }: JudgedStudies, write: Write): Promise<readonly string[]> {
  const masks = studies.get("masks")!;
  const what = "Each picture with its masks and results";
  const sheet = await writeSheet(write, { name: "masks", what, rows: await masksSheet(masks) });
  return [...masksSection(studies.get("settings")!, masks), ...sheet];
}

async function diversityPart({ studies }: JudgedStudies, write: Write): Promise<readonly string[]> {
  const diversity = studies.get("diversity")!;
  const what = "True picture, input, and the seeds";
  const sheet = await writeSheet(write, { name: "diversity", what, rows: await seedsSheet(diversity) });
  return [...diversitySection(diversity), ...sheet];
}

async function fewerPart({ studies }: JudgedStudies, write: Write): Promise<readonly string[]> {
  const of = (name: string): Study => studies.get(name)!;
  const parts = await fewerParts({
    halves: [of("fewer"), of("halves"), of("fewer-long"), of("fewer-published")],
    masks: of("fewer-masks"),
    diversity: of("fewer-diversity"),
  });
  const lines: string[] = [];
  for (const { lines: own, sheet } of parts) lines.push(...own, ...(await writeSheet(write, sheet)));
  return lines;
}

function isOfClasses(name: string): boolean {
  return name === "class" || name.startsWith("guided-");
}

function numbersOf({ source, judged }: Study) {
  return { study: source.name, plan: source.folder.plan, results: [...judged.values()] };
}

/** A plot of the settings for each measure that has values; their lines of the page. */
async function writePlots(
  write: Write,
  settings: Study,
  names: readonly StudySetting[],
  measures: readonly JudgedMeasure[],
): Promise<string[]> {
  const lines: string[] = [];
  for (const measure of measures) {
    const { key, title, digits, better } = measure;
    const rows = names.flatMap((name) => {
      const value = estimateOf(ofSetting(settings, name), measure);
      return value ? [{ label: STUDY_SETTINGS[name].title, group: "", value }] : [];
    });
    if (rows.length === 0) continue;
    await write(`plots/${key}.svg`, intervalChart(rows, { title, digits, standalone: true }));
    lines.push(`**${title}**, ${better} is better\n\n![${title} by setting](plots/${key}.svg)`);
  }
  return lines;
}

/** A sheet of pictures, and its line of the page; nothing where there is no picture. */
async function writeSheet(write: Write, { name, what, rows }: PictureSheet): Promise<string[]> {
  if (!rows.some(({ pictures }) => pictures.some(Boolean))) return [];
  await write(`pictures/${name}.png`, encodePng(contactSheet(rows), { Software: "repaint-webgpu" }));
  return [`![${what}](pictures/${name}.png)`];
}

function settingsSheet(settings: Study): Promise<SheetRow[]> {
  const rows = settings.source.folder.plan.settings.map(({ name, modelCalls }, setting) => ({
    label: `${STUDY_SETTINGS[name as StudySetting].title}: ${modelCalls} calls`,
    study: settings,
    setting,
  }));
  return picturesSheet(settings, rows);
}

async function opening(
  studies: readonly Study[],
  { results, tasks }: { results: number; tasks: number },
): Promise<string[]> {
  const [first] = studies as [Study, ...Study[]];
  const { plan } = first.source.folder;
  const all = studies.flatMap(({ judged }) => [...judged.values()]);
  const adapters = [...new Set(all.map(({ adapter }) => adapter))].join(", ");
  const calls = all.reduce((sum, { modelCalls }) => sum + modelCalls, 0);
  const seconds = all.reduce((sum, one) => sum + one.seconds, 0);
  const truths = await trueMeanings(first);
  const truth = (key: keyof Meaning, digits: number): string =>
    mean(truths.flatMap((one) => one[key] ?? [])).toFixed(digits);
  return [
    `# The paper's studies on ${plan.model.name}`,
    "Written by `npm run reproduce` (`repaint reproduce`), which runs the studies and makes this page from their results.",
    `${results < tasks ? "**Not complete yet:** " : ""}${results} of ${tasks} results on ${adapters || "no adapter yet"}: ${calls} model calls, ${Math.round(seconds / 60)} minutes. The model is ${plan.model.name} (sha256 ${plan.model.sha256.slice(0, 8)}…), the pictures are drawn portraits of another seed than the training data (weights/unseen). So this shows whether what is said of methods shows at a size that a processor can make; it does not repeat the paper's numbers. Nobody voted, and LPIPS is ${plan.lpips ? "measured with the given weights" : "not measured, since no weights of it are shipped"}.`,
    `Differences are of the same pictures, with 95 % intervals of a bootstrap over pictures. *holds*: the interval has no 0 and the sign that the paper says; *contradicted*: the other sign; *not shown*: 0 is in it, or there are fewer than ${fewestPictures} pictures, which agree by chance too often. With so few a small effect cannot show.`,
    `Because it is known what is in the portraits, meaning can be measured: **eye-colour agreement** is the share of pictures whose two irises look like the same named colour (${truth("sameEyes", 0)} % of the true pictures), the **eyes' difference** the distance of the filled iris' colour from the known one's (${truth("eye", 1)} in the true pictures), **asymmetry** that of the head's filled pixels from their mirror images (${truth("asymmetry", 1)}, since light falls from one side), **background's difference** the median distance of the filled background from the known one in the same row (${truth("background", 1)}); distances are root mean squares over colours of 0 … 255.`,
  ];
}

function comparisons(settings: Study, measures: readonly JudgedMeasure[]): string[] {
  const { plan } = settings.source.folder;
  const whole = plan.pictures.filter(({ name }) =>
    plan.settings.every((setting) => ofSetting(settings, setting.name).some(({ picture }) => picture === name)),
  ).length;
  const rows = COMPARISONS.map(({ study, claim, better, worse }) => {
    const [a, b] = [better, worse].map((name) => ofSetting(settings, name));
    const differences = measures.map((measure) => differenceCell(a!, b!, measure, asClaimed));
    const [first, second] = [better, worse].map((name) => STUDY_SETTINGS[name].title);
    return [`**${study}.** ${claim} Here: ${first} minus ${second}.`, ...differences];
  });
  const heads = ["what the paper says", ...measures.map(({ title, better }) => `${title} (${better} is better)`)];
  return [
    "## What holds",
    `Right halves of ${whole} of ${plan.pictures.length} portraits have all settings; T = 20, where the paper has 250.`,
    table(heads, rows),
    "n: pictures that have both settings.",
  ];
}

function settingsTable(settings: Study, names: readonly StudySetting[], measures: readonly JudgedMeasure[]): string[] {
  const { plan } = settings.source.folder;
  const rows = names.map((name) => {
    const own = ofSetting(settings, name);
    const { modelCalls } = plan.settings.find((setting) => setting.name === name)!;
    const seconds = own.length > 0 ? mean(own.map((one) => one.seconds)).toFixed(0) : "–";
    const cells = meanCells(own, measures);
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
        ...meanCells(own, measures),
      ]),
    ),
  ];
}

function diversitySection({ judged, source }: Study): string[] {
  const all = [...judged.values()];
  const rms = all.flatMap(({ pairs }) => pairs.map((pair) => pair.rms));
  const truth = all.flatMap(({ psnrFill }) => (psnrFill === null ? [] : 255 / 10 ** (psnrFill / 20)));
  const pictures = count(new Set(all.map(({ picture }) => picture)).size, "picture");
  const counts = `${pictures}, ${source.folder.plan.seeds.length} seeds each`;
  const words =
    rms.length === 0
      ? "Nothing yet."
      : `Here (${counts}): two results of one picture differ by ${mean(rms).toFixed(1)} of 255 over the filled half (RMS, ${rms.length} pairs, ${Math.min(...rms).toFixed(1)} to ${Math.max(...rms).toFixed(1)}), and a result from the true half by ${mean(truth).toFixed(1)}. That they differ ${Math.min(...rms) > 1 ? "**holds**" : "is **not shown**"}; with so few steps part of it is noise.`;
  return ["## Figure 1: diversity", `The paper shows that one input has many fillings that all fit. ${words}`];
}

async function masksSheet(study: Study): Promise<SheetRow[]> {
  const filled = [{ label: "filled", place: 0 }];
  const rows = study.source.folder.plan.pictures.map((_, picture) => masksRows(study, picture, filled));
  return (await Promise.all(rows)).flat();
}

async function seedsSheet(study: Study): Promise<SheetRow[]> {
  const { pictures, seeds } = study.source.folder.plan;
  const setting = { label: `seeds ${seeds.join(", ")}`, place: 0 };
  return Promise.all(pictures.map((_, picture) => seedsRow(study, picture, setting)));
}
