/** Rows of the kernel `renoise`, which samplers share: climbs of RePaint, and the known region blended in. */
import type { ParameterValues } from "../../engine/kernel.ts";
import type { PlanBuilder } from "../../engine/plan.ts";
import type { knownRegionParameters } from "../../shaders/lib/knownRegion.ts";
import { renoise } from "../../shaders/renoise.ts";
import type { NoisingCoefficients } from "../diffusion.ts";
import type { StateLayout, StateTensors } from "../runPlan.ts";

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
