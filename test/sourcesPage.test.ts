/** Files from a server in a page of a real browser: its caches, its cross-origin rules, several readers. */
import { afterAll, describe, expect, test } from "vitest";
import type { Loads, Results } from "./e2e/sources.ts";
import { closeChromium, noChromium, runInChromium } from "./support/chromium.ts";
import { fileServer, ruleHash } from "./support/fileServer.ts";

const size = 2_000_003;
const blocks = Math.ceil(size / (1 << 18));

describe.skipIf(noChromium)("Chromium", () => {
  afterAll(closeChromium);

  test("keeps a file of another site in OPFS and in the Cache API", async () => {
    const served = await fileServer({ size, breakEvery: 900_000 });
    const closed = await fileServer({ size, cors: false });
    const hidden = await fileServer({
      size,
      lie: ({ headers }) => (headers["access-control-expose-headers"] = "Content-Range"),
    });
    const url = served.url.replace(/\?.*/, "");
    const results = await runInChromium<Results>("test/e2e/sources.ts", {
      url,
      hidden: hidden.url,
      closed: closed.url,
    });
    expect(results.chosen).toBe("OPFS");
    expect(results.cors).toMatch(/UnreachableError: .*does not let pages of other sites.*CORS.*Access-Control-Allow-Origin/); // prettier-ignore
    // It is not asked again and again: once, and once whether it is there.
    expect(closed.requests).toEqual([expect.stringMatching(/^GET 0-/), "HEAD"]);
    expect(results.hidden).toEqual([expect.stringMatching(/neither ETag nor.*it must also send Access-Control-Expose-Headers/)]); // prettier-ignore
    expect(results.quota).toEqual([expect.stringMatching(/2 MiB are needed and 1 MiB are free/)]);
    const check = (loads: Loads, storage: string) => {
      expect(loads.storage).toBe(storage);
      expect(loads.hashes).toEqual(Array(3).fill(ruleHash(size)));
      expect(loads.warnings).toEqual([]);
      expect(loads.listed).toMatchObject([{ complete: true, storedBytes: size }]);
      expect(loads.usedBytes).toBeGreaterThan(size);
      expect(loads.left).toBe(0);
    };
    check(results.opfs, "OPFS");
    check(results.cacheApi, "Cache API");
    for (const name of ["opfs", "cacheApi"]) {
      const mine = served.requests.filter((_, i) => served.addresses[i]!.includes(`?${name}`));
      const marker = served.addresses.filter((address) => address.includes(`?${name}`)).indexOf(`/model.safetensors?${name}-marker`); // prettier-ignore
      // Two readers at once fetch a block but once (Web Locks), each has its own first; breaks cost a request each.
      expect(marker).toBeGreaterThanOrEqual(blocks);
      expect(marker).toBeLessThanOrEqual(blocks + 1 + 4);
      expect(mine.slice(marker + 1)).toEqual(["HEAD"]);
    }
    // Nothing that would need a preflight.
    expect(served.methods.has("OPTIONS")).toBe(false);
  });

  test("writes OPFS by a worker's synchronous handles where there is nothing else", async () => {
    const found = await runInChromium("test/e2e/sourcesWorker.ts");
    const first = Array(100).fill(2).join();
    expect(found).toEqual({ before: true, first, last: 50, missing: true, stored: [0, 2] });
  });
});
