/**
 * Shared libraries and the environment that C code sees, in Node, Deno and Bun: Dawn and the Vulkan loader below it
 * look there. Not here: which libraries and which variables (vulkan.ts).
 */
import { readFile } from "node:fs/promises";
import { constants } from "node:os";
import { basename } from "node:path";

interface BunFfi {
  dlopen(
    path: string,
    symbols: Readonly<Record<string, { args: readonly string[]; returns: string }>>,
  ): {
    readonly symbols: Readonly<Record<string, (...values: unknown[]) => unknown>>;
  };
}

const deno = (globalThis as { Deno?: { dlopen(path: string, symbols: object): unknown } }).Deno;
// A variable, so that neither a bundler nor a compiler looks for it.
const bunModule = "bun:ffi";
const bunFfi = () => import(bunModule) as Promise<BunFfi>;
const isBun = "Bun" in globalThis;

/** What must not be collected: Bun and Deno would unload it. */
const kept: unknown[] = [];

/**
 * Keeps a library loaded in this process, so that its name alone finds it from then on.
 * @param symbol any function of it
 * @returns whether it is there
 */
export async function keepLibrary(path: string, symbol: string): Promise<boolean> {
  try {
    if (deno) kept.push(deno.dlopen(path, {}));
    else if (isBun) kept.push((await bunFfi()).dlopen(path, { [symbol]: { args: [], returns: "i32" } }));
    else dlopenInNode(path);
  } catch {
    // Whether it is there is what counts, and seen below.
  }
  const maps = await readFile("/proc/self/maps", "utf8").catch(() => "");
  return maps.includes(`/${basename(path)}`);
}

/** Node refuses what is no module of its own, but only after loading it: RTLD_NODELETE keeps it in the process. */
function dlopenInNode(path: string): void {
  const RTLD_NODELETE = 0x1000; // the same on glibc and musl; Node does not name it
  const { RTLD_NOW, RTLD_GLOBAL } = constants.dlopen;
  process.dlopen({ exports: {} }, path, RTLD_NOW | RTLD_GLOBAL | RTLD_NODELETE);
}

/** Sets a variable of the process, or unsets it, for C code, too: Bun's `process.env` is its own. */
export async function setVariable(name: string, value: string | undefined): Promise<void> {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
  if (!isBun) return;
  const text = { args: ["cstring", "cstring", "i32"], returns: "i32" };
  const { symbols } = (await bunFfi()).dlopen("libc.so.6", {
    setenv: text,
    unsetenv: { args: ["cstring"], returns: "i32" },
  });
  const bytes = (words: string) => Buffer.from(`${words}\0`);
  if (value === undefined) symbols.unsetenv!(bytes(name));
  else symbols.setenv!(bytes(name), bytes(value), 1);
}
