/**
 * What a tuner is asked: which of several plans that compute the same runs fastest.
 */
import type { Plan } from "../plan.ts";

export interface TuningCandidate {
  readonly id: string;
  readonly plan: () => Plan;
}

/** Work that occurs in a network. Candidates compute one image, and an answer holds for every batch. */
export interface TuningQuestion {
  /** Names everything that its time depends on, but for the adapter. */
  readonly key: string;
  readonly candidates: readonly TuningCandidate[];
  /** The id of the candidate that runs without an answer. */
  readonly fallback: string;
  /** Multiply-adds of a run. */
  readonly macs: number;
  /** How often the work occurs in the networks that are tuned: what costs most there is timed first. */
  readonly uses: number;
  /**
   * Whether a candidate's output is that of the fallback but for rounding. A shader that a driver gets wrong may well
   * be the fastest; without this every candidate is believed.
   */
  readonly agree?: ((output: Uint8Array, expected: Uint8Array) => boolean) | undefined;
}
