/**
 * `repaint sample`: pictures of the network's own making, without one to fill. Not here: running it (tasks/fill.ts).
 */
import { join } from "node:path";
import { ensureFolder, refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { encodePng } from "../../node/pictures.ts";
import type { Picture } from "../../pictures/image.ts";
import { blankJob, type RePaint } from "../../repaint/repaint.ts";
import { noiseLevels, type Sampling } from "../../repaint/sampling.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  forceOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { classesFor, classOption, classWords, readClasses } from "../given/classes.ts";
import { announceDevice, type Context } from "../context.ts";
import { flagsOption, networkOption } from "../given/flags.ts";
import {
  guideOptions,
  guideScale,
  type GuideSettings,
  guideTexts,
  type OpenGuide,
  readGuide,
  sayGuide,
  withModelAndGuide,
} from "../given/guide.ts";
import {
  modelHash,
  type ModelSettings,
  type OpenModel,
  readModel,
  requirePictureModel,
  sayAssumed,
} from "../given/model.ts";
import { readRun, runOptions, type RunSettings, samplerOf } from "../given/run.ts";
import { samplingFor } from "../given/sampling.ts";
import { readPrecision, readSeeds } from "../given/settings.ts";
import { count, seconds } from "../../text/quantities.ts";
import { runWork } from "../tasks/fill.ts";
import { adapterName } from "../../engine/adapter.ts";
import { readTune, tuneOption, type TuneSettings } from "../given/tuning.ts";
import { withRePaint } from "../tasks/load.ts";
import type { Precision } from "../../numbers/storage.ts";

interface Settings {
  readonly model: ModelSettings;
  readonly guide: GuideSettings | undefined;
  readonly classes: readonly string[];
  readonly seeds: readonly bigint[];
  readonly run: RunSettings;
  readonly precision: Precision;
  readonly tune: TuneSettings;
  readonly adapter: string | undefined;
  readonly folder: string;
  readonly force: boolean;
}

export const sampleCommand: Command<Settings> = {
  name: "sample",
  summary: "paint pictures without an image",
  options: [
    { name: "count", value: "N", help: "how many, with the seeds seed, seed+1, … (default 1)" },
    { name: "seed", value: "N", help: "the same seed gives the same picture (default 0)" },
    { name: "out", value: "DIR", help: "folder for SEED.png (default out/sample)" },
    { ...weightsOption, help: `${weightsOption.help} (default portraits64)` },
    ...runOptions(["preset", "sampler", "levels", "steps", "eta", "respacing"], {
      levels: "langevin: the noise levels that the run visits, as many model calls",
      steps: "repaint: T, the noise levels that the run visits, as many model calls",
    }),
    precisionOption,
    classOption,
    ...guideOptions,
    flagsOption,
    networkOption,
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  notes: [
    "Nothing is known, so nothing has to agree: repaint is DDPM (or DDIM with --eta) without jumps, and langevin is DDIM without noise. Without --preset or --sampler: repaint, 25 steps on a processor and 100 on a GPU.",
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  return {
    seeds: readSeeds(given),
    run: readRun(given),
    classes: readClasses(given),
    precision: readPrecision(given),
    tune: readTune(given),
    adapter: given.text("adapter"),
    folder: given.text("out") ?? join("out", "sample"),
    force: given.has("force"),
    guide: await readGuide(given),
    model: await readModel(given),
  };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const { seeds, folder, force } = settings;
  await withModelAndGuide(context, settings.model, settings.guide, async (model, guide) => {
    requirePictureModel(model);
    const sampler = samplerOf(settings.run) ?? "repaint";
    const runOn = samplingFor({ ...settings.run, sampler }, model.checkpoint.diffusion);
    const labels = await classesFor(settings.classes, model, guide, seeds.length);
    await ensureFolder(folder);
    for (const seed of seeds) await refuseOutput(fileOf(folder, seed), { force });
    const sha256 = await modelHash(model, context);
    sayAssumed(model, context.report);
    const device = await announceDevice(context, settings.adapter);
    const sampling = plainly(runOn(device.kind).sampling);
    const { precision, tune } = settings;
    await withRePaint(context, { device, model, guide, precision, tune }, (repaint) =>
      paint(context, settings, { repaint, model, guide, sha256, labels, sampling }),
    );
  });
}

/** Nothing is known that would have to agree. */
function plainly(sampling: Sampling): Sampling {
  return sampling.sampler === "repaint" ? { ...sampling, jumpLength: 1, resamples: 1 } : { ...sampling, inner: 0 };
}

interface Painter {
  readonly repaint: RePaint;
  readonly model: OpenModel;
  readonly guide: OpenGuide | undefined;
  /** Of the model's file. */
  readonly sha256: string;
  /** Of each seed. */
  readonly labels: readonly (number | undefined)[];
  readonly sampling: Sampling;
}

async function paint(context: Context, settings: Settings, painter: Painter): Promise<void> {
  const { report } = context;
  const { seeds, folder, precision } = settings;
  const { repaint, model, guide, sha256, labels, sampling } = painter;
  const size = repaint.checkpoint.config.imageSize;
  report.say(
    `${model.name}: ${count(seeds.length, "picture")} of ${size}x${size} in ${count(noiseLevels(sampling), "step")}`,
  );
  if (guide) sayGuide(guide, model, report);
  const options = { sampling, classifierScale: guide && guideScale(guide, model) };
  const results = { results: seeds.length, ...options, ...classWords(labels) };
  report.event("run", { model: model.name, modelSha256: sha256, ...results });
  const texts = {
    Software: "repaint-webgpu",
    Model: model.name,
    "Model SHA-256": sha256,
    ...(guide ? await guideTexts(guide, context) : {}),
  };
  const adapter = adapterName(repaint.unet.device.info);
  const works = seeds.map((seed, index) => ({
    name: "sample",
    seed,
    class: labels[index],
    crops: 1,
    load: () => Promise.resolve(blankJob(size, seed)),
    finish: async (picture: Picture): Promise<void> => {
      const all = { ...options, ...classWords([labels[index]]), precision, adapter };
      const text = { ...texts, Seed: String(seed), Settings: JSON.stringify(all) };
      const file = fileOf(folder, seed);
      await writeFileAtomic(file, encodePng(picture, text), { force: settings.force });
      report.event("result", { seed: String(seed), file });
    },
  }));
  const done = await runWork(context, repaint, works, options);
  report.event("done", { results: seeds.length, ...done });
  report.say(`${count(seeds.length, "picture")} in ${folder}, in ${seconds(done.seconds)}.`);
}

function fileOf(folder: string, seed: bigint): string {
  return join(folder, `${seed}.png`);
}
