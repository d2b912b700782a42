/**
 * Deno on its own WebGPU (wgpu and naga, as in Firefox): a whole network against PyTorch's numbers, every kernel
 * against its twin.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tableLine, type KernelTable } from "../e2e/kernels.ts";
import { goldenTensors, goldenUrl, relativeError, tensor } from "../support/goldens.ts";
import { packages } from "../support/hosts.ts";
import { runInRuntime } from "../support/runtime.ts";
import { removeUserProjects, userProject } from "../support/userProject.ts";
import { noVulkan, vulkanEnvironment } from "../support/vulkan.ts";

const golden = "unet/new-attention-order";
const bytes = (part: string) => new Uint8Array(readFileSync(goldenUrl(`${golden}.${part}.safetensors`)!));
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

  test.each([
    ["f32", 5e-5],
    ["f16", 2e-2],
  ] as const)(
    "a whole network gives PyTorch's numbers in %s",
    async (precision, most) => {
      const argument = { weights: bytes("weights"), io: bytes("io"), precision };
      const out = await inDeno<Float32Array>("test/e2e/forward.ts", argument);
      const error = relativeError(out, await tensor(await goldenTensors(`${golden}.io.safetensors`), "out"));
      console.log(`Deno, ${precision}: relative error ${error.toPrecision(2)}`);
      expect(error).toBeLessThanOrEqual(most);
    },
    4 * minutes,
  );

  test.each(["f32", "packed f16", "native f16"] as const)(
    "every kernel gives its twin's numbers in %s",
    async (storage) => {
      const table = await inDeno<KernelTable>("test/e2e/kernels.ts", { storage });
      console.log(`Deno, ${tableLine(storage, table)}`);
      expect(table.failed).toEqual([]);
      if (!table.skipped["shader-f16"]) expect(table.passed).toBeGreaterThan(100);
    },
    15 * minutes,
  );
});
