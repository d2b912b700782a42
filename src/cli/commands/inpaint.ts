/**
 * `repaint inpaint`: pictures and masks in, filled PNG pictures out. Everything that can be wrong with the input is
 * found before a device is opened. Not here: which files (pictureFiles.ts, results.ts), the loop (work.ts).
 */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { InputError, InterruptedError } from "../../errors.ts";
import { ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { packageInfo } from "../../node/packageFiles.ts";
import { encodePng } from "../../node/pictures.ts";
import type { Picture } from "../../pictures/image.ts";
import { planRegions } from "../../pictures/region.ts";
import { RePaint } from "../../repaint/repaint.ts";
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
import { guideOptions, guideScale, guideTexts, sayGuide, type OpenGuide, withModelAndGuide } from "../given/guide.ts";
import { modelHash, type OpenModel, readFlags, requirePictureModel, sayAssumed } from "../given/model.ts";
import { type MaskKind, type Pair, pairPictures, readPair } from "../files/pictureFiles.ts";
import { planPreviews, planResults, type Result } from "../files/results.ts";
import {
  readFeather,
  readPrecision,
  readRegion,
  readSampling,
  readSchedule,
  readSeeds,
  samplingOptions,
  scheduleOptions,
  scheduleWords,
} from "../given/settings.ts";
import { count, seconds } from "../../text/quantities.ts";
import { type Previews, runWork } from "../tasks/fill.ts";
import { adapterName } from "../../engine/adapter.ts";
import { readTune, tuneOption } from "../given/tuning.ts";

export const inpaint: Command = {
  name: "inpaint",
  summary: "fill the hole in a picture, or in many pictures",
  options: [
    { name: "image", value: "F", repeat: true, help: "picture (PNG or JPEG, any size), or a folder of pictures" },
    {
      name: "fill",
      value: "F",
      help: "mask of the picture's size, white where it is to be filled, or a folder of masks",
    },
    { name: "keep", value: "F", help: "the other way round: white where the picture is known" },
    { ...weightsOption, help: `${weightsOption.help} (default portraits64)` },
    { name: "out", value: "F", help: "PNG to write, or the folder for several results (default: this folder)" },
    { name: "seed", value: "N", help: "the same seed gives the same picture (default 0)" },
    { name: "count", value: "N", help: "results of each picture, with the seeds seed, seed+1, … (default 1)" },
    ...scheduleOptions,
    ...samplingOptions,
    precisionOption,
    { name: "region", value: "X,Y,W,H", help: "the part that the model sees, instead of one chosen around each hole" },
    { name: "feather", value: "PX", help: "fade the filled side towards the known one (default 0)" },
    classOption,
    ...guideOptions,
    flagsOption,
    { name: "preview-every", value: "N", help: "write what the picture would be now, every N model calls" },
    { name: "preview-dir", value: "DIR", help: "where previews go" },
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  notes: [
    "Without --preset: fast on a processor, balanced on a GPU. --steps, --jump-length, --resamples and --start-resampling replace parts of the preset.",
    "Several results (--count, a folder, or --image more than once) are named IMAGE-SEED.png in the folder --out. In a folder, NAME.fill.png and NAME.keep.png are masks; masks are paired with pictures by name.",
    "Known pixels come back bit for bit (8 bits a channel). The PNG carries seed, settings and the model's sha256 as text.",
  ],
  run,
};

/** What was asked for, checked. */
interface Plan {
  readonly model: OpenModel;
  readonly guide: OpenGuide | undefined;
  /** Of a pair. */
  readonly classes: ReadonlyMap<Pair, number | undefined>;
  readonly flags: unknown;
  readonly given: Arguments;
  readonly results: readonly Result[];
  /** How many crops of a pair go through the model. */
  readonly crops: ReadonlyMap<Pair, number>;
  readonly previews: Previews | undefined;
  readonly texts: Readonly<Record<string, string>>;
}

async function run(context: Context, given: Arguments): Promise<void> {
  const flags = await readFlags(given);
  await withModelAndGuide(context, given, flags, async (model, guide) => {
    const plan = await makePlan(context, given, { model, guide, flags });
    const hasHole = ({ pair }: Result): boolean => plan.crops.get(pair)! > 0;
    for (const result of plan.results.filter((candidate) => !hasHole(candidate))) {
      context.report.say(`${result.pair.mask} leaves nothing to fill: ${result.pair.image} comes back as it is.`);
      await write(context, plan, result, (await readPair(result.pair)).picture);
    }
    const holed = plan.results.filter(hasHole);
    const done = holed.length > 0 ? await fill(context, plan, holed) : { modelCalls: 0, seconds: 0 };
    context.report.event("done", { results: plan.results.length, ...done });
  });
}

async function makePlan(
  context: Context,
  given: Arguments,
  { model, guide, flags }: Pick<Plan, "model" | "guide" | "flags">,
): Promise<Plan> {
  const images = given.all("image");
  if (images.length === 0) throw new InputError("--image is needed: a picture or a folder; see `inpaint --help`");
  requirePictureModel(model);
  const seeds = readSeeds(given);
  // Read again when the device is known: here only so that mistakes come first.
  readSchedule(given, model.checkpoint);
  readSampling(given);
  readFeather(given);
  readPrecision(given);
  const { kind, path } = maskOf(given);
  const pairs = await pairPictures(images, path, kind);
  const labels = await readClasses(given, model, guide, pairs.pairs.length);
  const classes = new Map(pairs.pairs.map((pair, index) => [pair, labels[index]]));
  const results = await planResults(pairs, seeds, given);
  const previews = await planPreviews(given, results);
  const unused = pairs.unusedMasks.length;
  if (unused > 0) context.report.say(`${count(unused, "mask")} in ${path} without a picture: not used.`);
  const crops = await countCrops(context, pairs.pairs, model, given);
  const { version } = await packageInfo();
  const hash = await modelHash(model, context);
  const texts = {
    Software: `repaint-webgpu ${version}`,
    Model: model.name,
    "Model SHA-256": hash,
    ...(guide ? await guideTexts(guide, context) : {}),
  };
  return { model, guide, classes, flags, given, results, crops, previews, texts };
}

function maskOf(given: Arguments): { kind: MaskKind; path: string } {
  const [fillMask, keep] = [given.text("fill"), given.text("keep")];
  if (fillMask !== undefined && keep !== undefined)
    throw new InputError("--fill and --keep say the same thing in two ways: give one of them");
  if (fillMask !== undefined) return { kind: "fill", path: fillMask };
  if (keep !== undefined) return { kind: "keep", path: keep };
  throw new InputError("a mask is needed: --fill F (white is filled) or --keep F (white is known)");
}

/** Decodes every picture once: an error in the last of a hundred must not come after ninety-nine runs. */
async function countCrops(
  { report, signal }: Context,
  pairs: readonly Pair[],
  { checkpoint }: OpenModel,
  given: Arguments,
): Promise<Map<Pair, number>> {
  const size = checkpoint.config.imageSize;
  const region = readRegion(given);
  const crops = new Map<Pair, number>();
  for (const pair of pairs) {
    signal.throwIfAborted();
    const { keep } = await readPair(pair);
    try {
      const options = { modelWidth: size, modelHeight: size, ...(region ? { region } : {}) };
      crops.set(pair, planRegions(keep, options).length);
    } catch (error) {
      if (error instanceof InputError && pairs.length > 1) throw new InputError(`${pair.image}: ${error.message}`);
      throw error;
    }
    if (pairs.length > 20) report.progress({ what: "pictures checked", done: crops.size, total: pairs.length });
  }
  report.endProgress();
  return crops;
}

async function fill(
  context: Context,
  plan: Plan,
  results: readonly Result[],
): Promise<{ modelCalls: number; seconds: number }> {
  const { model, guide, given, previews } = plan;
  const flags = plan.flags ?? model.checkpoint.diffusersConfig;
  const device = await announceDevice(context, given.text("adapter"));
  const precision = readPrecision(given);
  const tune = await readTune(context, given);
  const repaint = await RePaint.load(model.source, {
    device,
    flags,
    precision,
    tune,
    signal: context.signal,
    classifier: guide?.source,
    classifierFlags: guide?.flags,
  });
  try {
    const crops = results.reduce((sum, { pair }) => sum + plan.crops.get(pair)!, 0);
    const settings = announceRun(context, plan, repaint, crops);
    const { sampling, region, feather, classifierScale } = settings;
    const works = results.map((result) => {
      const label = plan.classes.get(result.pair);
      const all = { ...settings, ...(label === undefined ? {} : { class: label }), precision };
      const text = { Settings: JSON.stringify({ ...all, adapter: adapterName(device.info) }) };
      return {
        name: result.pair.stem,
        seed: result.seed,
        class: label,
        crops: plan.crops.get(result.pair)!,
        load: () => readPair(result.pair),
        finish: (picture: Picture) => write(context, plan, result, picture, text),
      };
    });
    const done = await runWork(context, repaint, works, {
      sampling,
      previews,
      feather,
      classifierScale,
      ...(region ? { region } : {}),
    });
    context.report.say(
      `Filled ${count(works.length, "picture")} in ${seconds(done.seconds)} (${count(done.modelCalls, "model call")}).`,
    );
    return done;
  } catch (error) {
    if (error instanceof InterruptedError && previews && existsSync(previews.folder))
      throw new InterruptedError(`${error.message}; the previews so far are in ${previews.folder}`);
    throw error;
  } finally {
    repaint.dispose();
  }
}

/** Says what will run, and returns the settings that the PNG will carry. */
function announceRun({ report }: Context, plan: Plan, repaint: RePaint, crops: number) {
  const { model, guide, classes, given, texts } = plan;
  const { preset, schedule } = readSchedule(given, model.checkpoint)(repaint.unet.device.kind);
  const region = readRegion(given);
  const feather = readFeather(given);
  sayAssumed(model, report);
  const sampling = { sampler: "repaint" as const, ...schedule, ...readSampling(given) };
  const { steps, jumpLength, resamples } = schedule;
  const modelCalls = repaint.modelCalls(sampling);
  const isPreset = !scheduleOptions.some(({ name }) => name !== "preset" && given.has(name));
  report.say(
    `${model.name}${isPreset ? `, preset ${preset}` : ""}: ${scheduleWords(schedule)}: ` +
      `${count(modelCalls, "model call")}${crops > 1 ? ` for each of ${crops} crops` : ""}`,
  );
  if (guide) sayGuide(guide, model, report);
  if (resamples > 1 && jumpLength >= steps)
    report.say("No jump of this length fits into these steps, so nothing is resampled.");
  const settings = {
    sampling,
    feather,
    ...(region ? { region } : {}),
    ...(guide ? { classifierScale: guideScale(guide, model) } : {}),
  };
  const hashes = { modelSha256: texts["Model SHA-256"], classifierSha256: texts["Classifier SHA-256"] };
  report.event("run", {
    model: model.name,
    ...hashes,
    crops,
    modelCalls,
    ...settings,
    ...classWords([...classes.values()]),
  });
  return settings as typeof settings & { region?: typeof region; classifierScale?: number };
}

async function write(
  { report }: Context,
  { crops, given, texts }: Plan,
  { pair, seed, output }: Result,
  picture: Picture,
  text: Readonly<Record<string, string>> = {},
): Promise<void> {
  await ensureFolder(dirname(output));
  const png = encodePng(picture, { ...texts, Seed: String(seed), ...text });
  await writeFileAtomic(output, png, { force: given.has("force") });
  report.event("result", { image: pair.image, seed: String(seed), file: output, regions: crops.get(pair) });
  report.say(`Wrote ${output}`);
}
