/**
 * Folders with pinned packages of others and the packed tarball of ours, as users have them. For test/full only.
 * REPAINT_TARBALL names another tarball, REPAINT_HOSTS a folder that keeps what is installed for the next time.
 */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = process.env.REPAINT_HOSTS;
const folder = kept ?? mkdtempSync(join(tmpdir(), "repaint-hosts-"));
let tarball = process.env.REPAINT_TARBALL;

/** As users' commands run: not in the test's own mode. */
const { NODE_ENV: _, ...environment } = process.env;
export const userEnvironment = { ...environment, CI: "1" };

export const execute = (program: string, options: readonly string[], cwd: string): string =>
  execFileSync(program, options, { cwd, env: userEnvironment, encoding: "utf8", stdio: "pipe" });

/** The path of our tarball, packed once. */
export function packed(): string {
  if (tarball) return tarball;
  mkdirSync(folder, { recursive: true });
  execute("npm", ["pack", "--pack-destination", folder], root);
  tarball = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith(".tgz"))!,
  );
  return tarball;
}

/**
 * A folder with the packages, installed once for all that share its name, and ours, whose own dependencies are the
 * checkout's.
 * @param manifest of its package.json, beyond that
 * @param files by path; nothing else is left of those before
 */
export function userProject(
  name: string,
  dependencies: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>>,
  manifest: Readonly<Record<string, unknown>> = {},
): string {
  const project = join(folder, name);
  mkdirSync(project, { recursive: true });
  const text = JSON.stringify({ private: true, type: "module", dependencies, ...manifest });
  writeFileSync(join(project, "package.json"), text);
  if (!existsSync(join(project, "node_modules"))) execute("npm", ["install", "--no-audit", "--no-fund"], project);
  const ours = join(project, "node_modules", "repaint-webgpu");
  rmSync(ours, { recursive: true, force: true });
  mkdirSync(ours, { recursive: true });
  execute("tar", ["-xzf", packed(), "-C", ours, "--strip-components=1"], project);
  for (const before of readdirSync(project))
    if (!/^(node_modules|package(-lock)?\.json)$/.test(before)) rmSync(join(project, before), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(project, path)), { recursive: true });
    writeFileSync(join(project, path), content);
  }
  return project;
}

/** Gives a project the packages that ours takes, required and optional, of the checkout: pinned by its lock file. */
export function linkOwnPackages(project: string): void {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, object>;
  const names = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  for (const name of new Set(names.map((name) => name.split("/")[0]!)))
    if (!existsSync(join(project, "node_modules", name)))
      symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
}

/** The tarball goes with its folder: the next file of tests in this process packs its own. */
export function removeUserProjects(): void {
  if (kept) return;
  rmSync(folder, { recursive: true, force: true });
  tarball = process.env.REPAINT_TARBALL;
}
