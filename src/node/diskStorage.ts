/**
 * A folder as a storage of downloaded blocks: each is written under another name and renamed. Not here: what is in them
 * (src/sources/cache.ts).
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BlockStorage, SourceCache } from "../sources/cache.ts";
import type { Hasher } from "../sources/sha256.ts";
import { cacheFolder } from "./unpack.ts";

/** Far longer than a block takes to be written: what is older was left by a process that was killed. */
const leftoverMilliseconds = 3_600_000;

/**
 * Below `folder`, default the package's cache folder ($XDG_CACHE_HOME/repaint-webgpu/checkpoints where that is set).
 */
export async function diskCache(folder?: string): Promise<SourceCache> {
  return new SourceCache(await diskStorage(folder ?? join(await cacheFolder(), "checkpoints")));
}

export async function diskStorage(root: string): Promise<BlockStorage> {
  await mkdir(root, { recursive: true });
  return {
    name: root,
    read: (folder, name) => orMissing(readFile(join(root, folder, name))),
    write: async (folder, name, bytes) => {
      const path = join(root, folder, name);
      const partial = `${path}.${randomBytes(6).toString("hex")}.part`;
      await mkdir(join(root, folder), { recursive: true });
      try {
        await writeFile(partial, bytes, { flag: "wx" });
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true }).catch(() => undefined);
        throw error;
      }
    },
    folders: async () => {
      const entries = await readdir(root, { withFileTypes: true });
      return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    },
    files: async (folder) => files(join(root, folder)),
    removeFolder: (folder) => rm(join(root, folder), { recursive: true, force: true }),
    free: async () => {
      const { bavail, bsize } = await statfs(root);
      return bavail * bsize;
    },
  };
}

/** Node's own SHA-256, several times as fast as ours. */
export function nodeHasher(): Hasher {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest("hex") };
}

async function files(folder: string): Promise<{ name: string; size: number }[]> {
  const found: { name: string; size: number }[] = [];
  for (const name of (await orMissing(readdir(folder))) ?? []) {
    const stats = await orMissing(stat(join(folder, name)));
    if (!stats?.isFile()) continue;
    if (name.endsWith(".part") && Date.now() - stats.mtimeMs > leftoverMilliseconds) await rm(join(folder, name));
    else found.push({ name, size: stats.size });
  }
  return found;
}

async function orMissing<T>(value: Promise<T>): Promise<T | undefined> {
  try {
    return await value;
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
    throw error;
  }
}
