/** A larger canvas, by mouse, by finger and by keys alone; what is saved; what is refused; who can use it. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import type { Sides } from "../../src/pictures/extend.ts";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { ElementDriver, testPicture, type Pixels } from "../support/elementDriver.ts";

declare global {
  var axe: { run(): Promise<AxeResults> };
}

const picture = testPicture(64, 48);

describe.skipIf(noChromium)("<repaint-inpaint> in Chromium", () => {
  let driver: ElementDriver;
  afterEach(async () => driver.close());
  afterAll(closeChromium);

  const size = () => driver.page.evaluate(() => [globalThis.field.picture!.width, globalThis.field.picture!.height]);
  const handle = async (side: string): Promise<{ x: number; y: number; width: number; height: number }> => {
    await driver.settle();
    return driver.page.evaluate((side) => {
      const { x, y, width, height } = globalThis.field.shadowRoot!.querySelector(`.edge.${side}`)!.getBoundingClientRect(); // prettier-ignore
      return { x, y, width, height };
    }, side);
  };
  const middle = async (side: string): Promise<{ x: number; y: number }> => {
    const { x, y, width, height } = await handle(side);
    return { x: x + width / 2, y: y + height / 2 };
  };
  /** Where the handle is to be let go so that its side has so many pixels more. */
  const target = async (side: keyof Sides, pixels: number): Promise<{ x: number; y: number }> => {
    const from = await middle(side);
    const [zero, one] = [await driver.placeOf(0, 0), await driver.placeOf(pixels, pixels)];
    const [dx, dy] = [one.x - zero.x, one.y - zero.y];
    return {
      left: { x: from.x - dx, y: from.y },
      top: { x: from.x, y: from.y - dy },
      right: { x: from.x + dx, y: from.y },
      bottom: { x: from.x, y: from.y + dy },
    }[side];
  };
  const dragEdge = async (side: keyof Sides, pixels: number): Promise<void> => {
    const [from, to] = [await middle(side), await target(side, pixels)];
    await driver.page.mouse.move(from.x, from.y);
    await driver.page.mouse.down();
    await driver.page.mouse.move(to.x, to.y, { steps: 4 });
    await driver.page.mouse.up();
    await driver.settle();
  };
  /** What was known is there, in its place, to the bit; the border is opaque now. */
  const expectSaved = (saved: Pixels, { left, top, right, bottom }: Sides): void => {
    expect([saved.width, saved.height]).toEqual([left + 64 + right, top + 48 + bottom]);
    const wrong: string[] = [];
    for (let y = 0; y < saved.height; y++)
      for (let x = 0; x < saved.width; x++) {
        const pixel = saved.data.subarray(4 * (y * saved.width + x)).subarray(0, 4);
        const [u, v] = [x - left, y - top];
        const isKnown = u >= 0 && v >= 0 && u < 64 && v < 48;
        const before = picture.data.subarray(4 * (v * 64 + u)).subarray(0, 4);
        if (isKnown ? before.some((value, c) => value !== pixel[c]) : pixel[3] !== 255) wrong.push(`${x},${y}`);
      }
    expect(wrong).toEqual([]);
  };
  const run = async (): ReturnType<ElementDriver["downloadPicture"]> => {
    await driver.page.evaluate(() => (globalThis.seen.result.length = 0));
    await driver.press("Fill in");
    await driver.ends();
    return driver.downloadPicture(() => driver.press("Download"));
  };

  test("mouse: every edge moves, undo and redo bring it back, the PNG has the new size and the old pixels", async () => {
    driver = await ElementDriver.open({ picture });
    await driver.press("Larger canvas");
    await dragEdge("right", 16);
    expect(await size()).toEqual([80, 48]);
    await dragEdge("left", 16);
    await dragEdge("top", 12);
    await dragEdge("bottom", 12);
    expect(await size()).toEqual([96, 72]);
    expect(await driver.filled([0, 0], [15, 12], [16, 12], [79, 59], [80, 59], [79, 60])).toEqual({
      count: 96 * 72 - 64 * 48,
      at: [true, true, false, false, true, true],
    });
    // Back inwards, and past the picture's own edge: it stays there.
    await dragEdge("top", -40);
    expect(await size()).toEqual([96, 60]);
    for (let i = 0; i < 5; i++) await driver.press("Undo");
    expect([await size(), (await driver.filled()).count]).toEqual([[64, 48], 0]);
    for (let i = 0; i < 4; i++) await driver.press("Redo");
    expect(await size()).toEqual([96, 72]);
    await driver.press("Done");
    const saved = await run();
    expectSaved(saved, { left: 16, top: 12, right: 16, bottom: 12 });
    expect(JSON.parse(saved.text.Settings!)).toMatchObject({ extend: "16,12,16,12" });
    // The results are the canvas's own: undo and redo take them away and bring them back.
    const results = () => driver.page.evaluate(() => globalThis.field.shadowRoot!.querySelectorAll(".thumb canvas").length); // prettier-ignore
    await driver.press("Undo");
    expect([await size(), await results()]).toEqual([[96, 60], 0]);
    await driver.press("Redo");
    expect([await size(), await results()]).toEqual([[96, 72], 1]);
    expect(driver.log).toEqual([]);
  });

  test("fingers, on a phone, from the menu", async () => {
    driver = await ElementDriver.open({ picture, width: 390, height: 844 });
    const { page } = driver;
    await driver.press("Mask");
    await driver.press("Larger canvas");
    const [from, to] = [await middle("bottom"), await target("bottom", 12)];
    await page.touchscreen.touchStart(from.x, from.y);
    for (let i = 1; i <= 4; i++) await page.touchscreen.touchMove(from.x, from.y + ((to.y - from.y) * i) / 4);
    await page.touchscreen.touchEnd();
    await driver.settle();
    expect(await size()).toEqual([64, 60]);
    await driver.press("25 % all around");
    expect(await size()).toEqual([96, 84]);
    expectSaved(await run(), { left: 16, top: 12, right: 16, bottom: 24 });
    expect(driver.log).toEqual([]);
  });

  test("keys alone: handles, numbers, undo, and the file", async () => {
    driver = await ElementDriver.open({ picture });
    const { page } = driver;
    const key = async (...keys: string[]) => {
      for (const one of keys) await page.keyboard.press(one as "Enter");
      await driver.settle();
    };
    const focused = () =>
      page.evaluate(() => {
        const active = globalThis.field.shadowRoot!.activeElement;
        return active?.getAttribute("aria-label") ?? active?.closest("label")?.textContent ?? active?.textContent ?? "";
      });
    const tabTo = async (name: string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        if ((await focused()) === name) return;
      }
      throw new Error(`no Tab leads to ${name}`);
    };
    await page.evaluate(() => globalThis.field.focus());
    await key("x");
    await tabTo("Left edge of the canvas");
    expect(await page.evaluate(() => getComputedStyle(globalThis.field.shadowRoot!.activeElement!).outlineStyle)).toBe("solid"); // prettier-ignore
    await key("ArrowLeft", "ArrowLeft");
    await page.keyboard.down("Shift");
    await key("ArrowUp", "ArrowRight", "ArrowUp");
    await page.keyboard.up("Shift");
    expect(await size()).toEqual([64 + 2 + 2 + 1, 48]);
    expect(await page.evaluate(() => globalThis.field.shadowRoot!.activeElement!.ariaValueText)).toBe("5 pixels added");
    expect(await driver.said()).toBe("The canvas has 69 by 48 pixels; what was added is to be filled");
    await tabTo("Bottom edge of the canvas");
    await key("ArrowDown", "Home");
    expect(await size()).toEqual([69, 48]);
    // What one control did in one go is one step.
    await page.keyboard.down("Control");
    await key("z");
    await page.keyboard.up("Control");
    expect(await size()).toEqual([64, 48]);
    await page.keyboard.down("Control");
    await key("y");
    await page.keyboard.up("Control");
    expect(await size()).toEqual([69, 48]);
    await page.keyboard.down("Shift");
    for (let i = 0; i < 20 && (await focused()) !== "Right, px"; i++) await page.keyboard.press("Tab");
    await page.keyboard.up("Shift");
    await page.keyboard.type("9");
    await key("Enter");
    expect(await size()).toEqual([64 + 5 + 9, 48]);
    await tabTo("Fill in");
    await key("Enter");
    await driver.ends();
    const saved = await driver.downloadPicture(async () => {
      await tabTo("Download");
      await key("Enter");
    });
    expectSaved(saved, { left: 5, top: 0, right: 9, bottom: 0 });
    expect(driver.log).toEqual([]);
  });

  test("what cannot be is one line: below 0, too large, nothing, while a run is under way", async () => {
    driver = await ElementDriver.open({ picture });
    const { page } = driver;
    const alert = () => page.evaluate(() => globalThis.field.shadowRoot!.querySelector("[role=alert] p")!.textContent);
    await driver.press("Larger canvas");
    const type = (side: number, text: string) =>
      page.evaluate(
        (side, text) => {
          const input = globalThis.field.shadowRoot!.querySelectorAll<HTMLInputElement>(".extend input")[side]!;
          input.value = text;
          input.dispatchEvent(new Event("change"));
        },
        side,
        text,
      );
    await type(0, "-5");
    expect(await alert()).toBe("extend: expected whole pixels from 0 on for left, top, right, bottom, got -5, 0, 0, 0");
    await type(0, "2.5");
    expect(await alert()).toContain("got 2.5, 0, 0, 0");
    await type(0, "0");
    await type(1, "3000000");
    expect(await alert()).toBe("extend: the canvas would be 64×3000048, more than 67 megapixels: add less");
    await type(1, "");
    expect(await size()).toEqual([64, 48]);
    const thrown = await page.evaluate(() =>
      [{}, { left: -1 }, { top: NaN }, { right: 1e9 }].map((sides) => {
        try {
          return globalThis.field.extend(sides);
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
      }),
    );
    expect(thrown).toEqual([
      "InputError: extend: 0, 0, 0, 0 adds nothing: expected at least 1 pixel on one side",
      expect.stringMatching(/^InputError: extend: expected whole pixels .*, got -1, 0, 0, 0$/),
      expect.stringMatching(/^InputError: extend: expected whole pixels .*, got 0, NaN, 0, 0$/),
      expect.stringMatching(/^InputError: extend: the canvas would be 1000000064×48/),
    ]);
    await page.evaluate(() => globalThis.field.extend({ left: 8, right: 8 }));
    expect(await size()).toEqual([80, 48]);
    await driver.press("Fill in");
    await driver.runs();
    const hidden = await page.evaluate(() => {
      globalThis.field.extend({ top: 9 });
      return ["edges", "extend"].map((name) => globalThis.field.shadowRoot!.querySelector<HTMLElement>(`.${name}`)!.hidden); // prettier-ignore
    });
    expect([hidden, await size()]).toEqual([
      [true, true],
      [80, 48],
    ]);
    await driver.ends();
  });

  test("handles are 44 px, apart, on the stage; axe finds nothing in light and dark, narrow and wide", async () => {
    driver = await ElementDriver.open({ picture });
    const { page } = driver;
    await page.evaluate(readFileSync(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
    await driver.press("Larger canvas");
    await page.evaluate(() => globalThis.field.extend({ left: 16, top: 12, right: 16, bottom: 12 }));
    const problems: string[] = [];
    for (const width of [320, 390, 800, 1000, 1280])
      for (const scheme of ["light", "dark"] as const) {
        await page.setViewport({ width, height: 860 });
        await page.emulateMediaFeatures([
          { name: "prefers-color-scheme", value: scheme },
          { name: "prefers-reduced-motion", value: "reduce" },
        ]);
        await driver.settle();
        const { violations } = await page.evaluate(() => globalThis.axe.run());
        // The page has nothing but the element.
        for (const { id, nodes } of violations.filter((one) => one.id !== "page-has-heading-one"))
          problems.push(`${width}, ${scheme}: ${id} ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
        const folder = process.env.REPAINT_SCREENSHOTS;
        if (folder) await page.screenshot({ path: `${folder}/canvas-${width}-${scheme}.png` });
      }
    expect(problems).toEqual([]);
    // A strip, and a picture that is larger than the stage: handles never lie on each other, nor beyond the stage.
    for (const [width, height] of [
      [400, 12],
      [12, 400],
      [64, 48],
    ] as const)
      // prettier-ignore
      for (const zoom of [0, 6]) {
        await page.evaluate(
          async (width, height) => globalThis.field.setPicture(new ImageData(width, height)),
          width,
          height,
        );
        for (let i = 0; i < zoom; i++) await driver.press("Zoom in");
        await driver.settle();
        const boxes = await Promise.all(["left", "top", "right", "bottom"].map(handle));
        const stage = await page.evaluate(() => globalThis.field.shadowRoot!.querySelector(".stage")!.getBoundingClientRect().toJSON() as DOMRect); // prettier-ignore
        for (const [i, one] of boxes.entries()) {
          expect([one.width, one.height].map(Math.round)).toEqual([44, 44]);
          expect(one.x >= stage.x - 0.5 && one.x + 44 <= stage.x + stage.width + 0.5).toBe(true);
          expect(one.y >= stage.y - 0.5 && one.y + 44 <= stage.y + stage.height + 0.5).toBe(true);
          for (const other of boxes.slice(i + 1))
            expect(Math.max(Math.abs(one.x - other.x), Math.abs(one.y - other.y))).toBeGreaterThan(40);
        }
      }
  });
});
