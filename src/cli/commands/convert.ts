/**
 * `repaint convert`: any checkpoint that can be read becomes safetensors with its flags in the metadata, one tensor in
 * memory at a time. Files in diffusers' layout keep its names and carry their config.json, since its networks differ
 * from guided-diffusion's in more than names. A device measures what int8 costs, and nothing else.
 */
import { CheckpointError, NoAdapterError, OutOfMemoryError } from "../../errors.ts";
import { quantizationKey, quantizationWords } from "../../files/int8.ts";
import { refuseOutput } from "../../node/files.ts";
import type { Report } from "../../node/report.ts";
import { tensorBytes, writeTensorFile } from "../../node/tensorWriter.ts";
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import type { ClassifierCheckpoint } from "../../checkpoints/classifier/checkpoint.ts";
import { adapterOption, type Arguments, type Command, forceOption, jsonOption } from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { asConverted, convertedTensors, type Dtype, dtypes, hasInt8, Losses } from "../files/convertedTensors.ts";
import { byFlagName } from "../given/flagWords.ts";
import { int8Error } from "../tasks/int8Error.ts";
import { fileProgress } from "../files/fileProgress.ts";
import { flagsOption, networkOption, readFlags } from "../given/flags.ts";
import { sayAssumed, sayAssumedOfClassifier } from "../given/model.ts";
import { flagsOf, isClassifier, type Network, networkIn, type OpenFile, withFile } from "../given/network.ts";
import { bytes as inBytes, count, seconds } from "../../text/quantities.ts";
import type { TensorFile } from "../../files/tensorFile.ts";

interface Settings {
  /** A file, its address, or a shipped model. */
  readonly from: string;
  readonly flags: unknown;
  readonly network: string | undefined;
  readonly path: string;
  /** undefined: each tensor keeps its own. */
  readonly dtype: Dtype | undefined;
  readonly adapter: string | undefined;
  readonly force: boolean;
}

