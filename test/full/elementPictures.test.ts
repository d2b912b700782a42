/** Pictures, by every way they come in and out; and what is said where something is missing. */
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { ElementDriver, encodePicture, testPicture, type Pixels } from "../support/elementDriver.ts";

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
  const choose = (name: string) => driver.press(name);

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
    await driver.ends();
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
    const refused = (source: string) =>
      page.evaluate(
        (source) =>
          globalThis.field
            .setPicture(source || new File(["no picture"], "notes.png", { type: "image/png" }))
            .catch((error: Error) => error.name),
        source,
      );
    expect(await refused("")).toBe("InputError");
    expect(await page.evaluate(() => globalThis.seen.error.at(-1)!.message)).toMatch(/^notes\.png is no picture that this browser can read/); // prettier-ignore
    expect(await refused("/missing.png")).toBe("InputError");
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

  test("the camera's picture", async () => {
    driver = await ElementDriver.open();
    await driver.page.evaluate(() => {
      const canvas = document.createElement("canvas");
      Object.assign(canvas, { width: 60, height: 40 });
      const context = canvas.getContext("2d")!;
      setInterval(() => context.fillRect(0, 0, 60, 40), 30);
      Object.defineProperty(navigator, "mediaDevices", {
        value: { getUserMedia: async () => canvas.captureStream(30) },
      });
    });
    await choose("Camera");
    await choose("Take the picture");
    await driver.waitFor(() => globalThis.field.picture !== null);
    const taken = await driver.page.evaluate(() => {
      const { width, height, data } = globalThis.field.picture!;
      return { width, height, corner: [...data.subarray(0, 4)] };
    });
    // The camera shows black.
    expect(taken).toEqual({ width: 60, height: 40, corner: [0, 0, 0, 255] });
  });

  test("says what is missing: an adapter, a model in a file", async () => {
    driver = await ElementDriver.open({ picture: testPicture(20, 20) });
    const { page } = driver;
    await driver.waitFor(() => globalThis.field.modelInfo !== null);
    await page.evaluate(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File(["not a model"], "notes.safetensors"));
      globalThis.field.shadowRoot!.querySelector(".panel")!.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })); // prettier-ignore
    });
    await driver.waitFor(() => globalThis.seen.error.length > 0);
    expect(await page.evaluate(() => globalThis.seen.error[0]!.message)).toMatch(/^notes\.safetensors.*expected/);
    // The model before is still there.
    expect(await page.evaluate(() => globalThis.field.modelInfo?.title)).toBe("tiny.safetensors");
    await page.evaluate(async () => {
      await new Promise((done) => {
        const channel = new BroadcastChannel("gpu");
        channel.onmessage = done;
        channel.postMessage("no adapter");
      });
      await globalThis.field.setPicture(new ImageData(8, 8));
    });
    await driver.waitFor(() => /no graphics adapter/.test(globalThis.field.shadowRoot!.querySelector(".run-line")!.textContent ?? "")); // prettier-ignore
    expect(await page.$eval("::-p-aria(Fill in)", (start) => (start as HTMLButtonElement).disabled)).toBe(true);
  });
});
