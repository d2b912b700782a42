/**
 * `repaint inpaint`: pictures and masks in, filled PNG pictures out. Everything that can be wrong with the input is
 * found before a device is opened. Not here: which files (pictureFiles.ts, results.ts), running them (tasks/fill.ts).
 */
import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { InputError, InterruptedError } from "../../errors.ts";
import { ensureFolder, writeFileAtomic } from "../../node/files.ts";
import { packageInfo } from "../../node/packageFiles.ts";
import { carriedExif, encodePng, fromSrgb, type KeptExif } from "../../node/pictures.ts";
import type { Box } from "../../pictures/holes.ts";
import type { Picture } from "../../pictures/image.ts";
import type { Detail } from "../../pictures/octaves.ts";
import { planRegions } from "../../pictures/region.ts";
import type { RePaint } from "../../repaint/repaint.ts";
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
import { type Extension, extensionWords, extendOption, readExtension } from "../given/extend.ts";
import { detailHint, detailOption, readDetail } from "../given/detail.ts";
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
import { type Beginning, readBeginning, startOption } from "../given/beginning.ts";
import { runOptions } from "../given/run.ts";
import { type RunSampling, samplingFor, samplingWords } from "../given/sampling.ts";
import { keptWords, maskWords } from "../files/maskWords.ts";
import {
  leftOutWords,
  type MaskKind,
  ownAlpha,
  type Pair,
  pairPictures,
  pairStarts,
  type ReadPair,
  readPair,
  readStart,
} from "../files/pictureFiles.ts";
import { planResults, refusePreviews, type Result } from "../files/results.ts";
import { readFeather, readPrecision, readRegion, readSeeds } from "../given/settings.ts";
import { readTune, tuneOption, type TuneSettings } from "../given/tuning.ts";
import { count, seconds } from "../../text/quantities.ts";
import { type Previews, runWork, type WorkOptions } from "../tasks/fill.ts";
import { withRePaint } from "../tasks/load.ts";
import { about } from "../values.ts";
import { type AdapterKind, adapterName } from "../../engine/adapter.ts";
import type { Precision } from "../../numbers/storage.ts";

interface Settings extends Beginning {
  readonly images: readonly string[];
  /** `path`: undefined where only the border of a larger canvas is filled. */
  readonly mask: { readonly kind: MaskKind; readonly path: string | undefined };
  readonly extension: Extension | undefined;
  readonly model: ModelSettings;
  readonly guide: GuideSettings | undefined;
  readonly classes: readonly string[];
  readonly seeds: readonly bigint[];
  readonly precision: Precision;
  /** The crop to use; undefined: one is planned around each hole. */
  readonly region: Box | undefined;
  readonly detail: Detail;
  readonly feather: number;
  readonly previews: Previews | undefined;
  readonly tune: TuneSettings;
  readonly adapter: string | undefined;
  readonly exif: KeptExif;
  /** A file, or a folder. */
  readonly out: string;
  readonly force: boolean;
}

