/** The cache of a page: OPFS, else the Cache API, else none. Not here: Node's (src/node/diskStorage.ts). */
import { cacheApiStorage } from "./cacheApi.ts";
import { SourceCache } from "./cache.ts";
import { opfsStorage } from "./opfs.ts";

/** Undefined where the browser has no place for files, or refuses it (private windows, pages without TLS). */
export async function pageCache(): Promise<SourceCache | undefined> {
  for (const open of [opfsStorage, cacheApiStorage]) {
    // A browser that refuses one may have the other; without both, loading works as well, each time anew.
    const storage = await open().catch(() => undefined);
    if (storage) return new SourceCache(storage);
  }
  return undefined;
}
