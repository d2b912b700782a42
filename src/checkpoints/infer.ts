/**
 * A network's configuration from the names and shapes of its tensors, and the one error that lists every tensor that
 * does not fit. Tensors vote, so that one damaged tensor is reported instead of misleading the rest. Not here: what the
 * names of a block mean (architecture.ts), files (checkpoint.ts), other layouts than guided-diffusion's.
 */
import { CheckpointError } from "../errors.ts";
import { type Architecture } from "./architecture.ts";
import { expectedTensors, tensorsOf } from "./layers.ts";
import { classTable } from "./names.ts";
import { configProblems, flagName, levelChannels, type UNetConfig } from "./config.ts";
import { scaleName } from "../files/int8.ts";
import { floatTypes } from "../files/types.ts";
import { quoted } from "../text/quoted.ts";
import { type Found, readTensorNames, type TensorShapes } from "./votes.ts";

/** Tensors that are missing, left over, misshapen or of a wrong type, and flags that contradict them. */
export class TensorMismatchError extends CheckpointError {
  override name = "TensorMismatchError";
  /** All of them; the message shows the first 20. */
  readonly problems: readonly string[];

  constructor(file: string, problems: readonly string[]) {
    const shown = problems.slice(0, 20).join("; ");
    const more = problems.length > 20 ? `; and ${problems.length - 20} more` : "";
    super(
      `${file} does not fit its network in ${problems.length === 1 ? "1 place" : `${problems.length} places`}: ${shown}${more}`,
    );
    this.problems = problems;
  }
}

/** What shapes cannot show, and what is assumed where no flag says it: see `assume`. */
export const assumable = [
  "imageSize",
  "numHeads",
  "numHeadChannels",
  "useNewAttentionOrder",
] as const satisfies (keyof UNetConfig)[];

/**
 * The configuration of a state dict. Flags win where shapes say nothing. Assumed without a flag: the released networks'
 * 64 channels a head (their scripts' 4 heads where 64 does not divide the width), the legacy attention order, and an
 * image side of 2^(levels + 2), at least 32 (64 for four levels … 512 for seven; super-resolution: 32 × the first
 * factor that attends).
 * @throws TensorMismatchError for tensors that do not fit and for flags that contradict tensors (naming both),
 * CheckpointError for a network that cannot be built or that no tensor describes
 */
export function inferConfig(tensors: TensorShapes, flags: Partial<UNetConfig> = {}, file = "checkpoint"): UNetConfig {
  const { config, problems } = explain(readTensorNames(tensors), tensors, flags, file);
  if (problems.length > 0) throw new TensorMismatchError(file, problems);
  return config;
}

/**
 * The configuration that the facts mean, and what it does not explain. @throws as inferConfig, but for problems with
 * tensors
 */
export function explain(
  found: Found,
  tensors: TensorShapes,
  flags: Partial<UNetConfig>,
  file: string,
): { config: UNetConfig; problems: string[] } {
  const inferred = fieldsFromTensors(found, flags, file);
  const pool = flags.pool === undefined ? {} : { pool: flags.pool };
  const groups = flags.normNumGroups === undefined ? {} : { normNumGroups: flags.normNumGroups };
  const fromTensors = { ...assume(inferred, flags), ...inferred, ...pool, ...groups };
  const config: UNetConfig = { ...fromTensors, ...flags };
  const contradictions = listContradictions(found, inferred, flags);
  const unbuildable = configProblems(config);
  if (unbuildable.length > 0) {
    if (contradictions.length > 0) throw new TensorMismatchError(file, contradictions);
    const what = flags.pool === undefined ? "UNet" : "classifier";
    throw new CheckpointError(`${file}: this ${what} cannot be built: ${unbuildable.join("; ")}`);
  }
  const problems = compare(expectedTensors(config), tensors);
  if (problems.length === 0) return { config, problems };
  if (contradictions.length === 0 || configProblems(fromTensors).length > 0)
    return { config, problems: [...contradictions, ...problems] };
  // Flags that are wrong misplace hundreds of tensors: list what the nearer of the two networks does not explain.
  const without = compare(expectedTensors(fromTensors), tensors);
  return { config, problems: [...contradictions, ...(without.length < problems.length ? without : problems)] };
}

