/** One result with its measures, as it is kept, and how it is measured. Not here: making it, means over many. */
import type { Mask, Picture } from "../pictures/image.ts";
import type { Lpips } from "./lpips.ts";
import { borderStep, grain, psnr, rootMeanSquare, smallestSsimSide, ssim } from "./measures.ts";

/**
 * Of a filled picture against the true one. Null: not defined (equal pictures, too small, no border) or not asked for.
 */
export interface Measures {
  /** Decibels, of the whole picture and of what was filled. */
  readonly psnr: number | null;
  readonly psnrFill: number | null;
  readonly ssim: number | null;
  readonly lpips: number | null;
  /** Mean colour step across the mask's border, 0 … 255, in the result and in the true picture. */
  readonly borderStep: number | null;
  readonly borderStepTruth: number | null;
  /** Of the fill, in the result and in the true picture. Records of earlier versions have none. */
  readonly grain?: number | null;
  readonly grainTruth?: number | null;
}

/** The distance to the result of another seed, over what was filled: RMS of the colours, and LPIPS of the pictures. */
export interface PairDistance {
  readonly seed: string;
  readonly rms: number;
  readonly lpips: number | null;
}

export interface EvaluationResult extends Measures {
  /** The task's place in the plan, and what it is in words. */
  readonly task: number;
  readonly picture: string;
  readonly mask: string;
  readonly setting: string;
  readonly seed: string;
  /** Of the picture, below the folder. */
  readonly file: string;
  readonly fileSha256: string;
  readonly adapter: string;
  readonly modelCalls: number;
  /** Wall time of the run; a batch's divided by its pictures. */
  readonly seconds: number;
  /** To the seeds before it. */
  readonly pairs: readonly PairDistance[];
}

const finite = (value: number | undefined): number | null => (Number.isFinite(value) ? value! : null);

/** @throws InputError where LPIPS is asked for pictures below 31×31 */
export async function measure(
  result: Picture,
  truth: Picture,
  keep: Mask,
  lpips: Lpips | undefined,
): Promise<Measures> {
  const isLarge = Math.min(truth.width, truth.height) >= smallestSsimSide;
  return {
    psnr: finite(psnr(result, truth)),
    psnrFill: finite(psnr(result, truth, keep)),
    ssim: isLarge ? ssim(result, truth) : null,
    lpips: lpips ? await lpips.ofPictures(result, truth) : null,
    borderStep: finite(borderStep(result, keep)),
    borderStepTruth: finite(borderStep(truth, keep)),
    grain: finite(grain(result, keep)),
    grainTruth: finite(grain(truth, keep)),
  };
}

export async function measurePair(
  result: Picture,
  other: { readonly seed: string; readonly picture: Picture },
  keep: Mask,
  lpips: Lpips | undefined,
): Promise<PairDistance> {
  return {
    seed: other.seed,
    rms: rootMeanSquare(result, other.picture, keep),
    lpips: lpips ? await lpips.ofPictures(result, other.picture) : null,
  };
}
