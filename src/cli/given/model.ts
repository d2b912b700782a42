/**
 * The model that --weights means: a name of weights/manifest.json, a file, or its address; only its header is read here.
 * Not here: putting it on a device (src/unet, src/repaint).
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CheckpointError, InputError } from "../../errors.ts";
import { asInputError } from "../../node/files.ts";
import { type FileSource, sha256 } from "../../node/fileSource.ts";
import { type ShippedModel, shippedModels, weightsFolder } from "../../node/packageFiles.ts";
import { type Checkpoint, openCheckpoint } from "../../checkpoints/checkpoint.ts";
import { type ClassifierCheckpoint, openClassifier } from "../../checkpoints/classifier/checkpoint.ts";
import { classifierPresets } from "../../checkpoints/released/classifiers.ts";
import { findPreset, presets } from "../../checkpoints/released/find.ts";
import { type Arguments, hint, quoted } from "../command.ts";
import type { Context } from "../context.ts";
import type { Report } from "../../node/report.ts";
import { configBeside, fileName, isAddress, openWeights } from "./weightsFile.ts";

export interface OpenModel {
  /** Of the shipped model, else the file's. */
  readonly name: string;
  readonly source: FileSource;
  readonly checkpoint: Checkpoint;
  readonly shipped: ShippedModel | undefined;
}

/** Opens the model for the time of `body`. Without a name it is the first of the manifest. `option` is for messages. */
export function withModel<T>(
  context: Context,
  weights: string | undefined,
  flags: unknown,
  body: (model: OpenModel) => Promise<T>,
  option = "weights",
): Promise<T> {
  const open = async ({ path, ...opened }: OpenWeights) =>
    body({ ...opened, checkpoint: await openCheckpoint(opened.source, flags, () => configBeside(path, context)) });
  return withWeights(context, weights, open, option);
}

/** A file of weights of whatever kind. */
export interface OpenWeights extends Omit<OpenModel, "checkpoint"> {
  readonly path: string;
}

/** The same before it is known what network it is of. */
export async function withWeights<T>(
  context: Context,
  weights: string | undefined,
  body: (opened: OpenWeights) => Promise<T>,
  option = "weights",
): Promise<T> {
  const models = await shippedModels();
  const shipped = weights === undefined ? models[0] : models.find(({ name }) => name === weights);
  const path = shipped ? join(weightsFolder, shipped.file) : weights!;
  const source = await openWeights(path, context).catch((error: unknown) => {
    const isName = !shipped && /^[\w-]+$/.test(path);
    if (!isName || !(error instanceof InputError)) throw error;
    const names = models.map(({ name }) => name);
    throw new InputError(
      `--${option} ${path}: neither a file nor a shipped model${hint(path, names)}; shipped is ${names.join(", ")}`,
    );
  });
  try {
    return await body({ name: shipped?.name ?? fileName(path), source, shipped, path });
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
  weights: string,
  flags: unknown,
  body: (classifier: OpenClassifier) => Promise<T>,
  option = "classifier",
): Promise<T> {
  const open = async (opened: OpenWeights) =>
    body({ ...opened, checkpoint: await openClassifier(opened.source, flags) });
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

/** The value of --flags (or another option): JSON, @ and a file of JSON, or a preset's name; undefined where it was not given. */
export async function readFlags(given: Arguments, option: "flags" | "classifier-flags" = "flags"): Promise<unknown> {
  const value = given.text(option);
  if (value === undefined) return undefined;
  const preset = findPreset(value) ?? classifierPresets.find(({ name }) => name === value);
  if (preset) return preset.flags;
  let text = value;
  if (value.startsWith("@")) {
    try {
      text = await readFile(value.slice(1), "utf8");
    } catch (error) {
      throw asInputError(error, `cannot read --${option} ${value}`);
    }
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const reason = error instanceof Error ? error.message : "";
    throw new InputError(
      `--${option} ${quoted(value)} is not JSON (${reason}) and no released network's name; give an object as {"num_heads": 4}, or one of ${[...presets, ...classifierPresets].map(({ name }) => name).join(", ")}`,
    );
  }
}

/**
 * A line for the settings that nothing tells, since a wrong guess shows in the pictures only. The shipped models' are
 * known; a single forward has no diffusion.
 */
export function sayAssumed({ checkpoint, shipped }: OpenModel, report: Report, { diffusion = true } = {}): void {
  const isDiffusion = /^(diffusion_steps|noise_schedule|predict_xstart|rescale_timesteps) /;
  const assumed = checkpoint.assumed.filter((setting) => !shipped && (diffusion || !isDiffusion.test(setting)));
  if (assumed.length > 0) report.say(`Assumed, since neither the file nor --flags says it: ${assumed.join(", ")}.`);
}

/** The same of a classifier, whose flags come by another option where it stands beside a model. */
export function sayAssumedOfClassifier(
  { file, assumed }: ClassifierCheckpoint,
  report: Report,
  option: "flags" | "classifier-flags",
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
