/**
 * Adapters as the choice of kernels sees them: processor or GPU, the vendor's family (a table of defaults has a row for
 * each), subgroup matrices. Read from what the browser says, which may be a word, a PCI number or nothing.
 */

/** mobile: Arm, Qualcomm, Imagination and Broadcom, whose workgroup memory is no faster than any other. */
export type AdapterFamily = "cpu" | "nvidia" | "amd" | "intel" | "apple" | "mobile" | "other";

/** By vendor, as a word or a PCI identifier, else by words of the description. */
const families: readonly (readonly [AdapterFamily, vendor: RegExp, description: RegExp])[] = [
  ["nvidia", /^nvidia|^(0x)?10de$|^4318$/, /nvidia|geforce|quadro|\brtx\b|\btesla\b/],
  ["amd", /^(amd|ati|advanced micro)|^(0x)?1002$|^4098$/, /\bamd\b|radeon/],
  ["intel", /^intel|^(0x)?8086$|^32902$/, /\bintel\b|\biris\b|\barc\b/],
  ["apple", /^apple|^(0x)?106b$|^4203$/, /\bapple\b/],
  [
    "mobile",
    /^(arm|qualcomm|img|imagination|broadcom|samsung|huawei)|^(0x)?(13b5|5143|1010|14e4|144d)$/,
    /\bmali\b|adreno|powervr|\bimmortalis\b|videocore|xclipse/,
  ],
];

/** The family of an adapter that is a GPU. */
export function gpuFamily(info: GPUAdapterInfo): Exclude<AdapterFamily, "cpu"> {
  const vendor = info.vendor.toLowerCase().trim();
  const words = `${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  const found = families.find(([, byVendor]) => byVendor.test(vendor)) ?? families.find(([, , by]) => by.test(words));
  return (found?.[0] ?? "other") as Exclude<AdapterFamily, "cpu">;
}

/** A CPU adapter wants kernels without barriers and with many outputs a thread, a GPU workgroup tiles. */
export type AdapterKind = "cpu" | "gpu";

export const subgroupMatrixFeature = "chromium-experimental-subgroup-matrix";

/**
 * A matrix product of f16, summed in f32, that a whole subgroup computes in one instruction: [rows × depth] · [depth ×
 * columns].
 */
export interface SubgroupMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly subgroupSize: number;
}

/** As browsers that have the experiment describe it; not in WebGPU's types yet. */
interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/**
 * The largest that the adapter has; none where subgroups are of several sizes: then nobody knows how many a workgroup
 * holds.
 */
export function subgroupMatrix(features: GPUSupportedFeatures, info: GPUAdapterInfo): SubgroupMatrix | undefined {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  const { subgroupMinSize, subgroupMaxSize: subgroupSize } = info;
  if (!features.has(subgroupMatrixFeature) || !features.has("shader-f16")) return undefined;
  if (subgroupMinSize !== subgroupSize) return undefined;
  const [largest] = [...subgroupMatrixConfigs]
    .filter((one) => one.componentType === "f16" && one.resultComponentType === "f32")
    .toSorted((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return largest && { rows: largest.M, columns: largest.N, depth: largest.K, subgroupSize };
}

/** Software adapters by the words in their descriptions. */
export function adapterKind(info: GPUAdapterInfo): AdapterKind {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  const software = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software|\bcpu\b/.test(words);
  return software || info.isFallbackAdapter ? "cpu" : "gpu";
}

/** The adapter in words, for people: "google swiftshader (SwiftShader driver 5.0.0)". */
export function adapterName(info: GPUAdapterInfo): string {
  const { vendor, architecture, device } = info;
  // Where there is no architecture, the device says more than its vendor: "nvidia-h200".
  const name =
    (architecture ? [vendor, architecture] : [device.startsWith(vendor) ? "" : vendor, device])
      .filter(Boolean)
      .join(" ") || "unknown adapter";
  return info.description && !name.includes(info.description) ? `${name} (${info.description})` : name;
}
