/**
 * OPFS by synchronous handles, as in browsers whose files cannot be written otherwise: this module is its own worker.
 */
import { SourceCache } from "../../src/sources/cache.ts";
import { openEntry } from "../../src/sources/cacheEntry.ts";
import { opfsStorage } from "../../src/sources/opfs.ts";

const isWorker = typeof document === "undefined";

/** In the page: what the worker found. */
export async function run(): Promise<unknown> {
  const worker = new Worker(new URL("/entry.js", location.href), { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }) => resolve(data));
      worker.addEventListener("error", ({ message }) => reject(new Error(message)));
    });
  } finally {
    worker.terminate();
  }
}

async function inWorker(): Promise<unknown> {
  delete (FileSystemFileHandle.prototype as { createWritable?: unknown }).createWritable;
  const cache = new SourceCache((await opfsStorage())!);
  await cache.clear();
  const entry = await openEntry(cache.storage, {
    url: "u",
    validator: "v",
    sha256: undefined,
    size: 250,
    blockBytes: 100,
  });
  const before = await entry.read(0);
  await entry.write(0, new Uint8Array(100).fill(1));
  await entry.write(2, new Uint8Array(50).fill(9));
  // Shorter than what is there.
  await entry.write(0, new Uint8Array(100).fill(2));
  const found = {
    before: before === undefined,
    first: (await entry.read(0))?.join(),
    last: (await entry.read(2))?.length,
    missing: (await entry.read(1)) === undefined,
    stored: [...(await entry.stored())],
  };
  await cache.clear();
  return found;
}

if (isWorker) void inWorker().then((found) => postMessage(found), (error: unknown) => postMessage(String(error))); // prettier-ignore
