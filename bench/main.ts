/**
 * `npm run bench`: the benchmark in Node. Results as tables, JSON and
 * a report; exit status 1 if a kernel computed wrongly.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { requestDevice } from "../src/engine/device.ts";
import { InputError } from "../src/engine/errors.ts";
import { openGpu } from "../src/node/adapter.ts";
import { refuseOutput } from "../src/node/files.ts";
import { packageInfo, shippedModels, weightsFolder } from "../src/node/packageFiles.ts";
import { bytesSource } from "../src/unet/safetensors.ts";
import { jsonText, readArguments, report, runProgram, writeText } from "./program.ts";
import { reportPage } from "./report.ts";
import { parseResult, type BenchResult } from "./result.ts";
import { failures, runSuite } from "./suite.ts";
import { comparisonText, forwardText, headline, kernelTable } from "./text.ts";

const help = `npm run bench -- [options]
  --adapter NAME   default, hardware, swiftshader, or a part of an adapter's name
  --precision P    f32 (default) or f16: storage of activations and weights
  --quick          the shapes of the shipped model only
  --candidates     every way to run a convolution, not only the one that is chosen
  --only PATTERN   cases whose kernel, shape or network matches the regular expression, "forward" and "step" included
  --budget S       seconds that one dispatch may take; what would take longer is listed, not timed (2; 5 on a GPU)
  --out FILE       the result as JSON
  --html FILE      the report with its plots
  --vs BASE.json   ratios to an earlier result
  --force          overwrite files that exist
`;

/** Resolves to the exit status. */
export function main(argv: readonly string[]): Promise<number> {
  return runProgram("bench", async (signal) => {
    const options = readArguments("bench", () => readOptions(argv));
    if (options.help) {
      report.print(help);
      return 0;
    }
    const base = options.vs === undefined ? undefined : await readResult(options.vs);
    const force = options.force ?? false;
    for (const path of [options.out, options.html]) if (path !== undefined) await refuseOutput(path, { force });
    const result = await inNode(options, signal);
    report.endProgress();
    report.print([headline(result), kernelTable(result.kernels), forwardText(result)].join("\n\n"));
    if (base) report.print(`\n${comparisonText(base, result)}`);
    await writeText(options.out, () => jsonText(result), force);
    await writeText(options.html, () => reportPage(result), force);
    const failed = failures(result);
    for (const { kernel, shape, failed: why } of failed) report.say(`bench: ${kernel}, ${shape}: ${why}`);
    return failed.length > 0 ? 1 : result.interrupted ? 130 : 0;
  });
}

function readOptions(argv: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...{ adapter: text, precision: text, only: text, budget: text, out: text, html: text, vs: text },
      ...{ quick: flag, candidates: flag, force: flag, help: flag },
    },
  });
  const { precision = "f32", budget, only } = values;
  if (precision !== "f32" && precision !== "f16") throw new Error(`--precision: expected f32 or f16, got ${precision}`);
  const caseSeconds = budget === undefined ? undefined : Number(budget);
  if (caseSeconds !== undefined && !(caseSeconds > 0)) throw new Error(`--budget: expected seconds, got ${budget}`);
  const pattern = only === undefined ? undefined : new RegExp(only, "i");
  return { ...values, precision, caseSeconds, pattern } as const;
}

type Options = ReturnType<typeof readOptions>;

async function readResult(path: string): Promise<BenchResult> {
  try {
    return parseResult(await readFile(path, "utf8"), path);
  } catch (error) {
    throw new InputError((error as Error).message);
  }
}

async function inNode(options: Options, signal: AbortSignal): Promise<BenchResult> {
  // Without the zeroing of workgroup memory a software adapter compiles in a fraction of the time; pages of the tests run so, too.
  const { adapter } = await openGpu({ adapter: options.adapter, dawnToggles: ["disable_workgroup_init"] });
  const device = await requestDevice(adapter);
  const [model] = await shippedModels();
  const read = async (name: string) => bytesSource(name, await readFile(join(weightsFolder, name)));
  try {
    return await runSuite({
      device,
      shipped: { name: model!.name, weights: await read(model!.file), selfTest: await read(model!.selfTest) },
      ...{
        version: (await packageInfo()).version,
        platform: `Node ${process.version}, ${process.platform} ${process.arch}`,
      },
      ...{
        precision: options.precision,
        quick: options.quick,
        only: options.pattern,
        caseSeconds: options.caseSeconds,
      },
      ...{ candidates: options.candidates, signal },
      onProgress: ({ what, done, total, eta }) =>
        report.progress({ what: `(${what})`, done, total, ...(eta === undefined ? {} : { eta }) }),
    });
  } finally {
    device.dispose();
  }
}
