/**
 * A page without any tool, served as files under a strict policy: what it downloads before it is used, and until a
 * picture is filled.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { setUp } from "../scripts/setup.mjs";
import { closeChromium, noChromium } from "./support/chromium.ts";
import { serveFolder } from "./support/staticServer.ts";
import { atAddress, fillInElement } from "./support/userPage.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "repaint-plain-"));
const html = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Plain</title><link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="default-src 'self'; img-src 'self' data:">
<link rel="stylesheet" href="page.css"><script type="module" src="repaint-webgpu/dist/element.js"></script>
<p class="above">Text</p><repaint-inpaint></repaint-inpaint></html>`;

afterAll(async () => {
  await closeChromium();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(noChromium)("a plain page", () => {
  test("loads three scripts for the element, and worker and weights for a picture", async () => {
    await setUp(root);
    symlinkSync(root, join(folder, "repaint-webgpu"));
    writeFileSync(join(folder, "index.html"), html);
    writeFileSync(join(folder, "page.css"), ".above { height: 5000px; }");
    const server = await serveFolder(folder);
    const paths = () => server.sent.map(({ path }) => path.replace("/repaint-webgpu/", ""));
    const scripts = ["dist/element.js", "dist/client.js", "dist/element-parts.js"];
    try {
      await atAddress(server.url, async (page) => {
        await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.matches(":defined"));
        await new Promise((soon) => setTimeout(soon, 300));
        expect(paths().sort()).toEqual(["/", "/page.css", ...scripts].sort());
        expect(server.sent.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(250_000);
        const gzipped = scripts.map((path) => gzipSync(readFileSync(join(root, path)), { level: 9 }).length);
        expect(gzipped.reduce((sum, bytes) => sum + bytes)).toBeLessThan(75_000);
        expect(await fillInElement(page)).toBe(2);
        expect(paths().slice(5).sort()).toEqual(["dist/worker.js", "weights/portraits64.safetensors"]);
      });
      expect(server.missing).toEqual([]);
    } finally {
      await server.stop();
    }
  });
});
