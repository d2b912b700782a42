/** What the element promises besides its work: accessible to all, the page's thread left alone, memory given back. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Protocol } from "puppeteer";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { ElementDriver, testPicture } from "../support/elementDriver.ts";

declare global {
  var axe: { run(): Promise<AxeResults> };
}

describe.skipIf(noChromium)("<repaint-inpaint> in Chromium", () => {
  let driver: ElementDriver;
  afterEach(async () => driver.close());
  afterAll(closeChromium);

  /** Its steps are as long as any's, so few will do. */
  const short = { sampling: { sampler: "repaint" as const, steps: 6, jumpLength: 2, resamples: 2 } };
  const fill = async (): Promise<void> => {
    await driver.page.evaluate(() => (globalThis.seen.result.length = 0));
    await driver.press("Fill in");
    await driver.waitFor(() => globalThis.seen.result.length > 0);
  };

  test("axe finds nothing serious in any state, light and dark, narrow and wide", async () => {
    driver = await ElementDriver.open();
    const { page } = driver;
    await page.evaluate((short) => (globalThis.field.settings = short), short);
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
    const problems: string[] = [];
    const check = async (state: string): Promise<void> => {
      for (const width of [360, 1280])
        for (const scheme of ["light", "dark"]) {
          await page.setViewport({ width, height: 860 });
          await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }, { name: "prefers-reduced-motion", value: "reduce" }]); // prettier-ignore
          await driver.settle();
          const { violations } = await page.evaluate(() => globalThis.axe.run());
          for (const { id, impact, nodes } of violations)
            if (impact === "serious" || impact === "critical")
              problems.push(
                `${state}, ${width}, ${scheme}: ${id} ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`,
              );
        }
    };
    await check("empty");
    await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(64, 48);
      canvas.getContext("2d")!.fillRect(0, 0, 64, 24);
      await globalThis.field.setPicture(await canvas.convertToBlob());
      globalThis.field.generateMask("expand");
    });
    await driver.waitFor(() => globalThis.field.modelInfo !== null);
    await check("a picture");
    await page.evaluate(() => {
      const shadow = globalThis.field.shadowRoot!;
      for (const details of shadow.querySelectorAll("details")) details.open = true;
      for (const menu of shadow.querySelectorAll<HTMLElement>(".menu-panel")) menu.hidden = false;
    });
    await check("everything open");
    await page.evaluate(() => {
      for (const menu of globalThis.field.shadowRoot!.querySelectorAll<HTMLElement>(".menu-panel")) menu.hidden = true;
    });
    await page.setViewport({ width: 1280, height: 860 });
    await fill();
    await driver.press("Compare");
    await check("a result");
    await page.evaluate(() => globalThis.field.setPicture(new File(["x"], "x.png")).catch(() => undefined));
    await check("an error");
    expect(problems).toEqual([]);
    // What a thumb must hit, on a phone.
    await page.setViewport({ width: 360, height: 860 });
    const small = await page.evaluate(() =>
      [...globalThis.field.shadowRoot!.querySelectorAll<HTMLElement>("button, input, select, summary")]
        .filter((control) => control.checkVisibility() && !control.closest(".segment") && !control.matches(".switch"))
        .map((control) => ({
          name: control.getAttribute("aria-label") ?? control.textContent,
          box: control.getBoundingClientRect(),
        }))
        .filter(({ box }) => box.height < 44 || box.width < 44)
        .map(({ name, box }) => `${name}: ${box.width}×${box.height}`),
    );
    expect(small).toEqual([]);
  });

  test("the page's thread is never held for 50 ms while a run is going", async () => {
    driver = await ElementDriver.open({ picture: testPicture(1200, 800), attributes: `previews="0.2"` });
    const { page } = driver;
    await page.evaluate(
      () => (globalThis.field.settings = { sampling: { sampler: "repaint", steps: 30, jumpLength: 5, resamples: 3 } }),
    );
    await page.evaluate(async () => globalThis.field.setMask({ ...globalThis.field.keep, data: globalThis.field.keep.data.map((_, i) => (i % 1200 > 500 && i % 1200 < 700 && i > 300 * 1200 && i < 500 * 1200 ? 0 : 1)) })); // prettier-ignore
    await driver.waitFor(() => globalThis.field.modelInfo !== null);
    const session = await page.createCDPSession();
    await session.send("Profiler.enable");
    await session.send("Profiler.setSamplingInterval", { interval: 500 });
    const longest: number[] = [];
    for (let i = 0; i < 3; i++) {
      await session.send("Profiler.start");
      await fill();
      longest.push(longestTask((await session.send("Profiler.stop")).profile));
    }
    console.log(
      `longest tasks of the element's code in three runs: ${longest.map((ms) => ms.toFixed(1)).join(", ")} ms`,
    );
    expect(longest.sort((a, b) => a - b)[1]).toBeLessThan(50);
  });

  test("fifty runs leave no buffer and no memory behind", async () => {
    driver = await ElementDriver.open({ picture: testPicture(64, 48), attributes: `previews="0.05"` });
    const { page } = driver;
    const session = await page.createCDPSession();
    const measure = async () => {
      await page.evaluate(() => globalThis.field.setPicture("/picture.png"));
      const gpu = await page.evaluate(
        () =>
          new Promise<{ buffers: number; bytes: number; devices: number }>((resolve) => {
            const channel = new BroadcastChannel("gpu");
            channel.onmessage = ({ data }) => resolve(data);
            channel.postMessage("count");
          }),
      );
      await new Promise((later) => setTimeout(later, 300));
      await page.evaluate(() => {
        for (const details of Object.values(globalThis.seen)) details.length = 0;
      });
      await session.send("HeapProfiler.collectGarbage");
      return { ...gpu, heap: (await page.metrics()).JSHeapUsedSize! };
    };
    await page.evaluate((short) => (globalThis.field.settings = short), short);
    const run = async () => {
      await page.evaluate(() => globalThis.field.generateMask("expand"));
      await driver.page.evaluate(() => globalThis.field.run().then(() => undefined));
    };
    for (let i = 0; i < 3; i++) await run();
    const before = await measure();
    for (let i = 0; i < 50; i++) await run();
    const after = await measure();
    console.log(`before ${JSON.stringify(before)}, after fifty runs ${JSON.stringify(after)}`);
    expect(after).toMatchObject({ buffers: before.buffers, bytes: before.bytes, devices: before.devices });
    expect(after.heap - before.heap).toBeLessThan(0.5e6);
  });
});

/** Milliseconds of the longest stretch in which the element's script was seen at every sample. */
function longestTask({ nodes, samples = [], timeDeltas = [] }: Protocol.Profiler.Profile): number {
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isOurs = (id: number): boolean => {
    for (let node = byId.get(id); node; node = parents.get(node.id))
      if (node.callFrame.url.endsWith("/element.js")) return true;
    return false;
  };
  let [longest, current] = [0, 0];
  for (const [i, sample] of samples.entries()) {
    current = isOurs(sample) ? current + timeDeltas[i]! / 1000 : 0;
    longest = Math.max(longest, current);
  }
  return longest;
}
