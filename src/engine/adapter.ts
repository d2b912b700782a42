/**
 * Whose adapter it is, as far as the choice of kernels goes: a table of defaults has a row for each family. Told from what
 * the browser says, which may be a word, a PCI number or nothing. Not here: whether it is a processor (device.ts).
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

/** Of an adapter that is a GPU; see `Device.family`. */
export function gpuFamily(info: GPUAdapterInfo): Exclude<AdapterFamily, "cpu"> {
  const vendor = info.vendor.toLowerCase().trim();
  const words = `${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  const found = families.find(([, byVendor]) => byVendor.test(vendor)) ?? families.find(([, , by]) => by.test(words));
  return (found?.[0] ?? "other") as Exclude<AdapterFamily, "cpu">;
}
