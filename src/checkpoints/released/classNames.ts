/**
 * The classes of a network by name: what its file says (metadata `class_names`, a JSON list in the order of the
 * classes, or an object from class to name), else ImageNet's where there are 1000. Loaded only where somebody asks. Not
 * here: the class that a name means (findClass.ts).
 */
import { CheckpointError } from "../../errors.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

/** Undefined: no names are known. @throws CheckpointError for metadata that are no names of these classes */
export async function classNames(
  file: Pick<TensorFile, "name" | "metadata">,
  classes: number,
): Promise<readonly string[] | undefined> {
  const own = namesInFile(file, classes);
  return own ?? (classes === 1000 ? (await import("./imagenetClasses.ts")).imagenetClasses : undefined);
}

/** Undefined: the file says none. @throws CheckpointError for metadata that are no names of these classes */
export function namesInFile(
  { name: file, metadata }: Pick<TensorFile, "name" | "metadata">,
  classes: number,
): readonly string[] | undefined {
  const text = metadata.get("class_names");
  if (text === undefined) return undefined;
  const fail = (problem: string): never => {
    throw new CheckpointError(`${file}: metadata "class_names": ${problem}`);
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return fail("expected JSON");
  }
  if (typeof json !== "object" || json === null) return fail("expected a list of names");
  const names: unknown[] = Array.isArray(json)
    ? json
    : Array.from({ length: Object.keys(json).length }, (_, i) => (json as Record<string, unknown>)[i]);
  if (names.length !== classes) fail(`expected a name for each of ${classes} classes, got ${names.length}`);
  const wrong = names.findIndex((one) => typeof one !== "string" || one.trim() === "" || one.length > 200);
  if (wrong !== -1) fail(`expected a name for class ${wrong}`);
  return names as string[];
}
