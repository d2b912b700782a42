/** Runs our sources as a program of another JavaScript runtime, as a page's entries are run. For test/full only. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { bundleEntry } from "./chromium.ts";
import { decode, encode } from "./wire.ts";

/**
 * Bundles `entryFile` into `folder`, calls its export `run(argument)` in the runtime and returns what it resolves to.
 * @param program of the runtime, with the options that stand before a file's name
 */
export async function runInRuntime<Result>(
  program: readonly string[],
  entryFile: string,
  argument: unknown,
  { folder, env }: { folder: string; env: NodeJS.ProcessEnv },
): Promise<Result> {
  mkdirSync(folder, { recursive: true });
  for (const [path, content] of await bundleEntry(entryFile)) {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  writeFileSync(join(folder, "argument.txt"), encode(argument));
  writeFileSync(
    join(folder, "main.js"),
    `import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import "./page.js";
const result = await globalThis.runEntry("./entry.js", readFileSync("argument.txt", "utf8"));
writeFileSync("result.txt", result);
process.exit(0);
`,
  );
  const [file, ...options] = program;
  await promisify(execFile)(file!, [...options, "main.js"], { cwd: folder, env });
  return decode(readFileSync(join(folder, "result.txt"), "utf8")) as Result;
}
