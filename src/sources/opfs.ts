/**
 * The origin-private file system as a storage of blocks. It writes through createWritable, which commits at its end,
 * and in workers of browsers without that through a synchronous handle. Not here: which storage a page takes
 * (pageCache.ts).
 */
import type { BlockStorage } from "./cache.ts";

const rootName = "repaint-webgpu";

type Directory = FileSystemDirectoryHandle;
/** The part that TypeScript's DOM keeps for its worker library. */
interface SyncHandle {
  truncate(size: number): void;
  write(bytes: Uint8Array, options: { at: number }): number;
  flush(): void;
  close(): void;
}
interface WorkerFileHandle {
  createSyncAccessHandle(): Promise<SyncHandle>;
}

/**
 * Undefined where there is none, or none that can be written here. Rejects where the browser refuses (private windows).
 */
export async function opfsStorage(): Promise<BlockStorage | undefined> {
  const storage = (globalThis.navigator as Navigator | undefined)?.storage as StorageManager | undefined;
  const FileHandle = (globalThis as { FileSystemFileHandle?: { prototype: object } }).FileSystemFileHandle;
  if (!storage?.getDirectory || !FileHandle) return undefined;
  const isAtomic = "createWritable" in FileHandle.prototype;
  if (!isAtomic && !("createSyncAccessHandle" in FileHandle.prototype)) return undefined;
  const root = await (await storage.getDirectory()).getDirectoryHandle(rootName, { create: true });
  return {
    name: "OPFS",
    read: (folder, name) => read(root, folder, name),
    write: async (folder, name, bytes) => {
      const file = await (
        await root.getDirectoryHandle(folder, { create: true })
      ).getFileHandle(name, { create: true });
      await (isAtomic ? writeWhole(file, bytes) : writeInWorker(file as unknown as WorkerFileHandle, bytes));
    },
    folders: async () => (await entries(root)).filter(({ kind }) => kind === "directory").map(({ name }) => name),
    files: async (folder) => {
      const directory = await orMissing(root.getDirectoryHandle(folder));
      if (!directory) return [];
      const files = (await entries(directory)).filter(({ kind }) => kind === "file") as FileSystemFileHandle[];
      return Promise.all(files.map(async (file) => ({ name: file.name, size: (await file.getFile()).size })));
    },
    removeFolder: async (folder) => {
      await orMissing(root.removeEntry(folder, { recursive: true }));
    },
    free: freeBytes,
  };
}

/** What the origin's quota leaves; undefined where the browser does not say. */
export async function freeBytes(): Promise<number | undefined> {
  const { quota, usage } = await navigator.storage.estimate();
  return quota === undefined || usage === undefined ? undefined : quota - usage;
}

async function read(root: Directory, folder: string, name: string): Promise<Uint8Array | undefined> {
  const directory = await orMissing(root.getDirectoryHandle(folder));
  const handle = directory && (await orMissing(directory.getFileHandle(name)));
  return handle && new Uint8Array(await (await handle.getFile()).arrayBuffer());
}

async function writeWhole(file: FileSystemFileHandle, bytes: Uint8Array): Promise<void> {
  const writable = await file.createWritable();
  try {
    await writable.write(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    await writable.abort().catch(() => undefined);
    throw error;
  }
  await writable.close();
}

async function writeInWorker(file: WorkerFileHandle, bytes: Uint8Array): Promise<void> {
  const handle = await file.createSyncAccessHandle();
  try {
    handle.truncate(0);
    for (let at = 0; at < bytes.length;) {
      const written = handle.write(bytes.subarray(at), { at });
      if (written === 0) throw new DOMException("nothing more can be written", "QuotaExceededError");
      at += written;
    }
    handle.flush();
  } finally {
    handle.close();
  }
}

async function entries(directory: Directory): Promise<FileSystemHandle[]> {
  const found: FileSystemHandle[] = [];
  for await (const handle of (directory as unknown as { values(): AsyncIterable<FileSystemHandle> }).values())
    found.push(handle);
  return found;
}

async function orMissing<T>(handle: Promise<T>): Promise<T | undefined> {
  try {
    return await handle;
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotFoundError") return undefined;
    throw error;
  }
}
