/**
 * What `reproduce` fills: the unseen portraits as files for an evaluation, and the class that a study asks for of each.
 * Not here: cutting the sheet (src/evaluate/portraits.ts).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { cutSheet, type PortraitSheet } from "../../evaluate/portraits.ts";
import type { StudyRun } from "../../evaluate/studies.ts";
import { asInputError, ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { weightsFolder } from "../../node/packageFiles.ts";
import { encodePng, readPicture } from "../../node/pictures.ts";
import { classNames } from "../../checkpoints/released/classNames.ts";
import type { OpenGuide } from "../given/guide.ts";
import type { OpenModel } from "../given/model.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

const unseenFolder = join(weightsFolder, "unseen");

export async function readUnseen(): Promise<PortraitSheet> {
  const file = join(unseenFolder, "portraits.json");
  try {
    const facts = JSON.parse(await readFile(file, "utf8")) as unknown;
    return cutSheet(await readPicture(join(unseenFolder, "portraits.png")), facts);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new InputError(
        `${file} is not here: \`reproduce\` takes a checkout of the project, packages leave its pictures out`,
      );
    throw error instanceof InputError ? error : asInputError(error, `cannot read ${file}`);
  }
}

/** The file of the mask of an example picture. */
export const exampleMask = (name: string): string => join(weightsFolder, "examples", `${name}.fill.png`);

/** The first `count` as PNG files, in order. */
export async function writePortraits(folder: string, { portraits }: PortraitSheet, count: number): Promise<string[]> {
  await ensureFolder(folder);
  const files: string[] = [];
  for (const [i, { picture }] of portraits.slice(0, count).entries()) {
    const file = join(folder, `portrait${String(i + 1).padStart(3, "0")}.png`);
    await writeFileAtomic(file, encodePng(picture), { force: true });
    files.push(file);
  }
  return files;
}

/**
 * A class for each portrait, as the study has it; or why it cannot be.
 * @throws InputError for a model that always needs one
 */
export async function labelsFor(
  { hasLabel, guidance }: StudyRun,
  { classes, portraits }: PortraitSheet,
  { name, checkpoint: { config, file, unconditionalClass } }: OpenModel,
  guide: OpenGuide | undefined,
): Promise<readonly (number | undefined)[] | string> {
  const { numClasses } = config;
  if (!hasLabel) {
    if (numClasses !== null && unconditionalClass === undefined)
      throw new InputError(`${name} always needs a class, and the studies fill without one: take another model`);
    return portraits.map(() => unconditionalClass);
  }
  if (guidance === undefined) {
    if (numClasses === null) return `${name} knows no classes`;
    const own = await placesOf(classes, file, numClasses);
    return own ? portraits.map((portrait) => own[portrait.class]) : `the classes of ${name} are not the portraits'`;
  }
  if (!guide) return "no classifier was given (--classifier)";
  const { file: guideFile, architecture } = guide.checkpoint;
  const guided = await placesOf(classes, guideFile, architecture.outChannels);
  if (!guided) return `the classes of ${guideFile.name} are not the portraits'`;
  const own = numClasses === null ? guided : await placesOf(classes, file, numClasses);
  if (!own || own.some((place, i) => place !== guided[i]))
    return `${name} and ${guideFile.name} do not number the portraits' classes alike`;
  return portraits.map((portrait) => own[portrait.class]);
}

/** Where a network has the portraits' classes, by name. Undefined where it lacks one. */
async function placesOf(
  wanted: readonly string[],
  file: TensorFile,
  classes: number,
): Promise<readonly number[] | undefined> {
  const names = await classNames(file, classes);
  const places = wanted.map((name) => names?.indexOf(name) ?? -1);
  return places.includes(-1) ? undefined : places;
}
