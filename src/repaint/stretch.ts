/** A run is a list of these: each is one run of the sampler, over a batch of crops or over a part of one. */
import type { NewPicture } from "../pictures/image.ts";
import type { Networks } from "./loaded.ts";
import type { SampleOptions } from "./loop.ts";

/** What all that is run of a crop has in common. */
export type CommonOptions = Omit<SampleOptions, "sampling" | "shape" | "seeds">;

export interface Stretch {
  /** Of the network: a step over many tiles takes several. */
  readonly calls: number;
  /** In each call. */
  readonly images: number;
  /** What is run, on the networks' device. Is asked again after a loss. */
  optionsOn(networks: Networks): SampleOptions;
  /** The pictures as they would be with these values, NCHW, by job. */
  show(this: void, xStart: Float32Array): ReadonlyMap<number, NewPicture>;
  /** Keeps what it has come to. `isWhole`: it ran to its end. */
  keep(values: Float32Array, isWhole: boolean): void;
}