/** @throws TensorMismatchError unless the tensors are exactly those of an architecture */
export function checkTensors(architecture: Architecture, tensors: TensorShapes, file: string): void {
  const problems = compare(tensorsOf(architecture), tensors);
  if (problems.length > 0) throw new TensorMismatchError(file, problems);
}

type Inferred = Omit<
  UNetConfig,
  "imageSize" | "numHeads" | "numHeadChannels" | "numHeadsUpsample" | "useNewAttentionOrder"
>;

/**
 * Fields that tensors decide; flags stand in only where the tensors that would show them are missing or leave a choice.
 */
function fieldsFromTensors(found: Found, flags: Partial<UNetConfig>, file: string): Inferred {
  const widths = found.widths.map(({ value }) => value);
  const modelChannels = found.modelChannels?.value ?? flags.modelChannels;
  const outChannels = found.outChannels?.value ?? flags.outChannels;
  const useScaleShiftNorm = found.scaleShift?.value ?? flags.useScaleShiftNorm;
  if (
    modelChannels === undefined ||
    outChannels === undefined ||
    useScaleShiftNorm === undefined ||
    widths.length === 0
  ) {
    const looked =
      flags.pool === undefined
        ? "UNet (time_embed.*, input_blocks.N.0.*, output_blocks.N.0.* and out.2.*)"
        : "classifier (time_embed.*, input_blocks.N.0.* and out.*)";
    throw new CheckpointError(`${file}: expected the tensors of a guided-diffusion ${looked}, but they are missing`);
  }
  const stem = found.stemChannels?.value;
  const superRes = flags.superRes ?? isSuperRes(stem, flags.inChannels, outChannels);
  const inChannels = stem === undefined ? (flags.inChannels ?? 3) : superRes && stem % 2 === 0 ? stem / 2 : stem;
  return {
    inChannels,
    modelChannels,
    outChannels,
    numResBlocks: found.numResBlocks,
    attentionResolutions: found.attends.flatMap((attends, level) => (attends ? [2 ** level] : [])),
    channelMult: widths.map((width) => multiple(width, modelChannels)),
    // ResBlocks that resample, and a single level, leave this without effect.
    convResample: found.resample === "pool" ? false : found.resample === "conv" ? true : (flags.convResample ?? true),
    numClasses: found.numClasses?.value ?? null,
    useScaleShiftNorm,
    resblockUpdown: found.resample === "none" ? (flags.resblockUpdown ?? false) : found.resample === "res",
    superRes,
  };
}

/**
 * Twice the image's channels go in: recognised by in_channels, or by the output, which has the image's channels or
 * twice those.
 */
function isSuperRes(stem: number | undefined, inChannels: number | undefined, outChannels: number): boolean {
  if (stem === undefined) return false;
  if (inChannels !== undefined) return stem === 2 * inChannels;
  // Six in and six out could be a six-channel image too, but RGB with learned variance is what people have.
  return stem === 2 * outChannels || (stem === 6 && outChannels === 6);
}

/** The channel_mult for which int(mult · modelChannels) is the width, although the quotient may be rounded. */
function multiple(width: number, modelChannels: number): number {
  const quotient = width / modelChannels;
  return Math.trunc(quotient * modelChannels) === width ? quotient : (width + 0.5) / modelChannels;
}

function assume(
  inferred: Inferred,
  flags: Partial<UNetConfig>,
): Pick<UNetConfig, "numHeadsUpsample" | (typeof assumable)[number]> {
  const widths = levelChannels(inferred);
  const levels = widths.length;
  const attending = widths.filter(
    (_, level) => level === levels - 1 || inferred.attentionResolutions.includes(2 ** level),
  );
  const headsGiven = flags.numHeads !== undefined || flags.numHeadChannels !== undefined;
  const numHeadChannels = !headsGiven && attending.every((width) => width % 64 === 0) ? 64 : -1;
  const firstFactor = inferred.attentionResolutions[0];
  const byDepth = Math.max(32, 2 ** (levels + 2));
  const imageSize =
    inferred.superRes && firstFactor !== undefined ? Math.max(32 * firstFactor, 2 ** (levels - 1)) : byDepth;
  return { imageSize, numHeads: 4, numHeadChannels, numHeadsUpsample: -1, useNewAttentionOrder: false };
}

