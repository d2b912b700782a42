/**
 * --class: what to paint, of the network's classes and of the classifier's that guides it, by number or by name, one
 * for all pictures or one for each. What a text means is known when the network is open, before a device is. Not here:
 * what names there are (src/checkpoints/released/classNames.ts).
 */
import { InputError } from "../../errors.ts";
import { classNames } from "../../checkpoints/released/classNames.ts";
import { findClass } from "../../checkpoints/released/findClass.ts";
import { presetWords } from "../../checkpoints/released/find.ts";
import type { Arguments, Option } from "../command.ts";
import { quoted } from "../../text/quoted.ts";
import type { OpenGuide } from "./guide.ts";
import type { OpenModel } from "./model.ts";
import { count } from "../../text/quantities.ts";

export const classOption: Option = {
  name: "class",
  value: "N|NAME",
  repeat: true,
  help: "what to paint, for class-conditional networks and guided runs: once for all pictures, or once for each",
};

/** As they were written: none, one for all pictures, or one for each. */
export function readClasses(given: Arguments): readonly string[] {
  return given.all("class");
}

/** A class for each of `pictures`; undefined: the network's unconditional one, or it has none. @throws InputError */
export async function classesFor(
  texts: readonly string[],
  { checkpoint: { config, file, unconditionalClass } }: Pick<OpenModel, "checkpoint">,
  guide: Pick<OpenGuide, "checkpoint"> | undefined,
  pictures: number,
): Promise<readonly (number | undefined)[]> {
  const { numClasses } = config;
  const looks = presetWords(config);
  const network = `this network${looks ? ` (it looks like ${looks})` : ""}`;
  const guided = guide?.checkpoint.architecture.outChannels;
  if (numClasses === null && guided === undefined) {
    if (texts.length > 0) throw new InputError(`--class: ${network} knows no classes; leave it away`);
    return Array.from({ length: pictures }, () => undefined);
  }
  const classes = Math.min(numClasses ?? Infinity, guided ?? Infinity);
  if (texts.length === 0) {
    if (guided === undefined && unconditionalClass !== undefined)
      return Array.from({ length: pictures }, () => unconditionalClass);
    const why =
      guided === undefined ? `${network} is class-conditional` : "a guided run draws pictures towards a class";
    throw new InputError(`${why}: give --class, a number from 0 to ${classes - 1}`);
  }
  if (texts.length > 1 && texts.length !== pictures)
    throw new InputError(
      `--class: given ${texts.length} times for ${count(pictures, "picture")}: give it once for all, or once for each`,
    );
  const names =
    (numClasses === null ? undefined : await classNames(file, numClasses)) ??
    (guide && (await classNames(guide.checkpoint.file, guided!)));
  const labels = texts.map((text) => {
    if (/^\d+$/.test(text)) return requireBoth(text, { numClasses, guided, guide, network });
    return findClass(text, classes, names?.slice(0, classes), "--class");
  });
  return Array.from({ length: pictures }, (_, i) => labels[labels.length > 1 ? i : 0]);
}

/** For events and plans: `class` where all have one, else `classes`. */
export function classWords(labels: readonly (number | undefined)[]): {
  class?: number;
  classes?: readonly (number | undefined)[];
} {
  const [first] = labels;
  if (labels.some((label) => label !== first)) return { classes: labels };
  return first === undefined ? {} : { class: first };
}

/** A number, in the range of whoever takes it. */
function requireBoth(
  text: string,
  {
    numClasses,
    guided,
    guide,
    network,
  }: {
    numClasses: number | null;
    guided: number | undefined;
    guide: Pick<OpenGuide, "checkpoint"> | undefined;
    network: string;
  },
): number {
  const refuse = (who: string, classes: number): void => {
    if (Number(text) >= classes)
      throw new InputError(`--class: ${who} knows classes from 0 to ${classes - 1}, got ${quoted(text)}`);
  };
  if (numClasses !== null) refuse(network, numClasses);
  if (guided !== undefined) refuse(`the classifier ${guide!.checkpoint.file.name}`, guided);
  return Number(text);
}
