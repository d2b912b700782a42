/**
 * The classifier that --classifier means, beside a model: opened, checked against it, and its scale. Not here: what guidance
 * does (src/repaint/guidance.ts), and running a classifier alone (classifier.ts).
 */
import { InputError } from "../../errors.ts";
import { type FileSource, sha256 } from "../../node/fileSource.ts";
import { requireGuide } from "../../repaint/guidance.ts";
import type { ClassifierCheckpoint } from "../../checkpoints/classifier/checkpoint.ts";
import { identifyPreset } from "../../checkpoints/released/find.ts";
import { type Arguments, type Option, quoted } from "../command.ts";
import type { Context } from "../context.ts";
import { type OpenModel, readFlags, sayAssumedOfClassifier, withClassifier, withModel } from "./model.ts";
import type { Report } from "../../node/report.ts";
import { fileName } from "./weightsFile.ts";

export const classifierFlagsOption: Option = {
  name: "classifier-flags",
  value: "JSON|@FILE|PRESET",
  help: "flags that the classifier's file does not carry",
};

export const guideOptions: readonly Option[] = [
  { name: "classifier", value: "F", help: "a noise-aware classifier that guides the run, or its https address" },
  {
    name: "classifier-scale",
    value: "S",
    help: "how strongly it guides (default: as the released networks were used, else 1)",
  },
  classifierFlagsOption,
];

export interface OpenGuide {
  readonly source: FileSource;
  readonly checkpoint: ClassifierCheckpoint;
  readonly flags: unknown;
  /** undefined: --classifier-scale was not given. */
  readonly scale: number | undefined;
}

/** Opens the model of --weights, and the classifier where one is given, for the time of `body`. @throws as `withModel`, InputError where it cannot guide the model */
export function withModelAndGuide<T>(
  context: Context,
  given: Arguments,
  flags: unknown,
  body: (model: OpenModel, guide: OpenGuide | undefined) => Promise<T>,
): Promise<T> {
  return withModel(context, given.text("weights"), flags, (model) =>
    withGuide(context, given, model, (guide) => body(model, guide)),
  );
}

async function withGuide<T>(
  context: Context,
  given: Arguments,
  { checkpoint: network }: OpenModel,
  body: (guide: OpenGuide | undefined) => Promise<T>,
): Promise<T> {
  const path = given.text("classifier");
  const scale = readScale(given);
  if (path === undefined) {
    const stray = ["classifier-scale", "classifier-flags"].find((name) => given.has(name));
    if (stray) throw new InputError(`--${stray} is of a classifier: give --classifier, too`);
    return body(undefined);
  }
  const flags = await readFlags(given, "classifier-flags");
  return withClassifier(context, path, flags, async ({ source, checkpoint }) => {
    requireGuide(network, checkpoint);
    sayAssumedOfClassifier(checkpoint, context.report, "classifier-flags");
    return body({ source, checkpoint, flags, scale });
  });
}

/** As given, else the scale that the released network of this architecture was guided with, else 1. */
export function guideScale({ scale }: OpenGuide, { checkpoint }: OpenModel): number {
  if (scale !== undefined) return scale;
  const scales = checkpoint.diffusersConfig
    ? []
    : identifyPreset(checkpoint.config).map(({ guidance }) => guidance?.scale);
  // Released networks of one architecture that were used in different ways say nothing.
  const [first] = scales;
  return first !== undefined && scales.every((scale) => scale === first) ? first : 1;
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
