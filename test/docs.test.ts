/** The snippets of docs/: all compile against the package's own types, and those that say so are run. */
import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guideFiles } from "./support/guide.ts";
import { afterAll, beforeAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
// Inside the project, so that "repaint-webgpu" is the project.
const folder = join(root, ".cache", `docs-${process.pid}`);
// Under scripts/with-lavapipe.mjs process.execPath is the dynamic loader, which starts no Node.
const cannotFork = /ld-linux/.test(process.execPath);

/** Networks and benchmarks take long on a software adapter: `npm run test:full`. */
const isFull = process.env.REPAINT_TEST_FULL !== undefined;

interface Snippet {
  /** File, heading and number, as a file's name. */
  readonly name: string;
  readonly code: string;
  readonly runs: boolean;
}

const snippets: readonly Snippet[] = readdirSync(join(root, "docs"))
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) => {
    const text = readFileSync(join(root, "docs", name), "utf8");
    return [...text.matchAll(/^```ts( run)?( full)?\n([^]*?)^```$/gm)].map(([, run, full, code], index) => ({
      name: `${name.replace(".md", "")}-${index + 1}`,
      code: code!,
      runs: run !== undefined && (isFull || full === undefined),
    }));
  });

/** The files of the guide to a first kernel, as it has its readers write them. */
const guide = guideFiles(readFileSync(join(root, "docs/first-kernel.md"), "utf8"));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of Object.entries(guide.files)) writeFileSync(join(folder, name), code);
  // A snippet is a module even where it imports nothing.
  for (const { name, code } of snippets) writeFileSync(join(folder, `${name}.ts`), `${code}\nexport {};\n`);
  const compilerOptions = { noEmit: false, outDir: join(folder, "out"), rootDir: folder, declaration: false };
  Object.assign(compilerOptions, { allowJs: true, checkJs: true });
  const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: [folder] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(cannotFork)("snippets compile, and those that run do", async () => {
  expect(snippets.length).toBeGreaterThanOrEqual(10);
  expect(await node(join(root, "node_modules/typescript/bin/tsc"), "-p", folder)).toBe("");
  const modules = snippets.filter(({ runs }) => runs).map(({ name }) => `./${name}.js`);
  expect(modules.length).toBeGreaterThanOrEqual(isFull ? 4 : 2);
  const all = `${modules.map((path) => `await import("${path}");`).join("\n")}\nconsole.log("all ran");\nprocess.exit();\n`;
  writeFileSync(join(folder, "out", "all.js"), all);
  expect(await node(join(folder, "out", "all.js"))).toMatch(/all ran\n$/);
});

test.skipIf(cannotFork)("the guide to a first kernel prints what it says", async () => {
  expect(guide.commands).toEqual(["npm init -y", expect.any(String), expect.any(String), "node run.js", "node measure.js"]); // prettier-ignore
  expect(await node(join(folder, "run.js"))).toBe(guide.printed);
});

function node(...options: string[]): Promise<string> {
  return new Promise((resolve) =>
    execFile(process.execPath, options, { cwd: root }, (_, out, err) => resolve(out + err)),
  );
}
