/**
 * The element as pages and frameworks hold it: attributes that are properties, events under two names, what it
 * downloads when.
 */
import { afterAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "./support/chromium.ts";
import { elementPage } from "./support/elementPage.ts";

afterAll(closeChromium);

describe.skipIf(noChromium)("the element in a page", () => {
  test("has each attribute as a property, and takes its own settings back", async () => {
    const opened = await elementPage();
    const seen = await opened.page.evaluate(() => {
      const element = document.querySelector("repaint-inpaint")!;
      const errors: string[] = [];
      element.addEventListener("repaint-error", ({ detail }) => errors.push(detail.message));
      element.variations = 4;
      element.seed = 7;
      element.precision = "f16";
      element.classLabel = 3;
      element.previews = "off";
      const { settings } = element;
      const attributes = [...element.attributes].map(({ name, value }) => `${name}=${value}`);
      element.settings = { ...settings, seed: 8n };
      element.seed = 7;
      const again = String(element.seed);
      element.settings = { sampling: "paper" };
      const { sampling } = element.settings;
      const steps = "steps" in sampling ? sampling.steps : undefined;
      element.variations = 0;
      const { count, precision, previewSeconds } = settings;
      const seed = String(settings.seed);
      const { variations } = element;
      return {
        attributes,
        errors,
        steps,
        count,
        seed,
        precision,
        previewSeconds,
        class: settings.class,
        variations,
        again,
      };
    });
    await opened.close();
    expect(seen).toEqual({
      attributes: ["id=field", "variations=4", "seed=7", "precision=f16", "class-label=3", "previews=off"],
      errors: [`variations: expected a whole number from 1 to 64, got "0"`],
      steps: 250,
      count: 4,
      seed: "7",
      precision: "f16",
      previewSeconds: 0,
      class: 3,
      variations: 4,
      again: "7",
    });
  });

  test("tells each event under two names, and answers as a form's field does", async () => {
    const opened = await elementPage({ html: `<label for="field">Photo</label><repaint-inpaint id="field" required></repaint-inpaint>` }); // prettier-ignore
    const seen = await opened.page.evaluate(async () => {
      const element = document.querySelector("repaint-inpaint")!;
      const heard: string[] = [];
      for (const name of ["picture", "repaint-picture"] as const)
        element.addEventListener(name, ({ detail }) => heard.push(`${name} ${detail?.width}`));
      const removed = () => heard.push("removed");
      element.addEventListener("repaint-picture", removed);
      element.removeEventListener("repaint-picture", removed);
      await element.setPicture(new ImageData(3, 2));
      const { validity, willValidate, labels } = element;
      return {
        heard,
        missing: validity.valueMissing,
        willValidate,
        valid: element.checkValidity(),
        labels: labels.length,
      };
    });
    await opened.close();
    const heard = ["picture 3", "repaint-picture 3"];
    expect(seen).toEqual({ heard, missing: true, willValidate: true, valid: false, labels: 1 });
  });

  test("does what was asked, or rejects: a damaged picture, a mask of other proportions, a model that is none", async () => {
    const opened = await elementPage();
    const seen = await opened.page.evaluate(async () => {
      const element = document.querySelector("repaint-inpaint")!;
      const name = (error: Error) => `${error.name}: ${error.message}`;
      const damaged = new File(["no picture"], "b.png", { type: "image/png" });
      const half = { width: 4, height: 4, data: Float32Array.from({ length: 16 }, (_, i) => i % 2) };
      const outcomes: unknown[] = [];
      await element.setPicture(new ImageData(4, 4));
      await element.setMask(half);
      // Docs' removeFrom() with another picture: nobody looked at the promise.
      element.setPicture(damaged).catch(() => undefined);
      outcomes.push(await element.run().catch(name));
      outcomes.push(await element.setPicture(undefined as unknown as string).catch(name));
      const [first, second] = [element.setPicture(new ImageData(4, 4)), element.setPicture(new ImageData(6, 6))];
      outcomes.push(await first.catch(name));
      await second;
      outcomes.push(await element.setMask(half).catch(name));
      outcomes.push(await element.run().catch(name));
      await element.setMask({ width: 6, height: 6, data: new Float32Array(36) });
      outcomes.push(await element.loadModel("portraits65").catch(name));
      outcomes.push(await element.loadModel({} as { shipped: string }).catch(name));
      outcomes.push(await element.run().catch(name));
      return outcomes;
    });
    await opened.close();
    const picture = /^InputError: b\.png is no picture that this browser can read/;
    const mask = /^InputError: the mask is 4×4, the picture 6×6/;
    const expected = [picture, /^InputError: The picture: expected a file, an address, .* got undefined$/, /^InterruptedError/, mask, mask, /^InputError: model: expected an address or one of portraits64/, /^InputError: model: expected a File/, /^InputError: model: expected a File/]; // prettier-ignore
    expect(seen).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  test("fills the height that it is given, and takes what it needs where there is none, or where its panel stands below", async () => {
    const opened = await elementPage({ style: "repaint-inpaint { height: auto; }" });
    const heights = () =>
      opened.page.evaluate(async () => {
        const element = document.querySelector("repaint-inpaint")!;
        const seen = [];
        for (const height of ["300px", "500px", "900px", ""]) {
          element.style.height = height;
          await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
          const frame = element.shadowRoot!.querySelector(".frame")!;
          const [all, inner] = [element, frame].map((one) => one.getBoundingClientRect().height);
          seen.push([all!, inner! - all!]);
        }
        return seen;
      });
    const [low, middle, high, free] = await heights();
    await opened.page.setViewport({ width: 390, height: 844 });
    const narrow = await heights();
    await opened.close();
    expect([low, middle, high]).toEqual([[300, 0], [500, 0], [900, 0]]); // prettier-ignore
    expect(free![0]).toBeGreaterThanOrEqual(560);
    for (const [height, overflow] of narrow) {
      expect(height).toBeGreaterThan(600);
      expect(overflow).toBe(0);
    }
  });

  test("works where scripts' addresses must be trusted, once the page's policy makes the worker", async () => {
    const policy = "default-src 'self'; require-trusted-types-for 'script'; trusted-types worker";
    const opened = await elementPage({ policy });
    const seen = await opened.page.evaluate(async () => {
      const element = document.querySelector("repaint-inpaint")!;
      const words = (error: Error) => `${error.name}: ${error.message}`;
      await element.setPicture(new ImageData(4, 4));
      const nothing = new File(["no model"], "a.safetensors");
      const refused = await element.loadModel(nothing).catch(words);
      // Where the worker's script is, from what would start it.
      const make = element.worker as () => Worker;
      const Started = Worker;
      let address = "";
      globalThis.Worker = class { constructor(url: URL) { address = url.href; } } as unknown as typeof Worker; // prettier-ignore
      make();
      globalThis.Worker = Started;
      const { trustedTypes } = globalThis as unknown as {
        trustedTypes: { createPolicy(name: string, rules: object): { createScriptURL(address: string): string } };
      };
      const trusted = trustedTypes.createPolicy("worker", { createScriptURL: (text: string) => text });
      element.worker = () => new Worker(trusted.createScriptURL(address), { type: "module" });
      element.dispose();
      return [refused, await element.loadModel(nothing).catch(words)];
    });
    await opened.close();
    expect(seen[0]).toMatch(/^InputError: this page starts no worker without a Trusted Types policy: set the element's worker/); // prettier-ignore
    expect(seen[1]).toMatch(/^CheckpointError: /);
    expect(opened.log.filter((line) => !/TrustedScriptURL/.test(line))).toEqual([]);
  });

  test("downloads no engine and no weights before it is near", async () => {
    const html = `<div id="above"></div><repaint-inpaint id="field" src="/far.png"></repaint-inpaint>`;
    const png = Uint8Array.from(atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="), (c) => c.charCodeAt(0)); // prettier-ignore
    const opened = await elementPage({ html, files: { "/far.png": png }, style: "#above { height: 5000px; }" });
    const isHeavy = (path: string) => /worker|safetensors/i.test(path);
    await opened.page.waitForFunction(() => document.querySelector("repaint-inpaint")!.picture);
    await new Promise((soon) => setTimeout(soon, 300));
    expect(opened.requested).toContain("/far.png");
    expect(opened.requested.filter(isHeavy)).toEqual([]);
    await opened.page.evaluate(() => document.querySelector("repaint-inpaint")!.scrollIntoView());
    await expect.poll(() => opened.requested.filter(isHeavy).length > 1, { timeout: 20_000 }).toBe(true);
    await opened.close();
  });
});
