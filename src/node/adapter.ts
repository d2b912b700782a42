/**
 * A WebGPU adapter in Node, through the `webgpu` package (Dawn): the user's drivers, the machine's hardware, or
 * SwiftShader, in that order. The device, its features and limits are src/engine/device.ts's business.
 */
import { NoAdapterError } from "../errors.ts";
import { calmPolling } from "./calmPolling.ts";
import { whyRefused } from "./driverProbe.ts";
import {
  givenDrivers,
  hardwareDrivers,
  hasGlibc,
  loadVulkanLoader,
  softwareDrivers,
  systemDrivers,
  unpackSwiftShader,
  withDrivers,
} from "./vulkan.ts";
import { adapterKind, adapterName } from "../engine/adapter.ts";

export interface OpenGpuOptions {
  /**
   * "default" (hardware, else SwiftShader, else another software adapter), "hardware", "swiftshader", or a part of an
   * adapter's vendor, architecture, device or description. Without it: $REPAINT_ADAPTER, else "default".
   */
  readonly adapter?: string | undefined;
  /** Dawn toggles to switch on, by their names in Dawn's Toggles.cpp. */
  readonly dawnToggles?: readonly string[];
  /** Toggles to switch off. */
  readonly dawnTogglesOff?: readonly string[];
  /**
   * What Dawn holds back as unfinished: subgroup matrices (`Device.matrix`), and f16 in shaders on NVIDIA's Vulkan.
   * Without it: whether $REPAINT_EXPERIMENTAL is 1.
   */
  readonly experimental?: boolean | undefined;
  /** Is told why hardware whose driver is installed is passed over for a software adapter. */
  readonly onPassedOver?: ((reason: string) => void) | undefined;
}

const experimentalToggles = ["allow_unsafe_apis", "vulkan_enable_f16_on_nvidia"];

export interface OpenGpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
}

/** Where adapters may come from, the fastest first. */
export interface Source {
  readonly name: "given" | "system" | "swiftshader";
  readonly open: () => Promise<OpenGpu[]>;
}

/** Dawn aborts (Node 20) or hangs (Node 22) when its instance is collected while a device of it lives. */
const instances: GPU[] = [];

/** Calls wait for each other: two at once would overwrite each other's driver variables. */
let previous: Promise<unknown> = Promise.resolve();

/**
 * Finds an adapter. If VK_DRIVER_FILES or VK_ICD_FILENAMES is set, only those drivers are asked.
 * @throws NoAdapterError that says what was tried and what to install on this machine.
 */
export function openGpu(options: OpenGpuOptions = {}): Promise<OpenGpu> {
  const wanted = (options.adapter ?? (process.env.REPAINT_ADAPTER || "default")).toLowerCase();
  const experimental = options.experimental ?? process.env.REPAINT_EXPERIMENTAL === "1";
  const toggles = {
    on: [...(options.dawnToggles ?? []), ...(experimental ? experimentalToggles : [])],
    off: options.dawnTogglesOff ?? [],
  };
  const opened = previous.then(() => chooseAdapter(sources(toggles, wanted), wanted, options.onPassedOver));
  previous = opened.catch(() => undefined);
  return opened;
}

/**
 * The adapter that `wanted` (lower case) means among those of the sources, which are opened one after another until
 * one has it. Exported for tests, which have no hardware.
 */
export async function chooseAdapter(
  sources: readonly Source[],
  wanted: string,
  onPassedOver?: (reason: string) => void,
): Promise<OpenGpu> {
  const tried: string[] = [];
  const broken: string[] = [];
  let others = false;
  let softwareOfSystem: OpenGpu | undefined;
  for (const source of sources) {
    try {
      const found = await source.open();
      if (found.length === 0) tried.push(`${sourceWords(source.name)}: no adapter`);
      for (const opened of found) {
        const { info } = opened.adapter;
        const hardware = adapterKind(info) === "gpu";
        if (wanted === "default" && source.name === "system" && !hardware) softwareOfSystem ??= opened;
        else if (matches(info, wanted, source.name)) {
          if (!hardware) for (const reason of broken) onPassedOver?.(reason);
          return opened;
        }
        others = true;
        tried.push(`${sourceWords(source.name)}: ${adapterName(info)}`);
      }
    } catch (error) {
      if (error instanceof NoAdapterError) throw error;
      broken.push((error as Error).message.split("\n")[0]!);
      tried.push(`${sourceWords(source.name)}: ${broken.at(-1)}`);
    }
  }
  // The SwiftShader of the package is the software adapter that all tests run on; the system's is of any age.
  if (softwareOfSystem) return softwareOfSystem;
  throw new NoAdapterError(noAdapterMessage({ wanted, tried: [...new Set(tried)], others, given: givenDrivers() }));
}

