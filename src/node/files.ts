/**
 * Writing files so that nothing half-written is ever seen and nothing is overwritten by accident.
 * Not here: what is written (pictures.ts), reading checkpoints.
 */
import { randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { type FileHandle, link, lstat, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { InputError } from "../errors.ts";

export interface WriteOptions {
  /** Replace an existing file. */
  readonly force?: boolean;
}

/** Temporary files that exist now; removed at exit and on a signal. */
const temporary = new Set<string>();
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function removeTemporary(): void {
  for (const path of temporary) rmSync(path, { force: true });
  temporary.clear();
}

/** Ends the process as the signal would have without us; whoever else handles it decides what becomes of the write. */
function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeTemporary();
  unwatch();
  process.kill(process.pid, signal);
}

function watch(): void {
  process.on("exit", removeTemporary);
  for (const signal of signals) process.on(signal, onSignal);
}

function unwatch(): void {
  process.off("exit", removeTemporary);
  for (const signal of signals) process.off(signal, onSignal);
}

/**
 * Writes the bytes under a temporary name in the same folder, flushes them, and renames the file to `path`. The
 * temporary file is gone afterwards, also on failure, on exit and on SIGINT, SIGTERM and SIGHUP.
 * @throws InputError if `path` exists and `force` is not set, if its folder does not exist, or if the system refuses.
 */
export async function writeFileAtomic(path: string, bytes: Uint8Array, options: WriteOptions = {}): Promise<void> {
  await writeAtomic(path, (file) => file.writeFile(bytes), options);
}

/**
 * The same for what is written piece by piece: `body` writes, and may read again, the temporary file. Where it throws,
 * nothing is left.
 * @throws what `body` throws, and as `writeFileAtomic`
 */
export async function writeAtomic(
  path: string,
  body: (file: FileHandle) => Promise<void>,
  options: WriteOptions = {},
): Promise<void> {
  await refuseOutput(path, options);
  const partial = join(dirname(path), `.${basename(path).slice(0, 100)}.${randomBytes(6).toString("hex")}.tmp`);
  if (temporary.size === 0) watch();
  temporary.add(partial);
  try {
    const file = await open(partial, "wx+");
    try {
      await body(file);
      await file.sync();
    } finally {
      await file.close();
    }
    await (options.force ? rename(partial, path) : publish(partial, path));
  } catch (error) {
    throw asInputError(error, `cannot write ${path}`);
  } finally {
    await rm(partial, { force: true });
    temporary.delete(partial);
    if (temporary.size === 0) unwatch();
  }
}

/** A rename that fails if the target has come into being meanwhile, where the file system can link. */
async function publish(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path);
  } catch (error) {
    if (codeOf(error) === "EEXIST") throw alreadyExists(path);
    await refuseOutput(path, {});
    await rename(partial, path);
  }
}

/** So that a long run need not start. @throws the InputError that writing to `path` would end with */
export async function refuseOutput(path: string, { force = false }: WriteOptions = {}): Promise<void> {
  const folder = dirname(resolve(path));
  const parent = await orUndefined(stat(folder));
  if (!parent) throw new InputError(`cannot write ${path}: the folder ${folder} does not exist; create it first`);
  if (!parent.isDirectory()) throw new InputError(`cannot write ${path}: ${folder} is a file, not a folder`);
  const existing = await orUndefined(lstat(path));
  if (!existing) return;
  if (existing.isDirectory()) throw new InputError(`cannot write ${path}: it is a folder; give a file name`);
  // A rename would replace a device by a file.
  if (!existing.isFile() && !existing.isSymbolicLink())
    throw new InputError(`cannot write ${path}: it is no ordinary file; give another name`);
  if (!force) throw alreadyExists(path);
}

/** Makes the folder and those above it where they are missing. @throws InputError where that cannot be. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    if (codeOf(error) === "EEXIST" || codeOf(error) === "ENOTDIR")
      throw new InputError(`cannot make the folder ${path}: there is a file of this name or above it; choose another`);
    throw asInputError(error, `cannot make the folder ${path}`);
  }
}

function alreadyExists(path: string): InputError {
  return new InputError(`${path} exists; use --force to overwrite it, or choose another name`);
}

const reasons: Record<string, string> = {
  ENOENT: "no such file; check the name",
  EACCES: "permission denied",
  EPERM: "not permitted",
  EISDIR: "it is a folder, not a file",
  ENOTDIR: "a part of the path is a file, not a folder",
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota is used up",
  EROFS: "the disk is read-only",
  ENAMETOOLONG: "the name is too long",
  ELOOP: "the link leads to itself",
};

/** One line for an error of the file system; any other error comes back as it is. */
export function asInputError(error: unknown, what: string): unknown {
  const code = codeOf(error);
  if (error instanceof InputError || code === undefined) return error;
  return new InputError(`${what}: ${reasons[code] ?? code}`);
}

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw asInputError(error, "cannot look at the output");
  }
}
