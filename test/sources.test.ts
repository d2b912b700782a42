/**
 * Files read over HTTP from servers that misbehave. Not here: caches (sourcesCache.test.ts), pages
 * (sourcesPage.test.ts).
 */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InputError } from "../src/errors.ts";
import { SourceChangedError } from "../src/sources/httpWords.ts";
import { Sha256, sha256Hex } from "../src/sources/sha256.ts";
import { urlSource, type UrlOptions, type UrlSource } from "../src/sources/urlSource.ts";
import { type Behaviour, fileServer, ruleBytes, ruleHash, type Served } from "./support/fileServer.ts";

const size = 3_000_001;
const blockBytes = 1 << 18;

async function serve(behaviour: Partial<Behaviour> = {}): Promise<Served> {
  return fileServer({ size, ...behaviour });
}

async function opened(served: Served, options: UrlOptions = {}): Promise<UrlSource> {
  return urlSource(served.url, { blockBytes, patienceSeconds: 10, ...options });
}

/** All bytes in reads of odd sizes. */
async function readAll(source: UrlSource, step = 77_777): Promise<Uint8Array> {
  const all = new Uint8Array(source.size);
  for (let at = 0; at < source.size; at += step) all.set(await source.read(at, Math.min(step, source.size - at)), at);
  return all;
}

const isRight = (bytes: Uint8Array): boolean => Buffer.compare(bytes, ruleBytes(0, bytes.length)) === 0;

