/**
 * Makes a checkout runnable: checks Node, installs the packages of package-lock.json if they are not there, builds dist
 * if a source has changed. Plain JavaScript on Node alone, since it runs before any package is there. It finds no
 * adapter (src/node/adapter.ts does when one is asked for). `setUp()` for scripts, or run as `npm run setup`.
 */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { requireNode } from "../bin/nodeVersion.js";

const projectRoot = fileURLToPath(new URL("..", import.meta.url));

/** A step of the set-up that failed, for reasons that its message tells. */
export class SetUpError extends Error {
  name = "SetUpError";
}

/** Nothing is written to stdout; a line on stderr says what takes long. Several processes may call it at once. */
export async function setUp(root = projectRoot) {
  requireNode();
  if ((await isInstalled(root)) && (await isBuilt(root))) return;
  await exclusively(root, async () => {
    if (!(await isInstalled(root))) await install(root);
    if (!(await isBuilt(root))) await build(root);
  });
}

/** Installs the packages of a folder's own package-lock.json if they are not there. */
export async function setUpPackages(root) {
  if (await isInstalled(root)) return;
  await exclusively(root, async () => {
    if (!(await isInstalled(root))) await install(root);
  });
}

/** Whether node_modules holds what package-lock.json asks for, by npm's own record, which it writes last. */
export async function isInstalled(root) {
  const wanted = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")).packages;
  const record = await readFile(join(root, "node_modules", ".package-lock.json"), "utf8").catch(() => "{}");
  const there = JSON.parse(record).packages ?? {};
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === "" || optional || there[path]?.version === version,
  );
}

async function install(root) {
  process.stderr.write("Installing the packages (npm ci), once …\n");
  const started = Date.now();
  const npm = process.env.npm_execpath ?? "";
  const [program, ...first] = basename(npm) === "npm-cli.js" ? [process.execPath, npm] : ["npm"];
  // --include=dev and the log level are named because a surrounding `npm run -s` or NODE_ENV=production would change
  // them.
  const options = ["--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  await run(root, program, [...first, "ci", ...options], "the packages could not be installed (npm ci)");
  process.stderr.write(`Installed in ${Math.round((Date.now() - started) / 1000)} s.\n`);
}

/** What tsconfig.build.json reaches: bench checks kernels against the twins. */
const sourceFolders = ["src", "bench", join("test", "twins"), join("test", "support")];

/** By content, not by time: a checkout, a copy and an edit that was undone all give files new times. */
export async function isBuilt(root) {
  const stamp = await readFile(join(root, "dist", ".source-hash"), "utf8").catch(() => undefined);
  return stamp !== undefined && stamp === (await sourceHash(root));
}

async function sourceHash(root) {
  const hash = createHash("sha256");
  const sources = [];
  for (const folder of sourceFolders)
    for (const name of await readdir(join(root, folder), { recursive: folder === "src" }).catch(() => []))
      if (/(?<!\.test)\.ts$/.test(name)) sources.push(join(folder, name));
  for (const name of [
    "tsconfig.json",
    "tsconfig.build.json",
    "package-lock.json",
    join("scripts", "bundle.mjs"),
    join("scripts", "declarations.mjs"),
    join("scripts", "frameworks.mjs"),
    "custom-elements.json",
    join("bench", "report.css"),
    ...sources.sort(),
  ])
    hash.update(`${name}\0`).update(await readFile(join(root, name)));
  return hash.digest("hex");
}

/** Without type checks (`npm test` does them): what set-up must give is a program that runs. */
async function build(root) {
  for (const name of await readdir(root))
    if (/^dist-.*\.tmp$/.test(name)) await rm(join(root, name), { recursive: true, force: true });
  const hash = await sourceHash(root);
  const next = join(root, `dist-${process.pid}.tmp`);
  await run(root, process.execPath, [join(root, "scripts", "bundle.mjs"), next], "the build failed");
  await writeFile(join(next, ".source-hash"), hash);
  // Swapped in whole, so that a process that starts meanwhile never sees half a build.
  const old = join(root, `dist-old-${process.pid}.tmp`);
  await rename(join(root, "dist"), old).catch(() => undefined);
  await rename(next, join(root, "dist"));
  await rm(old, { recursive: true, force: true });
}

/** Runs a program quietly; what it printed is shown only if it fails. */
function run(root, program, options, failure) {
  return new Promise((resolve, reject) => {
    const shell = process.platform === "win32" && program === "npm"; // npm is a .cmd file there
    const child = spawn(program, options, { cwd: root, stdio: ["ignore", "pipe", "pipe"], shell });
    const output = [];
    child.stdout.on("data", (chunk) => output.push(chunk));
    child.stderr.on("data", (chunk) => output.push(chunk));
    child.on("error", (error) => reject(new SetUpError(`${failure}: ${program} does not start (${error.message})`)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve();
      process.stderr.write(Buffer.concat(output));
      reject(new SetUpError(`${failure}: ${signal ?? `exit status ${code}`}, see above`));
    });
  });
}

/** One process at a time in this checkout; a lock whose process has died is taken over. */
async function exclusively(root, body) {
  const lock = join(root, ".cache", "setup.lock");
  await mkdir(join(root, ".cache"), { recursive: true });
  for (let waits = 0; ; waits++) {
    try {
      await writeFile(lock, String(process.pid), { flag: "wx" });
      break;
    } catch (error) {
      if (error.code !== "EEXIST") throw new SetUpError(`set-up cannot write to ${root}: ${error.message}`);
    }
    if (await isAbandoned(lock)) await rm(lock, { force: true });
    else if (waits === 10) process.stderr.write("Waiting for another process that sets up this checkout …\n");
    await sleep(100);
  }
  try {
    await body();
  } finally {
    await rm(lock, { force: true });
  }
}

async function isAbandoned(lock) {
  try {
    const age = Date.now() - (await stat(lock)).mtimeMs;
    const owner = Number(await readFile(lock, "utf8"));
    if (!owner) return age > 5000; // created and not yet written, unless it stays so
    process.kill(owner, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  setUp().catch((error) => {
    process.stderr.write(`${error instanceof SetUpError ? error.message : error.stack}\n`);
    process.exitCode = 1;
  });
