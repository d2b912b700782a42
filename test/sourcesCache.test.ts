/** Downloads kept on disk: second loads, interruptions, damage, caches that fail. Pages are in sourcesPage.test.ts. */
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { diskCache, diskStorage, nodeHasher } from "../src/node/diskStorage.ts";
import { type BlockStorage, SourceCache } from "../src/sources/cache.ts";
import { urlSource, type UrlOptions, type UrlSource } from "../src/sources/urlSource.ts";
import { type Behaviour, fileServer, ruleBytes, ruleHash, type Served } from "./support/fileServer.ts";

const size = 2_000_003;
const blockBytes = 1 << 18;
const blocks = Math.ceil(size / blockBytes);

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "repaint-sources-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A load of all bytes; what was warned of. */
async function load(
  { url }: Pick<Served, "url">,
  cache: SourceCache,
  options: UrlOptions = {},
): Promise<{ right: boolean; warnings: string[] }> {
  const warnings: string[] = [];
  const onWarning = (message: string) => warnings.push(message);
  const source = await urlSource(url, { cache, blockBytes, patienceSeconds: 10, onWarning, ...options });
  const all = await readAll(source);
  await source.close();
  return { right: Buffer.compare(all, ruleBytes(0, size)) === 0, warnings };
}

async function readAll(source: UrlSource): Promise<Uint8Array> {
  const all = new Uint8Array(source.size);
  for (let at = 0; at < source.size; at += 100_000) all.set(await source.read(at, 100_000), at);
  return all;
}

type Reply = Parameters<Behaviour["lie"]>[0];
const fine = { right: true, warnings: [] };

