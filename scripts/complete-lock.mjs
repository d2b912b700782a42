/**
 * Completes package-lock.json after `npm install PACKAGE` (`npm run complete-lock`; `--check` only reports).
 * npm leaves out the optional packages of other systems (native parts of oxlint, oxc-parser …) when the registry it
 * asks does not have them, as a mirror may, and `npm ci` then refuses the file everywhere. Their versions are pinned
 * by the packages that want them, and their names say for which system they are.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("../package-lock.json", import.meta.url));
const lock = JSON.parse(readFileSync(path, "utf8"));
const added = {};
for (const [parent, { optionalDependencies = {}, dev, license }] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(optionalDependencies)) {
    const place = `node_modules/${name}`;
    if (parent === "" || lock.packages[place] || lock.packages[`${parent}/${place}`]) continue;
    const system = systemOf(name);
    // Without "os" npm would install it everywhere; a range instead of a version cannot be pinned here.
    if (!system || !/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${name}@${version} of ${parent}: add it by hand`);
    const { cpu, os, libc } = system;
    added[place] = {
      version,
      cpu,
      ...(dev && { dev }),
      ...(libc && { libc }),
      ...(license && { license }),
      optional: true,
      os,
    };
  }
}
const names = Object.keys(added);
process.stderr.write(`${names.length} packages missing${names.map((name) => `\n  ${name}`).join("")}\n`);
if (process.argv.includes("--check")) process.exit(names.length > 0 ? 1 : 0);
const byName = ([a], [b]) => (a < b ? -1 : 1);
lock.packages = Object.fromEntries(Object.entries({ ...lock.packages, ...added }).sort(byName));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);

/** "@oxlint/binding-linux-arm64-musl" → { os: ["linux"], cpu: ["arm64"], libc: ["musl"] } */
function systemOf(name) {
  const found =
    /(android|darwin|freebsd|linux|openharmony|win32)-(arm64|arm|ia32|ppc64|riscv64|s390x|x64)(?:-(gnu|musl)?(?:eabi(?:hf)?)?)?/.exec(
      name,
    );
  if (!found) return undefined;
  const [, os, cpu, libc] = found;
  return { cpu: [cpu], os: [os], ...(os === "linux" && libc && { libc: [libc === "gnu" ? "glibc" : libc] }) };
}
