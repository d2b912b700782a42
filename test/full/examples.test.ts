/** examples/ with the packed tarball: installed, built, served by a plain static server, and run in a browser. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { fillInElement, inPage } from "../support/userPage.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "repaint-examples-"));
const built = ["react", "vite", "webpack"];
const minutes = 60_000;

/** As a user types it: not in the test's own mode. */
function npm(options: string[], cwd: string): void {
  const { NODE_ENV: _, ...env } = process.env;
  execFileSync("npm", [...options, "--no-audit", "--no-fund"], { cwd, env, encoding: "utf8", stdio: "pipe" });
}

describe.skipIf(noChromium)("examples", () => {
  beforeAll(() => {
    npm(["pack", "--pack-destination", folder], root);
    const tarball = join(
      folder,
      readdirSync(folder).find((name) => name.endsWith(".tgz"))!,
    );
    for (const name of ["html", ...built]) {
      cpSync(join(root, "examples", name), join(folder, name), {
        recursive: true,
        filter: (path) => !/node_modules|dist$/.test(path),
      });
      const path = join(folder, name, "package.json");
      const manifest = JSON.parse(readFileSync(path, "utf8")) as { dependencies: Record<string, string> };
      if (!manifest.dependencies["repaint-webgpu"]?.endsWith(".tgz")) throw new Error(`${name} takes no tarball`);
      manifest.dependencies["repaint-webgpu"] = `file:${tarball}`;
      writeFileSync(path, JSON.stringify(manifest));
    }
    // One installation for those that are built; the plain page gets the tarball's files alone, without any dependency.
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true, workspaces: built }));
    npm(["install", "--include=dev"], folder);
    const plain = join(folder, "html", "node_modules", "repaint-webgpu");
    mkdirSync(plain, { recursive: true });
    execFileSync("tar", ["-xzf", tarball, "-C", plain, "--strip-components=1"]);
  }, 5 * minutes);
  afterAll(async () => {
    await closeChromium();
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "a plain page fills a picture in, under default-src 'self'",
    async () => expect(await inPage(join(folder, "html"), fillInElement)).toBe(2),
    4 * minutes,
  );

  test.each([
    ["react", "dist"],
    ["webpack", ""],
  ])(
    "%s builds and fills a picture in",
    async (name, output) => {
      npm(["run", "build"], join(folder, name));
      expect(await inPage(join(folder, name, output), fillInElement)).toBe(2);
    },
    4 * minutes,
  );

  test(
    "vite builds, and RePaint fills a picture in",
    async () => {
      npm(["run", "build"], join(folder, "vite"));
      await inPage(join(folder, "vite", "dist"), async (page) => {
        await page.$eval("input", (input) => (input.value = "2"));
        await page.click("#fill");
        await page.waitForFunction(() =>
          document.querySelector("[role=status]")!.textContent.startsWith("Done: 2 calls"),
        );
        const colours = await page.$eval("canvas", (canvas) => {
          const { data } = canvas.getContext("2d")!.getImageData(0, 0, 64, 64);
          return new Set(new Uint32Array(data.buffer)).size;
        });
        expect(colours).toBeGreaterThan(500);
      });
    },
    4 * minutes,
  );
});
