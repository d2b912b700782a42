/**
 * The snippets of README.md and docs/: all TypeScript compiles against the package's own types, and what says so is
 * run. test/full/docs.test.ts does it with the packed package, and with what is for other hosts than Node.
 */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { guideFiles } from "./support/guide.ts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { moduleText, snippets } from "./support/snippets.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
// Inside the project, so that "repaint-webgpu" is the project.
const folder = join(root, ".cache", `docs-${process.pid}`);
// Under scripts/with-lavapipe.mjs process.execPath is the dynamic loader, which starts no Node.
const cannotFork = /ld-linux/.test(process.execPath);

/** Networks and benchmarks take long on a software adapter: `npm run test:full`. */
const isFull = process.env.REPAINT_TEST_FULL !== undefined;

const modules = snippets().filter(({ language }) => language === "ts");
const running = modules.filter(({ runs, full }) => runs && (isFull || !full));

/** The files of the guide to a first kernel, as it has its readers write them. */
const guide = guideFiles(readFileSync(join(root, "docs/first-kernel.md"), "utf8"));

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
  for (const [name, code] of Object.entries(guide.files)) writeFileSync(join(folder, name), code);
  for (const snippet of modules) writeFileSync(join(folder, `${snippet.name}.ts`), moduleText(snippet));
  const compilerOptions = { noEmit: false, outDir: join(folder, "out"), rootDir: folder, declaration: false };
  Object.assign(compilerOptions, { allowJs: true, checkJs: true });
  const config = { extends: join(root, "tsconfig.json"), compilerOptions, include: [folder] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.skipIf(cannotFork)("snippets compile, and those that run do", async () => {
  expect(modules.length).toBeGreaterThanOrEqual(16);
  expect(await node(join(root, "node_modules/typescript/bin/tsc"), "-p", folder)).toBe("");
  expect(running.length).toBeGreaterThanOrEqual(isFull ? 4 : 2);
  const all = `${running.map(({ name }) => `await import("./${name}.js");`).join("\n")}\nconsole.log("all ran");\nprocess.exit();\n`;
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
