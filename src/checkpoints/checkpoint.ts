/**
 * Opens a checkpoint: header, flags, architecture and diffusion settings, and a plain word for files that hold
 * something else. Not here: reading weights (the loader streams them tensor by tensor), the formats themselves.
 */
import { CheckpointError, InputError } from "../errors.ts";
import { type Architecture, buildArchitecture } from "./architecture.ts";
import { defaultDiffusion, type DiffusionSettings, flagName, type UNetConfig } from "./config.ts";
import { type Flags, mergeFlags, noFlags, parseFlags } from "./flags.ts";
import { recognise } from "./recognise.ts";
import { inferConfig, assumable } from "./infer.ts";
import { classTable, headNames } from "./names.ts";
import type { ByteSource } from "../files/bytes.ts";
import type { OpenTensors } from "../files/open.ts";
import { openNetwork } from "./openNetwork.ts";
import type { TensorFile } from "../files/tensorFile.ts";

export interface Checkpoint {
  readonly file: TensorFile;
  readonly config: UNetConfig;
  readonly diffusion: DiffusionSettings;
  readonly architecture: Architecture;
  /**
   * Settings that neither a flag nor a tensor determines, as "noise_schedule linear": what a wrong picture may come
   * from.
   */
  readonly assumed: readonly string[];
  /**
   * The class that means none, where the metadata's `unconditional_class` names one: for pictures that are given no
   * class.
   */
  readonly unconditionalClass?: number | undefined;
  /** The config.json of a file in diffusers' layout. */
  readonly diffusersConfig?: Readonly<Record<string, unknown>>;
}

/**
 * Opens a safetensors or PyTorch file of a UNet, or takes one that is open. Flags come from `flags` (parsed JSON,
 * either vocabulary), then from the file's metadata: `guided_diffusion_unet` (constructor's vocabulary), `flags`
 * (scripts'), `diffusion`. A file in diffusers' layout needs its config.json, as the flags, from the metadata
 * (`diffusers_config`) or from `configBeside`, which is asked only then; flags may be its scheduler_config.json, too.
 * @throws InputError for flags that cannot be read, CheckpointError for a file that is damaged, is no such network or
 * contradicts the flags
 */
export async function openCheckpoint(
  source: ByteSource | OpenTensors,
  flags?: unknown,
  configBeside?: () => Promise<unknown>,
): Promise<Checkpoint> {
  const file = await openNetwork(source);
  const kind = recognise(file);
  if (kind === "diffusers") {
    // Most pages never see such a file.
    const { openDiffusers } = await import("./diffusers/openDiffusers.ts");
    return openDiffusers(file, flags, async () => metadataJson(file, "diffusers_config") ?? configBeside?.());
  }
  const given = flags === undefined ? noFlags : parseFlags(flags);
  if (kind !== "unet") {
    const { describeFile } = await import("./otherFiles.ts");
    throw new CheckpointError(
      `${file.name}: expected a guided-diffusion UNet, but it looks like ${describeFile(file)}`,
    );
  }
  return unetCheckpoint(file, given);
}

function unetCheckpoint(file: OpenTensors, given: Flags): Checkpoint {
  const merged = ["guided_diffusion_unet", "diffusion", "flags"]
    .map((key) => metadataFlags(file, key, parseFlags, noFlags))
    .reduce((over, under) => mergeFlags(over, under), given);
  const config = inferConfig(file.tensors, withHeads(merged), file.name);
  if (merged.classCond && config.numClasses === null) {
    throw new CheckpointError(`${file.name}: flag class_cond true contradicts the absence of ${classTable}`);
  }
  const diffusion = completeDiffusion(file.name, config, merged);
  const architecture = buildArchitecture(config);
  return {
    file,
    config,
    diffusion,
    architecture,
    unconditionalClass: unconditionalClassOf(file, config),
    assumed: [...file.assumed, ...assumedBefore(file, given), ...listAssumed(config, diffusion, merged)],
  };
}

