/**
 * Vulkan for programs that are not ours, browsers and runtimes: the drivers that the user's variables name, else
 * SwiftShader. For test/full only; `LAVAPIPE_SUITE=… node scripts/with-lavapipe.mjs` names lavapipe, which has f16.
 */
import { dirname } from "node:path";
import { givenDrivers, unpackSwiftShader } from "../../src/node/vulkan.ts";

const swiftShader = givenDrivers() ? undefined : await unpackSwiftShader();

/** For `describe.skipIf`: why there is no driver here, or false. */
export const noVulkan: string | false =
  givenDrivers() || swiftShader
    ? false
    : "@sparticuz/chromium, which carries a Vulkan driver, is for Linux x64 with glibc";

export function vulkanEnvironment(): NodeJS.ProcessEnv {
  if (!swiftShader) return { ...process.env };
  const { driver, loader } = swiftShader;
  return { ...process.env, LD_LIBRARY_PATH: dirname(loader), VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver };
}
