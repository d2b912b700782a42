/** The benchmark as people meet it: the command with its files, and the page as the site has it, under its policy. */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { build, preview } from "vite";
import { type BenchResult, parseResult } from "../../bench/result.ts";
import { chromium, closeChromium, noChromium } from "../support/chromium.ts";
import { cli, events, folder } from "../support/cli.ts";

test("the command writes a result and a report, and compares", async () => {
  const path = await folder();
  const [out, html] = [join(path, "a.json"), join(path, "a.html")];
  const options = ["--only", "timestepEmbedding|groupNormAffine", "--quick"];
  const first = await cli(["bench", ...options, "--out", out, "--html", html]);
  expect(first).toMatchObject({ status: 0 });
  expect(first.out).toMatch(/GFLOP\/s of fma in registers/);
  const result = parseResult(await readFile(out, "utf8"), out);
  expect(result.interrupted).toBe(false);
  expect(new Set(result.kernels.map(({ kernel }) => kernel))).toEqual(
    new Set(["timestepEmbedding", "groupNormAffine"]),
  );
  for (const { milliseconds, failed } of result.kernels) expect([milliseconds! > 0, failed]).toEqual([true, undefined]);
  const report = await readFile(html, "utf8");
  expect(report).toContain(".facts {");
  expect(report).toContain("timestepEmbedding");
  const again = await cli(["bench", ...options, "--vs", out, "--json"]);
  const all = events(again.out);
  expect(all.filter(({ event }) => event === "kernel")).toHaveLength(result.kernels.length);
  expect(all.at(-1)).toMatchObject({ event: "result", interrupted: false });
});

describe("another network", () => {
  const golden = (name: string) => fileURLToPath(new URL(`../goldens/unet/${name}.safetensors`, import.meta.url));
  const forward = async (name: string, ...more: string[]) => {
    const options = ["bench", "--quick", "--weights", golden(`${name}.weights`), "--only", "^(forward|step)$"];
    const { status, out } = await cli([...options, ...more, "--json"]);
    return { status, result: events(out).at(-1) as unknown as BenchResult };
  };

  test.each(["class-cond", "super-res"])(
    "%s: its forward is compared with an answer, and timed without one",
    async (name) => {
      const compared = await forward(name, "--self-test", golden(`${name}.io`));
      expect(compared).toMatchObject({ status: 0, result: { forward: { network: `${name}.weights.safetensors` } } });
      expect(compared.result.forward!.error).toBeLessThanOrEqual(5e-5);
      const alone = await forward(name);
      expect(alone.status).toBe(0);
      expect(alone.result.forward).not.toHaveProperty("error");
      expect(Boolean(alone.result.step)).toBe(name !== "super-res");
    },
  );

  test("an answer of another network is refused with what is missing", async () => {
    const { status, err } = await cli(["bench", "--quick", "--weights", golden("super-res.weights"), "--self-test", golden("class-cond.io")]); // prettier-ignore
    expect(status).toBe(2);
    expect(err).toMatch(/low_res \[2, 3, h, w\] is missing/);
  });
});

describe.skipIf(noChromium)("the page", () => {
  const root = fileURLToPath(new URL("../../bench", import.meta.url));
  const outDir = fileURLToPath(new URL("../../out/bench-page-test", import.meta.url));
  afterAll(async () => {
    await closeChromium();
    await rm(outDir, { recursive: true, force: true });
  });

  test("measures, stops with what it has, and keeps to its policy", { timeout: 240_000 }, async () => {
    const shared = { configFile: false, root, base: "./", publicDir: false, logLevel: "error" } as const;
    await build({ ...shared, build: { outDir, emptyOutDir: true, target: "es2022", assetsInlineLimit: 0 } });
    const server = await preview({ ...shared, build: { outDir }, preview: { port: 0, host: "127.0.0.1" } });
    const page = await (await chromium()).newPage();
    const problems: string[] = [];
    page.on("console", (message) => ["error", "warn"].includes(message.type()) && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(String(error)));
    try {
      await page.goto(server.resolvedUrls!.local[0]!);
      await page.waitForSelector("button[type=submit]:not([disabled])");
      expect(await page.$eval(".adapter", (line) => line.textContent)).toMatch(/swiftshader.*On the processor/i);
      await page.click("button[type=submit]");
      // All that comes before is measured by then.
      await page.waitForFunction(() => document.querySelector<HTMLProgressElement>("progress")!.value >= 3, {
        timeout: 180_000,
      });
      await page.click("button[name=stop]");
      await page.waitForSelector("button[name=json]:not([hidden])", { timeout: 60_000 });
      const shown = await page.$eval(".results", (results) => results.textContent);
      expect(shown).toContain("stopped before its end");
      expect(shown).toMatch(/GFLOP\/s/);
      expect(await page.$$eval("tbody tr", (rows) => rows.length)).toBeGreaterThanOrEqual(2);
      expect(await page.$eval(".message", (message) => (message as HTMLElement).hidden)).toBe(true);
      expect(problems).toEqual([]);
    } finally {
      await page.close();
      await server.close();
    }
  });
});
