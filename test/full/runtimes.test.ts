/**
 * The packed package in Node 22 and 24, Deno and Bun: the program, a GPU found by itself, and the same picture as in
 * this Node; and from a registry by npx, bunx and Deno's `npm:`.
 */
import { execFile, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPicture } from "../../src/node/pictures.ts";
import type { Picture } from "../../src/pictures/image.ts";
import { noChromium } from "../support/chromium.ts";
import { packages } from "../support/hosts.ts";
import { serveRegistry } from "../support/registry.ts";
import type { StaticServer } from "../support/staticServer.ts";
import { execute, linkOwnPackages, removeUserProjects, userProject } from "../support/userProject.ts";
import { vulkanEnvironment } from "../support/vulkan.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
const minutes = 60_000;
const ours = "node_modules/repaint-webgpu";
const example = `${ours}/weights/examples/3-one-eye`;
const sampling = "--steps 2 --jump-length 1 --resamples 1 --seed 1".split(" ");
const files = {
  "load.mjs": `import { RePaint } from "repaint-webgpu";
const repaint = await RePaint.load("portraits64");
console.log(repaint.checkpoint.config.imageSize);
process.exit(0);
`,
};
let cwd: string;
let expected: Picture;

/** Runs the program to a picture. */
function fill(program: readonly string[], out: string): Promise<Picture> {
  const [first, ...rest] = program;
  const options = ["inpaint", "--image", `${example}.png`, "--fill", `${example}.fill.png`, "--out", out, ...sampling];
  execute(first!, [...rest, `${ours}/bin/repaint.js`, ...options], cwd);
  // The pixels: runtimes compress otherwise.
  return readPicture(join(cwd, out));
}

describe.skipIf(noChromium)("the packed package", { timeout: 5 * minutes }, () => {
  beforeAll(async () => {
    cwd = userProject("runtimes", packages.runtimes!, files);
    linkOwnPackages(cwd);
    expected = await fill([process.execPath], "node.png");
  }, 5 * minutes);
  afterAll(removeUserProjects);

  test("says where the pictures are that it leaves out", () => {
    const { status, stderr } = spawnSync(process.execPath, [`${ours}/bin/repaint.js`, "reproduce", "--out", "out"], {
      cwd,
      encoding: "utf8",
    });
    expect(stderr).toMatch(/^repaint: .* is not here: `reproduce` takes a checkout of the project, .*\n$/);
    expect(status).toBe(2);
  });

  test("computes what PyTorch does", () => {
    expect(execute(process.execPath, [`${ours}/bin/repaint.js`, "doctor"], cwd)).toMatch(
      /portraits64, f32: .* right\n[^]*classifier64, f32: .* right\n[^]*This adapter computes correctly\.\n$/,
    );
  });

  test.each([
    ["Node 22", ["node_modules/node22/bin/node"]],
    ["Node 24", ["node_modules/node24/bin/node"]],
    ["Deno", ["node_modules/.bin/deno", "run", "-A"]],
    ["Bun", ["node_modules/.bin/bun", "run"]],
  ])("in %s", async (name, program) => {
    const [first, ...rest] = program;
    expect(execute(first!, [...rest, "load.mjs"], cwd)).toBe("64\n");
    expect((await fill(program, `${name}.png`)).data).toEqual(expected.data);
  });

  describe("from a registry, without an installation", () => {
    let registry: StaticServer;
    let empty: string;
    let env: NodeJS.ProcessEnv;
    beforeAll(async () => {
      // Apart: programs look for packages in the folders above them, too.
      empty = mkdtempSync(join(tmpdir(), "repaint-empty-"));
      for (const name of ["tarballs", "cache"]) mkdirSync(join(empty, name));
      registry = await serveRegistry(join(empty, "tarballs"), ["webgpu", "@sparticuz/chromium"]);
      const cache = join(empty, "cache");
      env = Object.assign(vulkanEnvironment(), {
        npm_config_registry: registry.url,
        NPM_CONFIG_REGISTRY: registry.url,
        npm_config_cache: cache,
        DENO_DIR: cache,
        TMPDIR: cache,
        BUN_INSTALL: cache,
        BUN_INSTALL_CACHE_DIR: cache,
      });
    }, 5 * minutes);
    afterAll(async () => {
      await registry?.stop();
      rmSync(empty, { recursive: true, force: true });
    });

    const example = () => join(cwd, ours, "weights/examples/3-one-eye");
    const picture = (out: string) => ["--image", `${example()}.png`, "--fill", `${example()}.fill.png`, "--out", out];
    const program = (name: string) => join(cwd, "node_modules/.bin", name);
    const run = async (command: readonly string[]) =>
      promisify(execFile)(command[0]!, command.slice(1), { cwd: empty, env }).catch(
        (error: unknown) => error as { code: number; stdout: string; stderr: string },
      );

    test.each([
      ["npx", () => ["npx", "--yes", "repaint-webgpu"]],
      ["bunx", () => [program("bunx"), "repaint-webgpu"]],
    ])("%s runs the program, which says what a picture needs", async (_, command) => {
      expect(await run([...command(), "--version"])).toMatchObject({ stdout: `${version}\n` });
      const { code, stderr } = (await run([...command(), "inpaint", ...picture("none.png")])) as {
        code: number;
        stderr: string;
      };
      expect(stderr).toMatch(/^repaint: WebGPU in Node comes .*: npm install webgpu$/m);
      expect(code).toBe(3);
    });

    test("npx fills a picture in, with the packages for that", async () => {
      const wanted = ["webgpu", "@sparticuz/chromium", "repaint-webgpu"].flatMap((name) => ["-p", name]);
      const { stderr } = await run([
        "npx",
        "--yes",
        ...wanted,
        "repaint",
        "inpaint",
        ...picture("npx.png"),
        ...sampling,
      ]);
      expect(stderr).toMatch(/swiftshader[^]*Wrote npx\.png/i);
    });

    test("deno run -A npm:repaint-webgpu fills a picture in, on Deno's own WebGPU", async () => {
      const deno = [program("deno"), "run", "-A", "npm:repaint-webgpu"];
      expect(await run([...deno, "--version"])).toMatchObject({ stdout: `${version}\n` });
      expect((await run([...deno, "inpaint", ...picture("deno.png"), ...sampling])).stderr).toContain("Wrote deno.png");
      const { width, height } = await readPicture(join(empty, "deno.png"));
      expect([width, height]).toEqual([64, 64]);
    });
  });
});
