/** In a page: what was tuned is there for the next one that asks, in IndexedDB. */
import { requestDevice } from "../../src/engine/device.ts";
import { tuningDatabase } from "../../src/engine/tuning/database.ts";
import { RePaint } from "../../src/index.ts";
import { tuneNetworks } from "../../src/unet/tuning.ts";

export interface Tuned {
  readonly before: number;
  readonly tuned: readonly (readonly [string, string])[];
  readonly loaded: readonly (readonly [string, string])[];
  readonly warnings: readonly string[];
  readonly unknown: unknown;
}

export async function run({ weights }: { weights: Uint8Array }): Promise<Tuned> {
  const adapter = await navigator.gpu.requestAdapter();
  const device = await requestDevice(adapter!);
  const warnings: string[] = [];
  const load = async () => {
    const tune = { onWarning: (message: string) => warnings.push(message) };
    return (await RePaint.load(weights, { device, tune })).unet;
  };
  const first = await load();
  let calls = 0;
  const clock = { time: () => Promise.resolve({ milliseconds: 1000 / 2 ** calls++ }) };
  const network = { architecture: first.checkpoint.architecture, precision: "f32" } as const;
  const { answers } = await tuneNetworks(device, [network], { budget: 1e9, clock });
  const second = await load();
  const unknown = (await tuningDatabase()!.read("nobody's")) ?? null;
  device.dispose();
  return { before: first.choices!.size, tuned: [...answers], loaded: [...second.choices!], warnings, unknown };
}