describe("the disk's cache", () => {
  test.each([
    {},
    { lastModified: "Mon, 05 Oct 2026 10:00:00 GMT", etag: undefined },
    { head: false },
    { ranges: false },
  ])("gives the second load without a request for data: %j", async (behaviour) => {
    const served = await fileServer({ size, ...behaviour });
    const cache = await diskCache(await folder());
    expect(await load(served, cache)).toEqual(fine);
    const { sent } = served;
    served.requests.length = 0;
    expect(await load(served, cache)).toEqual(fine);
    if (behaviour.head === false || behaviour.ranges === false) {
      // Without HEAD one byte is asked for.
      expect(served.requests.filter((request) => request.startsWith("GET")).length).toBeLessThanOrEqual(1);
      expect(served.sent - sent).toBeLessThanOrEqual(1);
    } else expect(served.requests).toEqual(["HEAD"]);
  });

  test("a complete file needs no server, one of a known hash not even a question", async () => {
    const served = await fileServer({ size });
    const cache = await diskCache(await folder());
    const integrity = { sha256: ruleHash(size) };
    expect(await load(served, cache)).toEqual(fine);
    expect(await load(served, cache, { integrity, hasher: nodeHasher })).toEqual(fine);
    served.requests.length = 0;
    expect(await load(served, cache, { integrity })).toEqual(fine);
    expect(served.requests).toEqual([]);
    // Another address of the same content.
    expect(await load({ url: "http://127.0.0.1:9/else" }, cache, { integrity })).toEqual(fine);
    await served.stop();
    const { right, warnings } = await load(served, cache);
    expect(right).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/cannot be fetched.*the copy in the cache is used/)]);
  });

  test("an interrupted download goes on where it was", async () => {
    const served = await fileServer({ size });
    const cache = await diskCache(await folder());
    const source = await urlSource(served.url, { cache, blockBytes });
    await source.read(0, 700_000);
    await source.close();
    const [entry] = await cache.list();
    expect(entry!.complete).toBe(false);
    const had = Math.round(entry!.storedBytes / blockBytes);
    expect(had).toBeGreaterThanOrEqual(3);
    served.requests.length = 0;
    expect(await load(served, cache)).toEqual(fine);
    // One byte, to see that it is the same file and comes in ranges, then what was missing. The block that was read
    // ahead when the first source was closed may have arrived since it was counted.
    const [probe, ...rest] = served.requests;
    expect(probe).toBe("GET 0-0");
    expect(rest.length).toBeLessThanOrEqual(blocks - had);
    expect(rest.length).toBeGreaterThanOrEqual(blocks - had - 1);
    for (const request of rest) expect(Number(/\d+/.exec(request)![0])).toBeGreaterThanOrEqual(had * blockBytes);
    expect((await cache.list()).map(({ complete }) => complete)).toEqual([true]);
  });

  test.each([
    ["the first block", 1 << 23, 700_000],
    ["another block", 1 << 20, 1_500_000],
  ])("an aborted download goes on in the middle of %s", async (_, blockBytes, enough) => {
    const served = await fileServer({ size });
    const cache = await diskCache(await folder());
    const abort = new AbortController();
    const reason = new Error("later");
    const onProgress = (done: number) => done >= enough && abort.abort(reason);
    const whole = async () => {
      const source = await urlSource(served.url, { cache, blockBytes, onProgress, signal: abort.signal });
      return await source.read(0, size);
    };
    await expect(whole()).rejects.toBe(reason);
    served.requests.length = 0;
    served.sent = 0;
    expect(await load(served, cache, { blockBytes })).toEqual(fine);
    const [probe, next] = served.requests;
    expect(probe).toBe("GET 0-0");
    expect(Number(/\d+/.exec(next!)![0])).toBeGreaterThanOrEqual(enough);
    expect(served.sent).toBeLessThanOrEqual(size - enough + 1);
    expect((await cache.list()).map(({ complete }) => complete)).toEqual([true]);
  });

  test("what has come of a block is not mixed with another version, and not used where it is damaged", async () => {
    const served = await fileServer({ size });
    const where = await folder();
    const cache = await diskCache(where);
    const begin = async () => {
      const abort = new AbortController();
      const onProgress = (done: number) => done >= 500_000 && abort.abort(new Error("later"));
      await urlSource(served.url, { cache, onProgress, signal: abort.signal }).catch(() => undefined);
    };
    await begin();
    served.behaviour.etag = '"two"';
    served.behaviour.content = (from, to) => ruleBytes(from, to).map((byte) => byte ^ 1);
    const changed = await urlSource(served.url, { cache });
    expect(
      Buffer.compare(
        await changed.read(0, size),
        ruleBytes(0, size).map((byte) => byte ^ 1),
      ),
    ).toBe(0);
    await changed.close();
    await cache.clear();
    served.behaviour.etag = '"one"';
    served.behaviour.content = ruleBytes;
    await begin();
    const [entry] = await cache.list();
    const path = join(where, entry!.id, "block-000000");
    const stored = await readFile(path);
    stored[1000]! ^= 1;
    await writeFile(path, stored);
    expect(await load(served, cache, { blockBytes: 1 << 23 })).toEqual(fine);
  });

  test("a file that changed replaces the old one", async () => {
    const served = await fileServer({ size });
    const cache = await diskCache(await folder());
    await load(served, cache);
    Object.assign(served.behaviour, { etag: '"two"' });
    served.sent = 0;
    expect(await load(served, cache)).toEqual(fine);
    expect(served.sent).toBe(size);
    expect((await cache.list()).length).toBe(1);
  });

  test("the block that came with the first answer is not asked for again when the next one overtakes it", async () => {
    const served = await fileServer({ size });
    const storage = await diskStorage(await folder());
    const asked = (): boolean => served.requests.some((request) => request.startsWith(`GET ${blockBytes}-`));
    const slow: BlockStorage = {
      ...storage,
      read: async (id, name) => {
        while (name === "block-000000" && !asked()) await new Promise((soon) => setTimeout(soon, 1));
        return storage.read(id, name);
      },
    };
    expect(await load(served, new SourceCache(slow))).toEqual(fine);
    expect(served.sent).toBe(size);
  });

  test("a busy server, a portal's page or a refusal does not cost what is kept", async () => {
    const served = await fileServer({ size });
    const cache = await diskCache(await folder());
    await load(served, cache);
    served.behaviour.status = 503;
    const { right, warnings } = await load(served, cache, { patienceSeconds: 1 });
    expect(right).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/503.*the copy in the cache is used/)]);
    served.behaviour.status = 404;
    await expect(load(served, cache)).rejects.toThrow(/404/);
    const portal = { status: undefined, etag: '"portal"', size: 100, ranges: false };
    Object.assign(served.behaviour, portal, { lie: ({ headers }: Reply) => (headers["content-type"] = "text/html") });
    await expect(load(served, cache)).rejects.toThrow(/web page/);
    expect(await cache.list()).toMatchObject([{ size, complete: true }]);
  });

  test("unverified parts of another version are not mixed in under one hash", async () => {
    const other = (begin: number, end: number) => ruleBytes(begin, end).map((byte) => byte ^ 1);
    const served = await fileServer({ size, content: other });
    const cache = await diskCache(await folder());
    const integrity = { sha256: ruleHash(size) };
    const abort = new AbortController();
    const onProgress = (done: number) => done > size / 2 && abort.abort(new Error("enough"));
    const options = { cache, integrity, blockBytes, signal: abort.signal, onProgress };
    await expect(urlSource(served.url, options)).rejects.toThrow("enough");
    expect((await cache.list())[0]!.storedBytes).toBeGreaterThan(size / 4);
    Object.assign(served.behaviour, { content: ruleBytes, etag: '"two"' });
    expect(await load(served, cache, { integrity })).toEqual(fine);
  });

  test("damaged, cut and missing blocks are fetched again, damaged entries are none", async () => {
    const path = await folder();
    const served = await fileServer({ size });
    const cache = await diskCache(path);
    await load(served, cache);
    const [id] = await readdir(path);
    const file = (name: string) => join(path, id!, name);
    const bytes = await readFile(file("block-000002"));
    bytes[1000]! ^= 4;
    await writeFile(file("block-000002"), bytes);
    await truncate(file("block-000004"), 1000);
    await rm(file("block-000005"));
    served.requests.length = 0;
    expect(await load(served, cache)).toEqual(fine);
    expect(served.requests.filter((request) => request !== "GET 0-0").length).toBe(3);
    for (const text of [
      "",
      "{",
      "null",
      '{"format":1}',
      '{"format":1,"url":"x","size":1e15,"blockBytes":1,"digests":null}',
    ]) {
      await writeFile(file("entry.json"), text);
      expect(await cache.list()).toEqual([]);
      expect(await load(served, cache)).toEqual(fine);
    }
  });

  test("a wrong whole leaves nothing; a verified one is remembered by its blocks", async () => {
    const cache = await diskCache(await folder());
    const bad = await fileServer({ size, content: (begin, end) => ruleBytes(begin, end).map((byte) => byte ^ 1) });
    const integrity = { sha256: ruleHash(size), size };
    await expect(load(bad, cache, { integrity })).rejects.toThrow(/damaged or another file/);
    expect(await cache.list()).toEqual([]);
    const good = await fileServer({ size });
    expect(await load(good, cache, { integrity })).toEqual(fine);
    const [entry] = await cache.list();
    await rm(join(cache.storage.name, entry!.id, "block-000003"));
    // The missing block comes from the bad server now, and is told by its digest.
    await expect(load(bad, cache, { integrity })).rejects.toThrow(/bytes 786432 to 1048575 have another sha256/);
    expect(await load(good, cache, { integrity })).toEqual(fine);
  });

  test("without anything that names the content nothing is kept", async () => {
    const served = await fileServer({ size, etag: undefined });
    const cache = await diskCache(await folder());
    const { right, warnings } = await load(served, cache);
    expect(right).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/neither ETag nor Last-Modified/)]);
    expect(await cache.list()).toEqual([]);
  });

  test("entries are listed, weighed and removed", async () => {
    const cache = await diskCache(await folder());
    const served = await fileServer({ size });
    await load(served, cache);
    const [entry] = await cache.list();
    expect(entry).toMatchObject({ url: served.url, size, storedBytes: size, complete: true });
    expect(await cache.usedBytes()).toBeGreaterThan(size);
    expect(await cache.usedBytes()).toBeLessThan(size + 2000);
    await cache.remove(entry!.id);
    expect([await cache.list(), await cache.usedBytes()]).toEqual([[], 0]);
    await load(served, cache);
    await cache.clear();
    expect(await cache.usedBytes()).toBe(0);
  });

  test("a file of more than memory's share from a server without ranges goes through the cache", async () => {
    const big = 66 * 2 ** 20;
    const content = (begin: number, end: number) => new Uint8Array(end - begin).fill(7);
    const served = await fileServer({ size: big, ranges: false, breakEvery: 50 * 2 ** 20, breaks: 1, content });
    const cache = await diskCache(await folder());
    const source = await urlSource(served.url, { cache });
    expect((await source.read(big - 3, 3)).join()).toBe("7,7,7");
    await source.close();
    served.requests.length = 0;
    const again = await urlSource(served.url, { cache });
    expect((await again.read(40_000_000, 3)).join()).toBe("7,7,7");
    await again.close();
    expect(served.requests).toEqual(["HEAD"]);
    // A damaged block cannot be had alone: the entry goes, the next load starts over.
    const [entry] = await cache.list();
    await truncate(join(cache.storage.name, entry!.id, "block-000003"), 100);
    expect(await (await urlSource(served.url, { cache })).read(0, 1)).toEqual(new Uint8Array([7]));
  });
});

