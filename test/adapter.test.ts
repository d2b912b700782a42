/** Finding an adapter in Node: the order, names, the user's drivers, and what is said where there is none. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { chooseAdapter, noAdapterMessage, type Source } from "../src/node/adapter.ts";
import {
  chromiumPackage,
  hardwareDrivers,
  hasGlibc,
  systemDrivers,
  unpackSwiftShader,
  withDrivers,
} from "../src/node/vulkan.ts";
import { setUp } from "../scripts/setup.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const packaged = await chromiumPackage();
const noSwiftShader = packaged ? false : "SwiftShader's package is for Linux x64 with glibc";

/**
 * Opens an adapter in a process of its own, since drivers are chosen once a process.
 * @returns what `openGpu` found ("name|kind"), or the error's name and message, and what was written to stderr.
 */
function open(adapter: string | undefined, env: Record<string, string> = {}): Promise<{ out: string; err: string }> {
  const code = `
    const { openGpu } = await import("./dist/node.js");
    const { adapterName, adapterKind } = await import("./dist/engine.js");
    let line;
    try {
      const { adapter } = await openGpu({ adapter: ${JSON.stringify(adapter)} });
      line = adapterName(adapter.info) + "|" + adapterKind(adapter.info);
    } catch (error) {
      line = error.name + ": " + error.message + (error.exitCode === undefined ? "" : " [" + error.exitCode + "]");
    }
    process.stdout.write(line, () => process.exit(0));`;
  const clean = { ...process.env };
  for (const name of ["VK_DRIVER_FILES", "VK_ICD_FILENAMES", "VK_ADD_DRIVER_FILES", "REPAINT_ADAPTER", "NODE_OPTIONS"])
    delete clean[name];
  return new Promise((resolve, reject) => {
    const options = { cwd: root, env: { ...clean, ...env } };
    execFile(process.execPath, ["--input-type=module", "-e", code], options, (error, out, err) =>
      error ? reject(error) : resolve({ out, err }),
    );
  });
}

// Under scripts/with-lavapipe.mjs process.execPath is the dynamic loader, which starts no Node.
const cannotFork = /ld-linux/.test(process.execPath);

describe.skipIf(noSwiftShader || cannotFork)("an adapter in a process of its own", () => {
  beforeAll(() => setUp());

  test("SwiftShader by name, by a part of its vendor in any case, and by REPAINT_ADAPTER", async () => {
    for (const { out, err } of [
      await open("swiftshader"),
      await open("SwiftSh"),
      await open(undefined, { REPAINT_ADAPTER: "swiftshader" }),
    ]) {
      expect(out).toMatch(/swiftshader.*\|cpu$/i);
      expect(err).toBe("");
    }
  });

  test("without a name there is always one, hardware if the machine has any", async () => {
    const hardware = (await open("hardware")).out;
    const { out } = await open(undefined);
    expect(out).toMatch(/\|(cpu|gpu)$/);
    if (hardware.endsWith("|gpu")) expect(out).toBe(hardware);
    else expect(hardware).toMatch(/^NoAdapterError: no WebGPU adapter matches "hardware" .*\[3\]$/);
  });

  test("an unknown name lists what there is", async () => {
    const { out } = await open("voodoo2");
    expect(out).toMatch(
      /^NoAdapterError: no WebGPU adapter matches "voodoo2" \(.*SwiftShader.*\): use a part of a name/,
    );
  });

  test("given drivers are the only ones asked", async () => {
    const { out } = await open(undefined, { VK_DRIVER_FILES: "/nowhere/icd.json" });
    expect(out).toMatch(/^NoAdapterError: .*VK_DRIVER_FILES is set to \/nowhere\/icd.json.*unset it \[3\]$/);
    const files = await unpackSwiftShader();
    expect((await open(undefined, { VK_ICD_FILENAMES: files?.driver ?? "" })).out).toMatch(/swiftshader.*\|cpu$/i);
    expect((await open("hardware", { VK_DRIVER_FILES: files?.driver ?? "" })).out).toMatch(
      /matches "hardware" .*use a part/,
    );
  });

  test("two at once do not mix up their drivers, and leave the environment as it was", async () => {
    const code = `
      const { openGpu } = await import("./dist/node.js");
      const all = await Promise.allSettled([openGpu({ adapter: "swiftshader" }), openGpu({ adapter: "voodoo2" }), openGpu({ adapter: "swiftshader" })]);
      const line = all.map((one) => one.status[0]).join("") + process.env.VK_DRIVER_FILES + process.env.VK_ICD_FILENAMES;
      process.stdout.write(line, () => process.exit(0));`;
    const out = await new Promise((resolve, reject) => {
      const { VK_DRIVER_FILES: _, VK_ICD_FILENAMES: __, ...env } = process.env;
      execFile(process.execPath, ["--input-type=module", "-e", code], { cwd: root, env }, (error, out) =>
        error ? reject(error) : resolve(out),
      );
    });
    expect(out).toBe("frfundefinedundefined");
  });
});

