/**
 * Who may import whom, of imports of every kind: types alone and dynamic ones count. ARCHITECTURE.md draws the same
 * arrows.
 */
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { circles, importGraph, importsOf } from "./support/importGraph.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * A folder of src, or a file at its top, and all that it imports: rules without exceptions. Two wings know nothing of
 * each other until `unet` brings them together: files and checkpoints, which need no GPU; engine, shaders and
 * operators, which know no file and no network.
 */
const arrows: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  text: [],
  numbers: [],
  files: ["errors", "text", "numbers"],
  checkpoints: ["errors", "numbers", "text", "files"],
  engine: ["errors", "numbers"],
  shaders: ["engine"],
  operators: ["engine", "shaders"],
  unet: ["errors", "numbers", "engine", "shaders", "operators", "files", "checkpoints"],
  pictures: ["errors", "text"],
  sources: ["errors", "text", "files"],
  repaint: ["errors", "text", "engine", "shaders", "operators", "files", "checkpoints", "unet", "pictures", "sources"],
  evaluate: ["errors", "numbers", "text", "engine", "shaders", "files", "unet", "pictures", "repaint"],
  element: ["errors", "numbers", "text", "engine", "checkpoints", "unet", "pictures", "sources", "repaint"],
  node: ["errors", "text", "engine", "files", "pictures", "sources"],
  indexNode: ["engine", "index", "node", "repaint"],
  index: ["errors", "engine", "files", "unet", "pictures", "sources", "repaint"],
  bench: [
    "errors",
    "text",
    "numbers",
    "engine",
    "shaders",
    "operators",
    "files",
    "checkpoints",
    "unet",
    "repaint",
    "evaluate",
    "element",
    "node",
  ],
  cli: [
    "errors",
    "text",
    "numbers",
    "engine",
    "shaders",
    "operators",
    "files",
    "checkpoints",
    "unet",
    "pictures",
    "sources",
    "repaint",
    "evaluate",
    "node",
    "bench",
  ],
};

const sourcesUnder = (folder: string) =>
  readdirSync(`${root}${folder}`, { recursive: true, encoding: "utf8" })
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .filter((path) => /(?<!\.d)\.ts$/.test(path) && !path.includes("/node_modules/"));

/** "src/engine/plan.ts" → "engine", "src/index.ts" → "index", "bench/step.ts" → "bench". */
const roomOf = (path: string) => (path.split("/")[path.startsWith("src/") ? 1 : 0] ?? "").replace(/\.ts$/, "");

const graph = importGraph(root, [...sourcesUnder("src"), ...sourcesUnder("bench")]);

describe("imports", () => {
  it("of every kind are found", () => {
    const text = `import a from "./a.ts";
      import type { B } from "../b.ts"; /* import x from "./x.ts" */
      export * from "./c.ts";
      type D = typeof import("./d.ts");
      const e = await import("./e/e.ts");
      // import y from "./y.ts";
      new Worker(new URL("./f.ts", import.meta.url));
      import g from "package";\nimport "./h.ts";`;
    const expected = ["src/x/a.ts", "src/b.ts", "src/x/c.ts", "src/x/h.ts", "src/x/d.ts", "src/x/e/e.ts", "src/x/f.ts"];
    expect(importsOf("src/x/file.ts", text)).toEqual(expected);
  });

  it("make no circle", () => {
    expect(circles(graph)).toEqual([]);
    expect(circles(new Map(Object.entries({ a: ["b"], b: ["c"], c: ["b"] })))).toEqual([["b", "c", "b"]]);
    expect(circles(new Map(Object.entries(arrows)))).toEqual([]);
  });

  it("between folders are arrows of the table, and no arrow stands there unused", () => {
    const used = new Map(Object.keys(arrows).map((room) => [room, new Set<string>()]));
    const wrong: string[] = [];
    for (const [file, imported] of graph)
      for (const path of imported) {
        const [from, to] = [roomOf(file), roomOf(path)];
        if (from === to || (from === "bench" && to === "test")) continue;
        if (arrows[from]?.includes(to)) used.get(from)!.add(to);
        else wrong.push(`${file} → ${path}`);
      }
    expect(wrong).toEqual([]);
    const unused = Object.entries(arrows).flatMap(([from, all]) =>
      all.filter((to) => !used.get(from)!.has(to)).map((to) => `${from} → ${to}`),
    );
    expect(unused).toEqual([]);
  });
});
