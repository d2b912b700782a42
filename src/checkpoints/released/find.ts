/** The released networks (unets.ts) found by name, and recognised by their architecture. */
import { InputError } from "../../errors.ts";
import { type Architecture, buildArchitecture } from "../architecture.ts";
import type { Checkpoint } from "../checkpoint.ts";
import { configProblems, type UNetConfig } from "../config.ts";
import { completeConfig, parseFlags } from "../flags.ts";
import { diffusersArchitecture } from "../diffusers/config.ts";
import { isDiffusersConfig } from "../recognise.ts";
import { nearNames } from "../../text/near.ts";
import { quoted } from "../../text/quoted.ts";
import { presets, type Preset } from "./unets.ts";

export { presets, type Preset };

/** The names under which one is found: its own, the released file's, and that without its ending. */
export function presetNames({ name, file }: Preset): string[] {
  return file === undefined ? [name] : [name, file, file.replace(/\.\w+$/, "")];
}

/** By any of its names, in any case; undefined where there is none. */
export function findPreset(name: string): Preset | undefined {
  const wanted = name.toLowerCase();
  return presets.find((preset) => presetNames(preset).some((known) => known.toLowerCase() === wanted));
}

/** @throws InputError that names the nearest, or all */
export function presetByName(name: string): Preset {
  const preset = findPreset(name);
  if (preset) return preset;
  const names = presets.map((known) => known.name);
  const near = nearNames(name, presets.flatMap(presetNames));
  const hint = near.length > 0 ? ` (did you mean ${near[0]}?)` : "";
  throw new InputError(`${quoted(name)} is no released network${hint}; there are ${names.join(", ")}`);
}

export function presetConfig({ flags }: Preset): UNetConfig {
  return isDiffusersConfig(flags) ? diffusersArchitecture(flags).config : completeConfig(parseFlags(flags));
}

export function presetArchitecture(preset: Preset): Architecture {
  const { flags } = preset;
  return isDiffusersConfig(flags) ? diffusersArchitecture(flags) : buildArchitecture(presetConfig(preset));
}

/** The side of a super-resolution preset's small picture. */
export function lowResSide({ flags }: Preset): number | undefined {
  return flags.small_size as number | undefined;
}

/**
 * The presets whose network is this one, whatever its weights are: all tensors and all heads agree. Image sizes are not
 * compared where tensors do not show them.
 */
export function identifyPreset(config: UNetConfig): readonly Preset[] {
  if (configProblems(config).length > 0) return [];
  const own = fingerprint(config);
  return presets.filter((preset) => !isDiffusersConfig(preset.flags) && fingerprint(presetConfig(preset)) === own);
}

/** The same of an open checkpoint, whose layout may be diffusers'. */
export function releasedAs({ config, architecture, diffusersConfig }: Released): readonly Preset[] {
  if (!diffusersConfig) return identifyPreset(config);
  const own = blocksOf(architecture);
  return presets.filter(({ flags }) => isDiffusersConfig(flags) && blocksOf(diffusersArchitecture(flags)) === own);
}

type Released = Pick<Checkpoint, "config" | "architecture" | "diffusersConfig">;

/** The blocks in order, with channels, heads and resampling: equal for configurations that compute the same. */
function fingerprint(config: UNetConfig): string {
  return blocksOf(buildArchitecture(config));
}

function blocksOf({ config, details, ...blocks }: Architecture): string {
  const { input, middle, output, stemChannels, embedChannels, outChannels } = blocks;
  const { useScaleShiftNorm, useNewAttentionOrder, numClasses, superRes } = config;
  const choices = { useScaleShiftNorm, useNewAttentionOrder, numClasses, superRes };
  return JSON.stringify({ input, middle, output, stemChannels, embedChannels, outChannels, choices, details });
}

/** The classifier's scale that released networks of this architecture were guided with; 1 where they say nothing. */
export function guidedScale({ config, diffusersConfig }: Pick<Checkpoint, "config" | "diffusersConfig">): number {
  const scales = diffusersConfig ? [] : identifyPreset(config).map(({ guidance }) => guidance?.scale);
  // Networks of one architecture that were used in different ways say nothing.
  const [first] = scales;
  return first !== undefined && scales.every((scale) => scale === first) ? first : 1;
}

/**
 * "imagenet256 (ImageNet 256×256, class-conditional)" or several such, for messages; undefined where the network is
 * none of the released ones.
 */
export function presetWords(config: UNetConfig): string | undefined {
  return wordsOf(identifyPreset(config));
}

/** The same of an open checkpoint. */
export function releasedWords(checkpoint: Released): string | undefined {
  return wordsOf(releasedAs(checkpoint));
}

function wordsOf(found: readonly Preset[]): string | undefined {
  if (found.length === 0) return undefined;
  const [first] = found;
  const single = `${first!.name} (${first!.title})`;
  return found.length === 1 ? single : `${found.map(({ name }) => name).join(", ")}, which are one architecture`;
}