describe("a file on a server", () => {
  test("is read by ranges of a block each, however small the reads", async () => {
    const served = await serve();
    const progress: number[] = [];
    const source = await opened(served, { onProgress: (done) => progress.push(done) });
    expect(source.size).toBe(size);
    expect(isRight(await readAll(source, 1000))).toBe(true);
    expect(served.requests.length).toBe(Math.ceil(size / blockBytes));
    expect(served.sent).toBe(size);
    expect(progress.at(-1)).toBe(size);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect((await source.read(size - 5, 100)).length).toBe(5);
  });

  test.each([true, false])("tells of bytes as they come, not of blocks (ranges: %s)", async (ranges) => {
    const served = await serve({ ranges, breakEvery: 900_000, breaks: 1 });
    const progress: number[] = [];
    const onProgress = (done: number, total: number) => {
      expect(total).toBe(size);
      progress.push(done);
    };
    // All of it is one block.
    const source = await urlSource(served.url, { onProgress, patienceSeconds: 10 });
    expect(isRight(await readAll(source))).toBe(true);
    expect(progress.length).toBeGreaterThanOrEqual(10);
    expect(progress).toEqual([...new Set(progress)].sort((a, b) => a - b));
    expect(progress.at(-1)).toBe(size);
  });

  test("reads of a moment share requests and stay bounded", async () => {
    const served = await serve();
    const source = await opened(served);
    const parts = await Promise.all(Array.from({ length: 300 }, (_, i) => source.read(i * 10_000, 10_000)));
    expect(parts.every((part, i) => Buffer.compare(part, ruleBytes(i * 10_000, (i + 1) * 10_000)) === 0)).toBe(true);
    expect(served.requests.length).toBe(Math.ceil(size / blockBytes));
  });

  test.each<[string, Partial<Behaviour>]>([
    ["breaks every 200 kB", { breakEvery: 200_000 }],
    ["is busy now and then", { busyEvery: 3 }],
    ["is busy and says for how long", { busyEvery: 5, retryAfter: "1" }],
    ["breaks and is busy", { breakEvery: 300_000, busyEvery: 4 }],
    ["sends shorter ranges than asked for", { lie: shorten }],
    ["has no ETag", { etag: undefined }],
    ["has a weak ETag", { etag: 'W/"x"' }],
    ["refuses HEAD", { head: false }],
    ["hides Content-Range", { lie: ({ headers }) => delete headers["content-range"] }],
    ["does not know its size", { lie: ({ headers }) => (headers["content-range"] = headers["content-range"]!.replace(/\d+$/, "*")) }], // prettier-ignore
    ["ends ranges early without an error", { lie: cut }],
    ["knows no ranges", { ranges: false }],
    ["knows no ranges and breaks", { ranges: false, breakEvery: 1_000_000, breaks: 2 }],
    ["knows no ranges and no length", { ranges: false, lie: ({ headers }) => delete headers["content-length"] }],
  ])("comes whole from a server that %s", async (_, behaviour) => {
    const served = await serve(behaviour);
    expect(isRight(await readAll(await opened(served)))).toBe(true);
  });

  function shorten(reply: Parameters<Behaviour["lie"]>[0]): void {
    reply.end = Math.min(reply.end, reply.begin + 100_000);
    reply.headers["content-length"] = String(reply.end - reply.begin);
    reply.headers["content-range"] = `bytes ${reply.begin}-${reply.end - 1}/${size}`;
  }

  function cut(reply: Parameters<Behaviour["lie"]>[0]): void {
    delete reply.headers["content-length"];
    reply.end = Math.min(reply.end, reply.begin + 100_000);
  }

  test("follows redirects, and leaves the token out of messages", async () => {
    const served = await serve();
    const before = await fileServer({ size: 0, lie: () => undefined });
    before.behaviour.lie = (reply) => {
      reply.status = 302;
      reply.headers.location = served.url;
    };
    expect(isRight(await readAll(await opened(before)))).toBe(true);
    served.behaviour.status = 404;
    const error = await opened(served).catch((e: unknown) => e);
    expect(String(error)).toMatch(/404.*no such file/);
    expect(String(error)).not.toContain("secret");
  });

  test.each<[string, Partial<Behaviour>, RegExp]>([
    ["404", { status: 404 }, /404.*check the address/],
    ["403", { status: 403 }, /403.*log in through `headers`/],
    ["416", { status: 416 }, /416/],
    ["418", { status: 418 }, /418.*not the file/],
    ["a web page", { lie: ({ headers }) => (headers["content-type"] = "text/html; charset=utf-8") }, /web page.*\/resolve\//],
    ["ranges that begin elsewhere", { lie: ({ headers }) => (headers["content-range"] = `bytes 5-9/${size}`) }, /asked for byte 0, the server sent byte 5/],
    ["nonsense as Content-Range", { lie: ({ headers }) => (headers["content-range"] = "bytes 9-5/3") }, /makes no sense/],
    ["more than it says", { lie: ({ headers }) => { headers["content-range"] = `bytes 0-99/${size}`; delete headers["content-length"]; } }, /more bytes than/],
    ["compressed ranges", { lie: ({ headers }) => (headers["content-encoding"] = "x-own") }, /compresses/],
  ])("clear error for %s", async (_, behaviour, words) => {
    const served = await serve(behaviour);
    const error = await opened(served).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toMatch(words);
    expect(String(error)).not.toContain("\n");
  }); // prettier-ignore

  test.each<[string, Partial<Behaviour>, RegExp]>([
    ["always busy", { status: 503 }, /503.*try again later/],
    ["asks for an hour", { status: 503, retryAfter: "3600", busyEvery: 1 }, /503.*try again later/],
    ["breaks at once, always", { breakEvery: 100 }, /connection broke at byte/],
    ["knows no ranges and truncates", { ranges: false, lie: (reply) => (reply.end -= 10) }, /connection broke at byte 2999991/],
  ])("patience ends with a server that %s", async (_, behaviour, words) => {
    const served = await serve(behaviour);
    const begin = performance.now();
    await expect(opened(served, { patienceSeconds: 1, stallSeconds: 0.5 })).rejects.toThrow(words);
    expect(performance.now() - begin).toBeLessThan(5000);
  }); // prettier-ignore

  test("a server that goes silent is left for a new connection", async () => {
    let silent = true;
    const slow: typeof fetch = (input, init) => {
      if (!silent) return fetch(input, init);
      silent = false;
      return new Promise((_, reject) =>
        init!.signal!.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))),
      );
    };
    const served = await serve();
    const source = await opened(served, { fetch: slow, stallSeconds: 0.2 });
    expect(isRight(await readAll(source))).toBe(true);
  });

  test("a file that changes is never mixed", async () => {
    for (const change of [{ etag: '"two"' }, { size: size - 1 }, { size: 10 }, { etag: '"two"', ranges: false }]) {
      const served = await serve();
      const source = await opened(served);
      await source.read(0, 10);
      Object.assign(served.behaviour, change);
      await expect(source.read(size - 100_000, 1000), JSON.stringify(change)).rejects.toThrow(SourceChangedError);
    }
  });

  test("no connection: said after the tries of a stranger, with the reason", async () => {
    const served = await serve();
    await served.stop();
    await expect(opened(served)).rejects.toThrow(/cannot be fetched \(.*ECONNREFUSED.*\): check the address/);
  });

  test("too large for memory without ranges and cache", async () => {
    const served = await serve({ size: 2 ** 27, ranges: false });
    await expect(opened(served)).rejects.toThrow(/whole files only.*64 MiB/);
    expect(served.sent).toBeLessThan(2 ** 24);
  });

  test("an aborted load throws the signal's reason, also while it waits", async () => {
    const served = await serve({ status: 503 });
    const abort = new AbortController();
    setTimeout(() => abort.abort(new Error("enough")), 300);
    await expect(opened(served, { signal: abort.signal })).rejects.toThrow("enough");
    served.behaviour.status = undefined;
    const source = await opened(served);
    await source.close();
    await expect(source.read(0, 1)).rejects.toThrow(/closed/);
  });

  test("addresses that are none", async () => {
    for (const [url, words] of [
      ["model.safetensors", /is no URL/],
      ["ftp://example.org/x", /expected https/],
      ["https://me:secret@example.org/x", /without user and password/],
    ] as const)
      await expect(urlSource(url)).rejects.toThrow(words);
  });

  test("an empty file has no bytes", async () => {
    const served = await serve({ size: 0 });
    const source = await opened(served);
    expect([source.size, (await source.read(0, 10)).length]).toEqual([0, 0]);
  });
});

