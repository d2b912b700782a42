/**
 * Debian's Firefox, driven by WebDriver BiDi, with a software Vulkan: WebGPU by naga and wgpu, which refuse what
 * Chromium's Tint and Dawn let pass. For test/full only.
 */
import { existsSync } from "node:fs";
import { launch, type Browser } from "puppeteer";
import { noVulkan, vulkanEnvironment } from "./vulkan.ts";

const executablePath = ["/usr/bin/firefox-esr", "/usr/bin/firefox"].find((path) => existsSync(path));

/** For `describe.skipIf`: why there is no Firefox here, or false. */
export const noFirefox: string | false = executablePath
  ? noVulkan
  : "no /usr/bin/firefox-esr (apt-get install firefox-esr)";

export function firefox(): Promise<Browser> {
  return launch({
    browser: "firefox",
    executablePath: executablePath!,
    protocolTimeout: 600_000,
    env: vulkanEnvironment(),
    extraPrefsFirefox: {
      "dom.webgpu.enabled": true,
      "dom.webgpu.workers.enabled": true,
      // A software adapter is on its blocklist.
      "gfx.webgpu.ignore-blocklist": true,
    },
  });
}
