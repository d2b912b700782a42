/**
 * `npm run bench:peers`: set-up, the peers' own packages, then bench/peers/main.ts, which Vite loads with everything
 * below it: Node 20 reads no TypeScript.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setUp, setUpPackages } from "./setup.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
try {
  await setUp(root);
  await setUpPackages(join(root, "bench", "peers"));
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const { createServer } = await import("vite");
// Open until the end: parts are imported when they are needed.
const vite = await createServer({
  root,
  configFile: false,
  logLevel: "error",
  appType: "custom",
  server: { middlewareMode: true, hmr: false, ws: false, watch: null },
  optimizeDeps: { noDiscovery: true },
});
const module = await vite.ssrLoadModule("/bench/peers/main.ts");
// Dawn keeps the process alive, and output may still be on its way to a pipe.
const status = await module.main(process.argv.slice(2));
process.stdout.write("", () => process.exit(status));
