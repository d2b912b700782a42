/** The element in a page of a real browser, in short: all else is in test/full/element*.test.ts. */
import { afterAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "./support/chromium.ts";
import { ElementDriver, testPicture } from "./support/elementDriver.ts";

describe.skipIf(noChromium)("<repaint-inpaint>", () => {
  afterAll(closeChromium);

  test("a picture is painted on, filled and saved; what was known is what it was", async () => {
    const picture = testPicture(40, 30);
    const driver = await ElementDriver.open({ picture, attributes: `previews="0.001"` });
    const { page } = driver;
    await driver.drag([12, 10], [20, 14]);
    const { count, at } = await driver.filled([16, 12], [39, 29]);
    expect(at).toEqual([true, false]);
    await driver.waitFor(() => /^\d+ model calls · .* here$/.test(globalThis.field.shadowRoot!.querySelector(".run-line")!.textContent ?? "")); // prettier-ignore
    const keep = await page.evaluate(() => [...globalThis.field.keep.data]);
    await driver.press("Fill in");
    await driver.ends();
    const seen = await page.evaluate(() => {
      const { progress, preview, error } = globalThis.seen;
      return { progress: progress.length, previews: preview.length, errors: error.length };
    });
    expect(seen.errors).toBe(0);
    // One a model call of the preset "fast".
    expect(seen.progress).toBeGreaterThanOrEqual(28);
    expect(seen.previews).toBeGreaterThan(5);
    const saved = await driver.downloadPicture(() => driver.press("Download"));
    expect(saved).toMatchObject({ width: 40, height: 30, name: "picture.filled-7.png" });
    const { Settings: settings, ...text } = saved.text;
    expect(text).toEqual({ Software: "repaint-webgpu", Model: "tiny.safetensors", Seed: "7" });
    expect(JSON.parse(settings!)).toEqual({
      sampling: { sampler: "langevin", levels: 10, inner: 2, step: 1, lambda: 8, still: 1 },
      precision: "f32",
      detail: "model",
      reached: "result",
    });
    let changed = 0;
    for (let i = 0; i < keep.length; i++) {
      const [before, after] = [picture, saved].map(({ data }) =>
        Buffer.from(data.subarray(4 * i, 4 * i + 4)).toString("hex"),
      );
      if (keep[i] === 1) expect(after).toBe(before);
      else if (after !== before) changed++;
    }
    expect(changed).toBeGreaterThan(count / 2);
    expect(driver.log).toEqual([]);
    await driver.close();
  });
});
