/**
 * The table of a run: each transition becomes one row of parameters for one dispatch. Pure; the order of the paper's
 * Algorithm 1 and that of RePaint's program differ only in what stands here.
 */
import type { ParameterValues } from "../engine/kernel.ts";
import type { knownRegionParameters } from "../shaders/lib/knownRegion.ts";
import type { renoise } from "../shaders/renoise.ts";
import type { reverseStep } from "../shaders/reverseStep.ts";
import {
  climbCoefficients,
  forwardCoefficients,
  guidanceCoefficients,
  reverseCoefficients,
  type Diffusion,
  type VarianceType,
} from "./diffusion.ts";
import type { Transition } from "./transitions.ts";

/**
 * program: the known region is noised to the level at which the network is called next; x̂₀ is clipped; climbs use the
 * target's β. paper (Algorithm 1): the known region follows every reverse step, at ᾱ of the step itself and without
 * noise at the last; the mean comes from the raw ε; climbs use the source's β.
 */
export type Order = "program" | "paper";

/** Floats of the state: what every row repeats. */
export interface StateLayout {
  readonly images: number;
  /** vec4s of one image, and of one pixel. */
  readonly vectors: number;
  readonly pixelVectors: number;
  readonly channels: number;
  /** Floats of a pixel of the network's output. */
  readonly outStride: number;
}

export type ReverseRow = ParameterValues<typeof reverseStep.parameters>;
export type ClimbRow = ParameterValues<typeof renoise.parameters>;
type KnownRow = ParameterValues<typeof knownRegionParameters>;

/** One step of a run: the row of its dispatch, and the respaced step whose embedding a model call takes. */
type Step =
  | { readonly kind: "reverse"; readonly from: number; readonly row: number }
  | { readonly kind: "climb"; readonly from: number; readonly to: number; readonly row: number };

export interface StepTable {
  readonly steps: readonly Step[];
  readonly reverse: readonly ReverseRow[];
  readonly climbs: readonly ClimbRow[];
}

/** Draw 0 is the start's noise, draw i + 1 belongs to transition i. */
export const startDraw = 0;

/** A blend at a level of the diffusion; undefined: none. */
function knownRow(layout: StateLayout, draw: number, blend?: { signal: number; noise: number }): KnownRow {
  const { images, vectors, pixelVectors } = layout;
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

/** A climb's row, or with signal 1 and noise 0 a row that only blends. */
export function climbRow(
  layout: StateLayout,
  {
    draw,
    signal,
    noise,
    blend,
  }: { draw: number; signal: number; noise: number; blend?: { signal: number; noise: number } | undefined },
): ClimbRow {
  return { ...knownRow(layout, draw, blend), signal, noiseAmount: noise };
}

/** A reverse step's row. */
export function reverseRow(
  layout: StateLayout,
  diffusion: Diffusion,
  {
    from,
    variance,
    eta,
    scale = 0,
    draw,
    blend,
  }: {
    from: number;
    variance: VarianceType;
    eta?: number | undefined;
    /** Of a classifier's guidance. */
    scale?: number | undefined;
    draw: number;
    blend?: { signal: number; noise: number } | undefined;
  },
): ReverseRow {
  const { channels, outStride } = layout;
  return {
    ...knownRow(layout, draw, blend),
    channels,
    outStride,
    ...reverseCoefficients(diffusion, from, { variance, eta }),
    ...guidanceCoefficients(diffusion, from, { scale, variance, eta }),
  };
}

/** The rows of a whole run with merged climbs. */
export function stepTable(
  transitions: readonly Transition[],
  diffusion: Diffusion,
  layout: StateLayout,
  {
    variance,
    order,
    ...options
  }: { variance: VarianceType; order: Order; eta?: number | undefined; scale?: number | undefined },
): StepTable {
  const steps: Step[] = [];
  const reverse: ReverseRow[] = [];
  const climbs: ClimbRow[] = [];
  for (const [index, transition] of transitions.entries()) {
    const draw = index + 1;
    if (transition.kind === "reverse") {
      const { from } = transition;
      steps.push({ kind: "reverse", from, row: reverse.length });
      reverse.push(
        reverseRow(layout, diffusion, {
          from,
          variance,
          ...options,
          draw,
          blend: blendAfterReverse(transitions, index, diffusion, order),
        }),
      );
    } else {
      const { from, to } = transition;
      const { signal, noise } = climbCoefficients(diffusion, from, to, {
        beta: order === "program" ? "target" : "source",
      });
      steps.push({ kind: "climb", from, to, row: climbs.length });
      // A climb is followed by a model call at its top.
      const blend = order === "program" ? forwardCoefficients(diffusion, to) : undefined;
      climbs.push(climbRow(layout, { draw, signal, noise, blend }));
    }
  }
  return { steps, reverse, climbs };
}

function blendAfterReverse(transitions: readonly Transition[], index: number, diffusion: Diffusion, order: Order) {
  const { from } = transitions[index]!;
  if (order === "paper") {
    const { signal, noise } = forwardCoefficients(diffusion, from);
    return { signal, noise: from === 0 ? 0 : noise };
  }
  // Before a climb the whole image is noised again, so the known region is not looked at; after the last call nothing is.
  const next = transitions[index + 1];
  return next?.kind === "reverse" ? forwardCoefficients(diffusion, next.from) : undefined;
}