export const convertCommand: Command<Settings> = {
  name: "convert",
  summary: "write a checkpoint as safetensors with its flags inside, in another type if wanted",
  positional: "IN OUT",
  options: [
    {
      name: "dtype",
      value: "f16|f32|bf16|i8",
      help: "type of all floating-point tensors; i8: of convolutions and linear layers, with a scale an output channel (default: each keeps its own)",
    },
    flagsOption,
    networkOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  notes: [
    "IN is a PyTorch file (.pt), a safetensors file, one in diffusers' layout with its config.json beside it, or the name of a shipped model.",
    "OUT is read back and compared before it gets its name. Values too large for the type are an error.",
  ],
  parse,
  run,
};

async function parse(given: Arguments): Promise<Settings> {
  const [from, path] = given.positionals as [string, string];
  const dtype = given.choice("dtype", dtypes);
  const adapter = given.text("adapter");
  const network = given.text("network");
  return { from, flags: await readFlags(given), network, path, dtype, adapter, force: given.has("force") };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const { from, flags, path } = settings;
  await refuseOutput(path, settings);
  const body = async (opened: OpenFile): Promise<void> => {
    const file = asConverted(opened.file, settings.dtype);
    const network = await networkIn(Object.assign({}, opened, { file }), flags).catch((error: unknown) => {
      if (flags !== undefined || !(error instanceof CheckpointError)) throw error;
      return error;
    });
    const losses = new Losses(settings.dtype);
    const metadata = describedBy(network, opened, context.report);
    await write(
      context,
      opened.file,
      withQuantization(metadata, hasInt8(opened.file, settings.dtype)),
      settings,
      losses,
    );
    if (settings.dtype === "i8") await sayInt8Cost(context, network, settings, losses);
  };
  await withFile(context, from, body, settings.network);
}

/**
 * The metadata to write, after what is to be said of them. Files that hold no network, a part of one for example, keep
 * theirs.
 */
function describedBy(network: Network | CheckpointError, opened: OpenFile, report: Report): Record<string, string> {
  if (network instanceof CheckpointError) {
    report.say(`No network that this program runs, so that its tensors are written without flags: ${network.message}`);
    return Object.fromEntries(opened.file.metadata);
  }
  if (isClassifier(network)) {
    sayAssumedOfClassifier(network, report, "flags");
    return classifierMetadata(network);
  }
  sayAssumed({ ...opened, checkpoint: network }, report);
  return metadataOf(network);
}

async function write(
  { report, signal }: Context,
  file: TensorFile,
  metadata: Record<string, string>,
  { path, dtype, force }: Settings,
  losses: Losses,
): Promise<void> {
  const tensors = convertedTensors(file, dtype, losses);
  const begin = performance.now();
  const size = await writeTensorFile(path, tensors, metadata, {
    force,
    signal,
    onProgress: fileProgress(report),
    beforeVerifying: () => losses.refuseOverflow(file.name),
  });
  report.endProgress();
  const took = (performance.now() - begin) / 1000;
  const largest = Math.max(0, ...tensors.map(tensorBytes));
  report.event("converted", { file: path, tensors: tensors.length, bytes: size, dtype: dtype ?? null, seconds: took });
  report.say(
    `Wrote ${path}: ${count(tensors.length, "tensor")}, ${inBytes(size)} (the largest ${inBytes(largest)}), read back and compared, in ${seconds(took)}.`,
  );
}

/** What int8 cost: the matrices that lost most, and a forward's error where there is an adapter. */
async function sayInt8Cost(context: Context, network: Network | CheckpointError, settings: Settings, losses: Losses) {
  const { report } = context;
  const worst = [...losses.rounding].sort(([, a], [, b]) => b - a).slice(0, 5);
  const words = worst.map(([name, error]) => `${name} ${error.toExponential(1)}`);
  if (words.length > 0) report.say(`Matrices that lost most (relative error): ${words.join(", ")}`);
  const layers = worst.map(([name, error]) => ({ name, error }));
  if (network instanceof CheckpointError || isClassifier(network))
    return report.event("int8", { layers, forward: null });
  try {
    const device = await announceDevice(context, settings.adapter);
    const forward = await int8Error(context, device, network, settings.path);
    report.event("int8", { layers, forward });
    report.say(`One forward with these weights differs by ${forward.toExponential(1)} from one with the source's.`);
  } catch (error) {
    if (!(error instanceof NoAdapterError || error instanceof OutOfMemoryError)) throw error;
    report.event("int8", { layers, forward: null });
    report.say(`What it costs a forward was not measured: ${error.message}`);
  }
}

function withQuantization(metadata: Record<string, string>, isInt8: boolean): Record<string, string> {
  const { [quantizationKey]: _, ...others } = metadata;
  return isInt8 ? { ...others, [quantizationKey]: quantizationWords } : others;
}

/** What the file says of itself stays, flags are written out whole, and what was assumed is marked as such. */
function metadataOf({ file, config, diffusion, assumed, diffusersConfig }: Checkpoint): Record<string, string> {
  const { flags: _, assumed: __, ...others } = Object.fromEntries(file.metadata);
  if (diffusersConfig) return { ...others, diffusers_config: JSON.stringify(diffusersConfig) };
  return {
    ...others,
    guided_diffusion_unet: JSON.stringify(byFlagName(config)),
    diffusion: JSON.stringify(byFlagName(diffusion)),
    ...(assumed.length > 0 ? { assumed: JSON.stringify(assumed) } : {}),
  };
}

/** The same; what was assumed is left out, so that it still is when the file is read again. */
function classifierMetadata(network: ClassifierCheckpoint): Record<string, string> {
  const { flags: _, ...others } = Object.fromEntries(network.file.metadata);
  const assumed = network.assumed.map((setting) => setting.split(" ")[0]);
  const flags = Object.entries(flagsOf(network)).filter(([name]) => !assumed.includes(name));
  return { ...others, guided_diffusion_classifier: JSON.stringify(Object.fromEntries(flags)) };
}
