/**
 * The classes of a network by name: what its file says (metadata `class_names`, a JSON list in the order of the
 * classes, or an object from class to name), else ImageNet's where there are 1000. Loaded only where somebody asks. Not
 * here: numbers.
 */
import { CheckpointError, InputError } from "../../errors.ts";
import { nearNames } from "../../text/near.ts";
import { quoted } from "../../text/quoted.ts";
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

/**
 * The class that a word means: its number, its name, or the beginning of one name only; case, hyphens and underscores
 * do not count.
 * @throws InputError that names the near ones, and calls what was asked for `what`
 */
export function findClass(text: string, classes: number, names: readonly string[] | undefined, what = "class"): number {
  const range = `a number from 0 to ${classes - 1}`;
  const shown = quoted(text);
  if (/^\d+$/.test(text)) {
    if (Number(text) < classes) return Number(text);
    throw new InputError(`${what}: expected ${range}, got ${shown}`);
  }
  if (!names) throw new InputError(`${what}: expected ${range}, since the file names no classes, got ${shown}`);
  const [wanted, all] = [plain(text), names.map(plain)];
  const having = (test: (name: string) => boolean) => all.flatMap((name, index) => (test(name) ? [index] : []));
  const exact = having((name) => name === wanted);
  const found = exact.length > 0 || wanted === "" ? exact : having((name) => name.startsWith(wanted));
  if (found.length === 1) return found[0]!;
  const list = (of: readonly number[]) =>
    of
      .slice(0, 5)
      .map((index) => `${names[index]} (${index})`)
      .join(", ") + (of.length > 5 ? ", …" : "");
  if (found.length > 1)
    throw new InputError(
      `${what}: ${shown} may mean ${list(found)}: give ${exact.length > 1 ? "the number" : "more of the name, or the number"}`,
    );
  const near = nearNames(wanted, all).map((name) => all.indexOf(name));
  throw new InputError(
    `${what}: expected ${range} or a class's name, got ${shown}${near.length > 0 ? ` (did you mean ${list(near)}?)` : ""}`,
  );
}

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/[\s_-]+/g, " ")
    .trim();
}
