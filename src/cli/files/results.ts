/**
 * Where the results and previews of `inpaint` go, and that nothing there is overwritten: checked before a run, so that
 * no hour is lost. Not here: writing.
 */
import { readdir, stat } from "node:fs/promises";
import { dirname, extname, join, resolve } from "node:path";
import { InputError } from "../../errors.ts";
import { asInputError, refuseOutput } from "../../node/files.ts";
import type { Pair, Pairs } from "./pictureFiles.ts";
import { previewName, type Previews } from "../tasks/fill.ts";

export interface Result {
  readonly pair: Pair;
  readonly seed: bigint;
  readonly output: string;
}

/**
 * One result for each picture and seed. A single one goes to the file `out`; several, and a single one whose `out` is a
 * folder, are named after picture and seed.
 * @throws InputError for names that are no PNG, names that come twice, and files that exist without --force
 */
export async function planResults(
  { pairs, many }: Pairs,
  seeds: readonly bigint[],
  { out, force }: { out: string; force: boolean },
): Promise<Result[]> {
  const several = many || seeds.length > 1;
  const existing = await kindOf(out);
  const isFolder = existing === "folder" || /[/\\]$/.test(out);
  if (several && existing === "file") throw new InputError(`--out ${out} is a file: several results need a folder`);
  if (several && /\.(png|jpe?g)$/i.test(out) && !isFolder)
    throw new InputError(`--out ${out}: several results need a folder, not the name of a picture`);
  const asFolder = several || isFolder;
  if (!asFolder) checkPngName(out);
  const results = pairs.flatMap((pair) =>
    seeds.map((seed) => ({ pair, seed, output: asFolder ? join(out, `${pair.stem}-${seed}.png`) : out })),
  );
  const owners = new Map<string, string>();
  for (const { pair, output } of results) {
    const other = owners.get(output);
    if (other) throw new InputError(`${other} and ${pair.image} would both be written to ${output}: rename one`);
    owners.set(output, pair.image);
    await refuseResult(output, force);
  }
  return results;
}

function checkPngName(out: string): void {
  const extension = extname(out);
  if (extension.toLowerCase() === ".png") return;
  const reason = "results are PNG, which keeps the known pixels exactly and carries the settings";
  const name = `${extension ? out.slice(0, -extension.length) : out}.png`;
  throw new InputError(`--out ${out}: ${reason}; name it ${name}${extension ? "" : `, or ${out}/ for a folder`}`);
}

/** As refuseOutput, but a folder that is not there yet will be made. */
async function refuseResult(path: string, force: boolean): Promise<void> {
  const folder = dirname(path);
  if ((await kindOf(folder)) !== "nothing") return refuseOutput(path, { force });
  let parent = folder;
  while ((await kindOf(parent)) === "nothing" && dirname(resolve(parent)) !== resolve(parent))
    parent = dirname(resolve(parent));
  if ((await kindOf(parent)) === "file")
    throw new InputError(`cannot make the folder ${folder}: ${parent} is a file; choose another`);
}

/**
 * @throws InputError if previews cannot be written there, or some of these results exist and are not to be overwritten
 */
export async function refusePreviews({ folder }: Previews, results: readonly Result[], force: boolean): Promise<void> {
  await refuseResult(join(folder, previewName({ name: "any", seed: 0n }, 0)), true);
  if (force || (await kindOf(folder)) !== "folder") return;
  const begins = results.map(({ pair, seed }) =>
    previewName({ name: pair.stem, seed }, "").slice(0, -"0000.png".length),
  );
  const taken = (await readdir(folder)).find((name) => begins.some((begin) => name.startsWith(begin)));
  if (taken !== undefined)
    throw new InputError(`${join(folder, taken)} exists; use --force to overwrite previews, or choose another folder`);
}

async function kindOf(path: string): Promise<"nothing" | "folder" | "file"> {
  try {
    return (await stat(path)).isDirectory() ? "folder" : "file";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT") return "nothing";
    throw asInputError(error, `cannot look at ${path}`);
  }
}
