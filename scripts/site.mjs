/**
 * The static site: `npm run build` writes dist-site, `npm start` builds it and serves it. The page and the benchmark's
 * page are bundled by Vite; documents become pages; the service worker gets the list of all files. Every address is
 * relative, so that it works from any sub-path. Options of start: --port N, --host NAME, --dev (sources as they are, no
 * build).
 */
import { copyFile, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { setUp } from "./setup.mjs";
import { writeServiceWorker } from "./site-worker.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const outDir = join(root, "dist-site");

async function configuration() {
  const pages = { index: join(root, "site/index.html"), benchmark: join(root, "bench/index.html") };
  return {
    configFile: false,
    root,
    base: "./",
    publicDir: false,
    logLevel: "warn",
    plugins: [await words()],
    build: {
      outDir,
      emptyOutDir: true,
      target: "es2022",
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1000,
      reportCompressedSize: false,
      rolldownOptions: { input: pages, checks: { ineffectiveDynamicImport: false } },
    },
  };
}

/** Fills in what the page says of the project. */
async function words() {
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const kernels = (await readFile(join(root, "src/shaders/kernels.ts"), "utf8")).match(/^export/gm).length;
  const { models } = JSON.parse(await readFile(join(root, "weights/manifest.json"), "utf8"));
  const megabytes = (models[0].bytes / 1e6).toFixed(1);
  return {
    name: "words",
    transformIndexHtml: (html) => html.replace(/\{\{(\w+)\}\}/g, (_, word) => ({ version, kernels, megabytes })[word]),
  };
}

async function buildSite() {
  // Vite asks it whether this is a site or a trial.
  process.env.NODE_ENV = "production";
  const { build } = await import("vite");
  await build(await configuration());
  // Vite leaves pages at the paths of their sources; the first one belongs to the top.
  const page = await readFile(join(outDir, "site/index.html"), "utf8");
  await writeFile(join(outDir, "index.html"), page.replaceAll('"../assets/', '"./assets/'));
  await rm(join(outDir, "site"), { recursive: true });
  await rename(join(outDir, "bench"), join(outDir, "benchmark"));
  await copyFile(join(root, "site/assets/display.LICENSE"), join(outDir, "assets/display.LICENSE.txt"));
  const { writeDocs } = await import("./site-docs.mjs");
  await writeDocs(root, outDir);
  await writeServiceWorker(root, outDir);
}

async function start({ port, host, dev }) {
  const vite = await import("vite");
  const address = {
    ...(port === undefined ? {} : { port: Number(port), strictPort: true }),
    host: host ?? "localhost",
  };
  let server;
  if (dev) {
    server = await vite.createServer({ ...(await configuration()), server: { ...address, open: false } });
    await server.listen();
  } else {
    process.stderr.write("Building the page …\n");
    await buildSite();
    server = await vite.preview({ ...(await configuration()), appType: "mpa", preview: address });
  }
  process.stdout.write(`${server.resolvedUrls.local[0]}${dev ? "site/" : ""}\n`);
  process.stderr.write("Open this address in a browser with WebGPU. Ctrl-C ends.\n");
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string" }, host: { type: "string" }, dev: { type: "boolean" } },
});
try {
  await setUp(root);
  if (positionals[0] === "start") await start(values);
  else {
    await buildSite();
    process.stdout.write(`The site is in ${relative(process.cwd(), outDir)}: serve it from anywhere.\n`);
  }
} catch (error) {
  process.stderr.write(`${error.name === "SetUpError" ? error.message : error.stack}\n`);
  process.exit(1);
}
