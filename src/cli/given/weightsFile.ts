/**
 * Where --weights leads: a file or folder of this machine, or an address whose file is streamed and kept in the disk's
 * cache. Not here: shipped models' names (model.ts).
 */
import { lastPart } from "../../text/addresses.ts";
import { basename } from "node:path";
import { diskCache, nodeHasher } from "../../node/diskStorage.ts";
import { type ModelFile, openModelFile } from "../../node/modelFile.ts";
import { isShardIndex, openShards } from "../../files/shards.ts";
import { addressBeside, jsonBeside } from "../../sources/jsonBeside.ts";
import { urlSource } from "../../sources/urlSource.ts";
import type { Context } from "../context.ts";
import { accessTo } from "./access.ts";

export function isAddress(weights: string): boolean {
  return /^https?:\/\//i.test(weights);
}

/** The last part of a path or an address. */
export function fileName(weights: string): string {
  if (!isAddress(weights)) return basename(weights);
  const url = new URL(weights);
  return lastPart(url) || url.hostname;
}

/** @throws InputError if there is no such file */
export async function openWeights(weights: string, { report, signal }: Context): Promise<ModelFile> {
  if (!isAddress(weights)) {
    const file = await openModelFile(weights);
    if (file.name !== weights) report.say(`Weights: ${file.name}`);
    return file;
  }
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
  const access = accessTo(weights);
  const beside = (name: string) => jsonBeside(weights, name, { ...access, signal });
  const open = (address: string | URL) =>
    urlSource(address, { ...access, cache, signal, onProgress, onWarning, hasher: nodeHasher });
  const { pathname } = new URL(weights);
  if (!isShardIndex(pathname)) return { ...(await open(weights)), jsonBeside: beside };
  const json = await beside(fileName(weights));
  const part = (name: string) => open(addressBeside(weights, name));
  return { ...(await openShards(fileName(weights), json, part)), jsonBeside: beside };
}