/** Of Dawn. */
interface Toggles {
  readonly on: readonly string[];
  readonly off: readonly string[];
}

/** How Mesa's software adapter is called: it is asked when it is meant, or when there is nothing else. */
const systemSoftware = ["llvmpipe", "lavapipe", "mesa", "software"];

function sources(toggles: Toggles, wanted: string): Source[] {
  const hardware: Source = { name: "system", open: () => openSystem(toggles, hardwareDrivers) };
  const software: Source = { name: "system", open: () => openSystem(toggles, usableSoftware) };
  const swiftshader: Source = { name: "swiftshader", open: () => openSwiftShader(toggles) };
  if (givenDrivers()) return [{ name: "given", open: () => openGiven(toggles) }];
  if (wanted === "hardware") return [hardware];
  if (wanted === "swiftshader") return [swiftshader, software];
  const wantsSoftware = ["default", ...systemSoftware].some((word) => word.includes(wanted) || wanted.includes(word));
  return [hardware, swiftshader, ...(wantsSoftware ? [software] : [])];
}

function matches(info: GPUAdapterInfo, wanted: string, source: Source["name"]): boolean {
  if (wanted === "default") return true;
  if (wanted === "hardware") return adapterKind(info) === "gpu";
  if (wanted === "swiftshader" && source === "swiftshader") return true;
  return `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase().includes(wanted);
}

async function openGiven(toggles: Toggles): Promise<OpenGpu[]> {
  if (process.platform === "linux" && !(await loadVulkanLoader()))
    await loadVulkanLoader((await unpackSwiftShader())?.loader);
  return adaptersOf(toggles);
}

/** Of a machine's drivers those in software. Mesa of Debian 12, for one, lacks what WebGPU needs. @throws Error */
async function usableSoftware(all: readonly string[]): Promise<readonly string[]> {
  const drivers = softwareDrivers(all);
  if (drivers.length === 0) return drivers;
  const reason = await whyRefused(drivers, (await unpackSwiftShader())?.loader);
  if (reason) throw new Error(reason);
  return drivers;
}

/** @param among which of the machine's Vulkan drivers are asked */
async function openSystem(
  toggles: Toggles,
  among: (drivers: readonly string[]) => readonly string[] | Promise<readonly string[]>,
): Promise<OpenGpu[]> {
  if (process.platform !== "linux") return adaptersOf(toggles);
  const drivers = await among(await systemDrivers());
  if (drivers.length === 0) return [];
  if (!(await loadVulkanLoader()) && !(await loadVulkanLoader((await unpackSwiftShader())?.loader)))
    throw new Error("drivers are installed, the Vulkan loader (libvulkan.so.1) is not");
  const found = await withDrivers(drivers, () => adaptersOf(toggles));
  if (found.length === 0 && drivers.some((path) => isNvidia(path))) throw new Error(nvidiaWants);
  return found;
}

const isNvidia = (path: string) => /nvidia/i.test(path);
/** It says no more than "no drivers" itself. */
const nvidiaWants =
  "NVIDIA's Vulkan driver is installed and gives no adapter: it needs libX11.so.6 and libXext.so.6, on a machine without a display, too (Debian, Ubuntu: apt install libx11-6 libxext6)";

async function openSwiftShader(toggles: Toggles): Promise<OpenGpu[]> {
  const files = await unpackSwiftShader();
  if (!files) throw new Error("the package @sparticuz/chromium (Linux x64) that carries it is not installed");
  if (!(await loadVulkanLoader(files.loader))) throw new Error(`${files.loader} cannot be loaded`);
  return withDrivers([files.driver], () => adaptersOf(toggles));
}

/** The distinct adapters of a new Dawn instance, the fastest first. */
async function adaptersOf(toggles: Toggles): Promise<OpenGpu[]> {
  const { create } = await loadDawn();
  const flags = [
    ...(toggles.on.length > 0 ? [`enable-dawn-features=${toggles.on.join(",")}`] : []),
    ...(toggles.off.length > 0 ? [`disable-dawn-features=${toggles.off.join(",")}`] : []),
  ];
  const gpu = create(flags);
  instances.push(gpu);
  const found = new Map<string, OpenGpu>();
  for (const request of [
    { powerPreference: "high-performance" },
    { powerPreference: "low-power" },
    { forceFallbackAdapter: true },
  ] as const) {
    const adapter = await gpu.requestAdapter(request);
    const name = adapter && [adapter.info.vendor, adapter.info.device, adapter.info.description].join(" ");
    if (!name || found.has(name)) continue;
    if (adapterKind(adapter.info) === "cpu") calmPolling(adapter);
    found.set(name, { gpu, adapter });
  }
  return [...found.values()];
}

/** Of the package `webgpu`; without it Deno has a WebGPU of its own, which knows no toggles. */
async function loadDawn(): Promise<Pick<typeof import("webgpu"), "create">> {
  try {
    return await import("webgpu");
  } catch (error) {
    const own = (globalThis.navigator as { gpu?: GPU } | undefined)?.gpu;
    if (own) return { create: () => own };
    const reason =
      (error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" ? "is not installed" : "cannot be loaded";
    const remedy =
      process.platform === "linux" && !hasGlibc()
        ? "this system has another C library than glibc, which the package needs: use a glibc system (Debian, Ubuntu, Fedora)"
        : "npm install webgpu";
    throw new NoAdapterError(`WebGPU in Node comes from the package "webgpu", which ${reason}: ${remedy}`);
  }
}

function sourceWords(source: Source["name"]): string {
  return { given: "given drivers", system: "this machine's drivers", swiftshader: "SwiftShader" }[source];
}

/** One line: what was looked for, what there was, what to do on this kind of machine. */
export function noAdapterMessage(search: {
  /** "default" or the name that was asked for. */
  wanted: string;
  /** Where it was looked for and what was there, a phrase each. */
  tried: readonly string[];
  /** Whether adapters were found, of other names. */
  others: boolean;
  given?: { variable: string; value: string } | undefined;
  platform?: NodeJS.Platform;
  arch?: string;
}): string {
  const { wanted, tried, others, given, platform = process.platform, arch = process.arch } = search;
  const named = wanted !== "default";
  const looked = `no WebGPU adapter${named ? ` matches "${wanted}"` : ""}`;
  const there = tried.length > 0 ? ` (${tried.join("; ")})` : "";
  const drivers = given ? `${given.variable} is set to ${given.value}, and only its drivers are asked` : "";
  let remedy;
  if (others)
    remedy = `${drivers ? `${drivers}; ` : ""}use a part of a name that is there, or leave the adapter's name away`;
  else if (given && isNvidia(given.value)) remedy = `${drivers}; ${nvidiaWants}`;
  else if (given) remedy = `${drivers}; check that it names a Vulkan driver's .json file, or unset it`;
  else remedy = `${named ? "leave the adapter's name away, or " : ""}${whatToInstall(platform, arch)}`;
  return `${looked}${there}: ${remedy}`;
}

function whatToInstall(platform: NodeJS.Platform, arch: string): string {
  if (platform === "darwin") return "use macOS 11 or later on a Mac whose graphics support Metal";
  if (platform === "win32") return "install the graphics card's driver (Direct3D 12)";
  if (platform !== "linux") return `use Linux, macOS or Windows: there is no WebGPU for Node on ${platform} ${arch}`;
  const vulkan =
    "a Vulkan driver and loader (the graphics card's own, or on Debian 13 and Ubuntu 24.04 `apt install libvulkan1 mesa-vulkan-drivers`)";
  return arch === "x64"
    ? `install a software adapter with \`npm install @sparticuz/chromium\`, or ${vulkan}`
    : `install ${vulkan}`;
}
