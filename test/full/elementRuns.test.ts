/** Runs: how they are seen and ended, compared and sent; and that a lost device changes nothing. */
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { ElementDriver, testPicture } from "../support/elementDriver.ts";
import { tinyNetwork } from "../support/tinyNetwork.ts";

describe.skipIf(noChromium)("<repaint-inpaint> in Chromium", () => {
  let driver: ElementDriver;
  afterEach(async () => driver.close());
  afterAll(closeChromium);
  const choose = (name: string) => driver.press(name);

  test("strength has a slider for either sampler, and its run begins with what is there", async () => {
    driver = await ElementDriver.open({ picture: testPicture(64, 48) });
    const { page } = driver;
    const slide = (percent: number) =>
      page.evaluate((value) => {
        const labels = [...globalThis.field.shadowRoot!.querySelectorAll("label")];
        const label = labels.find((one) => one.textContent.startsWith("Strength"))!;
        const slider = label.querySelector("input")!;
        slider.value = String(value);
        slider.dispatchEvent(new Event("input"));
        const plot = globalThis.field.shadowRoot!.querySelector(".plot-text")!.textContent;
        const { sampling } = globalThis.field.settings;
        return {
          strength: sampling.strength,
          said: slider.getAttribute("aria-valuetext"),
          text: label.textContent,
          plot,
        };
      }, percent);
    for (const sampling of [
      { sampler: "langevin", levels: 10, inner: 1 },
      { sampler: "repaint", steps: 10, jumpLength: 1, resamples: 2 },
    ] as const) {
      await page.evaluate((given) => (globalThis.field.settings = { sampling: given }), sampling);
      const whole = await slide(100);
      expect([whole.strength, whole.said]).toEqual([undefined, "all noise"]);
      const half = await slide(50);
      expect([half.strength, half.said]).toEqual([0.5, "50 % noise"]);
      expect(half.text).toBe("Strength50 % noise");
      expect(half.plot).toMatch(
        sampling.sampler === "langevin" ? /^From what is there to picture in 5 levels/ : /^Noise from 5 down/,
      );
      expect(await page.evaluate(() => globalThis.field.settings.sampling)).toEqual({ ...sampling, strength: 0.5 });
    }
    await driver.drag([20, 20], [24, 22]);
    await choose("Fill in");
    await driver.ends();
    // 5 levels, all but the last of them twice.
    expect(await page.evaluate(() => Math.max(...globalThis.seen.progress.map(({ step }) => step)))).toBe(9);
  });

  test("run, progress, previews, pause, resume, stop; run to the end; compare", async () => {
    driver = await ElementDriver.open({ picture: testPicture(64, 48), attributes: `previews="0.001"` });
    const { page } = driver;
    await page.evaluate(
      () =>
        (globalThis.field.settings = { sampling: { sampler: "repaint", steps: 250, jumpLength: 10, resamples: 10 } }),
    );
    await driver.drag([20, 20], [24, 22]);
    await choose("Fill in");
    await driver.runs();
    await choose("Pause");
    await driver.waitFor(() => globalThis.seen.progress.at(-1)!.state === "paused");
    expect(await driver.line()).toMatch(/^Step \d+ of [\d,]+ · paused$/);
    const paused = await page.evaluate(() => globalThis.seen.progress.at(-1)!.step);
    await new Promise((later) => setTimeout(later, 400));
    expect(await page.evaluate(() => globalThis.seen.progress.at(-1)!.step)).toBe(paused);
    expect(await page.evaluate(() => globalThis.seen.preview.length)).toBeGreaterThan(0);
    // The preview is in its place, in the page.
    const drawn = await page.evaluate(() => {
      const canvas = globalThis.field.shadowRoot!.querySelector<HTMLCanvasElement>(".result")!;
      return canvas.getContext("2d")!.getImageData(22, 21, 1, 1).data[3];
    });
    expect(drawn).toBe(255);
    // The mask cannot change meanwhile.
    const { count } = await driver.filled();
    await driver.drag([5, 5], [10, 5]);
    expect((await driver.filled()).count).toBe(count);
    await choose("Resume");
    await driver.waitFor(() => globalThis.seen.progress.at(-1)!.state === "running");
    await choose("Stop");
    await driver.ends();
    expect(await page.evaluate(() => globalThis.seen.result[0]!.stopped)).toBe(true);
    const names = () => page.evaluate(() => [...globalThis.field.shadowRoot!.querySelectorAll(".thumb")].map((thumb) => thumb.textContent)); // prettier-ignore
    expect(await names()).toEqual(["Mask", "7 …"]);
    await page.evaluate(() => {
      globalThis.field.settings = { sampling: { sampler: "repaint", steps: 6, jumpLength: 2, resamples: 2 } };
      globalThis.field.setAttribute("variations", "3");
    });
    await choose("Fill in");
    await driver.waitFor(() => globalThis.seen.result.length === 2);
    expect(await names()).toEqual(["Mask", "7 …", "7", "8", "9"]);
    await choose("Result with seed 9");
    const nine = await driver.downloadPicture(() => driver.press("Download"));
    expect(nine.name).toBe("picture.filled-9.png");
    await choose("Compare");
    const clip = () => page.evaluate(() => globalThis.field.shadowRoot!.querySelector<HTMLElement>(".result")!.style.clipPath); // prettier-ignore
    expect(await clip()).toBe("inset(0px 0px 0px 50%)");
    await driver.drag([32, 24], [48, 24]);
    expect(parseFloat((await clip()).split(" ").at(-1)!)).toBeCloseTo(75, 0);
    await page.evaluate(() => (globalThis.field.shadowRoot!.querySelector(".compare-slider") as HTMLElement).focus());
    await page.keyboard.press("Home");
    expect(parseFloat((await clip()).split(" ").at(-1)!)).toBe(0);
    expect((await driver.filled()).count).toBe(count);
    await choose("Go on with it");
    expect((await driver.filled()).count).toBe(0);
    expect(await page.evaluate(() => globalThis.seen.error)).toEqual([]);
    // No preview is asked for: none comes, until they are switched on in mid-run.
    await page.evaluate(() => {
      globalThis.field.setAttribute("previews", "off");
      globalThis.field.setAttribute("variations", "1");
      globalThis.field.settings = { sampling: { sampler: "repaint", steps: 250, jumpLength: 10, resamples: 10 } };
      globalThis.seen.preview.length = globalThis.seen.progress.length = 0;
    });
    await driver.drag([20, 20], [24, 22]);
    await choose("Fill in");
    await driver.waitFor(() => (globalThis.seen.progress.at(-1)?.step ?? 0) > 12);
    expect(await page.evaluate(() => globalThis.seen.preview.length)).toBe(0);
    await page.locator("::-p-aria(Live preview)").click();
    await driver.waitFor(() => globalThis.seen.preview.length > 0);
    await choose("Stop");
    await driver.waitFor(() => globalThis.seen.result.length === 3);
  });

  test("a destroyed device in mid-run changes nothing about the result", async () => {
    const open = () => ElementDriver.open({ picture: testPicture(64, 48) });
    const result = () => driver.page.evaluate(() => [...globalThis.field.result!.data].join());
    const begin = async () => {
      await driver.drag([20, 20], [24, 22]);
      await choose("Fill in");
    };
    driver = await open();
    await begin();
    await driver.ends();
    const expected = await result();
    await driver.close();
    driver = await open();
    await driver.page.evaluate(() => {
      let isDestroyed = false;
      globalThis.field.addEventListener("progress", ({ detail }) => {
        if (detail.step !== 10 || isDestroyed) return;
        isDestroyed = true;
        new BroadcastChannel("gpu").postMessage("destroy");
      });
    });
    await begin();
    await driver.ends();
    expect(await driver.page.evaluate(() => globalThis.seen.progress.some(({ state }) => state === "recovering"))).toBe(
      true,
    );
    expect(await driver.page.evaluate(() => globalThis.seen.result[0]!.stopped)).toBe(false);
    expect(await result()).toBe(expected);
  });

  test("a field of a form: its value is the result as a PNG file; reset takes it back", async () => {
    driver = await ElementDriver.open({ picture: testPicture(40, 30), attributes: `name="filled" required` });
    const { page } = driver;
    await page.evaluate(() => {
      const form = document.createElement("form");
      form.id = "form";
      globalThis.field.before(form);
      globalThis.field.setAttribute("form", "form");
    });
    const valid = () => page.evaluate(() => (document.getElementById("form") as HTMLFormElement).checkValidity());
    expect(await valid()).toBe(false);
    await driver.drag([20, 20], [24, 22]);
    await choose("Fill in");
    await driver.waitFor(() => globalThis.field.value !== null);
    const sent = await page.evaluate(async () => {
      const file = new FormData(document.getElementById("form") as HTMLFormElement).get("filled") as File;
      const { width, height } = await createImageBitmap(file);
      return { name: file.name, type: file.type, width, height };
    });
    expect(sent).toEqual({ name: "picture.filled-7.png", type: "image/png", width: 40, height: 30 });
    expect(await valid()).toBe(true);
    await page.evaluate(() => (document.getElementById("form") as HTMLFormElement).reset());
    expect(await page.evaluate(() => globalThis.field.value)).toBe(null);
    expect(await valid()).toBe(false);
  });

  test("a model with classes: they are offered by name, and the run paints the chosen one", async () => {
    const files = { "/classes.safetensors": tinyNetwork(["nothing", "cat", "dog"]) };
    driver = await ElementDriver.open({ picture: testPicture(40, 30), files });
    const { page } = driver;
    await page.evaluate(() => {
      globalThis.field.model = "/classes.safetensors";
      globalThis.field.settings = { sampling: { sampler: "repaint", steps: 6, jumpLength: 2, resamples: 2 } };
      return globalThis.field.loadModel(new URL("/classes.safetensors", location.href));
    });
    await driver.drag([20, 20], [24, 22]);
    const paint = async (name: string) => {
      await page.evaluate((name) => {
        const shadow = globalThis.field.shadowRoot!;
        const select = [...shadow.querySelectorAll("select")].find(({ textContent }) => textContent.includes("cat"))!;
        select.value = name;
        select.dispatchEvent(new Event("change"));
        globalThis.seen.result.length = 0;
      }, name);
      await choose("Fill in");
      await driver.ends();
      return page.evaluate(() => [...globalThis.field.result!.data].join());
    };
    const cat = await paint("1 cat");
    expect(await page.evaluate(() => globalThis.field.settings.class)).toBe(1);
    expect(await paint("2 dog")).not.toBe(cat);
    expect(await paint("1 cat")).toBe(cat);
  });
});
