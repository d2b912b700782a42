/**
 * Node's memory of what was tuned: one small JSON file an adapter, in the package's cache folder. Not here: what is in
 * it (src/engine/tuning/memory.ts).
 */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TuningStore } from "../engine/tuning/memory.ts";
import { ensureFolder, writeFileAtomic } from "./files.ts";
import { cacheFolder } from "./unpack.ts";

/** Below `folder`, default the package's cache folder ($XDG_CACHE_HOME/repaint-webgpu/tuning where that is set). */
export async function tuningFile(folder?: string): Promise<TuningStore> {
  const root = folder ?? join(await cacheFolder(), "tuning");
  const pathOf = (id: string) => join(root, `${createHash("sha256").update(id).digest("hex").slice(0, 16)}.json`);
  return {
    name: root,
    read: async (id) => {
      try {
        return await readFile(pathOf(id), "utf8");
      } catch (error) {
        if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
        throw error;
      }
    },
    write: async (id, text) => {
      await ensureFolder(root);
      await writeFileAtomic(pathOf(id), new TextEncoder().encode(text), { force: true });
    },
  };
}
