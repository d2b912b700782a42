/**
 * `repaint demo`: the shipped portraits filled by the shipped model, and a contact sheet. One on a processor, eight on
 * a GPU, so that either takes a few minutes. Files of an earlier demo are overwritten: the folder is its own.
 */
import { join } from "node:path";
import { InputError } from "../../errors.ts";
import { contactSheet, showHole, type SheetRow } from "../../node/contactSheet.ts";
import { ensureFolder, refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { type ShippedModel, weightsFolder } from "../../node/packageFiles.ts";
import { encodePng } from "../../node/pictures.ts";
import type { Picture } from "../../pictures/image.ts";
import { RePaint } from "../../repaint/repaint.ts";
import { resolveSampling, type Sampling } from "../../repaint/sampling.ts";
import { adapterOption, type Arguments, type Command, jsonOption, precisionOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { modelHash, withModel } from "../given/model.ts";
import { readPair } from "../files/pictureFiles.ts";
import { defaultPreset, presetOption, readPrecision, readPreset, readSeeds } from "../given/settings.ts";
import { count, seconds } from "../../text/quantities.ts";
import { runWork } from "../tasks/fill.ts";
import { readTune, tuneOption } from "../given/tuning.ts";

export const demo: Command = {
  name: "demo",
  summary: "fill shipped portraits with the shipped model",
  options: [
    {
      name: "out",
      value: "DIR",
      help: "folder for the pictures (default out/demo); an earlier demo's are overwritten",
    },
    { name: "seed", value: "N", help: "another seed gives other fillings (default 0)" },
    presetOption,
    precisionOption,
    tuneOption,
    adapterOption,
    jsonOption,
  ],
  run,
};

/** Of the eight, one whose halves show whether they agree: eyes, cap, mouth, hills. */
const onProcessor = "2-half-left";
/** Twice the work of the preset "fast", which leaves a noisy background, and still under two minutes on two cores. */
const usualOnProcessor: Sampling = { sampler: "repaint", steps: 50, jumpLength: 10, resamples: 5 };

async function run(context: Context, given: Arguments): Promise<void> {
  const { report, signal } = context;
  const folder = given.text("out") ?? join("out", "demo");
  const [seed] = readSeeds(given) as [bigint];
  const preset = readPreset(given);
  const precision = readPrecision(given);
  await withModel(context, undefined, undefined, async (model) => {
    await modelHash(model, context);
    const device = await announceDevice(context, given.text("adapter"));
    const sampling = resolveSampling(preset ?? (device.kind === "cpu" ? usualOnProcessor : defaultPreset(device.kind)));
    const settings = `${sampling.steps}, ${sampling.jumpLength}, ${sampling.resamples}`;
    await ensureFolder(folder);
    await refuseOutput(join(folder, "contact-sheet.png"), { force: true });
    const portraits = await readPortraits(model.shipped!, device.kind === "cpu" ? [onProcessor] : undefined);
    const tune = await readTune(context, given);
    const repaint = await RePaint.load(model.source, { device, precision, tune, signal });
    try {
      const calls = count(repaint.modelCalls(sampling), "model call");
      report.say(
        `Filling ${count(portraits.length, "portrait")}, T, jump length and resamples ${settings}: ${calls} a picture`,
      );
      report.event("run", { model: model.name, sampling, results: portraits.length, seed: String(seed) });
      const save = async (file: string, picture: Picture): Promise<void> => {
        const path = join(folder, file);
        await writeFileAtomic(path, encodePng(picture, { Software: "repaint-webgpu", Seed: String(seed) }), {
          force: true,
        });
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
      await save("contact-sheet.png", contactSheet(sheetRows(portraits, filled, `filled (${settings})`)));
      report.event("done", { results: portraits.length, ...done });
      report.say(
        `Done in ${seconds(done.seconds)}, ${(done.seconds / done.modelCalls).toPrecision(2)} s a model call.`,
      );
      report.say(farewell(folder));
    } finally {
      repaint.dispose();
    }
  });
}

interface Portrait extends Awaited<ReturnType<typeof readPair>> {
  readonly name: string;
}

async function readPortraits({ examples }: ShippedModel, only: readonly string[] | undefined): Promise<Portrait[]> {
  const chosen = examples.filter(({ name }) => (only ? only.includes(name) : name !== "poster"));
  if (chosen.length === 0) throw new InputError("weights/manifest.json has no such examples: check out again");
  return Promise.all(
    chosen.map(async ({ name, picture, fill }) => {
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
    "  npm run demo -- --seed 1 --preset balanced     (another filling, with the paper's care)",
    "  npm run -s repaint -- inpaint --image weights/examples/poster.png --fill weights/examples/poster.fill.png --out poster.png",
    "  npm run -s repaint -- --help",
  ].join("\n");
}
