/**
 * `npm run bench` and `npm run bench:peers`: set-up, then bench/main.ts or bench/peers/main.ts, which Vite loads
 * with everything below it: Node 20 reads no TypeScript. The first argument names the file.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setUp, setUpPackages } from "./setup.mjs";

const [entry, ...options] = process.argv.slice(2);
const root = fileURLToPath(new URL("..", import.meta.url));
try {
  await setUp(root);
  if (entry.startsWith("bench/peers/")) await setUpPackages(join(root, "bench", "peers"));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { createServer } = await import("vite");
// Open until the end: parts are imported when they are needed.
const vite = await createServer({
  ...{ root, configFile: false, logLevel: "error", appType: "custom" },
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
const module = await vite.ssrLoadModule(`/${entry}`);
// Dawn keeps the process alive, and output may still be on its way to a pipe.
const status = await module.main(options);
process.stdout.write("", () => process.exit(status));
