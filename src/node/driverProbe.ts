/**
 * Whether Dawn takes one of some Vulkan drivers, asked in a process of its own: Dawn and Vulkan's loader write what
 * they have against a driver on stderr, from C++, where nothing holds it back. Here it becomes the reason in an error.
 */
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname } from "node:path";

const program = `
  const { create } = await import(process.argv[1]);
  const gpu = create([]);
  for (const request of [{}, { forceFallbackAdapter: true }])
    if (await gpu.requestAdapter(request)) process.exit(0);
  process.exit(1);
`;

/**
 * @param loader of Vulkan, for systems that have none
 * @returns a phrase; nothing where one of them is taken, or where this cannot be found out
 */
export function whyRefused(drivers: readonly string[], loader?: string): Promise<string | undefined> {
  if (process.platform !== "linux" || "Deno" in globalThis || "Bun" in globalThis) return Promise.resolve(undefined);
  const list = drivers.join(":");
  const env = Object.assign({}, process.env, { VK_DRIVER_FILES: list, VK_ICD_FILENAMES: list });
  env.XDG_RUNTIME_DIR ||= tmpdir();
  if (loader) env.LD_LIBRARY_PATH = [env.LD_LIBRARY_PATH, dirname(loader)].filter(Boolean).join(":");
  return new Promise((resolve) => {
    const argv = ["--input-type=module", "--eval", program, import.meta.resolve("webgpu")];
    execFile(process.execPath, argv, { env, timeout: 20_000 }, (error, _, stderr) => {
      const said = /^Warning: (.*?)\.?$/m.exec(stderr)?.[1];
      resolve(error?.code === 1 && said ? said : error?.signal ? "asking its drivers ends the process" : undefined);
    });
  });
}
