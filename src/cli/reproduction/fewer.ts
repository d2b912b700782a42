/**
 * The sections of `reproduce`'s report on fewer calls: guided Langevin steps beside RePaint on halves, on all masks,
 * and how much fillings of one picture differ. Nobody's claim: what was found. Not here: the paper's comparisons
 * (report.ts), measuring.
 */
import { estimateDifference } from "../../evaluate/statistics.ts";
import { STUDY_SETTINGS, type StudySetting } from "../../evaluate/studies.ts";
import { byPicture, MEASURES } from "../../evaluate/summary.ts";
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
  masksRows,
  meanCells,
  meaningCells,
  ofSetting,
  type PictureSheet,
  picturesSheet,
  seedsRow,
  type Study,
  table,
  trueMeanings,
} from "./study.ts";

export interface FewerStudies {
  /** Studies of halves: the first shows the pictures. */
  readonly halves: readonly [Study, ...Study[]];
  readonly masks: Study;
  readonly diversity: Study;
}

interface FewerPart {
  readonly lines: readonly string[];
  readonly sheet: PictureSheet;
}

export async function fewerParts({ halves, masks, diversity }: FewerStudies): Promise<readonly FewerPart[]> {
  return [await halvesPart(halves), await masksPart(masks), await diversityPart(diversity)];
}

/** What was made with a setting. */
interface Row {
  readonly name: StudySetting;
  readonly study: Study;
  /** Of the setting in its study. */
  readonly place: number;
  readonly results: readonly Judged[];
  readonly calls: number;
}

const rowsOf = (study: Study): Row[] =>
  study.source.folder.plan.settings.map(({ name, modelCalls: calls }, place) => ({
    name: name as StudySetting,
    study,
    place,
    results: ofSetting(study, name),
    calls,
  }));

const isGuided = ({ name }: Row): boolean => "levels" in STUDY_SETTINGS[name].run;
const samplerOf = (row: Row): string => `${isGuided(row) ? "" : "RePaint, "}${STUDY_SETTINGS[row.name].title}`;
const titleOf = (row: Row): string => `${samplerOf(row)}: ${count(row.calls, "call")}`;

const labelled = (rows: readonly Row[]) => rows.map((row) => ({ label: titleOf(row), place: row.place }));

/** Pictures of which some of these tasks are done. */
const begun = ({ judged }: Study, tasks: Study["tasks"]): number[] => [
  ...new Set(tasks.filter(({ index }) => judged.has(index)).map(({ picture }) => picture)),
];

/** Guided Langevin steps with RePaint, each with each that there is. */
function pairsOf(rows: readonly Row[]): (readonly [Row, Row])[] {
  const made = rows.filter(({ results }) => results.length > 0);
  const others = made.filter((row) => !isGuided(row));
  return made.filter(isGuided).flatMap((one) => others.map((other) => [one, other] as const));
}

function differencesTable(rows: readonly Row[], measures: readonly JudgedMeasure[]): string {
  return table(
    ["difference", ...measures.map(headOf)],
    pairsOf(rows).map(([one, other]) => [
      `${titleOf(one)}, minus ${titleOf(other)}`,
      ...measures.map((measure) => differenceCell(one.results, other.results, measure, found)),
    ]),
  );
}

async function halvesPart(studies: readonly [Study, ...Study[]]): Promise<FewerPart> {
  const [first] = studies;
  const rows = studies
    .flatMap(rowsOf)
    .filter(({ study, results }) => study === first || results.length > 0)
    .sort((a, b) => Number(isGuided(b)) - Number(isGuided(a)) || a.calls - b.calls);
  const measures = halfMeasures.filter(({ of }) => rows.some(({ results }) => results.some((one) => of(one) !== null)));
  const truth = await trueMeanings(first);
  return {
    lines: [
      "## Fewer calls",
      "The right halves of unseen portraits by guided Langevin steps (after LanPaint, arXiv 2502.03491) and by RePaint, each at its model calls. Extra grain is the median absolute Laplacian of the fill less that of the true picture. *Better* and *worse*: the interval of the difference leaves 0 out.",
      table(
        ["sampler", "model calls", "pictures", ...measures.map(headOf)],
        [
          ["true pictures", "–", String(truth.length), ...meaningCells(truth, measures)],
          ...rows.map((row) => [
            samplerOf(row),
            String(row.calls),
            String(row.results.length),
            ...meanCells(row.results, measures),
          ]),
        ],
      ),
      differencesTable(rows, measures),
    ],
    sheet: {
      name: "fewer",
      what: "Rows: true pictures, inputs, and the results of each sampler",
      rows: await picturesSheet(
        first,
        rows.map((row) => ({ label: titleOf(row), study: row.study, setting: row.place })),
      ),
    },
  };
}