function listContradictions(found: Found, inferred: Inferred, flags: Partial<UNetConfig>): string[] {
  const problems: string[] = [];
  const check = (key: keyof Inferred, agrees: boolean, evidence: string) => {
    if (flags[key] === undefined || agrees) return;
    const says = JSON.stringify(inferred[key]);
    problems.push(`flag ${flagName(key)} ${JSON.stringify(flags[key])} contradicts ${evidence}, which means ${says}`);
  };
  const same = (key: keyof Inferred, evidence: string | undefined) =>
    check(key, evidence === undefined || flags[key] === inferred[key], evidence ?? "");
  same("modelChannels", found.modelChannels?.evidence);
  same("outChannels", found.outChannels?.evidence);
  const stem = found.stemChannels;
  if (stem) {
    const sides = inferred.superRes ? 2 : 1;
    check("superRes", flags.superRes !== true || stem.value % 2 === 0, stem.evidence);
    check("inChannels", flags.inChannels! * sides === stem.value, stem.evidence);
  }
  same("numClasses", found.numClasses?.evidence ?? `the absence of ${classTable}`);
  same("useScaleShiftNorm", found.scaleShift?.evidence);
  same("numResBlocks", found.structure);
  if (found.resample !== "none") {
    same("resblockUpdown", found.structure);
    if (found.resample !== "res") same("convResample", found.structure);
  }
  const flagWidths = levelChannels({ channelMult: flags.channelMult ?? [], modelChannels: inferred.modelChannels });
  const wrongLevel = found.widths.findIndex(({ value }, level) => flagWidths[level] !== value);
  const sameWidths = flagWidths.length === found.widths.length && wrongLevel < 0;
  check("channelMult", sameWidths, found.widths[wrongLevel]?.evidence ?? found.structure);
  const wrongAttention = found.attends.findIndex(
    (attends, level) => attends !== flags.attentionResolutions?.includes(2 ** level),
  );
  check("attentionResolutions", wrongAttention < 0, found.attentionEvidence[wrongAttention] ?? "");
  return problems;
}

function compare(expected: Map<string, number[]>, tensors: TensorShapes): string[] {
  const problems: string[] = [];
  const wrongTypes = new Map<string, string[]>();
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (!tensor) problems.push(`missing ${name} [${shape.join(", ")}]`);
    else if (tensor.shape.length !== shape.length || tensor.shape.some((size, i) => size !== shape[i])) {
      problems.push(`${name}: expected [${shape.join(", ")}], got [${tensor.shape.slice(0, 8).join(", ")}]`);
    } else if (
      tensor.dtype !== undefined &&
      !tensor.scale &&
      !(floatTypes as readonly string[]).includes(tensor.dtype)
    ) {
      const names = wrongTypes.get(tensor.dtype);
      if (names) names.push(name);
      else wrongTypes.set(tensor.dtype, [name]);
    }
  }
  for (const [type, [name = "", ...more]] of wrongTypes) {
    const scaled = type === "I8" ? `, or I8 with ${scaleName(name)} beside it` : "";
    const remedy = type.startsWith("F8") ? " (repaint convert --dtype f16 makes F16 of it)" : "";
    const others = more.length > 0 ? ` and ${more.length} more` : "";
    problems.push(`${name}${others}: expected ${floatTypes.join(", ")}${scaled}, got ${type}${remedy}`);
  }
  for (const [name, { shape }] of tensors) {
    if (!expected.has(name)) problems.push(`unexpected ${quoted(name)} [${shape.slice(0, 8).join(", ")}]`);
  }
  return problems;
}
