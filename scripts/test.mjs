/**
 * `npm test`: set-up, lint, types, format, what nothing uses, then the tests; every part runs even if an earlier one
 * failed. `--full` adds test/full and the GPU's tests on lavapipe (skipped with its reason where that cannot be had).
 * All other arguments go to vitest: `npm test -- test/schedule.test.ts`.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

const options = process.argv.slice(2);
/** What with-lavapipe.mjs ends with where lavapipe cannot be had; it says why. */
const skippedStatus = 77;
const full = options.includes("--full");
const root = fileURLToPath(new URL("..", import.meta.url));
const parts = [
  ["lint", "oxlint/bin/oxlint", "--type-aware", "--deny-warnings", "--quiet"],
  ["types", "typescript/bin/tsc", "-p", "."],
  ["format", "prettier/bin/prettier.cjs", "--check", "--cache", "--log-level", "warn", "."],
  ["unused", "knip/bin/knip.js", "--no-progress"],
  ["tests", "vitest/vitest.mjs", "run", ...options.filter((option) => option !== "--full")],
];

try {
  await setUp(root);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
const failed = [];
for (const [name, program, ...rest] of parts) {
  process.stderr.write(`> ${name}\n`);
  const env = { ...process.env, ...(full ? { REPAINT_TEST_FULL: "1" } : {}) };
  const { status } = spawnSync(process.execPath, [`node_modules/${program}`, ...rest], {
    cwd: root,
    env,
    stdio: "inherit",
  });
  if (status !== 0) failed.push(name);
}
if (full) {
  process.stderr.write("> tests on lavapipe\n");
  const gpuTests = ["kernels", "unet", "unetFlags", "sampler", "lpips"].map((name) => `test/${name}.test.ts`);
  const { status } = spawnSync(
    process.execPath,
    ["scripts/with-lavapipe.mjs", "node_modules/vitest/vitest.mjs", "run", "--pool=threads", ...gpuTests],
    { cwd: root, stdio: "inherit" },
  );
  if (status !== 0 && status !== skippedStatus) failed.push("tests on lavapipe");
}
if (failed.length > 0) process.stderr.write(`failed: ${failed.join(", ")}\n`);
process.exit(failed.length > 0 ? 1 : 0);
