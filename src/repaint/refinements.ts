/** Which crops of a run go on beyond the network's size (refine.ts), and how much of one the device holds at once. */
import { padTo4 } from "../engine/tensor.ts";
import { InputError } from "../errors.ts";
import { chosenOctaves } from "../pictures/octaves.ts";
import { shown } from "../text/quoted.ts";
import type { UNet } from "../unet/unet.ts";
import { type Crop, hasKnown } from "./crops.ts";
import { Refinement, refinedSampling, type RefineOptions } from "./refine.ts";

interface RefinementsOptions extends Pick<RefineOptions, "sampling" | "tilesAtOnce"> {
  readonly unet: UNet;
  readonly jobs: readonly RefineOptions["job"][];
  readonly detail: "auto" | "full";
  readonly isGuided: boolean;
  /** Of device memory, for the state of a window. */
  readonly stateBytes: number | undefined;
  /** Of one crop. */
  readonly partsOf: (crop: Crop) => Pick<RefineOptions, "optionsOn" | "show" | "keep">;
}

/** Of the crops that are larger than the network's pictures. @throws InputError where no window fits the memory */
export function refinements(
  crops: readonly Crop[],
  { unet, jobs, detail, isGuided, stateBytes = 2 ** 28, partsOf, sampling, tilesAtOnce }: RefinementsOptions,
): ReadonlyMap<Crop, Refinement> {
  if (!(typeof stateBytes === "number" && stateBytes > 0))
    throw new InputError(`stateBytes: expected a number of bytes above 0, got ${shown(stateBytes)}`);
  const { imageSize: side } = unet.checkpoint.config;
  const outBytes = 4 * padTo4(unet.checkpoint.architecture.outChannels);
  // x, x̂₀, the known picture, the mask, the network's output, and a classifier's gradient.
  const bytesAPixel = 16 + 16 + 16 + 4 + outBytes + (isGuided ? 16 : 0);
  const { maxStorageBufferBindingSize } = unet.device.limits;
  const mostPixels = Math.floor(Math.min(stateBytes / bytesAPixel, maxStorageBufferBindingSize / outBytes));
  const refined = refinedSampling(sampling, unet.checkpoint.diffusion.diffusionSteps);
  const all = new Map<Crop, Refinement>();
  for (const crop of crops) {
    const job = jobs[crop.job]!;
    const sizes = chosenOctaves(job, crop.region, { side, detail });
    if (sizes.length === 0) continue;
    const sizing = { side, sizes, mostPixels, tilesAtOnce, sampling: refined, hasKnown: hasKnown(crop) };
    const refinement = new Refinement({ crop, job, ...sizing, ...partsOf(crop) });
    if (refinement.stretches.length > 0) all.set(crop, refinement);
  }
  return all;
}
