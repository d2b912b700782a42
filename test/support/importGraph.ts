/**
 * Who imports whom in a set of files, of imports of every kind: of values, of types alone, dynamic, `typeof import(…)`,
 * workers.
 */
import { readFileSync } from "node:fs";
import { posix } from "node:path";

export type ImportGraph = ReadonlyMap<string, readonly string[]>;

const specifiers = [
  /\bfrom\s+"(\.[^"]+)"/g,
  /^import\s+"(\.[^"]+)"/gm,
  /\bimport\(\s*"(\.[^"]+)"/g,
  /new URL\("(\.[^"]+\.[jt]s)", import\.meta\.url\)/g,
];

/** @param files paths from `root`, with slashes */
export function importGraph(root: string, files: readonly string[]): ImportGraph {
  return new Map(files.map((file) => [file, importsOf(file, readFileSync(posix.join(root, file), "utf8"))]));
}

/** Paths that a text's relative imports name, each once. */
export function importsOf(file: string, text: string): string[] {
  const code = text.replace(/\/\*[^]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  const named = specifiers.flatMap((pattern) => [...code.matchAll(pattern)].map(([, specifier]) => specifier!));
  return [...new Set(named.map((specifier) => posix.join(posix.dirname(file), specifier)))];
}

/** Files that reach themselves, as the shortest circle through each set of them: ["a", "b", "a"]. */
export function circles(graph: ImportGraph): string[][] {
  const found: string[][] = [];
  const inCircle = new Set<string>();
  for (const start of graph.keys()) {
    if (inCircle.has(start)) continue;
    const circle = shortestCircle(graph, start);
    if (!circle) continue;
    found.push(circle);
    for (const file of circle) inCircle.add(file);
  }
  return found;
}

function shortestCircle(graph: ImportGraph, start: string): string[] | undefined {
  const paths: string[][] = [[start]];
  const seen = new Set<string>();
  for (let path = paths.shift(); path; path = paths.shift())
    for (const next of graph.get(path.at(-1)!) ?? []) {
      if (next === start) return [...path, start];
      if (seen.has(next)) continue;
      seen.add(next);
      paths.push([...path, next]);
    }
  return undefined;
}