describe("integrity", () => {
  const piecesOf = async () => ({
    bytes: blockBytes,
    sha256: await Promise.all(
      Array.from({ length: Math.ceil(size / blockBytes) }, (_, i) =>
        sha256Hex(ruleBytes(i * blockBytes, Math.min(size, (i + 1) * blockBytes))),
      ),
    ),
  });
  const damaged = (begin: number, end: number): Uint8Array => {
    const bytes = ruleBytes(begin, end);
    if (begin <= 1_500_000 && end > 1_500_000) bytes[1_500_000 - begin]! ^= 1;
    return bytes;
  };

  test("the whole's hash is checked before anything is used", async () => {
    const integrity = { sha256: ruleHash(size).toUpperCase(), size };
    expect(isRight(await readAll(await opened(await serve(), { integrity })))).toBe(true);
    await expect(opened(await serve({ content: damaged }), { integrity })).rejects.toThrow(/damaged or another file/);
    await expect(opened(await serve({ size: size - 4 }), { integrity })).rejects.toThrow(/expected 3000001 bytes/);
  });

  test("a piece is checked as it comes, and asked for twice", async () => {
    const integrity = { pieces: await piecesOf() };
    expect(isRight(await readAll(await opened(await serve(), { integrity })))).toBe(true);
    const source = await opened(await serve({ content: damaged }), { integrity });
    expect((await source.read(0, 1000)).length).toBe(1000);
    await expect(source.read(1_499_000, 10_000)).rejects.toThrow(/bytes 1310720 to 1572863 have another sha256/);
    let first = true;
    const once = (begin: number, end: number) => {
      const bad = first && begin <= 1_500_000 && end > 1_500_000;
      if (bad) first = false;
      return bad ? damaged(begin, end) : ruleBytes(begin, end);
    };
    expect(isRight(await readAll(await opened(await serve({ content: once }), { integrity })))).toBe(true);
    const short = { pieces: { ...integrity.pieces, sha256: integrity.pieces.sha256.slice(1) } };
    await expect(opened(await serve(), { integrity: short })).rejects.toThrow(/is it another file/);
  });

  test("a manifest that makes no sense", async () => {
    const served = await serve();
    await expect(opened(served, { integrity: { sha256: "abc" } })).rejects.toThrow(/64 hexadecimal/);
    await expect(opened(served, { integrity: { size: -1 } })).rejects.toThrow(/number of bytes/);
    await expect(opened(served, { integrity: { pieces: { bytes: 2 ** 40, sha256: [] } } })).rejects.toThrow(
      /expected 1 to/,
    );
    expect(served.requests).toEqual([]);
  });

  test("our SHA-256 is SHA-256, however the bytes come", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }), (parts) => {
        const ours = new Sha256();
        const theirs = createHash("sha256");
        for (const part of parts) {
          ours.update(part);
          theirs.update(part);
        }
        expect(ours.digest()).toBe(theirs.digest("hex"));
      }),
      { numRuns: 500 },
    );
  });
});
