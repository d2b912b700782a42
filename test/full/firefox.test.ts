/**
 * Firefox: a whole network against PyTorch's numbers, every kernel against its twin, and the element as the package's
 * built files, in a plain page.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "puppeteer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setUp } from "../../scripts/setup.mjs";
import { tableLine, type KernelTable } from "../e2e/kernels.ts";
import { runInChromium } from "../support/chromium.ts";
import { firefox, noFirefox } from "../support/firefox.ts";
import { goldenTensors, goldenUrl, relativeError, tensor } from "../support/goldens.ts";
import { serveFolder } from "../support/staticServer.ts";
import { fillInElement } from "../support/userPage.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const golden = "unet/new-attention-order";
const bytes = (part: string) => new Uint8Array(readFileSync(goldenUrl(`${golden}.${part}.safetensors`)!));
const minutes = 60_000;

describe.skipIf(noFirefox)("Firefox", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await firefox();
  }, 2 * minutes);
  afterAll(() => browser?.close());

  test.each([
    ["f32", 5e-5],
    ["f16", 2e-2],
  ] as const)(
    "a whole network gives PyTorch's numbers in %s",
    async (precision, most) => {
      const argument = { weights: bytes("weights"), io: bytes("io"), precision };
      const out = await runInChromium<Float32Array>("test/e2e/forward.ts", argument, { browser });
      const error = relativeError(out, await tensor(await goldenTensors(`${golden}.io.safetensors`), "out"));
      console.log(`Firefox, ${precision}: relative error ${error.toPrecision(2)}`);
      expect(error).toBeLessThanOrEqual(most);
    },
    4 * minutes,
  );

  // A case that the adapter cannot run is skipped, and counted.
  test.each(["f32", "packed f16", "native f16"] as const)(
    "every kernel gives its twin's numbers in %s",
    async (storage) => {
      const table = await runInChromium<KernelTable>("test/e2e/kernels.ts", { storage }, { browser });
      console.log(`Firefox, ${tableLine(storage, table)}`);
      expect(table.failed).toEqual([]);
      if (!table.skipped["shader-f16"]) expect(table.passed).toBeGreaterThan(100);
    },
    15 * minutes,
  );

  test(
    "the element fills a picture in",
    async () => {
      await setUp(root);
      const folder = mkdtempSync(join(tmpdir(), "repaint-firefox-"));
      symlinkSync(root, join(folder, "repaint-webgpu"));
      const script = `<script type="module" src="repaint-webgpu/dist/element.js"></script>`;
      const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Firefox</title>${script}<repaint-inpaint></repaint-inpaint></html>`;
      writeFileSync(join(folder, "index.html"), html);
      const server = await serveFolder(folder, { headers: { "content-security-policy": "default-src 'self'" } });
      const page = await browser.newPage();
      page.setDefaultTimeout(5 * minutes);
      try {
        await page.goto(server.url);
        expect(await fillInElement(page)).toBe(2);
      } finally {
        await page.close();
        await server.stop();
        rmSync(folder, { recursive: true, force: true });
      }
    },
    6 * minutes,
  );
});
