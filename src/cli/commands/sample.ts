/** `repaint sample`: pictures of the network's own making, without one to fill. What becomes of a run is in work.ts. */
import { join } from "node:path";
import { ensureFolder, refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { encodePng } from "../../node/pictures.ts";
import { blankJob, RePaint } from "../../repaint/repaint.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  flagsOption,
  forceOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { classOption, classWords, readClasses } from "../given/classes.ts";
import { announceDevice, type Context } from "../context.ts";
import { guideOptions, guideScale, guideTexts, sayGuide, withModelAndGuide } from "../given/guide.ts";
import { modelHash, readFlags, requirePictureModel, sayAssumed } from "../given/model.ts";
import {
  presetOption,
  readPrecision,
  readSampling,
  readSchedule,
  readSeeds,
  samplingOptions,
} from "../given/settings.ts";
import { count, seconds } from "../../text/quantities.ts";
import { runWork } from "../tasks/fill.ts";
import { adapterName } from "../../engine/adapter.ts";
import { readTune, tuneOption } from "../given/tuning.ts";

export const sampleCommand: Command = {
  name: "sample",
  summary: "paint pictures without an image",
  options: [
    { name: "count", value: "N", help: "how many, with the seeds seed, seed+1, … (default 1)" },
    { name: "seed", value: "N", help: "the same seed gives the same picture (default 0)" },
    { name: "out", value: "DIR", help: "folder for SEED.png (default out/sample)" },
    { ...weightsOption, help: `${weightsOption.help} (default portraits64)` },
    presetOption,
    { name: "steps", value: "N", help: "T, the noise levels that the run visits: as many model calls" },
    ...samplingOptions.filter(({ name }) => name !== "order"),
    precisionOption,
    classOption,
    ...guideOptions,
    flagsOption,
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  notes: ["Nothing is known, so nothing has to agree: there are no jumps, and a preset only says how many steps."],
  run,
};

async function run(context: Context, given: Arguments): Promise<void> {
  const { report, signal } = context;
  const folder = given.text("out") ?? join("out", "sample");
  const flags = await readFlags(given);
  await withModelAndGuide(context, given, flags, async (model, guide) => {
    requirePictureModel(model);
    const seeds = readSeeds(given);
    const scheduleOf = readSchedule(given, model.checkpoint);
    const labels = await readClasses(given, model, guide, seeds.length);
    const reverse = readSampling(given);
    const precision = readPrecision(given);
    await ensureFolder(folder);
    const force = given.has("force");
    const fileOf = (seed: bigint): string => join(folder, `${seed}.png`);
    for (const seed of seeds) await refuseOutput(fileOf(seed), { force });
    const hash = await modelHash(model, context);
    sayAssumed(model, report);
    const device = await announceDevice(context, given.text("adapter"));
    const schedule = { steps: scheduleOf(device.kind).schedule.steps, jumpLength: 1, resamples: 1 };
    const tune = await readTune(context, given);
    const repaint = await RePaint.load(model.source, {
      device,
      precision,
      tune,
      signal,
      flags: flags ?? model.checkpoint.diffusersConfig,
      classifier: guide?.source,
      classifierFlags: guide?.flags,
    });
    try {
      const size = repaint.checkpoint.config.imageSize;
      report.say(
        `${model.name}: ${count(seeds.length, "picture")} of ${size}x${size} in ${count(schedule.steps, "step")}`,
      );
      if (guide) sayGuide(guide, model, report);
      const sampling = { sampler: "repaint" as const, ...schedule, ...reverse };
      const settings = { sampling, ...(guide ? { classifierScale: guideScale(guide, model) } : {}) };
      report.event("run", {
        model: model.name,
        modelSha256: hash,
        results: seeds.length,
        ...settings,
        ...classWords(labels),
      });
      const texts = {
        Software: "repaint-webgpu",
        Model: model.name,
        "Model SHA-256": hash,
        ...(guide ? await guideTexts(guide, context) : {}),
      };
      const works = seeds.map((seed, index) => ({
        name: "sample",
        seed,
        class: labels[index],
        crops: 1,
        load: () => Promise.resolve(blankJob(size, seed)),
        finish: async (picture: Parameters<typeof encodePng>[0]): Promise<void> => {
          const all = { ...settings, ...classWords([labels[index]]), precision, adapter: adapterName(device.info) };
          const text = { ...texts, Seed: String(seed), Settings: JSON.stringify(all) };
          await writeFileAtomic(fileOf(seed), encodePng(picture, text), { force });
          report.event("result", { seed: String(seed), file: fileOf(seed) });
        },
      }));
      const done = await runWork(context, repaint, works, settings);
      report.event("done", { results: seeds.length, ...done });
      report.say(`${count(seeds.length, "picture")} in ${folder}, in ${seconds(done.seconds)}.`);
    } finally {
      repaint.dispose();
    }
  });
}
