/**
 * The command line: picks the command, turns errors into one line and an exit status, and Ctrl-C into a clean stop.
 * What the commands do is in one file each.
 */
import { InputError, InterruptedError, OutOfMemoryError, RePaintError } from "../errors.ts";
import { showDebug } from "../engine/debug.ts";
import type { Device } from "../engine/device.ts";
import { packageInfo } from "../node/packageFiles.ts";
import { benchCommand } from "./commands/bench.ts";
import { classifierCommand } from "./commands/classifier.ts";
import { type Command, parseArguments } from "./command.ts";
import { type Context, type OpenDevice, openNodeDevice } from "./context.ts";
import { convertCommand } from "./commands/convert.ts";
import { demoCommand } from "./commands/demo.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { evaluateCommand } from "./commands/evaluate.ts";
import { commandHelp, generalHelp } from "./help.ts";
import { inpaintCommand } from "./commands/inpaint.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { kernelCommand } from "./commands/kernel.ts";
import { lpipsCommand } from "./commands/lpips.ts";
import { maskCommand } from "./commands/mask.ts";
import { replayCommand } from "./commands/replay.ts";
import { reproduceCommand } from "./commands/reproduce.ts";
import { sampleCommand } from "./commands/sample.ts";
import { synthCommand } from "./commands/synth.ts";
import { Report, type Stream } from "../node/report.ts";
import { tuneCommand } from "./commands/tune.ts";
import { unetCommand } from "./commands/unet.ts";
import { quoted } from "../text/quoted.ts";
import { hint } from "./values.ts";

export const commands: readonly Command[] = [
  inpaintCommand,
  demoCommand,
  doctorCommand,
  inspectCommand,
  unetCommand,
  classifierCommand,
  replayCommand,
  convertCommand,
  synthCommand,
  maskCommand,
  sampleCommand,
  tuneCommand,
  benchCommand,
  evaluateCommand,
  lpipsCommand,
  reproduceCommand,
  kernelCommand,
];

export interface Environment {
  readonly stdout?: Stream;
  readonly stderr?: Stream;
  /** The device stays its giver's. Default: one of this machine's adapter, disposed of at the end. */
  readonly openDevice?: OpenDevice;
}

/** Runs one command and resolves to the exit status; it never rejects. */
export async function main(argv: readonly string[], environment: Environment = {}): Promise<number> {
  const { stdout = process.stdout, stderr = process.stderr } = environment;
  // Looked for before anything is parsed: an error in the arguments must be an event, too.
  const end = argv.indexOf("--");
  const report = new Report(stdout, stderr, argv.slice(0, end < 0 ? argv.length : end).includes("--json"));
  const interrupt = new AbortController();
  const unwatch = watchSignals(interrupt, report);
  const devices: Device[] = [];
  const openDevice: OpenDevice = async (adapter, options) => {
    if (environment.openDevice) return environment.openDevice(adapter, options);
    const device = await openNodeDevice(adapter, options);
    devices.push(device);
    return device;
  };
  try {
    showDebug(
      debugWords()
        .filter((word) => word !== showsStack)
        .join(","),
      (line) => report.say(line),
    );
    goWhereNpmWasCalled();
    return (await dispatch(argv, { report, signal: interrupt.signal, openDevice })) ?? 0;
  } catch (error) {
    return fail(error, report);
  } finally {
    unwatch();
    showDebug("");
    for (const device of devices) device.dispose();
  }
}

async function dispatch(argv: readonly string[], context: Context): Promise<number | void> {
  // It may stand before the command, too.
  const isFirst = argv[0] === "--json";
  const [name, ...others] = isFirst ? argv.slice(1) : argv;
  const rest = isFirst ? [...others, "--json"] : others;
  if (name === "--help" || name === "-h") return context.report.print(generalHelp(commands));
  if (name === "--version") {
    const { version } = await packageInfo();
    context.report.event("version", { version });
    return context.report.print(version);
  }
  const known = commands.map((command) => command.name);
  if (name === undefined) throw new InputError(`a command is needed: ${known.join(", ")}; see \`repaint --help\``);
  const command = commands.find((candidate) => candidate.name === name);
  if (!command) {
    const isOption = name.startsWith("-");
    const near = hint(name, isOption ? ["--help", "--version"] : known);
    const what = isOption ? "is no option here, where a command comes first" : "is no command";
    throw new InputError(`${quoted(name)} ${what}${near}; the commands are ${known.join(", ")}`);
  }
  const given = parseArguments(command, rest);
  if (given.has("help")) return context.report.print(commandHelp(command));
  return command.run(await command.parse(given), context);
}

/** REPAINT_DEBUG: topics of the engine, and "1" for the stack of a mistake of ours. */
const debugWords = () => (process.env.REPAINT_DEBUG ?? "").split(",").map((word) => word.trim());
const showsStack = "1";

/** One line for what a user can cause; for anything else a request to report it. */
function fail(error: unknown, report: Report): number {
  const known = asKnown(error);
  const thrown = error instanceof Error ? error : new Error(String(error));
  const exitCode = known?.exitCode ?? 1;
  const message = oneLine((known ?? thrown).message);
  report.event("error", { name: (known ?? thrown).name, message, exitCode });
  report.say(`repaint: ${message}`);
  if (!known) {
    const debug = debugWords().includes(showsStack);
    report.say(
      "repaint: this is a mistake in repaint-webgpu, not yours: please report it with the command that you typed" +
        (debug ? "" : " and what it prints with REPAINT_DEBUG=1"),
    );
    if (debug) report.say(thrown.stack ?? "");
  }
  return exitCode;
}

function asKnown(error: unknown): RePaintError | undefined {
  if (error instanceof RePaintError) return error;
  // V8's words when the process itself has no room for an array.
  if (error instanceof RangeError && /allocation failed|Invalid (typed )?array (buffer )?length/.test(error.message))
    return new OutOfMemoryError(`this process is out of memory (${error.message}): use smaller pictures or tensors`);
  return undefined;
}

function oneLine(message: string): string {
  return message.replaceAll(/\s*[\r\n]+\s*/g, " ");
}

/** The first signal asks the command to stop, the second ends the process at once. */
function watchSignals(interrupt: AbortController, report: Report): () => void {
  const onSignal = (): void => {
    if (interrupt.signal.aborted) process.exit(130);
    report.say("Stopping after this step; once more ends at once.");
    interrupt.abort(new InterruptedError("interrupted"));
  };
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, onSignal);
  return () => {
    for (const signal of signals) process.off(signal, onSignal);
  };
}

/** `npm run repaint` starts programs in the package's own folder; file names mean the folder that npm was called in. */
function goWhereNpmWasCalled(): void {
  const { npm_lifecycle_event: script, npm_package_json: manifest, INIT_CWD: folder } = process.env;
  if (
    !script ||
    !["repaint", "bench"].includes(script) ||
    !folder ||
    !manifest ||
    manifest !== `${process.cwd()}/package.json`
  )
    return;
  process.chdir(folder);
}
