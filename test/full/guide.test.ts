/** docs/first-kernel.md followed literally, in an empty folder with the packed package. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { guideFiles } from "../support/guide.ts";
import { execute, removeUserProjects, userProject } from "../support/userProject.ts";

afterAll(removeUserProjects);

test("the guide to a first kernel", () => {
  const { files, commands, printed } = guideFiles(
    readFileSync(fileURLToPath(new URL("../../docs/first-kernel.md", import.meta.url)), "utf8"),
  );
  const [init, module, install, ...rest] = commands;
  expect(init).toBe("npm init -y");
  expect(module).toBe("npm pkg set type=module");
  // Ours is the packed one; the others come as the guide says, in the versions that it would get today.
  const [npm, verb, ours, ...others] = install!.split(" ");
  expect([npm, verb, ours]).toEqual(["npm", "install", "repaint-webgpu"]);
  const dependencies = Object.fromEntries(others.map((name) => [name, "*"]));
  const project = userProject("first-kernel", dependencies, files);
  const printedBy = rest.map((command) => execute("sh", ["-c", command], project));
  expect(printedBy[0]).toBe(printed);
  expect(printedBy[1]).toMatch(/^peak \d+ GFLOP\/s/);
  expect(printedBy[1]!.match(/vec4s, f(32|16): \{\n? *error: \d/g)).toHaveLength(3);
});
