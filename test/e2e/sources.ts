/**
 * A file from another origin through a page's caches: OPFS (in the page and in a worker's way), the Cache API, two
 * readers at once.
 */
import { cacheApiStorage } from "../../src/sources/cacheApi.ts";
import { SourceCache } from "../../src/sources/cache.ts";
import { opfsStorage } from "../../src/sources/opfs.ts";
import { pageCache } from "../../src/sources/pageCache.ts";
import { sha256Hex } from "../../src/sources/sha256.ts";
import { urlSource } from "../../src/sources/urlSource.ts";

const blockBytes = 1 << 18;

export interface Loads {
  readonly storage: string;
  /** sha256 of what each load read: two at once, then one more. */
  readonly hashes: readonly string[];
  readonly warnings: readonly string[];
  readonly listed: readonly { complete: boolean; storedBytes: number }[];
  readonly usedBytes: number;
  readonly left: number;
}

export interface Results {
  readonly chosen: string | undefined;
  readonly opfs: Loads;
  readonly cacheApi: Loads;
  readonly cors: string;
  /** Warnings of a server that hides its ETag. */
  readonly hidden: readonly string[];
  readonly quota: readonly string[];
}

/**
 * `url` allows other sites, `hidden` hides its ETag from them, `closed` allows nothing. The first is told (?load=…)
 * which load of it is under way.
 */
export async function run({ url, hidden, closed }: Record<"url" | "hidden" | "closed", string>): Promise<Results> {
  const opfs = new SourceCache((await opfsStorage())!);
  const cacheApi = new SourceCache((await cacheApiStorage())!);
  const cors = await urlSource(closed).then(() => "loaded", String);
  const small = new SourceCache({ ...cacheApi.storage, free: () => Promise.resolve(1000) });
  const quota: string[] = [];
  const unnamed: string[] = [];
  await read(hidden, opfs, unnamed);
  await read(`${url}?quota`, small, quota);
  return {
    chosen: (await pageCache())?.storage.name,
    opfs: await loads(`${url}?opfs`, opfs),
    cacheApi: await loads(`${url}?cacheApi`, cacheApi),
    cors,
    hidden: unnamed,
    quota,
  };
}

async function loads(url: string, cache: SourceCache): Promise<Loads> {
  await cache.clear();
  const warnings: string[] = [];
  const hashes = await Promise.all([read(url, cache, warnings), read(url, cache, warnings)]);
  await fetch(`${url}-marker`);
  hashes.push(await read(url, cache, warnings));
  const listed = await cache.list();
  const usedBytes = await cache.usedBytes();
  await cache.clear();
  return { storage: cache.storage.name, hashes, warnings, listed, usedBytes, left: (await cache.list()).length };
}

async function read(url: string, cache: SourceCache, warnings: string[]): Promise<string> {
  const source = await urlSource(url, { cache, blockBytes, onWarning: (message) => warnings.push(message) });
  const all = new Uint8Array(source.size);
  for (let at = 0; at < source.size; at += 100_000) all.set(await source.read(at, 100_000), at);
  await source.close();
  return sha256Hex(all);
}
