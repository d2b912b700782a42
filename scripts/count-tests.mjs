/**
 * Prints "N passed, N failed, N skipped" from vitest's JSON report; exit status 1 if no test passed or there is no
 * report.
 */
import { readFileSync } from "node:fs";

const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  const { testResults } = JSON.parse(readFileSync(process.argv[2], "utf8"));
  for (const { assertionResults, status } of testResults) {
    for (const test of assertionResults)
      counts[test.status === "passed" || test.status === "failed" ? test.status : "skipped"]++;
    // A file that cannot be loaded has no tests to fail, and must not count as nothing.
    if (status === "failed" && !assertionResults.some((test) => test.status === "failed")) counts.failed++;
  }
} catch (error) {
  process.stderr.write(`no test report: ${error.message}\n`);
}
process.stdout.write(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`);
process.exitCode = counts.passed > 0 && counts.failed === 0 ? 0 : 1;
