/**
 * What a whole picture takes with each preset: its model calls at the time of one, and the rest of a run, which is the
 * state's buffers, the table of embeddings and the readback, with shaders that were compiled before. Both are measured
 * on a short run of the preset's sampler.
 */
import { type Preset, PRESETS, type Sampling, samplingCalls } from "../src/repaint/sampling.ts";
import type { UNet } from "../src/unet/unet.ts";
import type { PictureResult } from "./result.ts";
import { type StepOptions, walk } from "./step.ts";

const shortRuns: { readonly [S in Sampling as S["sampler"]]: S } = {
  langevin: { sampler: "langevin", levels: 2, inner: 2, still: 0 },
  repaint: { sampler: "repaint", steps: 4, jumpLength: 2, resamples: 2 },
};

/** At batch 1 and the network's own size. @throws InterruptedError when the signal aborts */
export async function benchPictures(unet: UNet, { network, signal }: StepOptions): Promise<PictureResult[]> {
  const measured = new Map<string, { call: number; rest: number }>();
  // The first run of a page compiles its shaders; the others find them.
  await walk(unet, shortRuns.langevin, signal);
  for (const sampling of Object.values(shortRuns)) {
    const { steps, milliseconds, total } = await walk(unet, sampling, signal);
    measured.set(sampling.sampler, { call: milliseconds, rest: Math.max(0, total - steps * milliseconds) });
  }
  return (Object.keys(PRESETS) as Preset[]).map((preset) => {
    const sampling: Sampling = PRESETS[preset];
    const { call, rest } = measured.get(sampling.sampler)!;
    const calls = samplingCalls(sampling);
    const seconds = (calls * call + rest) / 1000;
    return {
      network,
      preset,
      sampler: sampling.sampler,
      calls,
      callMilliseconds: call,
      restMilliseconds: rest,
      seconds,
    };
  });
}
