/** A page with the element in a real browser, under a strict content security policy, and what tests do with it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer";
import { build } from "vite";
import { chromium } from "./chromium.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface ElementPage {
  readonly page: Page;
  /** What the page wrote to its console, and its uncaught errors. */
  readonly log: string[];
  close(): Promise<void>;
}

export interface ElementPageOptions {
  /** In the body. Default: the element with the id "field". */
  readonly html?: string;
  /** Served beside the page, by path. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
}

const types: Readonly<Record<string, string>> = { js: "text/javascript", png: "image/png", jpg: "image/jpeg" };
let bundled: Promise<ReadonlyMap<string, string | Uint8Array>> | undefined;

export async function elementPage(options: ElementPageOptions = {}): Promise<ElementPage> {
  const { html = `<repaint-inpaint id="field"></repaint-inpaint>`, files = {} } = options;
  const { width = 1280, height = 860, scheme = "light" } = options;
  const bundle = await (bundled ??= makeBundle());
  const document = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Element</title><link rel="stylesheet" href="/page.css"><script type="module" src="/element.js"></script><main>${html}</main></html>`;
  const style = "body { margin: 0; } repaint-inpaint { height: 100vh; }";
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://page").pathname;
    const body = path === "/" ? document : path === "/page.css" ? style : (files[path] ?? bundle.get(path));
    const type = path === "/" ? "text/html" : path === "/page.css" ? "text/css" : types[path.split(".").at(-1)!];
    response.writeHead(body === undefined ? 404 : 200, {
      "content-type": type ?? "application/octet-stream",
      "content-security-policy": "default-src 'self'",
    });
    response.end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const page = await (await chromium()).newPage();
  const log: string[] = [];
  page.on("console", (message) => log.push(message.text()));
  page.on("pageerror", (error) => log.push(String(error)));
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
  await page
    .waitForFunction(() => customElements.get("repaint-inpaint") !== undefined)
    .catch((error: unknown) => Promise.reject(new Error(`${String(error)}; the page wrote: ${log.join("\n")}`)));
  return {
    page,
    log,
    close: async () => {
      await page.close();
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function makeBundle(): Promise<ReadonlyMap<string, string | Uint8Array>> {
  const outputs = await build({
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
  });
  const files = new Map<string, string | Uint8Array>();
  for (const output of Array.isArray(outputs) ? outputs : [outputs])
    if ("output" in output)
      for (const file of output.output) files.set(`/${file.fileName}`, file.type === "chunk" ? file.code : file.source);
  return files;
}
