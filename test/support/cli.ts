/** The command line in this process on the tests' shared device, and in processes of its own. */
import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { main } from "../../src/cli/main.ts";
import { gpuDevice } from "./gpu.ts";

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `main` with captured streams. `terminal` makes stderr one. */
export async function cli(argv: readonly string[], { terminal = false } = {}): Promise<Outcome> {
  const texts = { out: "", err: "" };
  const status = await main(argv, {
    stdout: { write: (text) => (texts.out += text) },
    stderr: { write: (text) => (texts.err += text), isTTY: terminal, columns: 80 },
    openDevice: gpuDevice,
  });
  return { status, ...texts };
}

/** The events of --json. Throws where a line is none. */
export function events(out: string): ({ event: string } & Record<string, unknown>)[] {
  if (out !== "" && !out.endsWith("\n")) throw new Error("the last line is not ended");
  return out
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const event = JSON.parse(line) as { event: string };
      if (typeof event.event !== "string") throw new Error(`no event: ${line}`);
      return event;
    });
}

/** A new folder that is gone after the test. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "repaint-cli-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** All files below a folder, hidden ones too. */
export async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name).sort(); // prettier-ignore
}

const root = fileURLToPath(new URL("../..", import.meta.url));
export const golden = (path: string): string => fileURLToPath(new URL(`../goldens/${path}`, import.meta.url));
export const shipped = (path: string): string => fileURLToPath(new URL(`../../weights/${path}`, import.meta.url));

/** Under scripts/with-lavapipe.mjs process.execPath is the dynamic loader, which starts no Node. */
export const cannotFork = /ld-linux/.test(process.execPath);

const program = join(root, "bin", "repaint.js");

export function spawnCli(argv: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...argv], { stdio: ["ignore", "pipe", "pipe"] });
}

export function cliProcess(argv: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...argv], { env: { ...process.env, ...env } }, (error, out, err) =>
      resolve({ status: error ? Number(error.code) : 0, out, err }),
    );
  });
}
