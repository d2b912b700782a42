/**
 * A folder of small records that survives any end of the process: each is one JSON file with a checksum, written under
 * another name, flushed and renamed. What is torn, foreign or damaged is none. Not here: what is in a record.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { asInputError, writeFileAtomic } from "./files.ts";

const checksum = (record: object): string => createHash("sha256").update(JSON.stringify(record)).digest("hex");

/** Writes NAME.json, in the place of an older one. @throws InputError */
export async function writeRecord(folder: string, name: string, record: object): Promise<void> {
  const text = `${JSON.stringify({ ...record, checksum: checksum(record) }, null, 1)}\n`;
  await writeFileAtomic(join(folder, `${name}.json`), new TextEncoder().encode(text), { force: true });
}

/** The record NAME.json, or undefined where there is none that is whole. @throws InputError where the system refuses */
export async function readRecord(folder: string, name: string): Promise<object | undefined> {
  let text: string;
  try {
    text = await readFile(join(folder, `${name}.json`), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw asInputError(error, `cannot read ${join(folder, `${name}.json`)}`);
  }
  try {
    const { checksum: claimed, ...record } = JSON.parse(text) as { checksum?: unknown };
    return claimed === checksum(record) ? record : undefined;
  } catch {
    return undefined;
  }
}

/** Removes what a killed process left of writing these files: their temporary names. Others' may be in use. */
export async function removeTorn(folder: string, files: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(folder)) {
    const torn = /^\.(.+)\.[0-9a-f]{12}\.tmp$/.exec(name);
    if (torn && files.has(torn[1]!)) await rm(join(folder, name), { force: true });
  }
}
