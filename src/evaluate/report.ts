/**
 * An evaluation as one HTML page and as CSV. The same results give the same page but for times, which stand in elements
 * of the class "time". Not here: reading pictures, which come as data URLs.
 */
import { intervalChart } from "./charts.ts";
import { type Cell, escapeHtml, htmlFigure, htmlPage, htmlTable } from "./page.ts";
import { type EvaluationPlan, tasksOf } from "./plan.ts";
import type { EvaluationResult } from "./result.ts";
import { MEASURES, type Measure, type SummaryRow } from "./summary.ts";
import type { Estimate } from "./statistics.ts";

/** A picture and a mask: what is shown side by side. */
export interface ReportPictures {
  readonly title: string;
  readonly figures: readonly { readonly source: string; readonly caption: string }[];
}

export interface ReportContent {
  readonly plan: EvaluationPlan;
  readonly results: readonly EvaluationResult[];
  readonly summary: readonly SummaryRow[];
  readonly pictures: readonly ReportPictures[];
  /** Pairs of a picture and a mask that the report has no room for. */
  readonly picturesLeftOut: number;
}

export function evaluationPage(content: ReportContent): string {
  const { plan, results, summary, pictures, picturesLeftOut } = content;
  const total = tasksOf(plan).length;
  const shown = MEASURES.filter(({ key }) => summary.some(({ measures }) => measures[key]));
  const adapters = [...new Set(results.map(({ adapter }) => adapter))].sort();
  const facts = [
    `Model ${plan.model.name} (sha256 ${plan.model.sha256.slice(0, 12)}…), storage ${plan.precision}, on ${adapters.join(", ") || "no adapter yet"}.`,
    `${plan.pictures.length} pictures × ${plan.masks.length} masks × ${plan.settings.length} settings × ${plan.seeds.length} seeds: ${results.length} of ${total} results are there${results.length < total ? ", so that means are of what there is" : ""}.`,
    ...(plan.classifier
      ? [
          `Guided by ${plan.classifier.name} (sha256 ${plan.classifier.sha256.slice(0, 12)}…) with scale ${plan.classifier.scale}.`,
        ]
      : []),
    ...(plan.lpips ? [] : ["LPIPS was not measured: no weights were given (--lpips)."]),
  ];
  return htmlPage(
    `Evaluation of ${plan.model.name}`,
    `${facts.map((fact) => `<p class="soft">${escapeHtml(fact)}</p>`).join("\n")}
<h2>Measures</h2>
<p class="soft">Means over pictures (of a picture's seeds first), with 95 % bootstrap intervals over pictures where there are two or more. The best mean of a mask is marked. The border's extra step is the mean colour step (0 … 255) from known to filled pixels, less that of the true picture.</p>
${summaryTable(summary, shown)}
${differences(plan, summary, shown)}
<h2>Plots</h2>
${shown
  .filter(({ isTime }) => !isTime)
  .map((measure) => plot(summary, measure))
  .join("\n")}
<h2>Pictures</h2>
${pictures.map(({ title, figures }) => `<h3>${escapeHtml(title)}</h3><div class="pictures">${figures.map(({ source, caption }) => htmlFigure(source, caption)).join("")}</div>`).join("\n")}
${picturesLeftOut > 0 ? `<p class="soft">${picturesLeftOut} more of these rows are in the folder's pictures only (--pictures shows more).</p>` : ""}
<h2>Settings</h2>
${htmlTable(
  [{ text: "name" }, { text: "model calls a crop", isNumber: true }, { text: "sampling" }],
  plan.settings.map(({ name, modelCalls, sampling }) => [
    { text: name },
    { text: String(modelCalls), isNumber: true },
    { text: JSON.stringify(sampling) },
  ]),
)}`,
  );
}

export const intervalWords = ({ low, high }: Estimate, digits: number): string | undefined =>
  low === undefined || high === undefined ? undefined : `${low.toFixed(digits)} … ${high.toFixed(digits)}`;

function estimateCell(value: Estimate | undefined, { digits, isTime = false }: Measure, isBest = false): Cell {
  if (!value) return { text: "–", isNumber: true, isTime };
  return { text: value.mean.toFixed(digits), small: intervalWords(value, digits), isNumber: true, isBest, isTime };
}

function summaryTable(summary: readonly SummaryRow[], measures: readonly Measure[]): string {
  const isBest = (row: SummaryRow, { key, better }: Measure): boolean => {
    const own = row.measures[key]?.mean;
    const rivals = summary.filter(({ mask }) => mask === row.mask).flatMap((other) => other.measures[key]?.mean ?? []);
    if (better === "neither" || own === undefined || rivals.length < 2) return false;
    return own === (better === "lower" ? Math.min(...rivals) : Math.max(...rivals));
  };
  return htmlTable(
    [{ text: "mask" }, { text: "setting" }, { text: "results", isNumber: true }].concat(
      measures.map(({ title }) => ({ text: title, isNumber: true })),
    ),
    summary.map((row) => [
      { text: row.mask },
      { text: row.setting },
      { text: String(row.results), isNumber: true },
      ...measures.map((measure) => estimateCell(row.measures[measure.key], measure, isBest(row, measure))),
    ]),
  );
}

function differences(plan: EvaluationPlan, summary: readonly SummaryRow[], measures: readonly Measure[]): string {
  if (plan.settings.length < 2) return "";
  const rows = summary.filter(({ setting }) => setting !== plan.settings[0]!.name);
  return `<h2>Against ${escapeHtml(plan.settings[0]!.name)}</h2>
<p class="soft">Mean difference to the first setting on the same pictures, with a paired bootstrap interval: one without 0 in it is a difference.</p>
${htmlTable(
  [{ text: "mask" }, { text: "setting" }].concat(measures.map(({ title }) => ({ text: title, isNumber: true }))),
  rows.map((row) => [
    { text: row.mask },
    { text: row.setting },
    ...measures.map((measure) => estimateCell(row.differences[measure.key], measure)),
  ]),
)}`;
}

function plot(summary: readonly SummaryRow[], { key, title, digits, better }: Measure): string {
  const rows = summary.flatMap(({ mask, setting, measures }) => {
    const value = measures[key];
    return value ? [{ label: setting, group: mask, value }] : [];
  });
  const which = better === "neither" ? "" : `, ${better} is better`;
  return `<h3>${escapeHtml(title)}${which}</h3><div class="plot">${intervalChart(rows, { title, digits })}</div>`;
}

/** One line a result. */
export function evaluationCsv(results: readonly EvaluationResult[]): string {
  const keys = ["picture", "mask", "setting", "seed", ...MEASURES.map(({ key }) => key), "file"];
  const quote = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const valueOf = (result: EvaluationResult, key: string): string => {
    const measure = MEASURES.find((one) => one.key === key);
    const value = measure ? measure.of(result) : (result as unknown as Record<string, unknown>)[key];
    return quote(value === null || value === undefined ? "" : String(value));
  };
  return `${[keys.join(","), ...results.map((result) => keys.map((key) => valueOf(result, key)).join(","))].join("\n")}\n`;
}
