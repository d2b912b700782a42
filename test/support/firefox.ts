/**
 * Debian's Firefox, driven by WebDriver BiDi, with SwiftShader of @sparticuz/chromium as its Vulkan: WebGPU by naga and
 * wgpu, which refuse what Chromium's Tint and Dawn let pass. For test/full only.
 */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { launch, type Browser } from "puppeteer";
import { unpackSwiftShader } from "../../src/node/vulkan.ts";

const executablePath = ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => existsSync(path));
const swiftShader = executablePath && (await unpackSwiftShader());

/** For `describe.skipIf`: why there is no Firefox here, or false. */
export const noFirefox: string | false = !executablePath
  ? "no /usr/bin/firefox-esr (apt-get install firefox-esr)"
  : swiftShader
    ? false
    : "@sparticuz/chromium, which carries a Vulkan driver, is for Linux x64 with glibc";

export function firefox(): Promise<Browser> {
  const { driver, loader } = swiftShader as NonNullable<Exclude<typeof swiftShader, "">>;
  return launch({
    browser: "firefox",
    executablePath: executablePath!,
    protocolTimeout: 600_000,
    env: { ...process.env, LD_LIBRARY_PATH: dirname(loader), VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver },
    extraPrefsFirefox: {
      "dom.webgpu.enabled": true,
      "dom.webgpu.workers.enabled": true,
      // A software adapter is on its blocklist.
      "gfx.webgpu.ignore-blocklist": true,
    },
  });
}
