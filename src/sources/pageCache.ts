/** The cache of a page: OPFS, else the Cache API, else none. Not here: Node's (src/node/diskStorage.ts). */
import { SourceCache } from "./cache.ts";

/** Loaded only by who looks for one: weights may come from a file, too. */
const storages = [
  async () => (await import("./opfs.ts")).opfsStorage(),
  async () => (await import("./cacheApi.ts")).cacheApiStorage(),
];

/** Undefined where the browser has no place for files, or refuses it (private windows, pages without TLS). */
export async function pageCache(): Promise<SourceCache | undefined> {
  for (const open of storages) {
    // A browser that refuses one may have the other; without both, loading works as well, each time anew.
    const storage = await open().catch(() => undefined);
    if (storage) return new SourceCache(storage);
  }
  return undefined;
}
