/**
 * What the package itself carries: its version, and the models and pictures in weights/. The same folders in a checkout
 * (src/node) and in what is installed (dist/node). Not here: opening a model (fileSource.ts, src/unet).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
export const weightsFolder = join(packageRoot, "weights");

export interface PackageInfo {
  readonly name: string;
  readonly version: string;
}

export async function packageInfo(): Promise<PackageInfo> {
  return JSON.parse(await readFile(join(packageRoot, "package.json"), "utf8")) as PackageInfo;
}

/** A model of weights/manifest.json; `file` and the pictures are below weights/. */
export interface ShippedModel {
  readonly name: string;
  readonly file: string;
  readonly source: string;
  readonly licence: string;
  readonly sha256: string;
  readonly bytes: number;
  readonly parameters: number;
  /** What it is beside a UNet: a classifier that guides one. */
  readonly kind?: "classifier";
  /** Of UNets. */
  readonly diffusion?: Readonly<Record<string, unknown>>;
  /** An input and what PyTorch makes of it: of UNets `out`, of classifiers `logits` and `grad`. */
  readonly selfTest: string;
  /** Pictures to fill, with masks. */
  readonly examples: readonly { readonly name: string; readonly picture: string; readonly fill: string }[];
}

export async function shippedModels(): Promise<readonly ShippedModel[]> {
  const manifest = JSON.parse(await readFile(join(weightsFolder, "manifest.json"), "utf8")) as {
    models: ShippedModel[];
  };
  return manifest.models;
}
