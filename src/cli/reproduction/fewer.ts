/**
 * The section of `reproduce`'s report on fewer calls: guided Langevin steps beside RePaint on halves, the other masks,
 * and how much fillings of one picture differ. Nobody's claim: what was found. Not here: the paper's comparisons
 * (report.ts), measuring.
 */
import { mean } from "../../evaluate/statistics.ts";
import { STUDY_SETTINGS, type StudySetting } from "../../evaluate/studies.ts";
import type { SheetRow } from "../../node/contactSheet.ts";
import { count } from "../../text/quantities.ts";
import {
  cell,
  differenceCell,
  estimateOf,
  found,
  halfMeasures,
  headOf,
  type Judged,
  type JudgedMeasure,
  ofSetting,
  picturesSheet,
  type Study,
  table,
  trueMeanings,
} from "./study.ts";

export interface FewerStudies {
  /** Halves by few calls, and by as many as the paper's setting has, which are run where they are asked for. */
  readonly halves: Study;
  readonly long: Study;
  readonly masks: Study;
  readonly diversity: Study;
}

export async function fewerSection({ halves, long, masks, diversity }: FewerStudies): Promise<{
  readonly lines: readonly string[];
  readonly sheet: readonly SheetRow[];
}> {
  const studies = [halves, ...(long.judged.size > 0 ? [long] : [])];
  const all = studies.flatMap(({ judged }) => [...judged.values()]);
  const measures = halfMeasures.filter(({ of }) => all.some((one) => of(one) !== null));
  const { length } = halves.source.folder.plan.pictures;
  return {
    lines: [
      "## Fewer calls",
      `The right halves of ${count(length, "portrait")} by guided Langevin steps (after LanPaint, arXiv 2502.03491) and by RePaint, each at its model calls. Extra grain is the median absolute Laplacian of the fill less that of the true picture. Differences are of the fewest calls to the others: *better* and *worse* where the interval leaves 0 out.`,
      settingsTable(studies, measures, await trueMeanings(halves)),
      differencesTable(studies, measures),
      masksTable(masks),
      diversityText(diversity),
    ],
    sheet: await picturesSheet(
      halves,
      studies.flatMap((study) =>
        namesOf(study).map((name, setting) => ({ label: titleOf(study, name), study, setting })),
      ),
    ),
  };
}

const namesOf = ({ source }: Study): StudySetting[] =>
  source.folder.plan.settings.map(({ name }) => name as StudySetting);

const callsOf = ({ source }: Study, name: StudySetting): number =>
  source.folder.plan.settings.find((setting) => setting.name === name)!.modelCalls;

const titleOf = (study: Study, name: StudySetting): string =>
  `${STUDY_SETTINGS[name].title}: ${count(callsOf(study, name), "call")}`;

function settingsTable(
  studies: readonly Study[],
  measures: readonly JudgedMeasure[],
  truth: readonly Record<"eye" | "asymmetry" | "sameEyes", number>[],
): string {
  const trueCells = measures.map(({ key, digits }) =>
    key === "eye" || key === "asymmetry" || key === "sameEyes"
      ? mean(truth.map((one) => one[key])).toFixed(digits)
      : "–",
  );
  const rows = studies.flatMap((study) =>
    namesOf(study).map((name) => {
      const own = ofSetting(study, name);
      const cells = measures.map((measure) => cell(estimateOf(own, measure), measure.digits));
      return [STUDY_SETTINGS[name].title, String(callsOf(study, name)), String(own.length), ...cells];
    }),
  );
  const heads = ["sampler", "model calls", "pictures", ...measures.map(headOf)];
  return table(heads, [["true pictures", "–", String(truth.length), ...trueCells], ...rows]);
}

function differencesTable(studies: readonly Study[], measures: readonly JudgedMeasure[]): string {
  const rows = studies.flatMap((study) => {
    const [first, ...others] = namesOf(study);
    return others.map((name) => [
      `${titleOf(study, first!)}, minus ${titleOf(study, name)}`,
      ...measures.map((measure) => differenceCell(ofSetting(study, first!), ofSetting(study, name), measure, found)),
    ]);
  });
  return table(["difference", ...measures.map(headOf)], rows);
}

/** By PSNR of the fill and the step at the border. */
function masksTable(study: Study): string {
  const measures = halfMeasures.filter(({ key }) => key === "psnrFill" || key === "border");
  const names = namesOf(study);
  const rows = study.source.folder.plan.masks.map(({ name: mask }) => {
    const own = (setting: string): Judged[] => ofSetting(study, setting).filter((result) => result.mask === mask);
    const cells = measures.flatMap((measure) =>
      names.map((name) => cell(estimateOf(own(name), measure), measure.digits)),
    );
    return [mask, ...cells];
  });
  const heads = measures.flatMap((measure) => names.map((name) => `${headOf(measure)}: ${titleOf(study, name)}`));
  return table(["mask", ...heads], rows);
}

function diversityText(study: Study): string {
  const { plan } = study.source.folder;
  const parts = namesOf(study).map((name) => {
    const own = ofSetting(study, name);
    const distances = own.flatMap(({ pairs }) => pairs.map(({ rms }) => rms));
    const border = estimateOf(
      own,
      halfMeasures.find(({ key }) => key === "border")!,
    );
    return distances.length === 0
      ? `${titleOf(study, name)}: nothing yet`
      : `${titleOf(study, name)}: two fillings of one picture differ by ${mean(distances).toFixed(1)} of 255 (RMS), and the step at the border to the known part is ${cell(border, 1)} larger than in the true picture`;
  });
  return `Diversity with the mask ${plan.masks[0]!.name}, ${count(plan.pictures.length, "picture")}, ${plan.seeds.length} seeds each. ${parts.join(". ")}.`;
}
