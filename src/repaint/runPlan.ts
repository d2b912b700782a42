/**
 * What a sampler makes of a run before it begins: the dispatches beside the network with all their rows of parameters,
 * and the steps in order. State and loop carry it out and know no sampler.
 */
import type { DiffusionSettings } from "../checkpoints/config.ts";
import type { PlanBuilder } from "../engine/plan.ts";
import { padTo4, type Tensor } from "../engine/tensor.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { Diffusion } from "./diffusion.ts";

/** Sizes of the state on the device: what every row repeats. */
export interface StateLayout {
  readonly images: number;
  /** vec4s of one image, and of one pixel. */
  readonly vectors: number;
  readonly pixelVectors: number;
  readonly channels: number;
  /** Floats of a pixel of the network's output. */
  readonly outStride: number;
}

/** The tensors that a sampler's dispatch may bind. Noise comes from `seeds`, or from buffers in a replay. */
export interface StateTensors {
  readonly x: Tensor;
  /** The network's output as it lies: prediction, and variance where that is learned. */
  readonly out: Tensor;
  /** x̂₀ of the last call, which the dispatch after a call writes. */
  readonly xStart: Tensor;
  /** ∇ₓ log p(class | x) of a guided run. */
  readonly gradient: Tensor | undefined;
  readonly seeds: Tensor | undefined;
  readonly known: Tensor | undefined;
  readonly keep: Tensor | undefined;
  readonly noise: Tensor | undefined;
  readonly knownNoise: Tensor | undefined;
}

/** One step: a call of the networks, if it has one, and a dispatch. */
export interface Step {
  /** The respaced step of the diffusion at which the networks are called first. */
  readonly call?: number | undefined;
  /** Name among the plan's dispatches, and which of its rows. */
  readonly dispatch: string;
  readonly row: number;
}

/** A step of a replay: the draws that it takes from the recorded noise, in order. */
export interface RecordedStep extends Step {
  readonly draws: readonly ("state" | "known")[];
}

/** Adds one dispatch over the state's tensors. */
export type AddDispatch = (builder: PlanBuilder, tensors: StateTensors) => void;

export interface RunPlan<S extends Step = Step> {
  readonly diffusion: Diffusion;
  /**
   * By name; each has a row of parameters for each step that is its own. `start`, where there is one, makes the state
   * of the picture that lies in x; without it a run starts with noise.
   */
  readonly dispatches: Readonly<Record<string, AddDispatch>>;
  readonly steps: readonly S[];
  /**
   * The tensors that a run is between two steps, beside its place among them: what a snapshot holds. Noise is a
   * function of seed and step, so there is nothing else.
   */
  readonly carries: readonly ("x" | "xStart")[];
}

/** What a sampler must know of a run to plan it. */
export interface PlanContext {
  readonly diffusion: Diffusion;
  /** Of the network: what it predicts, and whether it learned its variance. */
  readonly settings: DiffusionSettings;
  readonly layout: StateLayout;
  readonly hasKnown: boolean;
  /** Of a classifier's guidance; 0: none. */
  readonly scale: number;
}

/** Draw 0 is the start's noise; a sampler numbers its own from 1 on. */
export const startDraw = 0;

export function stateLayout(shape: ImageShape, outChannels: number): StateLayout {
  const pixelVectors = padTo4(shape.channels) / 4;
  return {
    images: shape.batch,
    vectors: shape.height * shape.width * pixelVectors,
    pixelVectors,
    channels: shape.channels,
    outStride: padTo4(outChannels),
  };
}
