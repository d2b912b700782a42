/** A page with the element in a real browser, under a strict content security policy, and what tests do with it. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer";
import { build } from "vite";
import { builtFiles } from "./bundle.ts";
import { chromium } from "./chromium.ts";
import { serve } from "./staticServer.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface ElementPage {
  readonly page: Page;
  /** What the page wrote to its console, and its uncaught errors. */
  readonly log: string[];
  /** Paths that were asked of the server. */
  readonly requested: readonly string[];
  close(): Promise<void>;
}

export interface ElementPageOptions {
  /** In the body. Default: the element with the id "field". */
  readonly html?: string;
  /** Served beside the page, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  /** Of the page. Default: `default-src 'self'`. */
  readonly policy?: string;
  /** Rules of the page's own. */
  readonly style?: string;
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
}

let bundled: Promise<ReadonlyMap<string, string | Uint8Array>> | undefined;

export async function elementPage(options: ElementPageOptions = {}): Promise<ElementPage> {
  const { html = `<repaint-inpaint id="field"></repaint-inpaint>`, files = {} } = options;
  const { width = 1280, height = 860, scheme = "light", style = "", policy = "default-src 'self'" } = options;
  const bundle = await (bundled ??= makeBundle());
  const document = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Element</title><link rel="stylesheet" href="/page.css"><script type="module" src="/element.js"></script><main>${html}</main></html>`;
  const css = "body { margin: 0; } repaint-inpaint { height: 100vh; }";
  const requested: string[] = [];
  const find = (path: string) => {
    requested.push(path);
    return path === "/" ? document : path === "/page.css" ? css + style : (files[path] ?? bundle.get(path));
  };
  const server = await serve(find, { "content-security-policy": policy });
  const page = await (await chromium()).newPage();
  const log: string[] = [];
  page.on("console", (message) => log.push(message.text()));
  page.on("pageerror", (error) => log.push(String(error)));
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(server.url);
  await page
    .waitForFunction(() => customElements.get("repaint-inpaint") !== undefined)
    .catch((error: unknown) => Promise.reject(new Error(`${String(error)}; the page wrote: ${log.join("\n")}`)));
  return {
    page,
    log,
    requested,
    close: async () => {
      await page.close();
      await server.stop();
    },
  };
}

async function makeBundle(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  return builtFiles(
    await build({
      configFile: false,
      root,
      logLevel: "error",
      publicDir: false,
      base: "./",
      worker: { format: "es" },
      build: {
        write: false,
        minify: false,
        target: "es2022",
        assetsInlineLimit: 0,
        modulePreload: false,
        // The package says which of its built files do something by themselves; of the sources it says nothing.
        rollupOptions: {
          treeshake: false,
          input: { element: join(root, "test/e2e/element.ts") },
          output: { entryFileNames: "[name].js", assetFileNames: "[name][extname]", chunkFileNames: "[name].js" },
        },
      },
    }),
  );
}
