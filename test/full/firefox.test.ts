/**
 * Firefox: a whole network against PyTorch's numbers, every kernel against its twin, and the element as the package's
 * built files, in a plain page.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser } from "puppeteer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { setUp } from "../../scripts/setup.mjs";
import { runInChromium } from "../support/chromium.ts";
import { testNumbers } from "../support/elsewhere.ts";
import { firefox, noFirefox } from "../support/firefox.ts";
import { serveFolder } from "../support/staticServer.ts";
import { fillInElement } from "../support/userPage.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const minutes = 60_000;

describe.skipIf(noFirefox)("Firefox", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await firefox();
  }, 2 * minutes);
  afterAll(() => browser?.close());

  testNumbers("Firefox", (entryFile, argument) => runInChromium(entryFile, argument, { browser }));

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
