/**
 * Where --weights leads: a file of this machine, or an address whose file is streamed and kept in the disk's cache.
 * Not here: shipped models' names (model.ts).
 */
import { readFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { diskCache, nodeHasher } from "../../node/diskStorage.ts";
import { type FileSource, openFileSource } from "../../node/fileSource.ts";
import { jsonBeside } from "../../sources/jsonBeside.ts";
import { urlSource } from "../../sources/urlSource.ts";
import { isDiffusersConfig, schedulerKey } from "../../checkpoints/recognise.ts";
import type { Context } from "../context.ts";

export function isAddress(weights: string): boolean {
  return /^https?:\/\//i.test(weights);
}

/** The last part of a path or an address. */
export function fileName(weights: string): string {
  if (!isAddress(weights)) return basename(weights);
  const { hostname, pathname } = new URL(weights);
  return pathname.slice(pathname.lastIndexOf("/") + 1) || hostname;
}

/** @throws InputError if there is no such file */
export async function openWeights(weights: string, { report, signal }: Context): Promise<FileSource> {
  if (!isAddress(weights)) return openFileSource(weights);
  const onWarning = (message: string): void => report.say(message);
  const cache = await diskCache().catch((error: unknown) => {
    onWarning(`cache: cannot be written (${error instanceof Error ? error.message : String(error)})`);
    return undefined;
  });
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const onProgress = (done: number, total: number): void => {
    report.progress({ what: "MiB loaded", done: mebibytes(done), total: mebibytes(total) });
    if (done === total) report.endProgress();
  };
  return urlSource(weights, { cache, signal, onProgress, onWarning, hasher: nodeHasher });
}

/**
 * diffusers keeps a network's flags in a config.json beside its file, and how it is sampled in a folder beside that;
 * undefined where there is none of a UNet2DModel.
 */
export async function configBeside(weights: string, { signal }: Context): Promise<unknown> {
  const beside = (name: string) =>
    isAddress(weights) ? jsonBeside(weights, name, { signal }) : readBeside(weights, name);
  const config = await beside("config.json");
  if (!isDiffusersConfig(config)) return undefined;
  const scheduler = await beside("../scheduler/scheduler_config.json");
  return scheduler === undefined ? config : { ...config, [schedulerKey]: scheduler };
}

async function readBeside(path: string, name: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(dirname(path), name), "utf8")) as unknown;
  } catch {
    // No such file, or somebody else's: the checkpoint itself says what it lacks.
    return undefined;
  }
}