describe("a cache that fails", () => {
  const failing = async (part: Partial<BlockStorage>): Promise<SourceCache> =>
    new SourceCache({ ...(await diskStorage(await folder())), ...part });
  const full = new Error("The quota has been exceeded.");
  full.name = "QuotaExceededError";

  test.each<[string, Partial<BlockStorage>, RegExp]>([
    ["cannot be listed", { folders: () => Promise.reject(new Error("no access")) }, /cannot be read: no access; loading without a cache/],
    ["is read-only", { write: () => Promise.reject(new Error("EROFS: read-only")) }, /cannot be written: EROFS/],
    ["is too small", { free: () => Promise.resolve(1_000_000) }, /2 MiB are needed and 1 MiB are free/],
    ["fails when asked how much is free", { free: () => Promise.reject(new Error("odd")) }, /odd/],
    ["cannot be read back", { read: (_, name) => (name === "entry.json" ? Promise.resolve(undefined) : Promise.reject(new Error("EIO"))) }, /cannot be read: EIO/],
  ])("that %s is said once, and the file streams", async (_, part, words) => {
    const { right, warnings } = await load(await fileServer({ size }), await failing(part));
    expect(right).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(words)]);
  }); // prettier-ignore

  test("a quota that ends in mid-load says how much more is needed", async () => {
    let room = 900_000;
    const storage = await diskStorage(await folder());
    const cache = new SourceCache({
      ...storage,
      free: () => Promise.resolve(undefined),
      write: (place, name, bytes) => {
        room -= bytes.length;
        return room < 0 ? Promise.reject(full) : storage.write(place, name, bytes);
      },
    });
    const served = await fileServer({ size });
    const { right, warnings } = await load(served, cache);
    expect(right).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/cannot be written: The quota.*; 2 MiB more are needed/)]);
    // What was kept is of use.
    room = Infinity;
    served.requests.length = 0;
    expect(await load(served, cache)).toEqual(fine);
    expect(served.requests.length).toBe(1 + blocks - 3);
  });

  test("a folder that cannot be made is the caller's to hear of", async () => {
    const path = join(await folder(), "file");
    await writeFile(path, "");
    await expect(diskCache(join(path, "below"))).rejects.toThrow(/ENOTDIR/);
  });
});
