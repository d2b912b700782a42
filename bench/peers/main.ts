/**
 * `npm run bench:peers`: our engine beside onnxruntime-web and TensorFlow.js, in one page of one headless Chromium, on
 * one adapter. Linux x64 (that Chromium's platform). What happens in the page: page.ts.
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { InputError } from "../../src/errors.ts";
import { refuseOutput } from "../../src/node/files.ts";
import { packageInfo, weightsFolder } from "../../src/node/packageFiles.ts";
import { chromium, closeChromium, noChromium, runInChromium } from "../../test/support/chromium.ts";
import { jsonText, readArguments, report, runProgram, writeText } from "./program.ts";
import type { PeersRequest } from "./page.ts";
import { ours, peersFormat, type PeerRow, type PeersResult, peersText } from "./result.ts";

const help = `npm run bench:peers -- [options]
  --runs N         timed runs of each engine (default 5)
  --slow-runs N    of those that take seconds on a software adapter: the peers' WebGPU (default 2)
  --threads N      of onnxruntime-web's WASM (default 2)
  --only PATTERN   works whose name matches the regular expression: "forward", "3×3, 64×64"
  --tune MS        let our tuner time its kernels first (default 0: the shipped table)
  --out FILE       the result as JSON
  --force          overwrite a file that exists
Each engine's output is compared with ours before it is timed; one that computes something else is not.
`;

const here = fileURLToPath(new URL(".", import.meta.url));

/** Resolves to the exit status. */
export function main(argv: readonly string[]): Promise<number> {
  return runProgram("bench:peers", async (signal) => {
    const options = readArguments("bench:peers", () => readOptions(argv));
    if (options.help) {
      report.print(help);
      return 0;
    }
    if (noChromium) throw new InputError(`bench:peers runs in a headless Chromium, and there is none: ${noChromium}`);
    const force = options.force ?? false;
    if (options.out !== undefined) await refuseOutput(options.out, { force });
    const result = await compare(options.request, signal);
    report.print(peersText(result));
    await writeText(options.out, () => jsonText(result), force);
    return result.interrupted ? 130 : result.rows.some(({ engine, skipped }) => engine === ours && skipped) ? 1 : 0;
  });
}

function readOptions(argv: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      runs: text,
      "slow-runs": text,
      threads: text,
      only: text,
      tune: text,
      out: text,
      force: flag,
      help: flag,
    },
  });
  const count = (name: "runs" | "slow-runs" | "threads" | "tune", fallback: number, min: number): number => {
    const given = values[name];
    if (given === undefined) return fallback;
    if (!/^\d{1,6}$/.test(given) || Number(given) < min)
      throw new Error(`--${name}: expected a whole number from ${min}, got ${given}`);
    return Number(given);
  };
  // Here, where a mistake is one line, and not in the page.
  if (values.only !== undefined) new RegExp(values.only);
  const request: PeersRequest = {
    runs: count("runs", 5, 1),
    slowRuns: count("slow-runs", 2, 1),
    threads: count("threads", 2, 1),
    only: values.only,
    tune: count("tune", 0, 0),
  };
  return { ...values, request };
}

async function compare(request: PeersRequest, signal: AbortSignal): Promise<PeersResult> {
  const rows: PeerRow[] = [];
  const begin = performance.now();
  const functions = {
    peersProgress: (text: string): boolean => {
      report.say(`${((performance.now() - begin) / 1000).toFixed(0).padStart(4)} s  ${text}`);
      return signal.aborted;
    },
    peersRow: (row: PeerRow): void => void rows.push(row),
  };
  const folders = {
    "/ort/": join(here, "node_modules", "onnxruntime-web", "dist"),
    "/peers/": here,
    "/weights/": weightsFolder,
  };
  try {
    const browser = await (await chromium({ handleSIGINT: false })).version();
    const { adapter, versions } = await runInChromium<{ adapter: string; versions: Record<string, string> }>(
      "bench/peers/page.ts",
      request,
      { folders, isolated: true, functions },
    );
    const { version } = await packageInfo();
    return {
      format: peersFormat,
      date: new Date().toISOString(),
      version,
      adapter,
      browser,
      versions,
      threads: request.threads,
      rows,
      interrupted: signal.aborted,
    };
  } finally {
    await closeChromium();
  }
}
