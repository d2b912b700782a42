/** Where pages and workers keep what was tuned: IndexedDB. Not here: what is kept (memory.ts). */
import type { TuningStore } from "./memory.ts";

const databaseName = "repaint-webgpu";
const tableName = "tuning";

/** Undefined where there is none: in Node, in sandboxed frames, in some private windows. */
export function tuningDatabase(): TuningStore | undefined {
  let factory: IDBFactory | undefined;
  try {
    // The getter itself throws in a sandboxed frame.
    factory = (globalThis as { indexedDB?: IDBFactory }).indexedDB;
  } catch {
    return undefined;
  }
  if (!factory) return undefined;
  const found = factory;
  return {
    name: "this browser's IndexedDB",
    read: (id) =>
      inTable(found, "readonly", async (table) => {
        const value: unknown = await settled(table.get(id));
        return typeof value === "string" ? value : undefined;
      }),
    write: (id, text) => inTable(found, "readwrite", async (table) => void (await settled(table.put(text, id)))),
  };
}

async function inTable<T>(
  factory: IDBFactory,
  mode: IDBTransactionMode,
  body: (table: IDBObjectStore) => Promise<T>,
): Promise<T> {
  const request = factory.open(databaseName, 1);
  request.addEventListener("upgradeneeded", () => request.result.createObjectStore(tableName));
  const database = await settled(request);
  try {
    return await body(database.transaction(tableName, mode).objectStore(tableName));
  } finally {
    // Waits for the transaction.
    database.close();
  }
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error ?? new Error("IndexedDB refused")));
    request.addEventListener("blocked", () => reject(new Error("another tab holds an older version")));
  });
}
