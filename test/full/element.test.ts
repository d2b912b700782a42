/** The element as people use it, in a page of a real browser: every way to paint, to run and to end, large pictures, lost devices. */
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { ElementDriver, encodePicture, testPicture, type Pixels } from "../support/elementDriver.ts";

interface Seen {
  readonly progress: { readonly state: string; readonly step: number }[];
  readonly preview: unknown[];
  readonly result: { readonly stopped: boolean }[];
  readonly error: { readonly message: string }[];
}
declare global {
  var seen: Seen;
}

/** Pixels of which `keep` says known that differ, and unknown ones that do. */
function differences(before: Pixels, after: Pixels, isKnown: (x: number, y: number) => boolean) {
  let [known, filled] = [0, 0];
  const [a, b] = [new Uint32Array(before.data.slice().buffer), new Uint32Array(after.data.slice().buffer)];
  for (let i = 0; i < a.length; i++)
    if (a[i] !== b[i]) {
      if (isKnown(i % before.width, Math.floor(i / before.width))) known++;
      else filled++;
    }
  return { known, filled };
}

describe.skipIf(noChromium)("<repaint-inpaint> in Chromium", () => {
  let driver: ElementDriver;
  afterEach(async () => driver.close());
  afterAll(closeChromium);

  const runs = () => driver.waitFor(() => globalThis.seen.progress.some(({ state }) => state === "running"));
  const ends = () => driver.waitFor(() => !globalThis.field.running && globalThis.seen.result.length > 0);
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
    await choose("Redo");
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
    await ends();
    await tabTo("Download");
    const saved = await driver.downloadPicture(() => page.keyboard.press("Enter"));
    expect(saved.width).toBe(64);
    await driver.page.evaluate(() => (globalThis.field.shadowRoot!.querySelector(".surface") as HTMLElement).focus());
  });

  test("run, progress, previews, pause, resume, stop; run to the end; compare", async () => {
    driver = await ElementDriver.open({ picture: testPicture(64, 48), attributes: `previews="0.001"` });
    const { page } = driver;
    await page.evaluate(
      () => (globalThis.field.settings = { schedule: { steps: 250, jumpLength: 10, resamples: 10 } }),
    );
    await driver.drag([20, 20], [24, 22]);
    await choose("Fill in");
    await runs();
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
    await ends();
    expect(await page.evaluate(() => globalThis.seen.result[0]!.stopped)).toBe(true);
    const names = () => page.evaluate(() => [...globalThis.field.shadowRoot!.querySelectorAll(".thumb")].map((thumb) => thumb.textContent)); // prettier-ignore
    expect(await names()).toEqual(["Mask", "7 …"]);
    await page.evaluate(() => {
      globalThis.field.settings = { schedule: { steps: 6, jumpLength: 2, resamples: 2 } };
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
    expect(await clip()).toBe("inset(0px)");
    expect((await driver.filled()).count).toBe(count);
    await choose("Go on with it");
    expect((await driver.filled()).count).toBe(0);
    expect(await page.evaluate(() => globalThis.seen.error)).toEqual([]);
    // No preview is asked for: none comes.
    await page.evaluate(() => {
      globalThis.field.setAttribute("previews", "off");
      globalThis.field.setAttribute("variations", "1");
      globalThis.seen.preview.length = 0;
    });
    await driver.drag([20, 20], [24, 22]);
    await choose("Fill in");
    await driver.waitFor(() => globalThis.seen.result.length === 3);
    expect(await page.evaluate(() => globalThis.seen.preview.length)).toBe(0);
  });

  test("a photo of 3000×2000, dropped: a small hole is filled, nothing else changes", async () => {
    driver = await ElementDriver.open();
    const photo = testPicture(3000, 2000);
    const file = Buffer.from(encodePicture(photo)).toString("base64");
    await driver.page.evaluate(async (file) => {
      const bytes = Uint8Array.from(atob(file), (sign) => sign.charCodeAt(0));
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytes], "beach.png", { type: "image/png" }));
      const stage = globalThis.field.shadowRoot!.querySelector(".stage")!;
      for (const type of ["dragenter", "dragover", "drop"])
        stage.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }, file);
    await driver.waitFor(() => globalThis.field.picture?.width === 3000);
    await driver.page.evaluate(() => (globalThis.field.shadowRoot!.querySelector(".surface") as HTMLElement).focus());
    for (let i = 0; i < 16; i++) await driver.page.keyboard.press("[");
    await driver.drag([1500, 1000], [1520, 1010]);
    const { count } = await driver.filled();
    expect(count).toBeLessThan(3000);
    const keep = await driver.page.evaluate(() => {
      const { width, data } = globalThis.field.keep;
      return [...data.keys()].filter((i) => data[i] === 0).map((i) => [i % width, Math.floor(i / width)]);
    });
    await choose("Fill in");
    await ends();
    const saved = await driver.downloadPicture(() => choose("Download"));
    expect(saved).toMatchObject({ width: 3000, height: 2000, name: "beach.filled-7.png" });
    const hole = new Set(keep.map(([x, y]) => y! * 3000 + x!));
    const { known, filled } = differences(photo, saved, (x, y) => !hole.has(y * 3000 + x));
    expect(known).toBe(0);
    expect(filled).toBeGreaterThan(count / 2);
  });

  test("paste, an address, a file that is none, transparent parts, EXIF", async () => {
    const clear = testPicture(32, 24);
    for (let i = 0; i < 32 * 6; i++) clear.data[4 * i + 3] = 0;
    for (let i = 32 * 6; i < 32 * 7; i++) clear.data[4 * i + 3] = 200;
    driver = await ElementDriver.open({ files: { "/clear.png": encodePicture(clear) } });
    const { page } = driver;
    await page.evaluate(async () => {
      const paste = (file: File) => {
        const clipboardData = new DataTransfer();
        clipboardData.items.add(file);
        document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true, composed: true })); // prettier-ignore
      };
      const canvas = new OffscreenCanvas(20, 10);
      canvas.getContext("2d")!.fillRect(0, 0, 5, 5);
      paste(new File([await canvas.convertToBlob()], "pasted.png", { type: "image/png" }));
    });
    await driver.waitFor(() => globalThis.field.picture?.width === 20);
    await page.evaluate(() =>
      globalThis.field.setPicture(new File(["no picture"], "notes.png", { type: "image/png" })),
    );
    expect(await page.evaluate(() => globalThis.seen.error.at(-1)!.message)).toMatch(/^notes is no picture that this browser can read/); // prettier-ignore
    await page.evaluate(() => globalThis.field.setPicture("/missing.png"));
    expect(await page.evaluate(() => globalThis.seen.error.at(-1)!.message)).toMatch(/missing\.png answered 404/);
    await page.evaluate(() => globalThis.field.setPicture("/clear.png"));
    await choose("Fill them in");
    expect((await driver.filled([0, 5], [0, 6])).at).toEqual([true, false]);
    // Translucent pixels keep their colour.
    const kept = await page.evaluate(() => [...globalThis.field.picture!.data.subarray(4 * 32 * 6, 4 * 32 * 7)]);
    expect(kept).toEqual([...clear.data.subarray(4 * 32 * 6, 4 * 32 * 7)]);
    // A JPEG of 6×4 whose EXIF says: turned to the right (6). It is 4×6 then.
    const turned = await page.evaluate(async () => {
      const canvas = new OffscreenCanvas(6, 4);
      canvas.getContext("2d")!.fillRect(0, 0, 3, 4);
      const jpeg = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer());
      const exif = [0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0]; // prettier-ignore
      const file = new File([jpeg.subarray(0, 2), Uint8Array.from(exif), jpeg.subarray(2)], "p.jpg", { type: "image/jpeg" }); // prettier-ignore
      await globalThis.field.setPicture(file);
      const { width, height } = globalThis.field.picture!;
      return [width, height];
    });
    expect(turned).toEqual([4, 6]);
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

  test("a destroyed device in mid-run changes nothing about the result", async () => {
    const open = () => ElementDriver.open({ picture: testPicture(64, 48) });
    const result = () => driver.page.evaluate(() => [...globalThis.field.result!.data].join());
    const begin = async () => {
      await driver.drag([20, 20], [24, 22]);
      await choose("Fill in");
    };
    driver = await open();
    await begin();
    await ends();
    const expected = await result();
    await driver.close();
    driver = await open();
    await driver.page.evaluate(() => {
      let isDestroyed = false;
      globalThis.field.addEventListener("progress", ({ detail }) => {
        if (detail.step !== 40 || isDestroyed) return;
        isDestroyed = true;
        new BroadcastChannel("gpu").postMessage("destroy");
      });
    });
    await begin();
    await ends();
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
});
