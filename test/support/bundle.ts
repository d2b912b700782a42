/** What a page downloads of one of our entry points, as Vite builds it: minified and gzipped. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface BundleSize {
  /** Gzipped bytes of the scripts that importing the entry loads. */
  readonly bytes: number;
  /** The same of parts that are loaded when they are needed, and of workers, by name. */
  readonly apart: Readonly<Record<string, number>>;
  /** Names of the modules in `bytes`, from the project's root. */
  readonly modules: readonly string[];
}

/** @param code of a module that imports what is measured by paths from the project's root, such as "/src/index.ts" */
export async function bundleSize(code: string): Promise<BundleSize> {
  const entry = "virtual:entry";
  const output = (await build({
    ...{ configFile: false, root, logLevel: "error", publicDir: false, base: "./" },
    plugins: [
      { name: "entry", resolveId: (id) => (id === entry ? id : null), load: (id) => (id === entry ? code : null) },
    ],
    build: {
      ...{ write: false, minify: true, target: "es2022", modulePreload: false },
      rolldownOptions: { input: entry, preserveEntrySignatures: "strict" },
    },
  })) as Rolldown.RolldownOutput;
  const files = new Map(output.output.map((file) => [file.fileName, file]));
  const loaded = new Set<string>();
  const load = (name: string): void => {
    const file = files.get(name);
    if (loaded.has(name) || file?.type !== "chunk") return;
    loaded.add(name);
    file.imports.forEach(load);
  };
  for (const file of output.output) if (file.type === "chunk" && file.isEntry) load(file.fileName);
  const size = (text: string | Uint8Array) => gzipSync(text, { level: 9 }).length;
  const code_ = (file: Rolldown.OutputAsset | Rolldown.OutputChunk) =>
    file.type === "chunk" ? file.code : file.source;
  const chunks = [...loaded].map((name) => files.get(name) as Rolldown.OutputChunk);
  const rest = output.output.filter(({ fileName }) => !loaded.has(fileName) && fileName.endsWith(".js"));
  return {
    bytes: chunks.reduce((sum, chunk) => sum + size(chunk.code), 0),
    apart: Object.fromEntries(rest.map((file) => [file.name ?? file.fileName, size(code_(file))])),
    modules: chunks.flatMap(({ modules }) =>
      Object.entries(modules).flatMap(([path, { renderedLength }]) =>
        renderedLength > 0 ? path.replace(root, "") : [],
      ),
    ),
  };
}
