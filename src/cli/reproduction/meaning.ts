/**
 * Two sections of `reproduce`'s report that are about meaning: halves of unseen portraits, of one model or of two, and
 * what classes and a classifier's guidance bring. Not here: the paper's comparisons (report.ts), measuring.
 */
import { median } from "../../engine/timing.ts";
import { STUDY_SETTINGS, type StudySetting } from "../../evaluate/studies.ts";
import type { SheetRow } from "../../node/contactSheet.ts";
import { createPicture, type Mask, type Picture } from "../../pictures/image.ts";
import {
  differenceCell,
  found,
  halfMeasures,
  headOf,
  type Judged,
  type JudgedMeasure,
  meanCells,
  type Meaning,
  meaningCells,
  meaningsOf,
  ofSetting,
  picturesSheet,
  type Study,
  table,
  trueMeanings,
} from "./study.ts";
import { count } from "../../text/quantities.ts";

export interface Section {
  readonly lines: readonly string[];
  readonly sheet: readonly SheetRow[];
}

/** `studies` are the same halves of one model each: the report's, and the one that it is compared with. */
export async function halvesSection(studies: readonly Study[]): Promise<Section> {
  const [own, baseline] = studies as [Study, Study?];
  const { plan } = own.source.folder;
  const measures = measuresOf(studies.flatMap(({ judged }) => [...judged.values()]));
  const names = plan.settings.map(({ name }) => name as StudySetting);
  const titles = studies.map(titleOf);
  const rows = studies.flatMap((study, i) =>
    names.map((name) => [titles[i]!, STUDY_SETTINGS[name].title, ...resultCells(ofSetting(study, name), measures)]),
  );
  const bounds = [
    ["true pictures", await trueMeanings(own)],
    ["halves of two portraits", await meaningsOf(own, (index, keep) => mixed(own, index, keep))],
  ] as const;
  const last = names.at(-1)!;
  const differences = [
    ...studies.map((study, i) => ({
      what: `${titles[i]!}: ${STUDY_SETTINGS[last].title} minus ${STUDY_SETTINGS[names[0]!].title}`,
      pair: [ofSetting(study, last), ofSetting(study, names[0]!)] as const,
    })),
    ...(baseline
      ? names.map((name) => ({
          what: `${titles[0]!} minus ${titles[1]!}: ${STUDY_SETTINGS[name].title}`,
          pair: [ofSetting(own, name), ofSetting(baseline, name)] as const,
        }))
      : []),
  ];
  return {
    lines: [
      "## Halves of unseen portraits",
      `The right halves of ${count(plan.pictures.length, "portrait")} that no training data has, at the demo's settings. **Eye-colour agreement** is the share of pictures whose two irises look like the same of ${Object.keys(own.source.sheet.irises).length} named colours. An iris is about ten pixels here, so that true pictures do not agree always: their figures are the ceiling. Halves of two different portraits put together are the floor.`,
      table(
        ["filled by", "setting", "pictures", ...measures.map(headOf), "seconds, median"],
        [...bounds.map(([what, values]) => [what, "–", ...boundCells(values, measures), "–"]), ...rows],
      ),
      table(
        ["difference", ...measures.map(headOf)],
        differences.map(({ what, pair: [a, b] }) => [
          what,
          ...measures.map((measure) => differenceCell(a, b, measure, found)),
        ]),
      ),
    ],
    sheet: await picturesSheet(
      own,
      studies.flatMap((study, i) =>
        study.source.folder.plan.settings.map(({ name }, setting) => ({
          label: `${titles[i]!}: ${STUDY_SETTINGS[name as StudySetting].title}`,
          study,
          setting,
        })),
      ),
    ),
  };
}

/** `rows` have the setting of `without`, whose pictures were filled without a class. */
export async function classesSection(
  without: Study,
  rows: readonly { readonly title: string; readonly study: Study }[],
  skipped: readonly { readonly title: string; readonly reason: string }[],
): Promise<Section> {
  const [setting] = rows[0]?.study.source.folder.plan.settings ?? [];
  const lines = ["## Classes and guidance"];
  const reasons = skipped.map(({ title, reason }) => `Not run: ${title}, since ${reason}.`);
  if (!setting) return { lines: [...lines, ...reasons], sheet: [] };
  const shared = new Set(rows.flatMap(({ study }) => study.source.folder.plan.pictures.map(({ name }) => name)));
  const none = ofSetting(without, setting.name).filter(({ picture }) => shared.has(picture));
  const own = rows.map(({ title, study }) => ({ title, results: [...study.judged.values()] }));
  // Filled by another study, which may not have been run.
  const isBeside = none.length > 0;
  const all = [...(isBeside ? [{ title: "no class", results: none }] : []), ...own];
  const measures = measuresOf(all.flatMap(({ results }) => results));
  return {
    lines: [
      ...lines,
      `Half-filled portraits again, ${STUDY_SETTINGS[setting.name as StudySetting].title}: ${isBeside ? "without a class, " : ""}with each picture's own, and with a classifier's gradient towards it, times a scale (Dhariwal & Nichol 2021; the paper guides its ImageNet runs so). ${isBeside ? "Differences are to the first row." : "The same without a class is another study's, which was not run."}`,
      table(
        ["filled with", "pictures", ...measures.map(headOf), "seconds, median"],
        all.map(({ title, results }) => [title, ...resultCells(results, measures)]),
      ),
      ...(isBeside
        ? [
            table(
              ["difference to no class", ...measures.map(headOf)],
              own.map(({ title, results }) => [
                title,
                ...measures.map((measure) => differenceCell(results, none, measure, found)),
              ]),
            ),
          ]
        : []),
      ...reasons,
    ],
    sheet: await picturesSheet(rows[0]!.study, [
      ...(isBeside
        ? [
            {
              label: "no class",
              study: without,
              setting: without.source.folder.plan.settings.findIndex(({ name }) => name === setting.name),
            },
          ]
        : []),
      ...rows.map(({ title, study }) => ({ label: title, study, setting: 0 })),
    ]),
  };
}

const titleOf = ({ source }: Study): string => {
  const { name, sha256 } = source.folder.plan.model;
  return `${name} (${sha256.slice(0, 8)})`;
};

/** Those that were measured. */
const measuresOf = (results: readonly Judged[]): JudgedMeasure[] =>
  halfMeasures.filter(({ key, of }) => key !== "lpips" || results.some((one) => of(one) !== null));

function resultCells(results: readonly Judged[], measures: readonly JudgedMeasure[]): string[] {
  const seconds = results.length > 0 ? median(results.map((one) => one.seconds)).toFixed(1) : "–";
  return [String(results.length), ...meanCells(results, measures), seconds];
}

function boundCells(values: readonly Meaning[], measures: readonly JudgedMeasure[]): string[] {
  return [String(values.length), ...meaningCells(values, measures)];
}

/** What is known of one portrait, and the next one's where it is not. */
function mixed({ source }: Study, index: number, keep: Mask): Picture {
  const { portraits } = source.sheet;
  const [one, next] = [index, (index + 1) % portraits.length].map((i) => portraits[i]!.picture) as [Picture, Picture];
  const picture = createPicture(one.width, one.height);
  for (const [pixel, known] of keep.data.entries()) {
    const at = 4 * pixel;
    picture.data.set((known >= 0.5 ? one : next).data.subarray(at, at + 4), at);
  }
  return picture;
}
