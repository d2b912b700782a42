/**
 * The classifier that --classifier means, beside a model: opened, checked against it, and its scale. Not here: what
 * guidance does (src/repaint/guidance.ts), and running a classifier alone (commands/classifier.ts).
 */
import { InputError } from "../../errors.ts";
import { type FileSource, sha256 } from "../../node/fileSource.ts";
import { requireGuide } from "../../repaint/guidance.ts";
import type { ClassifierCheckpoint } from "../../checkpoints/classifier/checkpoint.ts";
import { guidedScale } from "../../checkpoints/released/find.ts";
import type { Arguments, Option } from "../command.ts";
import type { Context } from "../context.ts";
import { quoted } from "../../text/quoted.ts";
import { classifierFlagsOption, readFlags } from "./flags.ts";
import { type ModelSettings, type OpenModel, sayAssumedOfClassifier, withClassifier, withModel } from "./model.ts";
import type { Report } from "../../node/report.ts";
import { fileName } from "./weightsFile.ts";

export const guideOption: Option = {
  name: "classifier",
  value: "F",
  help: "a noise-aware classifier that guides the run, or its https address",
};

export const guideOptions: readonly Option[] = [
  guideOption,
  {
    name: "classifier-scale",
    value: "S",
    help: "how strongly it guides (default: as the released networks were used, else 1)",
  },
  classifierFlagsOption,
];

export interface GuideSettings {
  readonly weights: string;
  readonly flags: unknown;
  /** undefined: as the released networks were guided, else 1. */
  readonly scale: number | undefined;
}

/** undefined without --classifier. @throws InputError */
export async function readGuide(given: Arguments): Promise<GuideSettings | undefined> {
  const weights = given.text("classifier");
  const scale = readScale(given);
  if (weights !== undefined) return { weights, flags: await readFlags(given, "classifier-flags"), scale };
  const stray = ["classifier-scale", "classifier-flags"].find((name) => given.has(name));
  if (stray) throw new InputError(`--${stray} is of a classifier: give --classifier, too`);
  return undefined;
}

export interface OpenGuide {
  readonly source: FileSource;
  readonly checkpoint: ClassifierCheckpoint;
  /** undefined: --classifier-scale was not given. */
  readonly scale: number | undefined;
}

/**
 * Opens a model, and the classifier that guides it where there is one, for the time of `body`.
 * @throws as `withModel`, InputError where the classifier cannot guide the model
 */
export function withModelAndGuide<T>(
  context: Context,
  model: ModelSettings,
  guide: GuideSettings | undefined,
  body: (model: OpenModel, guide: OpenGuide | undefined) => Promise<T>,
): Promise<T> {
  return withModel(context, model, (opened) => {
    if (!guide) return body(opened, undefined);
    return withClassifier(context, guide, ({ source, checkpoint }) => {
      requireGuide(opened.checkpoint, checkpoint);
      sayAssumedOfClassifier(checkpoint, context.report, "classifier-flags");
      return body(opened, { source, checkpoint, scale: guide.scale });
    });
  });
}

/** As given, else the scale that the released network of this architecture was guided with, else 1. */
export function guideScale({ scale }: OpenGuide, { checkpoint }: OpenModel): number {
  return scale ?? guidedScale(checkpoint);
}

/** What a plan says of it. */
export async function plannedGuide(guide: OpenGuide, model: OpenModel, { signal }: Context) {
  const { source } = guide;
  return { name: fileName(source.name), sha256: await sha256(source, { signal }), scale: guideScale(guide, model) };
}

/** What the PNG says of it. */
export async function guideTexts({ source }: OpenGuide, { signal }: Context): Promise<Record<string, string>> {
  return { Classifier: fileName(source.name), "Classifier SHA-256": await sha256(source, { signal }) };
}

export function sayGuide(guide: OpenGuide, model: OpenModel, report: Report): void {
  const scale = guideScale(guide, model);
  const why = guide.scale === undefined ? " (--classifier-scale S for another)" : "";
  report.say(`Guided by ${fileName(guide.source.name)} with scale ${scale}${why}.`);
}

function readScale(given: Arguments): number | undefined {
  const text = given.text("classifier-scale");
  if (text === undefined) return undefined;
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(text))
    throw new InputError(`--classifier-scale: expected a number, 1 for example, got ${quoted(text)}`);
  return Number(text);
}
