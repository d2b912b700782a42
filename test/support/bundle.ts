/** What a page downloads of one of our entry points, as Vite builds it: minified and gzipped. */
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface BundleSize {
  /** Gzipped bytes of all that importing the entry loads, as one script. */
  readonly bytes: number;
  /** The same of each part that is loaded when it is needed, without what it shares, and of workers, by name. */
  readonly apart: Readonly<Record<string, number>>;
  /** Names of the modules in `bytes`, from the project's root. */
  readonly modules: readonly string[];
}

/** @param code of a module that imports what is measured by paths from the project's root, such as "/src/index.ts" */
export async function bundleSize(code: string): Promise<BundleSize> {
  const [alone, split] = [await bundle(code, { later: "left out" }), await bundle(code, { later: "split off" })];
  const [chunk] = alone.filter((file) => file.type === "chunk");
  const parts = split.filter((file) => (file.type === "chunk" ? file.isDynamicEntry : file.fileName.endsWith(".js")));
  return {
    bytes: size(chunk!.code),
    apart: Object.fromEntries(
      parts.map((file) => [file.name ?? file.fileName, size(file.type === "chunk" ? file.code : file.source)]),
    ),
    modules: Object.entries(chunk!.modules).flatMap(([path, { renderedLength }]) =>
      renderedLength > 0 ? path.replace(root, "") : [],
    ),
  };
}

const size = (text: string | Uint8Array) => gzipSync(text, { level: 9 }).length;

async function bundle(code: string, { later }: { later: "left out" | "split off" }) {
  const entry = "virtual:entry";
  const plugin = {
    name: "entry",
    enforce: "pre" as const,
    resolveId: (id: string, _importer: string | undefined, { kind }: { kind?: string }) =>
      kind === "dynamic-import" && later === "left out" ? { id, external: true } : id === entry ? id : null,
    load: (id: string) => (id === entry ? code : null),
  };
  const { output } = (await build({
    configFile: false,
    root,
    logLevel: "error",
    publicDir: false,
    base: "./",
    plugins: [plugin],
    build: {
      write: false,
      minify: true,
      target: "es2022",
      modulePreload: false,
      rolldownOptions: { input: entry, preserveEntrySignatures: "strict" },
    },
  })) as Rolldown.RolldownOutput;
  return output;
}

/** What a build that writes nothing has made, by path: "/page.js". */
export function builtFiles(outputs: Awaited<ReturnType<typeof build>>): ReadonlyMap<string, string | Uint8Array> {
  const all = (Array.isArray(outputs) ? outputs : [outputs]).flatMap((one) => ("output" in one ? one.output : []));
  return new Map(all.map((file) => [`/${file.fileName}`, file.type === "chunk" ? file.code : file.source]));
}
