/** What ARCHITECTURE.md promises about the sources and no lint rule can say. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { version } from "../src/engine/version.ts";
import { kernels } from "../src/shaders/index.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const under = (folder: string) =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(ts|mjs|js)$/.test(path))
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`);
const bench = under("bench").filter((path) => !path.includes("/node_modules/"));
const sources = [...under("src"), ...under("test"), ...under("scripts"), ...under("bin"), ...bench];

/** Files of src that contain a text. */
const holding = (text: string | RegExp) =>
  under("src").filter((path) => (typeof text === "string" ? read(path).includes(text) : text.test(read(path))));

describe("the sources", () => {
  it("have one place for each hard thing", () => {
    expect(holding("dispatchWorkgroups(")).toEqual(["src/engine/executor.ts"]);
    expect(holding(/createComputePipeline(Async)?\(/)).toEqual(["src/engine/pipelines.ts"]);
    expect(holding(/from "wgsl-preprocessor/)).toEqual(["src/engine/wgsl.ts"]);
    const wgsl = holding("wgsl`").filter((path) => !path.startsWith("src/shaders/"));
    expect(wgsl).toEqual(["src/engine/kernel.ts"]);
    expect(bench.filter((path) => read(path).includes("wgsl`"))).toEqual(["bench/peak.ts"]);
  });

  it("say in the header of each kernel where its twin and its cases are, and who plans it", () => {
    for (const name of Object.keys(kernels)) {
      const [header] = read(`src/shaders/${name}.ts`).split(" */");
      const [, twin, cases, planners] =
        /Twin: (\S+\.ts)\. Cases: (.+\.ts)\.\s+(?:\* )?Planned by (.+\.ts)\.\n$/.exec(header!) ?? [];
      expect(twin, `${name}: Twin: FILE. Cases: FILES. Planned by FILES.`).toBeDefined();
      expect(read(twin!)).toMatch(new RegExp(`export .*\\b${name}Twin\\b`));
      for (const path of cases!.split(", ")) expect(read(path), path).toContain(`"${name}"`);
      for (const path of planners!.split(", ")) expect(read(path), path).toMatch(new RegExp(`\\b${name}\\b`));
    }
  });

  it("name a kernel once: file, export and label", () => {
    for (const [name, kernel] of Object.entries(kernels)) {
      expect(kernel.name).toBe(name);
      expect(read(`src/shaders/${name}.ts`)).toContain(`export const ${name} = defineKernel`);
    }
  });

  it("stay readable: no file over 400 lines", () => {
    const long = sources
      .map((path) => [path, read(path).split("\n").length] as const)
      .filter(([, lines]) => lines > 400);
    expect(long).toEqual([]);
  });

  it("have comments within 120 columns", () => {
    const wide = sources.flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, i) => (line.length > 120 && /^\s*(\/?\*|\/\/)/.test(line) ? [`${path}:${i + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  it("name files in comments that are there", () => {
    const files = [...sources, ...under("site"), ...under("weights")];
    const isThere = (name: string) => files.some((path) => path === name || path.endsWith(`/${name}`));
    const comments = (path: string) => read(path).match(/\/\*[^]*?\*\/|(?<!:)\/\/.*/g) ?? [];
    const named = (path: string) =>
      comments(path).flatMap((text) => text.match(/(?<![\w/.$}-])(?:[\w-]+\/)*[\w-]+(?:\.\w+)*\.(?:ts|mjs)\b/g) ?? []);
    const missing = [...under("src"), ...bench].flatMap((path) =>
      named(path).flatMap((name) => (isThere(name) ? [] : [`${path}: ${name}`])),
    );
    expect(missing).toEqual([]);
  });

  it("begin by saying what they are", () => {
    const silent = under("src").filter((path) => !/^(#!.*\n)?\/\*\*/.test(read(path)));
    expect(silent).toEqual([]);
  });
});

describe("the repository", () => {
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" }).split("\0").filter(Boolean);

  it("names no host to download from and no path of a machine", () => {
    expect(read("package-lock.json")).not.toMatch(/"resolved": *"https?:/);
    // Spelled so that this file does not find itself.
    const machine = new RegExp(["(^|[\\s\"'`(=:])/(work|farm|root|ho", "me)/[a-z]"].join(""));
    const found = tracked.filter(
      (path) =>
        /\.(ts|mjs|js|json|md|yml|html|sh)$/.test(path) && path !== "package-lock.json" && machine.test(read(path)),
    );
    expect(found).toEqual([]);
  });

  it("says its version the same everywhere", () => {
    expect(version).toBe((JSON.parse(read("package.json")) as { version: string }).version);
  });

  it("keeps the golden files within 25 MiB", () => {
    const sizes = tracked
      .filter((path) => path.startsWith("test/goldens/"))
      .map((path) => readFileSync(join(root, path)).length);
    expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(25 * 2 ** 20);
  });
});
