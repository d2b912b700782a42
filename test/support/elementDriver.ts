/** What people do with the element, in a page of a real browser: press, paint, wait, save. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PNG } from "pngjs";
import type { Page } from "puppeteer";
import { readPngText } from "../../src/node/pictures/pngText.ts";
import { elementPage, type ElementPage, type ElementPageOptions } from "./elementPage.ts";
import { tinyNetwork } from "./tinyNetwork.ts";

/** What the page has heard of the element. */
interface Seen {
  readonly progress: { readonly state: string; readonly step: number }[];
  readonly preview: unknown[];
  readonly result: { readonly stopped: boolean }[];
  readonly error: { readonly message: string }[];
}
declare global {
  var seen: Seen;
}

export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

export function encodePicture({ width, height, data }: Pixels): Uint8Array {
  const png = new PNG({ width, height });
  png.data.set(data);
  return PNG.sync.write(png);
}

/** Opaque, and different at every pixel. */
export function testPicture(width: number, height: number): Pixels {
  const data = new Uint8Array(4 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    data.set([(x * 7 + y) & 255, (y * 5 + x) & 255, ((x >> 3) ^ (y >> 3)) & 255, 255], 4 * i);
  }
  return { width, height, data };
}

export class ElementDriver {
  readonly page: Page;
  readonly log: string[];
  readonly #opened: ElementPage;

  private constructor(opened: ElementPage) {
    this.#opened = opened;
    this.page = opened.page;
    this.log = opened.log;
  }

  /** The element with a network that steps at once, and, where one is given, with a picture. */
  static async open(
    options: ElementPageOptions & { readonly picture?: Pixels; readonly attributes?: string } = {},
  ): Promise<ElementDriver> {
    const { picture, attributes = "", files = {}, ...rest } = options;
    const src = picture ? ` src="/picture.png"` : "";
    const html = `<repaint-inpaint id="field" model="/tiny.safetensors" preset="fast" seed="7"${src} ${attributes}></repaint-inpaint>`;
    const driver = new ElementDriver(
      await elementPage({
        html,
        ...rest,
        files: {
          "/tiny.safetensors": tinyNetwork(),
          ...(picture ? { "/picture.png": encodePicture(picture) } : {}),
          ...files,
        },
      }),
    );
    await driver.page.evaluate(() => {
      const seen: Record<string, unknown[]> = { progress: [], preview: [], result: [], error: [] };
      Object.assign(globalThis, { seen });
      for (const [name, details] of Object.entries(seen))
        globalThis.field.addEventListener(name, (event) => details.push((event as CustomEvent).detail));
    });
    if (picture) await driver.waitFor(() => globalThis.field.picture !== null);
    return driver;
  }

  close(): Promise<void> {
    return this.#opened.close();
  }

  /** A button that can be seen, by its name. */
  async press(name: string): Promise<void> {
    await this.page.locator(`::-p-aria([name="${name}"][role="button"])`).click();
  }

  waitFor(condition: () => boolean): Promise<unknown> {
    return this.page.waitForFunction(condition, { polling: 20, timeout: 60_000 });
  }

  /** Until a run is seen to go. */
  async runs(): Promise<void> {
    await this.waitFor(() => globalThis.seen.progress.some(({ state }) => state === "running"));
  }

  /** Until one has ended. */
  async ends(): Promise<void> {
    await this.waitFor(() => !globalThis.field.running && globalThis.seen.result.length > 0);
  }

  /**
   * Once everything asked of the page has been drawn: sizes are seen a frame later, and what follows from them another.
   */
  async settle(): Promise<void> {
    await this.page.evaluate(async () => {
      for (let i = 0; i < 4; i++) await new Promise((next) => requestAnimationFrame(next));
    });
  }

  /** Where a pixel of the picture is in the window. */
  async placeOf(x: number, y: number): Promise<{ x: number; y: number }> {
    await this.settle();
    return this.page.evaluate(
      (x, y) => {
        const sheet = globalThis.field.shadowRoot!.querySelector(".sheet")!.getBoundingClientRect();
        const { width, height } = globalThis.field.picture!;
        return { x: sheet.x + (sheet.width * x) / width, y: sheet.y + (sheet.height * y) / height };
      },
      x,
      y,
    );
  }

  /** A drag with the mouse over pixels of the picture. */
  async drag(...points: readonly (readonly [number, number])[]): Promise<void> {
    const places = [];
    for (const [x, y] of points) places.push(await this.placeOf(x, y));
    await this.page.mouse.move(places[0]!.x, places[0]!.y);
    await this.page.mouse.down();
    for (const { x, y } of places.slice(1)) await this.page.mouse.move(x, y, { steps: 4 });
    await this.page.mouse.up();
    await this.settle();
  }

  /** As text, one sign a pixel would be long: how many are to be filled, and whether those given are. */
  filled(...points: readonly (readonly [number, number])[]): Promise<{ count: number; at: boolean[] }> {
    return this.page.evaluate((points) => {
      const { width, data } = globalThis.field.keep;
      return {
        count: data.filter((value) => value === 0).length,
        at: points.map(([x, y]) => data[y * width + x] === 0),
      };
    }, points);
  }

  /** What the element says to people who listen. */
  said(): Promise<string> {
    return this.page.evaluate(() => globalThis.field.shadowRoot!.querySelector("[role=status]")!.textContent ?? "");
  }

  /** The line below the button that starts a run. */
  line(): Promise<string> {
    return this.page.evaluate(() => globalThis.field.shadowRoot!.querySelector(".run-line")!.textContent ?? "");
  }

  /** What an action saves as a file. */
  async download(action: () => Promise<void>): Promise<{ name: string; bytes: Buffer }> {
    const folder = await mkdtemp(join(tmpdir(), "repaint-download-"));
    const session = await this.page.createCDPSession();
    try {
      await session.send("Browser.setDownloadBehavior", {
        behavior: "allow",
        downloadPath: folder,
        eventsEnabled: true,
      });
      const done = new Promise<void>((resolve) => {
        session.on("Browser.downloadProgress", ({ state }) => state === "completed" && resolve());
      });
      await action();
      await done;
      const [name] = await readdir(folder);
      return { name: name!, bytes: await readFile(join(folder, name!)) };
    } finally {
      await session.detach();
      await rm(folder, { recursive: true });
    }
  }

  /** With what the file says of itself. */
  async downloadPicture(
    action: () => Promise<void>,
  ): Promise<Pixels & { name: string; text: Readonly<Record<string, string>> }> {
    const { name, bytes } = await this.download(action);
    const { width, height, data } = PNG.sync.read(bytes);
    return { name, width, height, data, text: readPngText(bytes) };
  }
}
