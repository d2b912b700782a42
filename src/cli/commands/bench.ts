/**
 * `repaint bench`: the benchmark in Node, as tables, JSON and a report; exit status 1 if a kernel computed wrongly.
 * What is measured, and how: bench/README.md. Not here: measuring (bench/suite.ts), pages (bench/page.ts).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { reportPage } from "../../../bench/report.ts";
import { parseResult, type BenchResult } from "../../../bench/result.ts";
import { failures, runSuite } from "../../../bench/suite.ts";
import { comparisonText, forwardText, headline, kernelTable } from "../../../bench/text.ts";
import { InputError } from "../../errors.ts";
import { asInputError, refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { packageInfo, weightsFolder } from "../../node/packageFiles.ts";
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  forceOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { flagsOption, networkOption } from "../given/flags.ts";
import { type ModelSettings, type OpenModel, readModel, withModel } from "../given/model.ts";
import { readPrecision } from "../given/settings.ts";
import { TensorCheck, withTensors } from "../files/tensorFiles.ts";
import { checkInputs } from "../tasks/forward.ts";
import { quoted } from "../../text/quoted.ts";
import type { Precision } from "../../numbers/storage.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

interface Settings {
  readonly model: ModelSettings;
  /** PyTorch's answer; undefined: the shipped one where the model is shipped, else none. */
  readonly selfTest: string | undefined;
  readonly quick: boolean;
  readonly candidates: boolean;
  readonly only: RegExp | undefined;
  /** Seconds that one dispatch may take; undefined: as is usual for the adapter. */
  readonly caseSeconds: number | undefined;
  readonly precision: Precision;
  readonly adapter: string | undefined;
  readonly out: string | undefined;
  readonly html: string | undefined;
  /** An earlier result. */
  readonly vs: string | undefined;
  readonly force: boolean;
}

export const benchCommand: Command<Settings> = {
  name: "bench",
  summary: "check and time every kernel, the forward and a step on this adapter",
  options: [
    { name: "quick", help: "the shapes of the model only" },
    {
      ...weightsOption,
      help: "whose forward and step are timed (default: the shipped model); `synth` makes a released one",
    },
    {
      name: "self-test",
      value: "F",
      help: "PyTorch's answer to compare its forward with: x, t, y, out in safetensors",
    },
    flagsOption,
    networkOption,
    { name: "candidates", help: "every way to run a convolution, not only the one that is chosen" },
    {
      name: "only",
      value: "PATTERN",
      help: 'cases whose kernel, shape or network matches the regular expression, "forward" and "step" included',
    },
    {
      name: "budget",
      value: "S",
      help: "seconds that one dispatch may take; what would take longer is listed, not timed (2; 5 on a GPU)",
    },
    { name: "out", value: "FILE", help: "the result as JSON" },
    { name: "html", value: "FILE", help: "the report with its plots" },
    { name: "vs", value: "BASE.json", help: "ratios to an earlier result" },
    precisionOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  notes: [
    "Each kernel is compared with float64 arithmetic before it is timed; exit status 1 if one computed wrongly. Ctrl-C stops after the case at hand and keeps what there is. The shipped table chooses the kernels, whatever `tune` remembered.",
  ],
  parse,
  run,
};

/**
 * Without the zeroing of workgroup memory a software adapter compiles in a fraction of the time; pages of the tests run
 * so, too.
 */
const dawnToggles = ["disable_workgroup_init"];
/** Dawn rounds timestamps to 65 µs, longer than many a dispatch on a GPU takes. */
const dawnTogglesOff = ["timestamp_quantization"];

async function parse(given: Arguments): Promise<Settings> {
  return {
    only: readPattern(given),
    caseSeconds: readBudget(given),
    precision: readPrecision(given),
    selfTest: given.text("self-test"),
    quick: given.has("quick"),
    candidates: given.has("candidates"),
    adapter: given.text("adapter"),
    out: given.text("out"),
    html: given.text("html"),
    vs: given.text("vs"),
    force: given.has("force"),
    model: await readModel(given),
  };
}

function readPattern(given: Arguments): RegExp | undefined {
  const text = given.text("only");
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, "i");
  } catch (error) {
    throw new InputError(`--only: expected a regular expression, got ${quoted(text)} (${(error as Error).message})`);
  }
}

function readBudget(given: Arguments): number | undefined {
  const text = given.text("budget");
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!(seconds > 0 && seconds < Infinity)) throw new InputError(`--budget: expected seconds, got ${quoted(text)}`);
  return seconds;
}

async function run(settings: Settings, context: Context): Promise<number> {
  const { out, html, vs, force } = settings;
  const { report } = context;
  for (const path of [out, html]) if (path !== undefined) await refuseOutput(path, { force });
  const base = vs === undefined ? undefined : await readResult(vs);
  const result = await withModel(context, settings.model, (model) => measure(settings, context, model));
  report.endProgress();
  const { kernels: _, ...whole } = result;
  report.event("result", whole);
  report.print([headline(result), kernelTable(result.kernels), forwardText(result)].join("\n\n"));
  if (base) report.print(`\n${comparisonText(base, result)}`);
  const write = (path: string, text: string) => writeFileAtomic(path, new TextEncoder().encode(text), { force });
  if (out !== undefined) await write(out, `${JSON.stringify(result, undefined, 1)}\n`);
  if (html !== undefined) await write(html, reportPage(result, await readFile(styleSheet, "utf8")));
  const failed = failures(result);
  for (const { kernel, shape, failed: why } of failed) report.say(`bench: ${kernel}, ${shape}: ${why}`);
  return failed.length > 0 ? 1 : result.interrupted ? 130 : 0;
}

/** The suite, with the answer that the model's forward is compared with where there is one. */
async function measure(settings: Settings, context: Context, model: OpenModel): Promise<BenchResult> {
  const { name, checkpoint, shipped } = model;
  const answer = settings.selfTest ?? (shipped && join(weightsFolder, shipped.selfTest));
  const suite = async (selfTest?: TensorFile): Promise<BenchResult> => {
    const { report, signal } = context;
    const device = await announceDevice(context, settings.adapter, { dawnToggles, dawnTogglesOff });
    return runSuite({
      device,
      signal,
      precision: settings.precision,
      only: settings.only,
      caseSeconds: settings.caseSeconds,
      quick: settings.quick,
      candidates: settings.candidates,
      model: { name, checkpoint, selfTest },
      version: (await packageInfo()).version,
      platform: `Node ${process.version}, ${process.platform} ${process.arch}`,
      onProgress: ({ what, done, total, secondsLeft, row }) => {
        if (row) report.event("kernel", { ...row });
        report.progress({ what: `(${what})`, done, total, ...(secondsLeft === undefined ? {} : { secondsLeft }) });
      },
    });
  };
  if (answer === undefined) return suite();
  return withTensors(answer, ({ file }) => suite(checkSelfTest(file, checkpoint)));
}

/** @throws InputError unless the file holds an input of this network and an answer */
function checkSelfTest(file: TensorFile, { config, architecture }: Checkpoint): TensorFile {
  const check = new TensorCheck(file);
  const [batch, , height, width] = checkInputs(check, config).x?.shape ?? [];
  check.tensor("out", [batch ?? "N", architecture.outChannels, height ?? "H", width ?? "W"], "float");
  check.finish();
  return file;
}

/** Beside the benchmark; the build puts it beside the bundle. */
const styleSheet = new URL("../../../bench/report.css", import.meta.url);

async function readResult(path: string): Promise<BenchResult> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw asInputError(error, `cannot read --vs ${path}`);
  }
  return parseResult(text, path);
}
