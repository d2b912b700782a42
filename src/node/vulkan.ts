/**
 * Vulkan on Linux for Dawn: which drivers there are, the loader, and SwiftShader out of @sparticuz/chromium, so that
 * `npm ci` alone gives a WebGPU adapter on a machine without any Vulkan package. It creates no adapter.
 *
 * Dawn opens "libvulkan.so.1" by name. A copy that the process has already loaded answers to that name, so the loader
 * inside the package serves as the system's without LD_LIBRARY_PATH and without a second process.
 */
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { isMainThread } from "node:worker_threads";
import { keepLibrary, setVariable } from "./nativeLibraries.ts";
import { unpackOnce } from "./unpack.ts";

const loaderName = "libvulkan.so.1";

/** The drivers that the user chose by the Vulkan loader's own variables, or nothing. */
export function givenDrivers(): { variable: string; value: string } | undefined {
  for (const variable of ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]) {
    const value = process.env[variable];
    if (value) return { variable, value };
  }
  return undefined;
}

/**
 * The manifests of the drivers installed on this machine, in the Vulkan loader's order of search. Looked for here,
 * since Dawn prints warnings when it is asked for an adapter and there is none, and since NVIDIA's containers keep
 * their manifest where no loader looks.
 */
export async function systemDrivers(): Promise<string[]> {
  const list = (variable: string, otherwise: string): string[] => (process.env[variable] || otherwise).split(":");
  const home = homedir();
  const roots = [
    ...list("XDG_CONFIG_HOME", join(home, ".config")),
    ...list("XDG_CONFIG_DIRS", "/etc/xdg"),
    "/etc",
    ...list("XDG_DATA_HOME", join(home, ".local/share")),
    ...list("XDG_DATA_DIRS", "/usr/local/share:/usr/share"),
    "/usr/local/nvidia/share",
  ];
  const found = list("VK_ADD_DRIVER_FILES", "").filter(Boolean);
  for (const root of new Set(roots.filter(Boolean))) {
    const folder = join(root, "vulkan", "icd.d");
    const files = await readdir(folder).catch(() => []);
    found.push(
      ...files
        .filter((file) => file.endsWith(".json"))
        .sort()
        .map((file) => join(folder, file)),
    );
  }
  return found;
}

/**
 * Those of the drivers that may find hardware here. Software, and Mesa's drivers of graphics cards where the kernel
 * shows none, are left out: asked in vain, Dawn and Vulkan's loader print warnings that nobody can act on.
 * @param devices the folder of the kernel's graphics cards
 */
export async function hardwareDrivers(drivers: readonly string[], devices = "/dev/dri"): Promise<string[]> {
  const cards = (await readdir(devices).catch(() => [])).filter((name) => name.startsWith("renderD"));
  return drivers.filter((path) => {
    const name = basename(path);
    return !softwareDriver.test(name) && (cards.length > 0 || !mesaDriver.test(name));
  });
}

/** Those that compute on the processor. */
export const softwareDrivers = (drivers: readonly string[]): string[] =>
  drivers.filter((path) => softwareDriver.test(basename(path)));

const softwareDriver = /^(lvp|vk_swiftshader)_icd\b/;
const mesaDriver = /^(asahi|broadcom|freedreno|intel|intel_hasvk|nouveau|panfrost|powervr_mesa|radeon|virtio)_icd\b/;

/**
 * SwiftShader's files in the cache, or undefined where the registry package is not installed or not for this machine.
 */
export async function unpackSwiftShader(cache?: string): Promise<{ driver: string; loader: string } | undefined> {
  const found = await chromiumPackage();
  if (!found) return undefined;
  const folder = await unpackOnce(
    `swiftshader-${found.version}`,
    [{ path: join(found.bin, "swiftshader.tar.br") }],
    cache,
  );
  return { driver: join(folder, "vk_swiftshader_icd.json"), loader: join(folder, loaderName) };
}

/** Where @sparticuz/chromium keeps its archives; it carries programs for Linux on x64 with glibc only. */
export async function chromiumPackage(): Promise<{ bin: string; version: string } | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64" || !hasGlibc()) return undefined;
  try {
    // Its version 147, the last for Node 20, has its module one folder deeper than 153.
    const folder = dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium"));
    const root = [join(folder, ".."), join(folder, "../..")].find((path) => existsSync(join(path, "bin")))!;
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
    return { bin: join(root, "bin"), version };
  } catch {
    return undefined;
  }
}

/** False on musl (Alpine), where neither Dawn's module nor SwiftShader can be loaded. */
export function hasGlibc(): boolean {
  // Without this the report looks up the names of all network addresses, which can take seconds.
  const report = Object.assign(process.report, { excludeNetwork: true });
  return Boolean((report.getReport() as { header?: { glibcVersionRuntime?: string } }).header?.glibcVersionRuntime);
}

/**
 * Makes a Vulkan loader available to Dawn: the system's, else the one at `fallback`.
 * @returns whether there is one now.
 */
export async function loadVulkanLoader(fallback?: string): Promise<boolean> {
  const keep = (path: string) => keepLibrary(path, "vkEnumerateInstanceVersion");
  return (await keep(loaderName)) || (fallback !== undefined && (await keep(fallback)));
}

/**
 * Runs `body` while the Vulkan loader sees exactly these drivers. The loader reads the variables when Dawn makes its
 * instance; afterwards they are put back, so that neither a later call nor a child process takes them for the user's.
 * @throws Error in a worker thread, whose `process.env` is a copy that the loader never sees.
 */
export async function withDrivers<T>(drivers: readonly string[], body: () => Promise<T>): Promise<T> {
  if (!isMainThread)
    throw new Error("a worker thread cannot choose Vulkan drivers: set VK_DRIVER_FILES before Node starts");
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, XDG_RUNTIME_DIR } = process.env;
  const before = { VK_DRIVER_FILES, VK_ICD_FILENAMES, XDG_RUNTIME_DIR };
  try {
    for (const variable of ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"]) await setVariable(variable, drivers.join(":"));
    // Mesa's layer looks for a desktop, and where this is not set libwayland prints that it is not.
    if (!XDG_RUNTIME_DIR) await setVariable("XDG_RUNTIME_DIR", tmpdir());
    return await body();
  } finally {
    for (const [variable, value] of Object.entries(before)) await setVariable(variable, value);
  }
}
