/**
 * A checkpoint of 1.1 GB from a server that breaks the connection every 50 MB and is busy now and then: whole,
 * verified, in bounded memory, and from the cache the second time. The server is in this process, so its memory counts,
 * too.
 */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { diskCache, nodeHasher } from "../../src/node/diskStorage.ts";
import { urlSource, type UrlOptions } from "../../src/sources/urlSource.ts";
import { openSafetensors } from "../../src/files/safetensors.ts";
import { fileServer, ruleBytes, type Served } from "../support/fileServer.ts";

const largest = 64 * 2 ** 20;
const mostBeyond = 256 * 2 ** 20;
const tensors = [...Array(14).fill(largest), ...Array(4000).fill(40_000)] as number[];
const data = tensors.reduce((sum, bytes) => sum + bytes, 0);
const head = header();
const size = head.length + data;

function header(): Uint8Array {
  let at = 0;
  const entries = tensors.map((bytes, i) => {
    const begin = at;
    at += bytes;
    return [`tensor.${i}`, { dtype: "U8", shape: [bytes], data_offsets: [begin, at] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const all = new Uint8Array(8 + json.length);
  new DataView(all.buffer).setBigUint64(0, BigInt(json.length), true);
  all.set(json, 8);
  return all;
}

function content(begin: number, end: number): Uint8Array {
  const bytes = ruleBytes(begin, end);
  if (begin < head.length) bytes.set(head.subarray(begin, Math.min(end, head.length)));
  return bytes;
}

function hashOf(): string {
  const hash = createHash("sha256");
  for (let at = 0; at < size; at += 1 << 22) hash.update(content(at, Math.min(size, at + (1 << 22))));
  return hash.digest("hex");
}

/** Reads every tensor, checks some of its bytes, and measures the process's growth. */
async function load({ url }: Served, options: UrlOptions): Promise<{ beyond: number; seconds: number }> {
  globalThis.gc?.();
  const before = process.memoryUsage().rss;
  let peak = before;
  const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 10);
  const begin = performance.now();
  try {
    const source = await urlSource(url, options);
    expect(source.size).toBe(size);
    const file = await openSafetensors(source);
    for (const { name, begin: offset, end } of file.tensors.values()) {
      const bytes = await file.read(name);
      expect(bytes.length).toBe(end - offset);
      for (const at of [0, bytes.length >> 1, bytes.length - 8])
        if (Buffer.compare(bytes.subarray(at, at + 8), content(offset + at, offset + at + 8)) !== 0)
          throw new Error(`${name} is wrong at ${at}`);
    }
    await source.close();
  } finally {
    clearInterval(timer);
  }
  const result = { beyond: peak - before - largest, seconds: (performance.now() - begin) / 1000 };
  process.stderr.write(
    `1.1 GB: ${Math.round(result.beyond / 2 ** 20)} MiB beyond the largest tensor, ${result.seconds.toFixed(1)} s\n`,
  );
  return result;
}

test("1.1 GB is loaded, verified and kept in bounded memory", { timeout: 600_000 }, async () => {
  expect(size).toBeGreaterThan(1.09e9);
  const folder = await mkdtemp(join(tmpdir(), "repaint-large-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const served = await fileServer({ size, content, breakEvery: 50e6, busyEvery: 17, retryAfter: "1" });

  expect((await load(served, {})).beyond).toBeLessThan(mostBeyond);
  expect(served.sent).toBe(size);

  const cache = await diskCache(folder);
  const integrity = { sha256: hashOf(), size };
  const warnings: string[] = [];
  const options = { cache, integrity, hasher: nodeHasher, onWarning: (message: string) => warnings.push(message) };
  expect((await load(served, options)).beyond).toBeLessThan(mostBeyond);
  expect(await cache.list()).toMatchObject([{ complete: true, storedBytes: size }]);

  served.requests.length = 0;
  expect((await load(served, options)).beyond).toBeLessThan(mostBeyond);
  expect(served.requests).toEqual([]);
  expect(warnings).toEqual([]);
});
