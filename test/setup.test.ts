/** The set-up of a checkout, on a small copy of one whose npm and bundler are stand-ins that count their calls. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { isBuilt, isInstalled } from "../scripts/setup.mjs";

const project = fileURLToPath(new URL("..", import.meta.url));
// Under scripts/with-lavapipe.mjs process.execPath is the dynamic loader, which starts no Node.
const cannotFork = /ld-linux/.test(process.execPath);

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "repaint-setup-"));
  for (const path of ["bin", "scripts"]) await cp(join(project, path), join(root, path), { recursive: true });
  await write("package.json", JSON.stringify({ type: "module" }));
  await write("package-lock.json", lock("1.0.0"));
  await write("tsconfig.json", "{}");
  await write("tsconfig.build.json", "{}");
  await write("src/cli/main.ts", `hello`);
  await write("bench/report.css", "");
  await write("custom-elements.json", "{}");
  // npm ci: empties node_modules and writes its record last.
  await write(
    "npm/npm-cli.js",
    `const fs = require("fs");
     fs.appendFileSync("calls", "npm " + process.argv[2] + "\\n");
     if (fs.existsSync("broken-registry")) { console.error("registry says no"); process.exit(7); }
     fs.rmSync("node_modules", { recursive: true, force: true });
     fs.mkdirSync("node_modules");
     setTimeout(() => fs.copyFileSync("package-lock.json", "node_modules/.package-lock.json"), 300);`,
  );
  await write("npm/package.json", `{ "type": "commonjs" }`);
  await write(
    "scripts/bundle.mjs",
    `import fs from "node:fs";
     fs.appendFileSync("calls", "bundle\\n");
     const [, , out] = process.argv;
     fs.mkdirSync(out, { recursive: true });
     const text = fs.readFileSync("src/cli/main.ts", "utf8");
     const code = "export const main = async (a) => { console.log(" + JSON.stringify(text) + ", ...a); return 4; };";
     setTimeout(() => fs.writeFileSync(out + "/cli.js", code), 300);`,
  );
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function write(path: string, text: string): Promise<void> {
  await mkdir(join(root, path, ".."), { recursive: true });
  await writeFile(join(root, path), text);
}

const lock = (version: string): string =>
  JSON.stringify({
    packages: { "": {}, "node_modules/typescript": { version }, "node_modules/mac": { version, optional: true } },
  });

function repaint(...options: string[]): Promise<{ code: number; out: string; err: string }> {
  const env = { ...process.env, npm_execpath: join(root, "npm", "npm-cli.js"), NODE_ENV: "production" };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ["bin/repaint.js", ...options], { cwd: root, env }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

const calls = (): Promise<string> => readFile(join(root, "calls"), "utf8");

describe.skipIf(cannotFork)("a fresh clone", () => {
  test("is installed, built and run by one command, with the command's own words alone on stdout", async () => {
    expect(await repaint("inspect", "x")).toMatchObject({ code: 4, out: "hello inspect x\n" });
    expect(await calls()).toBe("npm ci\nbundle\n");
    expect(await repaint()).toEqual({ code: 4, out: "hello\n", err: "" });
    expect(await calls()).toBe("npm ci\nbundle\n");
  });

  test("survives several commands at once, and each part is done once", async () => {
    const all = await Promise.all([repaint("a"), repaint("b"), repaint("c")]);
    expect(all.map(({ code, out }) => [code, out])).toEqual(["a", "b", "c"].map((name) => [4, `hello ${name}\n`]));
    expect(await calls()).toBe("npm ci\nbundle\n");
    expect((await readdir(root)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("says why when the packages cannot be installed, and recovers", async () => {
    await write("broken-registry", "");
    const { code, out, err } = await repaint();
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(/registry says no\n(.*\n)?the packages could not be installed \(npm ci\): exit status 7/);
    await rm(join(root, "broken-registry"));
    expect((await repaint()).code).toBe(4);
  });

  test("takes over the lock of a process that died", async () => {
    const child = execFile(process.execPath, ["-e", ""]);
    await new Promise((ended) => child.on("close", ended));
    await write(".cache/setup.lock", String(child.pid));
    expect((await repaint()).code).toBe(4);
  });
});

describe.skipIf(cannotFork)("a checkout that was set up", () => {
  beforeEach(() => repaint());

  test("is built again when a source changes, is added or goes, not when only its time changes", async () => {
    await write("src/cli/main.ts", "hello");
    expect(await isBuilt(root)).toBe(true);
    await write("src/cli/main.ts", "good day");
    expect((await repaint()).out).toBe("good day\n");
    await write("src/other.ts", "");
    expect(await isBuilt(root)).toBe(false);
    await repaint();
    await rm(join(root, "src/other.ts"));
    expect(await isBuilt(root)).toBe(false);
    expect(await calls()).toBe("npm ci\nbundle\nbundle\nbundle\n");
  });

  test("is installed again when the lock file asks for another version, not for another system's package", async () => {
    expect(await isInstalled(root)).toBe(true);
    await write("package-lock.json", lock("1.0.1"));
    expect(await isInstalled(root)).toBe(false);
    await repaint();
    expect(await isInstalled(root)).toBe(true);
    await write(
      "node_modules/.package-lock.json",
      JSON.stringify({ packages: { "node_modules/typescript": { version: "1.0.1" } } }),
    );
    expect(await isInstalled(root)).toBe(true);
  });

  test("runs as an installed package without sources", async () => {
    await rm(join(root, "src"), { recursive: true });
    await rm(join(root, "node_modules"), { recursive: true });
    expect(await repaint("b")).toEqual({ code: 4, out: "hello b\n", err: "" });
  });
});

test.skipIf(cannotFork)(
  "the lock file names the native packages of every system, which `npm ci` insists on",
  async () => {
    const output = await new Promise((resolve) => {
      execFile(process.execPath, [join(project, "scripts/complete-lock.mjs"), "--check"], (_, __, err) => resolve(err));
    });
    expect(output).toBe("0 packages missing\n"); // npm run complete-lock
  },
);

test("an old Node is told apart", async () => {
  const { isNewEnough } = await import("../bin/nodeVersion.js");
  expect(["20.19.0", "20.20.2", "22.0.0", "100.1.1"].map((version) => isNewEnough(version))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(["20.18.9", "18.20.0", "4.0.0"].map((version) => isNewEnough(version))).toEqual([false, false, false]);
  const { engines } = JSON.parse(await readFile(join(project, "package.json"), "utf8")) as {
    engines: { node: string };
  };
  expect(isNewEnough(engines.node.slice(2))).toBe(true);
});
