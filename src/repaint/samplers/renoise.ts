/**
 * Rows of the kernel `renoise`, which samplers share: climbs of RePaint, the known region blended in, and the start
 * from a given picture.
 */
import type { ParameterValues } from "../../engine/kernel.ts";
import type { PlanBuilder } from "../../engine/plan.ts";
import type { knownRegionParameters } from "../../shaders/lib/knownRegion.ts";
import { renoise } from "../../shaders/renoise.ts";
import { forwardCoefficients, type NoisingCoefficients } from "../diffusion.ts";
import { startDraw, type PlanContext, type RunPlan, type StateLayout, type StateTensors } from "../runPlan.ts";
import { noiseLevels, walked, type Sampling } from "../sampling.ts";

export type RenoiseRow = ParameterValues<typeof renoise.parameters>;
type KnownRow = ParameterValues<typeof knownRegionParameters>;

export interface Drawn {
  readonly draw: number;
  /** The level at which the known region is blended in; undefined: not at all. */
  readonly blend?: NoisingCoefficients | undefined;
}

export function knownRow({ images, vectors, pixelVectors }: StateLayout, { draw, blend }: Drawn): KnownRow {
  return {
    images,
    vectors,
    pixelVectors,
    draw,
    blend: blend ? 1 : 0,
    blendSignal: blend?.signal ?? 0,
    blendNoise: blend?.noise ?? 0,
  };
}

export function climbRow(layout: StateLayout, { signal, noise }: NoisingCoefficients, drawn: Drawn): RenoiseRow {
  return { ...knownRow(layout, drawn), signal, noiseAmount: noise };
}

/** x stays as it is but where the picture is known. */
export function blendRow(layout: StateLayout, drawn: Drawn): RenoiseRow {
  return climbRow(layout, { signal: 1, noise: 0 }, drawn);
}

export function addRenoise(builder: PlanBuilder, tensors: StateTensors, rows: readonly RenoiseRow[]): void {
  const { x, noise, seeds, known, keep, knownNoise } = tensors;
  builder.dispatch(renoise, { tensors: { x, noise, seeds, known, keep, knownNoise }, parameters: rows, variant: {} });
}

/** With a strength, the dispatch that noises the picture that lies in x to the level where the run begins. */
export function withStart(
  dispatches: RunPlan["dispatches"],
  sampling: Sampling,
  { diffusion, layout }: PlanContext,
): RunPlan["dispatches"] {
  if (sampling.strength === undefined) return dispatches;
  const row = climbRow(layout, forwardCoefficients(diffusion, noiseLevels(walked(sampling)) - 1), { draw: startDraw });
  return { ...dispatches, start: (builder, tensors) => addRenoise(builder, tensors, [row]) };
}
