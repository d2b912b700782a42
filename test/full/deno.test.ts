/**
 * Deno on its own WebGPU (wgpu and naga, as in Firefox): a whole network against PyTorch's numbers, every kernel
 * against its twin.
 */
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { testNumbers } from "../support/elsewhere.ts";
import { packages } from "../support/hosts.ts";
import { runInRuntime } from "../support/runtime.ts";
import { removeUserProjects, userProject } from "../support/userProject.ts";
import { noVulkan, vulkanEnvironment } from "../support/vulkan.ts";

const minutes = 60_000;

describe.skipIf(noVulkan)("Deno's own WebGPU", () => {
  let cwd: string;
  beforeAll(() => {
    cwd = userProject("runtimes", packages.runtimes!, {});
  }, 5 * minutes);
  afterAll(removeUserProjects);

  const inDeno = <Result>(entryFile: string, argument: unknown) =>
    runInRuntime<Result>([join(cwd, "node_modules/.bin/deno"), "run", "-A"], entryFile, argument, {
      folder: join(cwd, "own"),
      env: vulkanEnvironment(),
    });

  testNumbers("Deno", inDeno);
});
