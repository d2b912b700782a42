/** The snippets of README.md and docs/, as their readers see them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Snippet {
  /** File and number there, as a file's name without ending: "api-3". */
  readonly name: string;
  readonly language: string;
  readonly code: string;
  /** Marked "run". */
  readonly runs: boolean;
  /** Marked "full": networks and benchmarks take long on a software adapter. */
  readonly full: boolean;
}

export function snippets(): readonly Snippet[] {
  const docs = readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name));
  return ["README.md", ...docs].flatMap((path) => {
    const text = readFileSync(join(root, path), "utf8");
    const stem = path.replace(/^.*[\\/]|\.md$/g, "");
    return [...text.matchAll(/^```(\w+)( run)?( full)?\n([^]*?)^```$/gm)].map(
      ([, language, run, full, code], index) => ({
        name: `${stem}-${index + 1}`,
        language: language!,
        code: code!,
        runs: run !== undefined,
        full: full !== undefined,
      }),
    );
  });
}

/** A snippet is a module even where it imports nothing. What README's leave to the reader is declared. */
export function moduleText({ name, code }: Snippet): string {
  return `${name.startsWith("README") ? readersOwn(code) : ""}${code}\nexport {};\n`;
}

/** Declarations of the names that a snippet takes for given. */
function readersOwn(code: string): string {
  const types: Readonly<Record<string, string>> = {
    context: "CanvasRenderingContext2D",
    width: "number",
    height: "number",
    known: "Float32Array",
    picture: "ImageData",
    keep: "{ width: number; height: number; data: Float32Array }",
    show: "(...facts: unknown[]) => void",
    url: "string",
    signal: "AbortSignal",
    sha256: "string",
    size: "number",
    authorization: "string",
  };
  const imported = /import \{/.test(code) ? "" : `import { RePaint, pageCache } from "repaint-webgpu";\n`;
  const declared = Object.entries(types).filter(
    ([name]) =>
      new RegExp(`\\b${name}\\b`).test(code) &&
      !new RegExp(`\\bconst (?:${name}|\\{[^}]*\\b${name}\\b[^}]*\\}) =`).test(code),
  );
  return imported + declared.map(([name, type]) => `declare const ${name}: ${type};\n`).join("");
}
