/**
 * A page of a user's project in a real browser: it opens, complains of nothing, and fills a picture in. For test/full
 * only.
 */
import type { Page } from "puppeteer";
import { expect } from "vitest";
import { chromium } from "./chromium.ts";
import { serveFolder } from "./staticServer.ts";

const minutes = 60_000;

/** Opens a folder's page; what it may not do or does not find fails the test. */
export async function inPage<T>(site: string, body: (page: Page) => Promise<T>): Promise<T> {
  const server = await serveFolder(site);
  try {
    const result = await atAddress(server.url, body);
    expect(server.missing.filter((path) => path !== "/favicon.ico")).toEqual([]);
    return result;
  } finally {
    await server.stop();
  }
}

/** The same of a server that runs already. */
export async function atAddress<T>(url: string, body: (page: Page) => Promise<T>): Promise<T> {
  const page = await (await chromium()).newPage();
  page.setDefaultTimeout(2 * minutes);
  const complaints: string[] = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  try {
    await page.goto(url, { waitUntil: "load" });
    const result = await body(page);
    expect(complaints.filter((text) => !text.includes("favicon"))).toEqual([]);
    return result;
  } finally {
    await page.close();
  }
}

/** Runs two calls of the shipped network, on a small picture where the page has none. @returns how many there were */
export async function fillInElement(page: Page): Promise<number> {
  await page.waitForFunction(() => document.querySelector("repaint-inpaint")?.matches(":defined"));
  const { modelCalls, changed } = await page.evaluate(async () => {
    const element = document.querySelector("repaint-inpaint")!;
    if (!element.src) {
      const canvas = new OffscreenCanvas(32, 32);
      canvas.getContext("2d")!.fillRect(0, 0, 32, 16);
      await element.setPicture(await canvas.convertToBlob());
      await element.setMask({ width: 32, height: 32, data: Float32Array.from({ length: 1024 }, (_, i) => i % 2) });
    }
    while (!element.picture || !element.keep.data.includes(0)) await new Promise((soon) => setTimeout(soon, 50));
    element.settings = { sampling: { sampler: "repaint", steps: 2, jumpLength: 1, resamples: 1 }, seed: 1n };
    const result = await element.run();
    const after = result.variations[0]!.picture.data;
    const before = element.picture.data;
    return { modelCalls: result.modelCalls, changed: before.filter((value, i) => value !== after[i]).length };
  });
  expect(changed).toBeGreaterThan(100);
  return modelCalls;
}
