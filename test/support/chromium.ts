/**
 * Runs our sources inside a page of a real browser: the headless Chromium of @sparticuz/chromium with SwiftShader's
 * WebGPU, a bundle made by Vite in memory, a server on the loopback address. For tests only; Linux x64 only.
 */
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Browser, launch, type LaunchOptions } from "puppeteer";
import { build } from "vite";
import { unpackOnce } from "../../src/node/unpack.ts";
import { chromiumPackage } from "../../src/node/vulkan.ts";
import { builtFiles } from "./bundle.ts";
import { serve, type StaticServer } from "./staticServer.ts";
import { decode, encode } from "./wire.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const found = await chromiumPackage();

/** For `describe.skipIf`: why there is no browser here, or false. */
export const noChromium: string | false = found ? false : "@sparticuz/chromium is for Linux x64 with glibc";

let browser: Promise<Browser> | undefined;

/** The browser, launched once; a test file that uses it says `afterAll(closeChromium)`. */
export function chromium(options: Pick<LaunchOptions, "handleSIGINT"> = {}): Promise<Browser> {
  return (browser ??= launchChromium(options));
}

export async function closeChromium(): Promise<void> {
  const open = browser;
  browser = undefined;
  await (await open)?.close();
}

async function launchChromium(options: LaunchOptions): Promise<Browser> {
  if (!found) throw new Error(noChromium || "no Chromium");
  const archives = [
    { path: join(found.bin, "chromium.br"), program: "chromium" },
    { path: join(found.bin, "swiftshader.tar.br") },
    { path: join(found.bin, "al2023.tar.br") }, // libnspr4 and libnss3, which a bare Debian lacks
  ];
  const folder = await unpackOnce(`chromium-${found.version}`, archives);
  // The driver variables would send Chromium to another driver than the one beside it.
  const { VK_DRIVER_FILES: _, VK_ICD_FILENAMES: __, ...env } = process.env;
  return launch({
    ...options,
    executablePath: join(folder, "chromium"),
    headless: "shell",
    protocolTimeout: 600_000,
    env: { ...env, LD_LIBRARY_PATH: join(folder, "lib") },
    args: [
      "--no-sandbox",
      "--enable-unsafe-webgpu",
      "--use-webgpu-adapter=swiftshader",
      "--enable-dawn-features=disable_workgroup_init",
    ],
  });
}

export interface PageOptions {
  /** Another browser than Chromium. */
  readonly browser?: Browser | undefined;
  /** Folders that the server shows, by their path there: "/weights/". */
  readonly folders?: Readonly<Record<string, string>> | undefined;
  /** Cross-origin isolation, without which WASM has no threads. */
  readonly isolated?: boolean | undefined;
  /** Functions that the page finds on globalThis. */
  readonly functions?: Readonly<Record<string, (argument: never) => unknown>> | undefined;
}

/**
 * Bundles `entryFile` (a path below the project's root) for a page, calls its export `run(argument)` there and returns
 * what it resolves to. Argument and result are JSON, with typed arrays anywhere in them.
 * @throws the page's error, with what the page wrote to its console.
 */
export async function runInChromium<Result = unknown>(
  entryFile: string,
  argument?: unknown,
  options: PageOptions = {},
): Promise<Result> {
  const server = await servePage(await bundleEntry(entryFile), options);
  const page = await (options.browser ?? (await chromium())).newPage();
  const log: string[] = [];
  page.on("console", (message) => log.push(message.text()));
  page.on("pageerror", (error) => log.push(String(error)));
  try {
    for (const [name, call] of Object.entries(options.functions ?? {}))
      await page.exposeFunction(name, call as (argument: unknown) => unknown);
    await page.goto(server.url);
    const result = await page.evaluate((text) => globalThis.runEntry("/entry.js", text), encode(argument));
    return decode(result) as Result;
  } catch (error) {
    const wrote = log.length > 0 ? `\nthe page wrote:\n${log.join("\n")}` : "";
    throw new Error(
      `${entryFile} failed in ${options.browser ? "the browser" : "Chromium"}: ${(error as Error).message}${wrote}`,
      { cause: error },
    );
  } finally {
    await page.close();
    await server.stop();
  }
}

/** The files of a page by their path: "/page.js", "/entry.js" and the chunks they share. */
export async function bundleEntry(entryFile: string): Promise<ReadonlyMap<string, string | Uint8Array>> {
  return builtFiles(
    await build({
      configFile: false,
      root,
      logLevel: "error",
      publicDir: false,
      base: "./",
      build: {
        write: false,
        minify: false,
        target: "es2022",
        lib: { entry: { page: join(root, "test/e2e/page.ts"), entry: join(root, entryFile) }, formats: ["es"] },
      },
    }),
  );
}

function servePage(
  files: ReadonlyMap<string, string | Uint8Array>,
  { folders = {}, isolated = false }: PageOptions,
): Promise<StaticServer> {
  const isolation = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };
  return serve(
    (path) => {
      if (path === "/") return `<!doctype html><title>test</title><script type="module" src="/page.js"></script>`;
      const known = files.get(path);
      const folder = Object.keys(folders).find((prefix) => path.startsWith(prefix));
      if (known !== undefined || folder === undefined) return known;
      // One name below the folder, no way out of it.
      return readFile(join(folders[folder]!, basename(path))).catch(() => undefined);
    },
    isolated ? isolation : {},
  );
}
