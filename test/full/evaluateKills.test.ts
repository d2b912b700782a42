/** `repaint evaluate` in processes that are killed at random moments: nothing lost, nothing twice, the same report. */
import { spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { evaluationFolder, outcome } from "../support/evaluation.ts";
import { uniform } from "../support/random.ts";

const program = fileURLToPath(new URL("../../bin/repaint.js", import.meta.url));
const kills = 20;

/**
 * Runs the command; with `milliseconds` it gets SIGKILL so long after its first result of this run, or after its start.
 */
function start(
  argv: readonly string[],
  kill?: { after: "start" | "result"; milliseconds: number },
): Promise<{ status: number | null; made: number[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, ...argv, "--json"], { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    let timer: NodeJS.Timeout | undefined;
    const arm = () => (timer ??= setTimeout(() => child.kill("SIGKILL"), kill!.milliseconds));
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (kill?.after === "result" && text.includes('"event":"result"')) arm();
    });
    if (kill?.after === "start") arm();
    child.on("error", reject);
    child.on("close", (status) => {
      clearTimeout(timer);
      const lines = text
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as { event: string; task: number });
      resolve({ status, made: lines.filter(({ event }) => event === "result").map(({ task }) => task) });
    });
  });
}

describe("evaluate", () => {
  it(`survives SIGKILL at ${kills} random moments`, { timeout: 1_200_000 }, async () => {
    const { at, images, weights } = await evaluationFolder(8);
    const base = [
      "evaluate",
      "--weights",
      weights,
      "--image",
      images,
      "--mask",
      "half",
      "--mask",
      "wide",
      "--count",
      "4",
    ];
    const settings = ["--setting", "steps=2,resamples=1", "--setting", "steps=3,resamples=1"];
    const argv = (out: string) => [...base, ...settings, "--out", join(at, out)];
    expect((await start(argv("whole"))).status).toBe(0);
    const expected = await outcome(join(at, "whole"));
    expect(expected.results).toHaveLength(128);

    const random = uniform(Number(process.env.REPAINT_KILL_SEED ?? 1));
    const claimed: number[] = [];
    let killed = 0;
    let last: Awaited<ReturnType<typeof start>> = { status: null, made: [] };
    while (killed < kills) {
      // Sometimes before anything is there (start-up, plan, reading results), mostly among results.
      const kill =
        killed % 4 === 0
          ? ({ after: "start", milliseconds: 1500 * random() } as const)
          : ({ after: "result", milliseconds: 250 * random() } as const);
      last = await start(argv("killed"), kill);
      claimed.push(...last.made);
      if (last.status === 0) break;
      killed++;
      // What was claimed is there, whole, whatever came after.
      const names = await readdir(join(at, "killed", "results")).catch(() => []);
      const there = names
        .filter((name) => name.endsWith(".json") && !name.startsWith("."))
        .map((name) => Number(name.slice(0, 6)));
      expect(there).toEqual(expect.arrayContaining(claimed));
      for (const name of names.filter((one) => !one.startsWith(".")))
        JSON.parse(await readFile(join(at, "killed", "results", name), "utf8"));
    }
    expect(killed, "the run ended before it was killed often enough: make it longer").toBe(kills);
    last = await start(argv("killed"));
    claimed.push(...last.made);
    expect(last.status).toBe(0);
    // A result that was told of once is never made again.
    expect(new Set(claimed).size).toBe(claimed.length);
    expect(await outcome(join(at, "killed"))).toEqual(expected);
  });
});