export const inpaintCommand: Command<Settings> = {
  name: "inpaint",
  summary: "fill the hole in a picture, or in many pictures",
  options: [
    {
      name: "image",
      value: "F",
      repeat: true,
      help: "picture (PNG, JPEG, WebP, AVIF; any size), or a folder of pictures",
    },
    {
      name: "fill",
      value: "F",
      help: "mask of the picture's size, white where it is to be filled, a folder of masks, or the word alpha: what is transparent in the picture",
    },
    { name: "keep", value: "F", help: "the other way round: white where the picture is known" },
    extendOption,
    { ...weightsOption, help: `${weightsOption.help} (default portraits64)` },
    { name: "out", value: "F", help: "PNG to write, or the folder for several results (default: this folder)" },
    {
      name: "exif",
      value: "W",
      help: "of a photo's EXIF: camera (default; what and when), all (the place, too), none",
    },
    { name: "seed", value: "N", help: "the same seed gives the same picture (default 0)" },
    { name: "count", value: "N", help: "results of each picture, with the seeds seed, seed+1, … (default 1)" },
    ...runOptions(),
    startOption,
    precisionOption,
    { name: "region", value: "X,Y,W,H", help: "the part that the model sees, instead of one chosen around each hole" },
    detailOption,
    { name: "feather", value: "PX", help: "fade the filled side towards the known one (default 0)" },
    classOption,
    ...guideOptions,
    flagsOption,
    networkOption,
    { name: "preview-every", value: "N", help: "write what the picture would be now, every N model calls" },
    { name: "preview-dir", value: "DIR", help: "where previews go" },
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  notes: [
    "Without --preset: fast on a processor, balanced on a GPU. --levels, --inner, --step, --lambda and --still replace parts of a preset of the sampler langevin; --steps, --jump-length, --resamples and --start-resampling parts of paper, or without a preset of T, j, r = 25, 5, 5 on a processor and 100, 10, 5 on a GPU.",
    "Several results (--count, a folder, or --image more than once) are named IMAGE-SEED.png in the folder --out. In a folder, NAME.fill.png and NAME.keep.png are masks; masks are paired with pictures by name.",
    "Known pixels come back bit for bit (8 bits a channel), with the file's colour profile, upright. The PNG carries seed, settings and the model's sha256 as text.",
    "A mask may be white on black, a brush of any colour on black or on nothing, or the picture itself with a transparent hole.",
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const images = given.all("image");
  if (images.length === 0) throw new InputError("--image is needed: a picture or a folder; see `inpaint --help`");
  return {
    images,
    seeds: readSeeds(given),
    ...readBeginning(given),
    detail: readDetail(given),
    feather: readFeather(given),
    precision: readPrecision(given),
    mask: readMask(given),
    extension: readExtension(given),
    region: readRegion(given),
    classes: readClasses(given),
    previews: readPreviews(given),
    tune: readTune(given),
    adapter: given.text("adapter"),
    exif: given.choice("exif", ["camera", "all", "none"]) ?? "camera",
    out: given.text("out") ?? ".",
    force: given.has("force"),
    guide: await readGuide(given),
    model: await readModel(given),
  };
}

function readMask(given: Arguments): Settings["mask"] {
  const [fillMask, keep] = [given.text("fill"), given.text("keep")];
  if (fillMask !== undefined && keep !== undefined)
    throw new InputError("--fill and --keep say the same thing in two ways: give one of them");
  if (keep === ownAlpha)
    throw new InputError("--keep alpha: what is transparent in a picture is never known; use --fill alpha");
  if (fillMask !== undefined) return { kind: "fill", path: fillMask };
  if (keep !== undefined) return { kind: "keep", path: keep };
  if (given.has("extend")) return { kind: "fill", path: undefined };
  throw new InputError(
    "a mask is needed: --fill F (white is filled) or --keep F (white is known); or a larger canvas: --extend",
  );
}

function readPreviews(given: Arguments): Previews | undefined {
  const every = given.integer("preview-every", { min: 1, max: 1_000_000 });
  const folder = given.text("preview-dir");
  if (every === undefined && folder === undefined) return undefined;
  if (every === undefined)
    throw new InputError("--preview-dir needs --preview-every N, the model calls between previews");
  if (folder === undefined) throw new InputError("--preview-every needs --preview-dir DIR, where previews go");
  return { every, folder };
}

/** What will be done, when the networks are open and the pictures were looked at. */
interface Plan {
  readonly settings: Settings;
  readonly model: OpenModel;
  readonly guide: OpenGuide | undefined;
  readonly runOn: (kind: AdapterKind) => RunSampling;
  readonly classes: ReadonlyMap<Pair, number | undefined>;
  /** What runs begin with, where that is not the picture itself. */
  readonly starts: ReadonlyMap<Pair, string>;
  readonly results: readonly Result[];
  /** How many crops of a pair go through the model. */
  readonly crops: ReadonlyMap<Pair, number>;
  /** What every PNG carries. */
  readonly texts: Readonly<Record<string, string>>;
}

async function run(settings: Settings, context: Context): Promise<void> {
  await withModelAndGuide(context, settings.model, settings.guide, async (model, guide) => {
    const plan = await makePlan(context, settings, model, guide);
    const hasHole = ({ pair }: Result): boolean => plan.crops.get(pair)! > 0;
    for (const result of plan.results.filter((candidate) => !hasHole(candidate))) {
      context.report.say(`${result.pair.mask} leaves nothing to fill: ${result.pair.image} comes back as it is.`);
      const read = await readPair(result.pair, settings.extension);
      await write(context, plan, result, read.picture, read);
    }
    const holed = plan.results.filter(hasHole);
    const done = holed.length > 0 ? await fill(context, plan, holed) : { modelCalls: 0, seconds: 0 };
    context.report.event("done", { results: plan.results.length, ...done });
  });
}

async function makePlan(
  context: Context,
  settings: Settings,
  model: OpenModel,
  guide: OpenGuide | undefined,
): Promise<Plan> {
  const { mask, previews, force } = settings;
  requirePictureModel(model);
  const runOn = samplingFor(settings.run, model.checkpoint.diffusion);
  const pairs = await pairPictures(settings.images, mask.path, mask.kind);
  const starts = settings.startFrom === undefined ? new Map() : await pairStarts(pairs, settings.startFrom);
  const labels = await classesFor(settings.classes, model, guide, pairs.pairs.length);
  const classes = new Map(pairs.pairs.map((pair, index) => [pair, labels[index]]));
  const results = await planResults(pairs, settings.seeds, settings);
  if (previews) await refusePreviews(previews, results, force);
  const unused = pairs.unusedMasks.length;
  if (unused > 0) context.report.say(`${count(unused, "mask")} in ${mask.path} without a picture: not used.`);
  if (pairs.leftOut.length > 0) context.report.say(leftOutWords(pairs.leftOut));
  const crops = await countCrops(context, pairs.pairs, model, starts, settings);
  const { version } = await packageInfo();
  const texts = {
    Software: `repaint-webgpu ${version}`,
    Model: model.name,
    "Model SHA-256": await modelHash(model, context),
    ...(guide ? await guideTexts(guide, context) : {}),
  };
  return { settings, model, guide, runOn, classes, starts, results, crops, texts };
}

/** Of more pictures only what is odd is said. */
const mostDescribed = 5;

/** Decodes every picture once: an error in the last of a hundred must not come after ninety-nine runs. */
async function countCrops(
  { report, signal }: Context,
  pairs: readonly Pair[],
  { checkpoint }: OpenModel,
  starts: Plan["starts"],
  { region, detail, exif, extension }: Pick<Settings, "region" | "detail" | "exif" | "extension">,
): Promise<Map<Pair, number>> {
  const size = checkpoint.config.imageSize;
  const crops = new Map<Pair, number>();
  const words: string[] = [];
  for (const pair of pairs) {
    signal.throwIfAborted();
    const read = await readPair(pair, extension);
    const { keep } = read;
    if (starts.has(pair)) await readStart(starts.get(pair)!, pair, read.picture);
    if (read.file.remark) words.push(read.file.remark);
    if (pairs.length <= mostDescribed) words.push(...keptWords(pair.image, read.file, exif));
    words.push(...maskWords(pair, read, pairs.length > mostDescribed));
    const plan = () => planRegions(keep, { modelWidth: size, modelHeight: size, ...(region ? { region } : {}) });
    const regions = pairs.length > 1 ? about(pair.image, plan) : plan();
    crops.set(pair, regions.length);
    const hint = detail === "model" && pairs.length <= mostDescribed && detailHint(pair.image, regions, size);
    if (hint) words.push(hint);
    if (pairs.length > 20) report.progress({ what: "pictures checked", done: crops.size, total: pairs.length });
  }
  report.endProgress();
  // An error is a line of its own: what is said of pictures comes when all are right.
  for (const sentence of words) report.say(sentence);
  return crops;
}

async function fill(
  context: Context,
  plan: Plan,
  results: readonly Result[],
): Promise<{ modelCalls: number; seconds: number }> {
  const { settings, model, guide } = plan;
  const { precision, tune, previews } = settings;
  const device = await announceDevice(context, settings.adapter);
  return withRePaint(context, { device, model, guide, precision, tune }, async (repaint) => {
    const crops = results.reduce((sum, { pair }) => sum + plan.crops.get(pair)!, 0);
    const options = announceRun(context, plan, repaint, crops);
    const works = results.map((result) => {
      let read: ReadPair;
      const label = plan.classes.get(result.pair);
      const startFrom = plan.starts.has(result.pair) ? basename(plan.starts.get(result.pair)!) : undefined;
      const all = { ...options, startFrom, class: label, precision, adapter: adapterName(device.info) };
      return {
        name: result.pair.stem,
        seed: result.seed,
        class: label,
        crops: plan.crops.get(result.pair)!,
        load: async () => {
          read = await readPair(result.pair, settings.extension);
          const start = plan.starts.get(result.pair);
          const startFrom = start === undefined ? start : await readStart(start, result.pair, read.picture);
          return { ...read, startFrom };
        },
        finish: (picture: Picture) => write(context, plan, result, picture, read, { Settings: JSON.stringify(all) }),
      };
    });
    const done = await runWork(context, repaint, works, { ...options, previews }).catch((error: unknown) => {
      if (error instanceof InterruptedError && previews && existsSync(previews.folder))
        throw new InterruptedError(`${error.message}; the previews so far are in ${previews.folder}`);
      throw error;
    });
    context.report.say(
      `Filled ${count(works.length, "picture")} in ${seconds(done.seconds)} (${count(done.modelCalls, "model call")}).`,
    );
    return done;
  });
}

/** Says what will run, and returns the options of the run, which the PNG will carry. */
function announceRun(
  { report }: Context,
  plan: Plan,
  repaint: RePaint,
  crops: number,
): WorkOptions & { readonly extend: string | undefined } {
  const { settings, model, guide, classes, texts } = plan;
  const { preset, sampling } = plan.runOn(repaint.unet.device.kind);
  sayAssumed(model, report);
  const modelCalls = repaint.modelCalls(sampling);
  report.say(
    `${model.name}${preset ? `, preset ${preset}` : ""}: ${samplingWords(sampling)}: ` +
      `${count(modelCalls, "model call")}${crops > 1 ? ` for each of ${crops} crops` : ""}`,
  );
  if (guide) sayGuide(guide, model, report);
  if (sampling.sampler === "repaint" && sampling.resamples > 1 && sampling.jumpLength >= sampling.steps)
    report.say("No jump of this length fits into these steps, so nothing is resampled.");
  const options = {
    sampling,
    feather: settings.feather,
    region: settings.region,
    detail: settings.detail,
    extend: settings.extension && extensionWords(settings.extension),
    classifierScale: guide && guideScale(guide, model),
  };
  const hashes = { modelSha256: texts["Model SHA-256"], classifierSha256: texts["Classifier SHA-256"] };
  const shared = { model: model.name, ...hashes, crops, modelCalls };
  const { startFrom } = settings;
  report.event("run", { ...shared, ...options, startFrom, ...classWords([...classes.values()]) });
  return options;
}

async function write(
  { report }: Context,
  { settings, crops, texts }: Plan,
  { pair, seed, output }: Result,
  filled: Picture,
  { file, keep }: ReadPair,
  text: Readonly<Record<string, string>> = {},
): Promise<void> {
  await ensureFolder(dirname(output));
  const { colours } = file;
  const picture = fromSrgb(filled, { picture: file, keep, colours });
  const exif = carriedExif(file.exif, settings.exif);
  const png = encodePng(picture, { ...texts, Seed: String(seed), ...text }, { colours, exif });
  await writeFileAtomic(output, png, { force: settings.force });
  report.event("result", { image: pair.image, seed: String(seed), file: output, regions: crops.get(pair) });
  report.say(`Wrote ${output}`);
}
