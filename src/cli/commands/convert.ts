/**
 * `repaint convert`: any checkpoint that can be read becomes safetensors with its flags in the metadata, one tensor in memory
 * at a time. Files in diffusers' layout keep its names and carry their config.json, since its networks differ from
 * guided-diffusion's in more than names. No device.
 */
import { CheckpointError } from "../../errors.ts";
import { refuseOutput } from "../../node/files.ts";
import type { Report } from "../../node/report.ts";
import { type StreamedTensor, tensorBytes, writeTensorFile } from "../../node/tensorWriter.ts";
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import type { ClassifierCheckpoint } from "../../checkpoints/classifier/checkpoint.ts";
import {
  type ConversionTarget,
  conversionTargets,
  convertFloats,
  isFloatType,
  targetType,
  widerTargets,
} from "../../files/conversion.ts";
import type { TensorFile, TensorInfo } from "../../files/safetensors.ts";
import { type Arguments, type Command, forceOption, jsonOption } from "../command.ts";
import type { Context } from "../context.ts";
import { byFlagName } from "../given/flagWords.ts";
import { fileProgress } from "../files/fileProgress.ts";
import { flagsOption, readFlags } from "../given/flags.ts";
import { sayAssumed, sayAssumedOfClassifier } from "../given/model.ts";
import { flagsOf, isClassifier, type Network, networkIn, type OpenFile, withFile } from "../given/network.ts";
import { bytes as inBytes, count, seconds } from "../../text/quantities.ts";

interface Settings {
  /** A file, its address, or a shipped model. */
  readonly from: string;
  readonly flags: unknown;
  readonly path: string;
  /** undefined: each tensor keeps its own. */
  readonly dtype: ConversionTarget | undefined;
  readonly force: boolean;
}

export const convertCommand: Command<Settings> = {
  name: "convert",
  summary: "write a checkpoint as safetensors with its flags inside, in another type if wanted",
  positional: "IN OUT",
  options: [
    { name: "dtype", value: "f16|f32|bf16", help: "type of all floating-point tensors (default: each keeps its own)" },
    flagsOption,
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
  const dtype = given.choice("dtype", conversionTargets);
  return { from, flags: await readFlags(given), path, dtype, force: given.has("force") };
}

async function run(settings: Settings, context: Context): Promise<void> {
  const { from, flags, path } = settings;
  await refuseOutput(path, settings);
  await withFile(context, from, async (opened) => {
    const network = await networkIn(opened, flags, context).catch((error: unknown) => {
      if (flags !== undefined || !(error instanceof CheckpointError)) throw error;
      return error;
    });
    await write(context, opened.file, describedBy(network, opened, context.report), settings);
  });
}

/** The metadata to write, after what is to be said of them. Files that hold no network, a part of one for example, keep theirs. */
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
): Promise<void> {
  const overflow = new Overflow(dtype);
  const tensors = [...file.tensors.values()].map((info) => converted(file, info, dtype, overflow));
  const begin = performance.now();
  const size = await writeTensorFile(path, tensors, metadata, {
    force,
    signal,
    onProgress: fileProgress(report),
    beforeVerifying: () => overflow.refuse(file.name),
  });
  report.endProgress();
  const took = (performance.now() - begin) / 1000;
  const largest = Math.max(0, ...tensors.map(tensorBytes));
  report.event("converted", { file: path, tensors: tensors.length, bytes: size, dtype: dtype ?? null, seconds: took });
  report.say(
    `Wrote ${path}: ${count(tensors.length, "tensor")}, ${inBytes(size)} (the largest ${inBytes(largest)}), read back and compared, in ${seconds(took)}.`,
  );
}

function converted(
  file: TensorFile,
  info: TensorInfo,
  to: ConversionTarget | undefined,
  overflow: Overflow,
): StreamedTensor {
  const { name, shape, dtype } = info;
  const target = to && isFloatType(dtype) ? targetType(to) : dtype;
  return {
    name,
    shape,
    dtype: target,
    bytes: async () => {
      const bytes = await file.read(name);
      if (target === dtype) return bytes;
      const { data, overflows, largest } = convertFloats(bytes, dtype, to!);
      overflow.add(name, overflows, largest);
      return data;
    },
  };
}

/** Values that are infinite in the new type: one makes a network's every output NaN. */
class Overflow {
  readonly #type: ConversionTarget | undefined;
  #count = 0;
  #largest = { name: "", value: 0 };

  constructor(type: ConversionTarget | undefined) {
    this.#type = type;
  }

  add(name: string, overflows: number, largest: number): void {
    this.#count += overflows;
    if (largest > this.#largest.value) this.#largest = { name, value: largest };
  }

  /** @throws CheckpointError where there was one */
  refuse(file: string): void {
    if (this.#count === 0) return;
    const { name, value } = this.#largest;
    const wider = widerTargets(this.#type!);
    throw new CheckpointError(
      `${file}: ${count(this.#count, "value")} too large for ${this.#type} (the largest is ${value.toPrecision(6)}, in ${name}): ` +
        (wider.length > 0 ? `convert to ${wider.join(" or ")}, or keep the type` : "keep the type"),
    );
  }
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
