/**
 * `repaint demo`: the shipped portraits filled by the shipped model, and a contact sheet: about a minute on a
 * processor. Files of an earlier demo are overwritten: the folder is its own.
 */
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { contactSheet, showHole, type SheetRow } from "../../node/contactSheet.ts";
import { ensureFolder, refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { type ShippedModel, weightsFolder } from "../../node/packageFiles.ts";
import { encodePng } from "../../node/pictures.ts";
import type { Picture } from "../../pictures/image.ts";
import type { RePaint } from "../../repaint/repaint.ts";
import type { Preset, Sampling } from "../../repaint/sampling.ts";
import { adapterOption, type Arguments, type Command, jsonOption, precisionOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { modelHash, withModel } from "../given/model.ts";
import { readRun, runOptions } from "../given/run.ts";
import { samplingFor, samplingWords } from "../given/sampling.ts";
import { readPair } from "../files/pictureFiles.ts";
import { readPrecision, readSeed } from "../given/settings.ts";
import { count, seconds } from "../../text/quantities.ts";
import { runWork } from "../tasks/fill.ts";
import { readTune, tuneOption, type TuneSettings } from "../given/tuning.ts";
import { withRePaint } from "../tasks/load.ts";
import type { Precision } from "../../numbers/storage.ts";

interface Settings {
  readonly folder: string;
  readonly seed: bigint;
  /** undefined: as is usual for the adapter. */
  readonly preset: Preset | undefined;
  readonly precision: Precision;
  readonly tune: TuneSettings;
  readonly adapter: string | undefined;
}

export const demoCommand: Command<Settings> = {
  name: "demo",
  summary: "fill shipped portraits with the shipped model",
  options: [
    {
      name: "out",
      value: "DIR",
      help: "folder for the pictures (default out/demo); an earlier demo's are overwritten",
    },
    { name: "seed", value: "N", help: "another seed gives other fillings (default 0)" },
    ...runOptions(["preset"]),
    precisionOption,
    tuneOption,
    adapterOption,
    jsonOption,
  ],
  parse,
  run,
};

function parse(given: Arguments): Settings {
  return {
    folder: given.text("out") ?? join("out", "demo"),
    seed: readSeed(given),
    preset: readRun(given).preset,
    precision: readPrecision(given),
    tune: readTune(given),
    adapter: given.text("adapter"),
  };
}

async function run(settings: Settings, context: Context): Promise<void> {
  await withModel(context, { weights: undefined }, async (model) => {
    await modelHash(model, context);
    const device = await announceDevice(context, settings.adapter);
    const { sampling } = samplingFor({ preset: settings.preset }, model.checkpoint.diffusion)(device.kind);
    await ensureFolder(settings.folder);
    await refuseOutput(join(settings.folder, "contact-sheet.png"), { force: true });
    const portraits = await readPortraits(model.shipped!);
    await withRePaint(context, { ...settings, device, model }, (repaint) =>
      fillPortraits(context, repaint, portraits, { ...settings, model: model.name, sampling }),
    );
  });
}

async function fillPortraits(
  context: Context,
  repaint: RePaint,
  portraits: readonly Portrait[],
  { folder, seed, model, sampling }: Pick<Settings, "folder" | "seed"> & { model: string; sampling: Sampling },
): Promise<void> {
  const { report } = context;
  const words = samplingWords(sampling);
  const calls = count(repaint.modelCalls(sampling), "model call");
  report.say(`Filling ${count(portraits.length, "portrait")}: ${words}, ${calls} a picture`);
  report.event("run", { model, sampling, results: portraits.length, seed: String(seed) });
  const texts = {
    Software: "repaint-webgpu",
    Model: model,
    Seed: String(seed),
    Settings: JSON.stringify({ sampling }),
  };
  const save = async (file: string, picture: Picture): Promise<void> => {
    const path = join(folder, file);
    const png = encodePng(picture, texts);
    await writeFileAtomic(path, png, { force: true });
    report.event("result", { file: path });
  };
  for (const { name, picture, keep } of portraits) await save(`${name}.input.png`, showHole(picture, keep));
  const filled = new Map<string, Picture>();
  const works = portraits.map(({ name, picture, keep }) => ({
    name,
    seed,
    crops: 1,
    load: () => Promise.resolve({ picture, keep }),
    finish: (result: Picture) => {
      filled.set(name, result);
      return save(`${name}.filled.png`, result);
    },
  }));
  const done = await runWork(context, repaint, works, { sampling });
  await save("contact-sheet.png", contactSheet(sheetRows(portraits, filled, `filled (${words})`)));
  report.event("done", { results: portraits.length, ...done });
  report.say(`Done in ${seconds(done.seconds)}, ${(done.seconds / done.modelCalls).toPrecision(2)} s a model call.`);
  report.say(farewell(folder));
}

interface Portrait extends Awaited<ReturnType<typeof readPair>> {
  readonly name: string;
}

async function readPortraits({ examples }: ShippedModel): Promise<Portrait[]> {
  if (examples.length === 0) throw new InputError("weights/manifest.json has no such examples: check out again");
  return Promise.all(
    examples.map(async ({ name, picture, fill }) => {
      const [image, mask] = [join(weightsFolder, picture), join(weightsFolder, fill)];
      return { name, ...(await readPair({ image, mask, kind: "fill", stem: name })) };
    }),
  );
}

function sheetRows(portraits: readonly Portrait[], filled: ReadonlyMap<string, Picture>, label: string): SheetRow[] {
  return [
    { label: "original", pictures: portraits.map(({ picture }) => picture) },
    { label: "input", pictures: portraits.map(({ picture, keep }) => showHole(picture, keep)) },
    { label, pictures: portraits.map(({ name }) => filled.get(name)) },
  ];
}

function farewell(folder: string): string {
  return [
    `The pictures are in ${folder}: *.input.png, *.filled.png, and all together in contact-sheet.png.`,
    "Try next:",
    "  npm run demo -- --seed 1 --preset balanced     (another filling, with twice the care)",
    "  npm run -s repaint -- inpaint --image site/pictures/poster.png --fill site/pictures/poster.fill.png --out poster.png",
    "  npm run -s repaint -- --help",
  ].join("\n");
}
