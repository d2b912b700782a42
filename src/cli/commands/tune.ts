/**
 * `repaint tune`: times the kernels that a network can use on this adapter, and remembers the fastest for every later
 * run. Not here: timing (src/engine/tuning/tuner.ts), the option --tune of other commands (given/tuning.ts).
 */
import type { Device } from "../../engine/device.ts";
import { InputError } from "../../errors.ts";
import type { TunedAnswer } from "../../engine/tuning/tuner.ts";
import { tuningFile } from "../../node/tuningFile.ts";
import { type TunedNetwork, tuneNetworks } from "../../unet/tuning.ts";
import { adapterOption, type Arguments, type Command, jsonOption, precisionOption, weightsOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { flagsOption, networkOption, readFlags } from "../given/flags.ts";
import { type ModelSettings, withClassifier, withModel } from "../given/model.ts";
import { readPrecision } from "../given/settings.ts";
import { table } from "../../text/table.ts";
import { count } from "../../text/quantities.ts";
import { reporting, mostBudget } from "../given/tuning.ts";
import type { Precision } from "../../numbers/storage.ts";

interface Settings {
  readonly kind: "classifier" | "model";
  readonly network: ModelSettings;
  readonly precision: Precision;
  /** Milliseconds; undefined: as is usual for the adapter. */
  readonly budget: number | undefined;
  readonly again: boolean;
  readonly adapter: string | undefined;
}

/** A software adapter takes a second to compile a kernel. */
const defaultBudget = { cpu: 60_000, gpu: 20_000 } as const;

export const tuneCommand: Command<Settings> = {
  name: "tune",
  summary: "time the kernels that a network can use on this adapter, and remember the fastest",
  options: [
    weightsOption,
    { name: "classifier", value: "F", help: "tune for this classifier and its gradient instead" },
    flagsOption,
    networkOption,
    precisionOption,
    {
      name: "budget",
      value: "MS",
      help: `milliseconds to spend (default ${defaultBudget.gpu}, on a processor ${defaultBudget.cpu}); what is left is timed the next time`,
    },
    { name: "again", help: "time what is remembered, too" },
    adapterOption,
    jsonOption,
  ],
  notes: [
    "Answers belong to the adapter, its driver and this version. Commands and RePaint.load use them from then on. Another kernel sums in another order, so results may differ in their last bits; --tune off of those commands ignores the answers.",
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const precision = readPrecision(given);
  const budget = given.integer("budget", { min: 1, max: mostBudget });
  const [weights, classifier] = [given.text("weights"), given.text("classifier")];
  if (classifier !== undefined && weights !== undefined)
    throw new InputError("--weights and --classifier: give one; they are tuned one after the other");
  return {
    kind: classifier === undefined ? "model" : "classifier",
    network: { weights: classifier ?? weights, flags: await readFlags(given), network: given.text("network") },
    precision,
    budget,
    again: given.has("again"),
    adapter: given.text("adapter"),
  };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const tune = async ({ architecture }: Pick<TunedNetwork, "architecture">, name: string): Promise<void> => {
    const device = await announceDevice(context, settings.adapter);
    await tuneFor(context, device, { architecture, precision: settings.precision }, { ...settings, name });
  };
  if (settings.kind === "classifier")
    await withClassifier(context, settings.network, ({ checkpoint }) => tune(checkpoint, checkpoint.file.name));
  else await withModel(context, settings.network, ({ checkpoint, name }) => tune(checkpoint, name));
}

async function tuneFor(
  context: Context,
  device: Device,
  network: TunedNetwork,
  { name, budget, again }: Pick<Settings, "budget" | "again"> & { name: string },
): Promise<void> {
  const { report, signal } = context;
  const store = await tuningFile();
  const { timed, total, remembered, left } = await tuneNetworks(device, [network], {
    store,
    budget: budget ?? defaultBudget[device.kind],
    again,
    signal,
    ...reporting(context),
  });
  report.endProgress();
  for (const { question, ...answer } of timed)
    report.event("tuned", { layer: question.key, uses: question.uses, default: question.fallback, ...answer });
  report.event("done", { model: name, layers: total, timed: timed.length, remembered, left, store: store.name });
  if (timed.length > 0) report.print(timesTable(timed));
  report.say(
    `${name}: ${count(total, "distinct layer")}, ${timed.length} timed now, ${remembered} remembered` +
      (left > 0
        ? `, ${left} left (until they are timed the shipped table chooses; go on with \`repaint tune\` or a larger --budget)`
        : ""),
  );
}

function timesTable(timed: readonly TunedAnswer[]): string {
  const right = true;
  const columns = [
    { title: "layer" },
    { title: "fastest" },
    ...["ms", "default ms", "faster"].map((title) => ({ title, right })),
  ];
  const cost = ({ question: { macs, uses } }: TunedAnswer) => macs * uses;
  const rows = timed
    .toSorted((a, b) => cost(b) - cost(a))
    .map(({ question, id, milliseconds, fallbackMilliseconds }) => [
      question.key,
      id,
      milliseconds.toPrecision(3),
      fallbackMilliseconds.toPrecision(3),
      `${(fallbackMilliseconds / milliseconds).toFixed(2)}×`,
    ]);
  return table(columns, rows);
}
