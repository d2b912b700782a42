/** The class that somebody means by a name. Not here: where names come from (classNames.ts). */
import { InputError } from "../../errors.ts";
import { nearNames } from "../../text/near.ts";
import { quoted } from "../../text/quoted.ts";

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
