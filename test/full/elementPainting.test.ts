/** Masks, by every way to paint them: mouse, wheel, fingers, pen, keyboard alone, files, patterns. */
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { ElementDriver, encodePicture, testPicture } from "../support/elementDriver.ts";

describe.skipIf(noChromium)("<repaint-inpaint> in Chromium", () => {
  let driver: ElementDriver;
  afterEach(async () => driver.close());
  afterAll(closeChromium);
  const choose = (name: string) => driver.press(name);

  test("mouse: brush, eraser, rectangle, lasso, undo, redo, invert, grow, shrink, clear", async () => {
    driver = await ElementDriver.open({ picture: testPicture(64, 48) });
    await driver.drag([10, 10], [30, 10]);
    expect((await driver.filled([10, 10], [20, 10], [30, 10], [20, 30])).at).toEqual([true, true, true, false]);
    const stroke = (await driver.filled()).count;
    await choose("Eraser");
    await driver.drag([20, 4], [20, 16]);
    expect((await driver.filled([20, 10], [10, 10])).at).toEqual([false, true]);
    await choose("Undo");
    expect((await driver.filled()).count).toBe(stroke);
    // The focus is on a button now.
    for (const key of ["Control", "Shift"] as const) await driver.page.keyboard.down(key);
    await driver.page.keyboard.press("z");
    for (const key of ["Control", "Shift"] as const) await driver.page.keyboard.up(key);
    expect((await driver.filled()).count).toBeLessThan(stroke);
    await choose("Clear");
    await choose("Rectangle");
    await driver.drag([10, 20], [30, 40]);
    expect(await driver.filled([10, 20], [29, 39], [30, 40], [9, 20])).toEqual({ count: 400, at: [true, true, false, false] }); // prettier-ignore
    await choose("Invert");
    expect((await driver.filled()).count).toBe(64 * 48 - 400);
    await choose("Invert");
    await choose("Grow");
    expect((await driver.filled()).count).toBe(400 + 4 * 20);
    await choose("Shrink");
    expect((await driver.filled()).count).toBe(400);
    await choose("Clear");
    await choose("Lasso");
    await driver.drag([40, 10], [60, 10], [60, 40]);
    expect((await driver.filled([58, 15], [42, 30])).at).toEqual([true, false]);
    // All of it back, step by step, and forth.
    for (let i = 0; i < 9; i++) await driver.page.evaluate(() => globalThis.field.undo());
    expect((await driver.filled()).count).toBe(stroke);
    for (let i = 0; i < 9; i++) await driver.page.evaluate(() => globalThis.field.redo());
    expect((await driver.filled([58, 15])).at).toEqual([true]);
  });

  test("wheel, pinch and space-drag move the picture; Shift and wheel size the brush; a pen's pressure is its width", async () => {
    driver = await ElementDriver.open({ picture: testPicture(400, 300) });
    const { page } = driver;
    const scale = () => page.evaluate(() => globalThis.field.shadowRoot!.querySelector(".zoom")!.textContent);
    const [first, at] = [await scale(), await driver.placeOf(100, 100)];
    await page.mouse.move(at.x - 5, at.y - 5);
    await page.mouse.move(at.x, at.y);
    await page.mouse.wheel({ deltaY: -300 });
    const zoomed = await driver.placeOf(100, 100);
    expect(Math.abs(zoomed.x - at.x) + Math.abs(zoomed.y - at.y)).toBeLessThan(2);
    expect(await scale()).not.toBe(first);
    const size = () => page.evaluate(() => globalThis.field.shadowRoot!.querySelector(".size-text")!.textContent);
    const before = await size();
    await page.keyboard.down("Shift");
    await page.mouse.wheel({ deltaY: -100 });
    await page.keyboard.up("Shift");
    expect(parseInt((await size())!)).toBeGreaterThan(parseInt(before!));
    await page.evaluate(() => (globalThis.field.shadowRoot!.querySelector(".surface") as HTMLElement).focus());
    await page.keyboard.down("Space");
    await driver.drag([100, 100], [120, 110]);
    await page.keyboard.up("Space");
    const moved = await driver.placeOf(100, 100);
    expect(moved.x).toBeGreaterThan(zoomed.x + 10);
    expect((await driver.filled()).count).toBe(0);
    await choose("Fit");
    expect(await scale()).toBe(first);
    // Two fingers, and a pen: dispatched, since the browser's own input has none.
    const result = await page.evaluate(async () => {
      const surface = globalThis.field.shadowRoot!.querySelector(".surface") as HTMLElement;
      surface.setPointerCapture = () => undefined;
      const { left, top, width, height } = surface.getBoundingClientRect();
      const send = (type: string, pointerId: number, x: number, y: number, more: PointerEventInit = {}) =>
        surface.dispatchEvent(new PointerEvent(type, { pointerId, clientX: left + width / 2 + x, clientY: top + height / 2 + y, bubbles: true, pointerType: "touch", isPrimary: pointerId === 1, buttons: 1, ...more })); // prettier-ignore
      send("pointerdown", 1, -50, 0);
      send("pointerdown", 2, 50, 0);
      for (let i = 1; i <= 10; i++) {
        send("pointermove", 1, -50 - 5 * i, 0);
        send("pointermove", 2, 50 + 5 * i, 0);
      }
      send("pointerup", 1, -100, 0);
      send("pointerup", 2, 100, 0);
      await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
      const pinched = globalThis.field.shadowRoot!.querySelector(".zoom")!.textContent;
      const afterPinch = globalThis.field.keep.data.filter((value) => value === 0).length;
      const widths = [0.2, 1].map((pressure) => {
        const pen = { pointerType: "pen", pressure };
        send("pointerdown", 3, 0, 0, pen);
        send("pointerup", 3, 0, 0, pen);
        const count = globalThis.field.keep.data.filter((value) => value === 0).length;
        globalThis.field.undo();
        return count;
      });
      return { pinched, afterPinch, widths };
    });
    expect(parseInt(result.pinched!)).toBeGreaterThan(1.8 * parseInt(first!));
    expect(result.afterPinch).toBe(0);
    expect(result.widths[1]! / result.widths[0]!).toBeGreaterThan(15);
  });

  test("keyboard only: from painting to the file", async () => {
    driver = await ElementDriver.open({ picture: testPicture(64, 48) });
    const { page } = driver;
    await page.evaluate(() => document.body.focus());
    for (let i = 0; i < 40; i++) {
      await page.keyboard.press("Tab");
      if (await page.evaluate(() => globalThis.field.shadowRoot!.activeElement?.classList.contains("surface") ?? false))
        break;
    }
    for (const key of ["[", "[", "[", "Enter", "ArrowRight", "ArrowRight", "ArrowRight", "Enter"]) await page.keyboard.press(key as "Enter"); // prettier-ignore
    const line = await driver.filled([32, 24], [35, 24], [50, 24]);
    expect(line.at).toEqual([true, true, false]);
    await page.keyboard.press("r");
    for (const key of ["ArrowDown", "ArrowDown", "Enter", "ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft", "ArrowLeft", "Enter"]) await page.keyboard.press(key as "Enter"); // prettier-ignore
    expect((await driver.filled()).count).toBeGreaterThan(line.count);
    await page.keyboard.down("Control");
    await page.keyboard.press("z");
    await page.keyboard.up("Control");
    expect((await driver.filled()).count).toBe(line.count);
    await page.keyboard.press("b");
    await page.keyboard.press("Space");
    expect((await driver.filled()).count).toBeGreaterThanOrEqual(line.count);
    await driver.waitFor(() => /Column \d+ of 64/.test(globalThis.field.shadowRoot!.querySelector("[role=status]")!.textContent ?? "")); // prettier-ignore
    const tabTo = async (name: string) => {
      for (let i = 0; i < 60; i++) {
        await page.keyboard.press("Tab");
        const focused = await page.evaluate(() => globalThis.field.shadowRoot!.activeElement?.textContent);
        if (focused === name) return;
      }
      throw new Error(`no Tab leads to ${name}`);
    };
    await tabTo("Fill in");
    await page.keyboard.press("Enter");
    await driver.ends();
    await tabTo("Download");
    const saved = await driver.downloadPicture(() => page.keyboard.press("Enter"));
    expect(saved.width).toBe(64);
    await driver.page.evaluate(() => (globalThis.field.shadowRoot!.querySelector(".surface") as HTMLElement).focus());
  });

  test("masks: as files, and the paper's six", async () => {
    driver = await ElementDriver.open({ picture: testPicture(40, 30) });
    await choose("Mask");
    await choose("One half");
    expect((await driver.filled([19, 5], [20, 5])).at).toEqual([false, true]);
    await choose("Mask");
    const saved = await driver.downloadPicture(() => choose("Save the mask"));
    expect(saved).toMatchObject({ name: "picture.fill.png", width: 40, height: 30 });
    const picture = Buffer.from(encodePicture(saved)).toString("base64");
    await driver.page.evaluate(async (picture) => {
      const bytes = Uint8Array.from(atob(picture), (sign) => sign.charCodeAt(0));
      globalThis.field.generateMask("expand");
      await globalThis.field.setMask(new Blob([bytes]));
    }, picture);
    expect((await driver.filled([19, 5], [20, 5])).at).toEqual([false, true]);
    for (const name of ["Wide strokes", "Narrow strokes", "Every 2nd pixel", "Every 2nd line", "All around"]) {
      await choose("Mask");
      await choose(name);
      expect((await driver.filled()).count, name).toBeGreaterThan(20);
    }
  });
});