/** By PSNR of the fill and the step at the border. */
async function masksPart(study: Study): Promise<FewerPart> {
  const measures = halfMeasures.filter(({ key }) => key === "psnrFill" || key === "border");
  const rows = rowsOf(study);
  const [one, other] = rows as [Row, Row];
  const { masks } = study.source.folder.plan;
  const lines = masks.map(({ name: mask }) => {
    const [a, b] = [one, other].map(({ results }) => results.filter((result) => result.mask === mask)) as [
      Judged[],
      Judged[],
    ];
    const cells = measures.flatMap((measure) => [
      ...[a, b].map((own) => cell(estimateOf(own, measure), measure.digits)),
      differenceCell(a, b, measure, found),
    ]);
    return [mask, ...cells];
  });
  const heads = measures.flatMap((measure) => [
    ...rows.map((row) => `${headOf(measure)}: ${titleOf(row)}`),
    "difference",
  ]);
  const shownPictures = begun(
    study,
    study.tasks.filter(({ setting }) => setting === one.place),
  );
  return {
    lines: ["### The six masks", table(["mask", ...heads], lines)],
    sheet: {
      name: "fewer-masks",
      what: "Each picture with its masks, filled by both samplers",
      rows: (await Promise.all(shownPictures.map((picture) => masksRows(study, picture, labelled(rows))))).flat(),
    },
  };
}

const diversity = MEASURES.find(({ key }) => key === "diversity")!;

/** How far fillings of one picture are from each other, and whether their backgrounds agree with the known one. */
async function diversityPart(study: Study): Promise<FewerPart> {
  const rows = rowsOf(study);
  const { pictures, seeds } = study.source.folder.plan;
  const measures = halfMeasures.filter(({ key }) => key === "background" || key === "border");
  const truth = await trueMeanings(study);
  const distance = (row: Row): string => cell(estimateOf(row.results, diversity), 1);
  return {
    lines: [
      "### Diversity",
      `Only the middle quarter is known. ${count(pictures.length, "picture")}, ${count(seeds.length, "seed")} each: how far two fillings of one picture are from each other (RMS over 0 … 255), which is good only as long as both agree with what is known. Whether a background does is measured by its difference from the known one.`,
      table(
        ["sampler", "results", "distance of two fillings", ...measures.map(headOf)],
        [
          ["true pictures", "–", "–", ...meaningCells(truth, measures)],
          ...rows.map((row) => [
            titleOf(row),
            String(row.results.length),
            distance(row),
            ...meanCells(row.results, measures),
          ]),
        ],
      ),
      table(
        ["difference", "distance of two fillings", ...measures.map(headOf)],
        pairsOf(rows).map(([one, other]) => [
          `${titleOf(one)}, minus ${titleOf(other)}`,
          cell(estimateDifference(byPicture(one.results, diversity), byPicture(other.results, diversity)), 1),
          ...measures.map((measure) => differenceCell(one.results, other.results, measure, found)),
        ]),
      ),
    ],
    sheet: {
      name: "fewer-diversity",
      what: `Each picture's seeds ${seeds.join(", ")} by each sampler`,
      rows: await Promise.all(
        begun(study, study.tasks).flatMap((picture) =>
          labelled(rows).map((setting) => seedsRow(study, picture, setting)),
        ),
      ),
    },
  };
}
