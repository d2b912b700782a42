/**
 * Reads a classifier's flags in either of guided-diffusion's vocabularies: EncoderUNetModel's (model_channels, pool, …)
 * or its scripts' (classifier_width, classifier_depth, …), whose list for guided sampling carries the UNet's flags,
 * too. Not here: what the flags of both networks have in common (flags.ts).
 */
import { InputError } from "../../errors.ts";
import { type Pool, pools, type UNetConfig } from "../config.ts";
import {
  constructorOnly,
  diffusion,
  expected,
  lists,
  parseFlags,
  type Read,
  type Reading,
  scriptsOnly,
  shared,
  unknownFlag,
} from "../flags.ts";

const readPool: Read = (value, flag, to) => {
  if (pools.includes(value as Pool)) to.unet.pool = value as Pool;
  else expected(pools.map((pool) => JSON.stringify(pool)).join(", "), value, flag, to);
};

const ignored = (): void => {};

/** The scripts' words, and image_size, which the two networks share. */
const ofScripts: Record<string, Read> = {
  image_size: shared["image_size"]!,
  classifier_width: scriptsOnly["num_channels"]!,
  classifier_depth: shared["num_res_blocks"]!,
  classifier_use_scale_shift_norm: shared["use_scale_shift_norm"]!,
  classifier_resblock_updown: shared["resblock_updown"]!,
  classifier_pool: readPool,
  classifier_use_fp16: ignored,
  classifier_scale: ignored,
  classifier_path: ignored,
  // After image_size, of which the sizes are parts.
  classifier_attention_resolutions: lists["attention_resolutions"]!.scripts,
};

/** A UNet's flags, which no network of this kind has. */
const withoutMeaning = ["super_res", "num_classes"];

const ofConstructor: Record<string, Read> = {
  ...shared,
  ...constructorOnly,
  ...diffusion,
  pool: readPool,
  ...Object.fromEntries(Object.entries(lists).map(([name, { constructor }]) => [name, constructor])),
};

/**
 * Only what the flags say.
 * @throws InputError that lists every problem
 */
export function parseClassifierFlags(json: unknown): Partial<UNetConfig> {
  // The one error for what is no object.
  if (typeof json !== "object" || json === null || Array.isArray(json)) return parseFlags(json).unet;
  const to: Reading = { json: json as Record<string, unknown>, unet: {}, diffusion: {}, problems: [] };
  const isScripts = Object.keys(json).some((flag) => flag.startsWith("classifier_"));
  const readers = isScripts ? ofScripts : ofConstructor;
  const ofUNet = isScripts
    ? { ...shared, ...scriptsOnly, ...diffusion, ...lists, in_channels: 0, num_channels: 0 }
    : {};
  for (const flag of Object.keys(to.json)) {
    if (Object.hasOwn(readers, flag) && !withoutMeaning.includes(flag)) continue;
    if (!Object.hasOwn(ofUNet, flag)) to.problems.push(unknownFlag(flag, Object.keys({ ...readers, ...ofUNet })));
  }
  for (const [flag, read] of Object.entries(readers))
    if (Object.hasOwn(to.json, flag) && !withoutMeaning.includes(flag)) read(to.json[flag], flag, to);
  if (to.problems.length > 0) throw new InputError(`flags: ${to.problems.join("; ")}`);
  if (!isScripts) return to.unet;
  // create_classifier of the scripts leaves no choice.
  return { numHeadChannels: 64, ...to.unet };
}