describe("which adapter is chosen", () => {
  const source = (name: Source["name"], ...adapters: string[]): Source => ({
    name,
    open: () => {
      if (adapters[0] === "broken") return Promise.reject(new Error("no loader\nat line 7"));
      const infos = adapters.map((words) => words.split(" ") as [string, string]);
      return Promise.resolve(
        infos.map(([vendor, architecture]) => {
          const info = { vendor, architecture, device: "", description: "", isFallbackAdapter: false };
          return { gpu: {} as GPU, adapter: { info } as unknown as GPUAdapter };
        }),
      );
    },
  });
  const swiftshader = source("swiftshader", "google swiftshader");
  const nothing = source("system");
  const software = source("system", "mesa llvmpipe");
  const hardware = source("system", "nvidia ampere", "intel gen-12lp", "mesa llvmpipe");
  const broken = source("swiftshader", "broken");

  test.each<[string, string, Source[], string]>([
    ["default", "hardware, the fastest first", [hardware, swiftshader], "ampere"],
    ["default", "SwiftShader without hardware", [nothing, swiftshader], "swiftshader"],
    ["default", "SwiftShader before the system's software", [software, swiftshader], "swiftshader"],
    ["default", "the system's software for want of others", [software, broken], "llvmpipe"],
    ["default", "what is given, software or not", [source("given", "mesa llvmpipe")], "llvmpipe"],
    ["hardware", "hardware", [hardware], "ampere"],
    ["hardware", "hardware behind software", [source("given", "mesa llvmpipe", "amd rdna-3")], "rdna-3"],
    ["intel", "a vendor that is not the first", [hardware, swiftshader], "gen-12lp"],
    ["llvmpipe", "software by name although there is hardware", [hardware, swiftshader], "llvmpipe"],
    ["google", "a vendor of the last source", [hardware, swiftshader], "swiftshader"],
  ])("%s: %s", async (wanted, _, sources, architecture) => {
    expect((await chooseAdapter(sources, wanted)).adapter.info.architecture).toBe(architecture);
  });

  test("hardware that fails is said where software takes its place", async () => {
    const heard: string[] = [];
    const failing: Source = {
      name: "system",
      open: () => Promise.reject(new Error("the driver wants more\nat length")),
    };
    await chooseAdapter([failing, swiftshader], "default", (reason) => heard.push(reason));
    expect(heard).toEqual(["the driver wants more"]);
    await chooseAdapter([hardware, swiftshader], "default", (reason) => heard.push(reason));
    await chooseAdapter([failing, source("given", "nvidia ampere")], "default", (reason) => heard.push(reason));
    expect(heard).toHaveLength(1);
  });

  test("a source that fails is part of what was tried, in one line", async () => {
    const message = /\(this machine's drivers: no adapter; SwiftShader: no loader\): [^\n]+$/;
    await expect(chooseAdapter([nothing, broken], "default")).rejects.toThrow(message);
    await expect(chooseAdapter([software], "hardware")).rejects.toThrow(
      /matches "hardware" \(.*llvmpipe\): .*use a part/,
    );
  });
});

test("drivers are found where the Vulkan loader looks, those the user adds first", async () => {
  const before = { ...process.env };
  const folder = await mkdtemp(join(tmpdir(), "repaint-drivers-"));
  try {
    await mkdir(`${folder}/vulkan/icd.d`, { recursive: true });
    for (const name of ["b.json", "a.json", "readme.txt"]) await writeFile(`${folder}/vulkan/icd.d/${name}`, "{}");
    process.env.XDG_DATA_DIRS = `${folder}:/nowhere`;
    process.env.VK_ADD_DRIVER_FILES = "/added.json";
    const found = await systemDrivers();
    expect(found[0]).toBe("/added.json");
    expect(found.filter((file) => file.startsWith(folder))).toEqual([
      `${folder}/vulkan/icd.d/a.json`,
      `${folder}/vulkan/icd.d/b.json`,
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
    for (const name of ["XDG_DATA_DIRS", "VK_ADD_DRIVER_FILES"]) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
});

test("drivers that cannot find hardware are not asked for it: software's, and Mesa's where there is no graphics card", async () => {
  const folder = await mkdtemp(join(tmpdir(), "repaint-cards-"));
  try {
    const names = [
      "intel_icd.x86_64.json",
      "lvp_icd.x86_64.json",
      "nvidia_icd.json",
      "dzn_icd.x86_64.json",
      "radeon_icd.json",
    ];
    const drivers = names.map((name) => `/usr/share/vulkan/icd.d/${name}`);
    const found = async (): Promise<string[]> =>
      (await hardwareDrivers(drivers, folder)).map((path) => path.slice(path.lastIndexOf("/") + 1));
    expect(await found()).toEqual(["nvidia_icd.json", "dzn_icd.x86_64.json"]);
    await writeFile(join(folder, "card0"), "");
    expect(await found()).toEqual(["nvidia_icd.json", "dzn_icd.x86_64.json"]);
    await writeFile(join(folder, "renderD128"), "");
    expect(await found()).toEqual(names.filter((name) => !name.startsWith("lvp")));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test.skipIf(cannotFork)("driver variables are put back even if the body throws", async () => {
  const before = [process.env.VK_DRIVER_FILES, process.env.XDG_RUNTIME_DIR];
  delete process.env.XDG_RUNTIME_DIR;
  try {
    const body = withDrivers(["/a.json", "/b.json"], () =>
      Promise.reject(new Error(`saw ${process.env.VK_DRIVER_FILES} and ${process.env.XDG_RUNTIME_DIR}`)),
    );
    await expect(body).rejects.toThrow(`saw /a.json:/b.json and ${tmpdir()}`);
    expect([process.env.VK_DRIVER_FILES, process.env.XDG_RUNTIME_DIR]).toEqual([before[0], undefined]);
  } finally {
    if (before[1] !== undefined) process.env.XDG_RUNTIME_DIR = before[1];
  }
});

describe("without an adapter, what to install is said in one line", () => {
  const message = (platform: NodeJS.Platform, arch: string): string =>
    noAdapterMessage({ wanted: "default", tried: ["SwiftShader: no adapter"], others: false, platform, arch });

  test.each([
    ["linux", "x64", "npm install @sparticuz/chromium"],
    ["linux", "x64", "apt install libvulkan1 mesa-vulkan-drivers"],
    ["linux", "arm64", "apt install libvulkan1 mesa-vulkan-drivers"],
    ["darwin", "arm64", "Metal"],
    ["win32", "x64", "Direct3D 12"],
    ["freebsd", "x64", "use Linux, macOS or Windows"],
  ] as const)("%s %s: %s", (platform, arch, words) => {
    expect(message(platform, arch)).toContain(words);
    expect(message(platform, arch)).toMatch(/^no WebGPU adapter \(SwiftShader: no adapter\): [^\n]+$/);
  });

  test("NVIDIA's driver wants X's libraries, and says so nowhere", () => {
    const search = { wanted: "default", tried: ["given drivers: no adapter"], others: false } as const;
    const given = (value: string) => noAdapterMessage({ ...search, given: { variable: "VK_DRIVER_FILES", value } });
    expect(given("/etc/vulkan/icd.d/nvidia_icd.json")).toMatch(/libX11\.so\.6 and libXext\.so\.6/);
    expect(given("/etc/vulkan/icd.d/other.json")).toMatch(/check that it names a Vulkan driver's \.json file/);
  });

  test("the registry package is not offered where it has nothing", () => {
    expect(message("linux", "arm64")).not.toContain("sparticuz");
    expect(message("darwin", "arm64")).not.toContain("sparticuz");
  });
});

test("the C library is told apart", () => {
  const { sharedObjects } = process.report.getReport() as { sharedObjects: string[] };
  expect(hasGlibc()).toBe(process.platform === "linux" && !sharedObjects.some((path) => path.includes("ld-musl")));
});
