/**
 * Runs a Node program with Debian 13's lavapipe (Mesa 25: WebGPU on the CPU with shader-f16) as its only Vulkan driver:
 *   node scripts/with-lavapipe.mjs FILE ARGUMENTS …        (FILE is JavaScript for Node; `npm run test:lavapipe`)
 * Mesa is fetched once with apt from the Debian mirror that this machine already uses, and unpacked into a folder of
 * its own ($LAVAPIPE_HOME, else below the user's cache): nothing of the system changes. It needs a newer C library than
 * Debian 12's, so Node runs under the one fetched with it; process.execPath is then the dynamic loader, and programs
 * must not start children through it (vitest: --pool=threads). Exit status 77: skipped, the reason is on stderr.
 * LAVAPIPE_SUITE=sid takes Debian's unstable Mesa (26 by now), which has subgroup matrices; REPAINT_EXPERIMENTAL=1 asks
 * for them. With the system's own suite, such as Debian 12's bookworm, no other C library is needed, and programs that
 * the program starts find lavapipe, too: browsers and Deno (test/full/firefox.test.ts), whose wgpu takes any Mesa.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { setUp } from "./setup.mjs";

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
const suite = process.env.LAVAPIPE_SUITE || "trixie";
const folder = suite === "trixie" ? "lavapipe-debian13" : `lavapipe-${suite}`;
const home = resolve(process.env.LAVAPIPE_HOME || join(cache, "repaint-webgpu", folder));
/** Where the packages are unpacked in `home`, and where their libraries lie then. */
const unpacked = "packages";
const libraryFolder = `${unpacked}/usr/lib/x86_64-linux-gnu`;
const libraries = join(home, libraryFolder);

await setUp();
if (!existsSync(join(home, "lvp_icd.json"))) await fetchMesa();
const icd = join(home, "lvp_icd.json");
const env = { ...process.env, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd };
env.XDG_RUNTIME_DIR ??= "/tmp";
const ownSystem = new RegExp(`^VERSION_CODENAME=${suite}$`, "m").test(await readFile("/etc/os-release", "utf8"));
const loader = join(libraries, "ld-linux-x86-64.so.2");
const program = ownSystem ? [] : [loader, "--library-path", libraries];
if (ownSystem) env.LD_LIBRARY_PATH = libraries;
const [first, ...rest] = [...program, process.execPath, ...process.argv.slice(2)];
const child = spawn(first, rest, { env, stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("close", (code) => process.exit(code ?? 1));

async function fetchMesa() {
  if (process.platform !== "linux" || process.arch !== "x64")
    skip(`this is ${process.platform} ${process.arch}, not Linux x64`);
  for (const program of ["apt-get", "dpkg"])
    if (spawnSync(program, ["--version"]).error) skip(`there is no ${program} here (it takes a Debian system)`);
  if (!existsSync(keyring)) skip(`${keyring} is not here (it takes a Debian system)`);
  const mirror = await debianMirror();
  if (!mirror) skip("apt's sources name no Debian mirror");

  process.stderr.write(`Fetching Mesa from Debian ${suite}, once …\n`);
  const part = `${home}.part-${process.pid}`;
  await mkdir(join(part, "lists/partial"), { recursive: true });
  await mkdir(join(part, "cache/archives/partial"), { recursive: true });
  await mkdir(join(part, unpacked));
  await writeFile(join(part, "status"), "");
  await writeFile(join(part, "sources.list"), `deb [signed-by=${keyring}] ${mirror} ${suite} main\n`);
  const settings = {
    "Dir::Etc::sourcelist": join(part, "sources.list"),
    "Dir::Etc::sourceparts": "/dev/null",
    "Dir::State::lists": join(part, "lists"),
    "Dir::Cache": join(part, "cache"),
    // An empty list of installed packages makes apt fetch every dependency, the C library too.
    "Dir::State::status": join(part, "status"),
    "Debug::NoLocking": "1",
    ...(process.getuid() === 0 ? { "APT::Sandbox::User": "root" } : {}),
  };
  const apt = Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  try {
    quietly("apt-get", [...apt, "update"]);
    quietly("apt-get", [
      ...apt,
      "--no-install-recommends",
      "--download-only",
      "-y",
      "install",
      "mesa-vulkan-drivers",
      "libvulkan1",
    ]);
    const archives = join(part, "cache/archives");
    for (const name of await readdir(archives))
      if (name.endsWith(".deb")) quietly("dpkg", ["-x", join(archives, name), join(part, unpacked)]);
    for (const name of ["cache", "lists"]) await rm(join(part, name), { recursive: true });
    const driver = { library_path: `./${libraryFolder}/libvulkan_lvp.so`, api_version: "1.4.305" };
    await writeFile(join(part, "lvp_icd.json"), JSON.stringify({ file_format_version: "1.0.0", ICD: driver }));
    await rename(part, home).catch((error) => {
      if (!existsSync(join(home, "lvp_icd.json"))) throw error; // else another process was faster
    });
  } catch (error) {
    await rm(part, { recursive: true, force: true });
    skip(error.message);
  }
  await rm(part, { recursive: true, force: true });
}

/** The mirror in apt's one-line or deb822 sources that serves Debian itself (its address ends in /debian). */
async function debianMirror() {
  const folder = "/etc/apt/sources.list.d";
  const names = (await readdir(folder).catch(() => [])).filter((name) => /\.(sources|list)$/.test(name));
  for (const path of ["/etc/apt/sources.list", ...names.map((name) => join(folder, name))]) {
    const text = await readFile(path, "utf8").catch(() => "");
    const found = /^(?:URIs:\s*(?:\S+\s+)*?|deb\s+(?:\[[^\]]*\]\s*)?)(\S+\/debian)\/?(?:\s|$)/m.exec(text);
    if (found) return found[1];
  }
  return undefined;
}

function quietly(program, options) {
  const { status, stderr, error } = spawnSync(program, options, { encoding: "utf8" });
  if (status !== 0) throw new Error(`${program} failed: ${error?.message ?? stderr.trim().split("\n").at(-1)}`);
}

function skip(reason) {
  process.stderr.write(`skipped, no lavapipe: ${reason}\n`);
  process.exit(77);
}
