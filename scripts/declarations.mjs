/**
 * Makes the declarations that tsc has written the package's: those that an entry point reaches, with imports that older
 * compilers follow, too. They stay a file a module.
 *
 * Of WebGPU's own types only the names are declared, once more: what knows them (TypeScript 6's lib.dom, @webgpu/types)
 * adds their members, and without it (TypeScript 5, Node without lib.dom) they are still types.
 */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, posix } from "node:path";

/** @param folder where tsc has written, arranged in place @param entries sources of the entry points, from the root */
export async function arrangeDeclarations(folder, entries) {
  const reached = new Set();
  const gpuTypes = new Set();
  const visit = async (path) => {
    if (reached.has(path)) return;
    reached.add(path);
    const text = await readFile(join(folder, path), "utf8");
    const found = [];
    const arranged = text.replace(/((?:from|import) "|import\(")(\.[^"]+)(?=")/g, (_, before, specifier) => {
      found.push(posix.join(posix.dirname(path), specifier.replace(/(?<!\.d)\.ts$/, ".d.ts")));
      return before + specifier.replace(/(?<!\.d)\.ts$/, ".js");
    });
    const named = text.replace(/\/\*[^]*?\*\//g, "").match(/\bGPU\w*/g) ?? [];
    named.forEach((name) => gpuTypes.add(name));
    const up = posix.relative(posix.dirname(path), gpuFile);
    const reference = named.length > 0 ? `/// <reference path="${up}" />\n` : "";
    if (reference + arranged !== text) await writeFile(join(folder, path), reference + arranged);
    for (const next of found) await visit(next);
  };
  for (const entry of entries) await visit(entry.replace(/\.ts$/, ".d.ts"));
  for (const file of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name);
    const name = path.slice(folder.length + 1).replaceAll("\\", "/");
    if (file.isFile() && !reached.has(name)) await rm(path);
  }
  const lines = [...gpuTypes].sort().map((name) => `interface ${name} {}\n`);
  await writeFile(join(folder, gpuFile), lines.join(""));
}

const gpuFile = "webgpu.d.ts";
