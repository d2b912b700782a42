/** How the tests run. `npm test` (scripts/test.mjs) calls it; REPAINT_TEST_FULL=1 adds the long ones of test/full. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: process.env.REPAINT_TEST_FULL ? [] : ["test/full/**"],
    // Dawn: one worker, one shared device, no isolation between files (a device costs seconds on a software adapter).
    maxWorkers: 1,
    isolate: false,
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ["test/setup.ts"],
  },
});
