/**
 * What an evaluation is asked to do: names of pictures, masks, settings and seeds. It comes from options
 * (given/request.ts), from a JSON file (planFile.ts) or from the studies of `reproduce`. Not here: reading the pictures
 * and making a plan of it (plan.ts).
 */
import { InputError } from "../../errors.ts";
import type { MaskPattern } from "../../pictures/masks.ts";
import type { MaskKind } from "../files/pictureFiles.ts";
import type { RunSettings } from "../given/run.ts";
import { quoted } from "../../text/quoted.ts";

export interface RequestedMask {
  readonly name: string;
  readonly pattern: MaskPattern;
  readonly seed: bigint;
}

export interface RequestedSetting {
  readonly name: string;
  readonly run: RunSettings;
}

export interface EvaluationRequest {
  readonly images: readonly string[];
  readonly masks: readonly RequestedMask[];
  /** Mask files, as `inpaint` takes them. */
  readonly files: { readonly kind: MaskKind; readonly path: string } | undefined;
  readonly settings: readonly RequestedSetting[];
  readonly seeds: readonly bigint[];
}

export interface RequestParts extends Omit<EvaluationRequest, "files"> {
  readonly fill?: string | undefined;
  readonly keep?: string | undefined;
}

/** @throws InputError where something is missing, or named twice */
export function completeRequest({ images, masks, fill, keep, settings, seeds }: RequestParts): EvaluationRequest {
  if (images.length === 0) throw new InputError("pictures are needed: --image F, or images in the plan");
  if (fill !== undefined && keep !== undefined)
    throw new InputError("fill and keep say the same thing in two ways: give one of them");
  const files = filesOf(fill, keep);
  if (masks.length === 0 && !files)
    throw new InputError("masks are needed: --mask KIND, or --fill F or --keep F for files");
  requireDistinct("mask", [...masks.map(({ name }) => name), ...(files ? [files.kind] : [])]);
  requireDistinct(
    "setting",
    settings.map(({ name }) => name),
  );
  requireDistinct("seed", seeds.map(String));
  return { images, masks, seeds, files, settings: settings.length > 0 ? settings : [usualSetting] };
}

const usualSetting: RequestedSetting = { name: "fast", run: { preset: "fast" } };

function filesOf(fill: string | undefined, keep: string | undefined): EvaluationRequest["files"] {
  if (fill !== undefined) return { kind: "fill", path: fill };
  return keep === undefined ? undefined : { kind: "keep", path: keep };
}

function requireDistinct(what: string, names: readonly string[]): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined)
    throw new InputError(`${what} ${quoted(twice)} is given twice; give it once, or another name`);
}
