/**
 * Networks that know the same and say it as ε, as x₀ or as v (diffusers' v_prediction): by either sampler they give the
 * same picture. What they know is a Gaussian pixel, of which each answer is a number times x.
 */
import { expect, it } from "vitest";
import { type DiffusionSettings, defaultDiffusion } from "../src/checkpoints/config.ts";
import { sample } from "../src/repaint/loop.ts";
import type { Sampling } from "../src/repaint/sampling.ts";
import { gpuDevice } from "./support/gpu.ts";
import { relativeError } from "./support/goldens.ts";
import { linearNetwork } from "./support/linearNetwork.ts";

const [side, variance] = [4, 0.2];

/** Of a pixel of this variance, E[· | x] / x. */
function factor({ predictXstart, predictV }: DiffusionSettings, alphaBar: number): number {
  const [signal, noise] = [Math.sqrt(alphaBar), Math.sqrt(1 - alphaBar)];
  const start = (signal * variance) / (alphaBar * variance + 1 - alphaBar);
  const epsilon = (1 - signal * start) / noise;
  return predictXstart ? start : predictV ? signal * epsilon - noise * start : epsilon;
}

async function run(predicts: Partial<DiffusionSettings>, sampling: Sampling): Promise<Float32Array> {
  const settings = { ...defaultDiffusion, ...predicts, noiseSchedule: "cosine", sigmaSmall: true } as const;
  const matrix = (_: number, alphaBar: number) => {
    const pixels = side * side;
    const value = factor(settings, alphaBar);
    return Float32Array.from({ length: pixels ** 2 }, (_, at) => (at % (pixels + 1) === 0 ? value : 0));
  };
  const steps = sample({
    unet: linearNetwork(await gpuDevice(), { settings, samplings: [sampling], matrix }),
    shape: { batch: 1, channels: 3, height: side, width: side },
    sampling,
    seeds: [5n],
    known: {
      image: Float32Array.from({ length: 3 * side * side }, (_, i) => Math.sin(i)),
      keep: Float32Array.from({ length: side * side }, (_, i) => (i % 3 === 0 ? 1 : 0)),
    },
  });
  for (;;) {
    const next = await steps.next();
    if (next.done) return next.value;
  }
}

const samplings: Sampling[] = [
  { sampler: "repaint", steps: 12, jumpLength: 2, resamples: 2 },
  { sampler: "repaint", steps: 12, jumpLength: 2, resamples: 2, eta: 0.5 },
  { sampler: "langevin", levels: 6, inner: 2 },
];

it.each(samplings)("%j gives the same picture whatever the network predicts", async (sampling) => {
  const byEpsilon = await run({}, sampling);
  expect(Math.max(...byEpsilon.map(Math.abs))).toBeGreaterThan(0.1);
  for (const predicts of [{ predictXstart: true }, { predictV: true }])
    expect(relativeError(await run(predicts, sampling), byEpsilon)).toBeLessThan(2e-5);
});
