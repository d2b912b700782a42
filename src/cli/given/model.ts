/**
 * The model that --weights means: a name of weights/manifest.json, a file, or its address; only its header is read
 * here. Not here: putting it on a device (src/unet, src/repaint).
 */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, InputError } from "../../errors.ts";
import { sha256 } from "../../node/fileSource.ts";
import { type ShippedModel, shippedModels, weightsFolder } from "../../node/packageFiles.ts";
import { type Checkpoint, openCheckpoint } from "../../checkpoints/checkpoint.ts";
import { type ClassifierCheckpoint, openClassifier } from "../../checkpoints/classifier/checkpoint.ts";
import type { Arguments } from "../command.ts";
import type { Context } from "../context.ts";
import { hint } from "../values.ts";
import { type FlagsOption, readFlags } from "./flags.ts";
import { openNetwork } from "../../checkpoints/openNetwork.ts";
import type { OpenTensors } from "../../files/open.ts";
import type { Report } from "../../node/report.ts";
import { fileName, isAddress, openWeights } from "./weightsFile.ts";
import type { ModelFile } from "../../node/modelFile.ts";
import { configBeside } from "../../checkpoints/diffusers/configBeside.ts";

/** Which model is meant. */
export interface ModelSettings {
  /** The name of a shipped one, a file or its address; undefined: the first shipped one. */
  readonly weights: string | undefined;
  /** What its file does not say, as JSON; undefined: it says all. */
  readonly flags?: unknown;
  /** Which of several networks in the file; undefined: the averaged one. */
  readonly network?: string | undefined;
}

export async function readModel(given: Arguments): Promise<ModelSettings> {
  return { weights: given.text("weights"), flags: await readFlags(given), network: given.text("network") };
}

export interface OpenModel {
  /** Of the shipped model, else the file's. */
  readonly name: string;
  readonly source: ModelFile;
  readonly checkpoint: Checkpoint;
  readonly shipped: ShippedModel | undefined;
}

/** Opens the model for the time of `body`. `option` is for messages. */
export function withModel<T>(
  context: Context,
  { weights, flags, network }: ModelSettings,
  body: (model: OpenModel) => Promise<T>,
  option = "--weights",
): Promise<T> {
  const open = async (opened: OpenWeights) =>
    body({ ...opened, checkpoint: await checkpointIn(opened, flags, await openNetwork(opened.source, network)) });
  return withWeights(context, weights, open, option);
}

/** A file of weights of whatever kind. */
export type OpenWeights = Omit<OpenModel, "checkpoint">;

/** `file`: the source's tensors. @throws as `openCheckpoint` */
export function checkpointIn({ source }: OpenWeights, flags: unknown, file: OpenTensors): Promise<Checkpoint> {
  return openCheckpoint(file, flags, () => configBeside((name) => source.jsonBeside(name)));
}

/**
 * The same before it is known what network it is of. `option` is "" where the file stands in an argument of its own.
 */
export async function withWeights<T>(
  context: Context,
  weights: string | undefined,
  body: (opened: OpenWeights) => Promise<T>,
  option = "--weights",
): Promise<T> {
  const models = await shippedModels();
  const shipped = weights === undefined ? models[0] : models.find(({ name }) => name === weights);
  const path = shipped ? join(weightsFolder, shipped.file) : weights!;
  const source = await openWeights(path, context).catch(async (error: unknown) => {
    const isName = !shipped && /^[\w-]+$/.test(path);
    const isThere = await stat(path).then(
      () => true,
      () => false,
    );
    if (!isName || isThere || !(error instanceof InputError)) throw error;
    const names = models.map(({ name }) => name);
    throw new InputError(
      `${option} ${path}: neither a file nor a shipped model${hint(path, names)}; shipped is ${names.join(", ")}`.trim(),
    );
  });
  try {
    return await body({ name: shipped?.name ?? fileName(path), source, shipped });
  } finally {
    await source.close();
  }
}

export interface OpenClassifier extends Omit<OpenModel, "checkpoint"> {
  readonly checkpoint: ClassifierCheckpoint;
}

/** Opens a classifier, a shipped one, a file or its address, for the time of `body`. `option` is for messages. */
export function withClassifier<T>(
  context: Context,
  { weights, flags, network }: ModelSettings,
  body: (classifier: OpenClassifier) => Promise<T>,
  option = "--classifier",
): Promise<T> {
  const open = async (opened: OpenWeights) =>
    body({ ...opened, checkpoint: await openClassifier(await openNetwork(opened.source, network), flags) });
  return withWeights(context, weights, open, option);
}

/** The sha256 of the file. @throws CheckpointError if a shipped model is not what was shipped */
export async function modelHash(
  { source, shipped }: Pick<OpenModel, "source" | "shipped">,
  { signal, report }: Context,
): Promise<string> {
  const show = (done: number): void => {
    // Of an address the download is shown.
    if (source.size < 2 ** 28 || isAddress(source.name)) return;
    report.progress({ what: "MiB hashed", done: Math.round(done / 2 ** 20), total: Math.round(source.size / 2 ** 20) });
  };
  const hash = await sha256(source, { onProgress: show, signal });
  report.endProgress();
  if (shipped && shipped.sha256 !== hash)
    throw new CheckpointError(
      `${source.name} is damaged: its sha256 should be ${shipped.sha256}, and is ${hash}; install or check out again`,
    );
  return hash;
}

/**
 * A line for the settings that nothing tells, since a wrong guess shows in the pictures only. The shipped models' are
 * known; a single forward has no diffusion.
 */
export function sayAssumed({ checkpoint, shipped }: OpenModel, report: Report, { diffusion = true } = {}): void {
  const isDiffusion = /^(diffusion_steps|noise_schedule|predict_xstart|rescale_timesteps) /;
  const assumed = checkpoint.assumed.filter((setting) => !shipped && (diffusion || !isDiffusion.test(setting)));
  if (assumed.length > 0) report.say(`Assumed, since neither the file nor --flags says it: ${assumed.join(", ")}.`);
  if (assumed.some((setting) => setting.startsWith("weights from "))) report.say("--network NAME takes another.");
}

/** The same of a classifier, whose flags come by another option where it stands beside a model. */
export function sayAssumedOfClassifier(
  { file, assumed }: ClassifierCheckpoint,
  report: Report,
  option: FlagsOption,
): void {
  if (assumed.length > 0)
    report.say(`Assumed of ${file.name}, since neither the file nor --${option} says it: ${assumed.join(", ")}.`);
}

/** @throws InputError for networks that cannot fill pictures */
export function requirePictureModel({ name, checkpoint: { config } }: OpenModel): void {
  if (config.superRes)
    throw new InputError(`${name} is a super-resolution network: it needs a small picture and cannot inpaint`);
  if (config.inChannels !== 3)
    throw new InputError(`pictures have 3 channels, and ${name} takes ${config.inChannels}: it cannot inpaint them`);
}
