/**
 * `repaint tune`: times the kernels that a network can use on this adapter, and remembers the fastest for every later run.
 * Also what all commands share that use what was tuned: the option --tune. Not here: timing (src/engine/tuning/tuner.ts).
 */
import type { Device } from "../../engine/device.ts";
import { InputError } from "../../errors.ts";
import type { TunedAnswer } from "../../engine/tuning/tuner.ts";
import { tuningFile } from "../../node/tuningFile.ts";
import { type TunedNetwork, tuneNetworks } from "../../unet/tuning.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  flagsOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { readFlags, withClassifier, withModel } from "../given/model.ts";
import { readPrecision } from "../given/settings.ts";
import { table } from "../../text/table.ts";
import { count } from "../../text/quantities.ts";
import { reporting, mostBudget } from "../given/tuning.ts";

/** A software adapter takes a second to compile a kernel. */
const defaultBudget = { cpu: 60_000, gpu: 20_000 } as const;

export const tuneCommand: Command = {
  name: "tune",
  summary: "time the kernels that a network can use on this adapter, and remember the fastest",
  options: [
    weightsOption,
    { name: "classifier", value: "F", help: "tune for this classifier and its gradient instead" },
    flagsOption,
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
  run,
};

async function run(context: Context, given: Arguments): Promise<void> {
  const precision = readPrecision(given);
  const budget = given.integer("budget", { min: 1, max: mostBudget });
  const classifier = given.text("classifier");
  if (classifier !== undefined && given.has("weights"))
    throw new InputError("--weights and --classifier: give one; they are tuned one after the other");
  const again = given.has("again");
  const flags = await readFlags(given);
  const tune = async ({ architecture }: Pick<TunedNetwork, "architecture">, name: string): Promise<void> => {
    const device = await announceDevice(context, given.text("adapter"));
    await tuneFor(context, device, { architecture, precision }, { name, budget, again });
  };
  if (classifier !== undefined)
    await withClassifier(context, classifier, flags, ({ checkpoint }) => tune(checkpoint, checkpoint.file.name));
  else await withModel(context, given.text("weights"), flags, ({ checkpoint, name }) => tune(checkpoint, name));
}

async function tuneFor(
  context: Context,
  device: Device,
  network: TunedNetwork,
  { name, budget, again }: { name: string; budget: number | undefined; again: boolean },
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
