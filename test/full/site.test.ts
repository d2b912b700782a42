/**
 * The built site as a visitor meets it: below a path, under its own content security policy, and then without a
 * network.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RepaintInpaint } from "../../src/element/index.ts";
import { chromium, closeChromium, noChromium } from "../support/chromium.ts";
import { serveFolder, type StaticServer } from "../support/staticServer.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const site = join(root, "dist-site");

describe.skipIf(noChromium)("the site", () => {
  let server: StaticServer;
  let page: Page;
  const complaints: string[] = [];

  beforeAll(async () => {
    execFileSync(process.execPath, ["scripts/site.mjs", "build"], { cwd: root, stdio: "pipe" });
    server = await serveFolder(site, { base: "/some/where/" });
    page = await (await chromium()).newPage();
    page.on("console", (message) => ["error", "warn"].includes(message.type()) && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
  });
  afterAll(async () => {
    await closeChromium();
    await server?.stop();
  });

  test("names no file by an absolute address, and needs no inline script or style", () => {
    for (const name of readdirSync(site, { recursive: true, encoding: "utf8" }).filter((path) =>
      path.endsWith(".html"),
    )) {
      const html = readFileSync(join(site, name), "utf8");
      expect(html).toContain(`content="default-src 'self'"`);
      expect(html).not.toMatch(/\{\{|(?:src|href)="\/|<style|\sstyle=|<script(?![^>]*\ssrc=)/);
    }
  });

  test("shows an example from the start, below a path", async () => {
    await page.goto(server.url, { waitUntil: "load" });
    await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.picture?.width === 64);
    await page.waitForFunction(() => document.querySelectorAll(".example[aria-pressed=true]").length === 1);
    expect(server.missing).toEqual([]);
    expect(complaints).toEqual([]);
  });

  test("axe finds nothing serious in it, light and dark, narrow and wide", async () => {
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
    for (const width of [360, 1280])
      for (const value of ["light", "dark"]) {
        await page.setViewport({ width, height: 800 });
        await page.emulateMediaFeatures([
          { name: "prefers-color-scheme", value },
          { name: "prefers-reduced-motion", value: "reduce" },
        ]);
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        const words = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
        expect(words, `${width} px, ${value}`).toEqual([]);
        expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
      }
  });

  test("puts another example into the element by one click", async () => {
    await page.click(".example:nth-child(9)");
    await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.picture?.width === 576);
    await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.keep.data.some((value) => value === 0));
    expect(await page.$eval(".example[aria-pressed=true]", (button) => button.textContent)).toBe("A poster");
  });

  test("offers a newer version and changes to it when asked", async () => {
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    const html = readFileSync(join(site, "index.html"), "utf8");
    writeFileSync(join(site, "index.html"), html.replace(/<title>[^<]*/, "<title>The next one"));
    const write = `await (await import("./scripts/site-worker.mjs")).writeServiceWorker(".", "dist-site")`;
    execFileSync(process.execPath, ["--input-type=module", "-e", write], { cwd: root });
    await page.reload();
    expect(await page.title()).not.toBe("The next one");
    await page.waitForSelector(".update:not([hidden]) button");
    await Promise.all([page.waitForNavigation(), page.click(".update button")]);
    expect(await page.title()).toBe("The next one");
    expect(await page.evaluate(async () => (await caches.keys()).length)).toBe(1);
  });

  test("fills a picture in, reloaded without a network", async () => {
    await page.evaluate(async () => void (await navigator.serviceWorker.ready));
    await server.stop();
    await page.reload({ waitUntil: "load" });
    await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.picture?.width === 64);
    const filled = await page.evaluate(async () => {
      const element = document.querySelector("repaint-inpaint") as RepaintInpaint;
      while (!element.keep.data.includes(0)) await new Promise((soon) => setTimeout(soon, 50));
      element.settings = { sampling: { sampler: "repaint", steps: 2, jumpLength: 1, resamples: 1 }, seed: 1n };
      const { variations, modelCalls, stopped } = await element.run();
      const before = element.picture!.data;
      const after = variations[0]!.picture.data;
      const keep = element.keep.data;
      let [known, painted] = [0, 0];
      for (const [pixel, value] of keep.entries()) {
        const differs = [0, 1, 2, 3].some((channel) => before[4 * pixel + channel] !== after[4 * pixel + channel]);
        if (differs && value === 1) known++;
        else if (differs) painted++;
      }
      return { modelCalls, stopped, known, painted };
    });
    expect(filled).toMatchObject({ modelCalls: 2, stopped: false, known: 0 });
    expect(filled.painted).toBeGreaterThan(1000);
    expect(complaints).toEqual([]);
  });

  test("opens its documents without a network", async () => {
    await page.goto(`${server.url}docs/api.html`, { waitUntil: "load" });
    expect(await page.$eval("h1", (heading) => heading.textContent)).toMatch(/\w/);
    expect(await page.$eval("body", (body) => getComputedStyle(body).fontSize)).toBe("17px");
  });
});