/**
 * Flags that describe a whole network (they have model_channels or num_channels) and say nothing of heads mean what
 * they mean to guided-diffusion: 1 head (constructor), 4 heads (scripts).
 */
export function withHeads({ vocabulary, unet }: Flags): Partial<UNetConfig> {
  const isWhole = unet.modelChannels !== undefined && vocabulary !== "either";
  if (!isWhole || unet.numHeads !== undefined || unet.numHeadChannels !== undefined) return unet;
  return { ...unet, numHeads: vocabulary === "scripts" ? 4 : 1 };
}

/** Flags in the metadata under a key, `none` where it is not there. @throws CheckpointError */
export function metadataFlags<T>(file: TensorFile, key: string, parse: (json: unknown) => T, none: T): T {
  const json = metadataJson(file, key);
  if (json === undefined) return none;
  try {
    return parse(json);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new CheckpointError(`${file.name}: metadata ${JSON.stringify(key)}: ${error.message}`);
  }
}

function metadataJson(file: TensorFile, key: string): unknown {
  const text = file.metadata.get(key);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new CheckpointError(`${file.name}: metadata ${JSON.stringify(key)}: expected JSON`);
  }
}

function unconditionalClassOf(file: TensorFile, { numClasses }: UNetConfig): number | undefined {
  const label = metadataJson(file, "unconditional_class");
  if (label === undefined) return undefined;
  if (Number.isInteger(label) && (label as number) >= 0 && (label as number) < (numClasses ?? 0))
    return label as number;
  throw new CheckpointError(
    `${file.name}: metadata "unconditional_class": expected one of the network's classes (${numClasses ?? 0} of them), got ${JSON.stringify(label)}`,
  );
}

/** What `repaint convert` assumed when it wrote the flags into the file, less what is given now. */
function assumedBefore(file: TensorFile, { unet, diffusion }: Flags): string[] {
  const list = metadataJson(file, "assumed");
  if (!Array.isArray(list)) return [];
  const given = Object.keys({ ...unet, ...diffusion }).map((key) => flagName(key as keyof UNetConfig));
  const headsGiven = given.includes("num_heads") || given.includes("num_head_channels");
  return list.filter((setting): setting is string => {
    if (typeof setting !== "string" || setting.length > 200) return false;
    const [name = ""] = setting.split(" ");
    return !given.includes(name) && !(headsGiven && name.startsWith("num_head"));
  });
}

/** Twice as many channels out as the image has: the second half is the variance. */
function completeDiffusion(
  file: string,
  { inChannels, outChannels }: UNetConfig,
  { diffusion }: Flags,
): DiffusionSettings {
  const learnSigma = outChannels === 2 * inChannels;
  if (diffusion.learnSigma !== undefined && diffusion.learnSigma !== learnSigma) {
    const shape = `${headNames.image.convolution}.weight, which has ${outChannels} output channels for ${inChannels} of the image`;
    throw new CheckpointError(`${file}: flag learn_sigma ${diffusion.learnSigma} contradicts ${shape}`);
  }
  return { ...defaultDiffusion, ...diffusion, learnSigma };
}

function listAssumed(config: UNetConfig, diffusion: DiffusionSettings, flags: Flags): string[] {
  const headsGiven = flags.unet.numHeads !== undefined || flags.unet.numHeadChannels !== undefined;
  const hidden: (keyof UNetConfig)[] = headsGiven || config.numHeadChannels !== -1 ? ["numHeads"] : ["numHeadChannels"];
  if (headsGiven) hidden.push("numHeadChannels");
  const unetKeys = assumable.filter((key) => flags.unet[key] === undefined && !hidden.includes(key));
  const diffusionKeys = (["diffusionSteps", "noiseSchedule", "predictXstart", "rescaleTimesteps"] as const).filter(
    (key) => flags.diffusion[key] === undefined,
  );
  return [
    ...unetKeys.map((key) => `${flagName(key)} ${config[key]}`),
    ...diffusionKeys.map((key) => `${flagName(key)} ${diffusion[key]}`),
  ];
}
