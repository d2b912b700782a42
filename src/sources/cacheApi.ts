/**
 * The Cache API as a storage of blocks, for pages without OPFS. It refuses 206 replies, hence blocks as whole replies
 * of our own under addresses that no network has. Not here: which storage a page takes (pageCache.ts).
 */
import type { BlockStorage } from "./cache.ts";
import { freeBytes } from "./opfs.ts";

const cacheName = "repaint-webgpu";
const base = "https://repaint-webgpu.invalid/";
const sizeHeader = "x-repaint-bytes";

/** Undefined where there is none (pages without TLS). Rejects where the browser refuses. */
export async function cacheApiStorage(): Promise<BlockStorage | undefined> {
  if (!("caches" in globalThis)) return undefined;
  const cache = await caches.open(cacheName);
  const address = (folder: string, name: string): string => `${base}${folder}/${name}`;
  const requestsOf = async (folder: string): Promise<Request[]> =>
    (await cache.keys()).filter(({ url }) => url.startsWith(`${base}${folder}/`));
  return {
    name: "Cache API",
    read: async (folder, name) => {
      const response = await cache.match(address(folder, name));
      return response && new Uint8Array(await response.arrayBuffer());
    },
    write: (folder, name, bytes) =>
      cache.put(
        address(folder, name),
        new Response(bytes as Uint8Array<ArrayBuffer>, { headers: { [sizeHeader]: String(bytes.length) } }),
      ),
    folders: async () => [
      ...new Set((await cache.keys()).map(({ url }) => url.slice(base.length, url.indexOf("/", base.length)))),
    ],
    files: async (folder) =>
      Promise.all(
        (await requestsOf(folder)).map(async (request) => ({
          name: request.url.slice(base.length + folder.length + 1),
          size: Number((await cache.match(request))?.headers.get(sizeHeader) ?? 0),
        })),
      ),
    removeFolder: async (folder) => {
      for (const request of await requestsOf(folder)) await cache.delete(request);
    },
    ...(navigator.storage ? { free: freeBytes } : {}),
  };
}
