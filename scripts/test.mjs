/**
 * `npm test`: set-up, lint, types, then the tests; every part runs even if an earlier one failed. `--full` adds
 * test/full. All other arguments go to vitest: `npm test -- test/schedule.test.ts`.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setUp } from "./setup.mjs";

const options = process.argv.slice(2);
const full = options.includes("--full");
const root = fileURLToPath(new URL("..", import.meta.url));
const parts = [
  ["lint", "oxlint/bin/oxlint", "--type-aware", "--deny-warnings", "--quiet"],
  ["types", "typescript/bin/tsc", "-p", "."],
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
if (failed.length > 0) process.stderr.write(`failed: ${failed.join(", ")}\n`);
process.exit(failed.length > 0 ? 1 : 0);
