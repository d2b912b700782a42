/**
 * What a tuner is asked: a layer, and the ways to run it that are to be timed.
 */
import type { Plan } from "../plan.ts";

export interface TuningCandidate {
  readonly id: string;
  readonly plan: () => Plan;
}

/** Work that occurs in a network. Candidates and times are those of one image: an answer holds for every batch. */
export interface TuningQuestion {
  /** Names everything that its time depends on, but for the adapter. */
  readonly key: string;
  readonly candidates: readonly TuningCandidate[];
  /** The candidate that runs without an answer. */
  readonly fallback: string;
  /** Multiply-adds of a run. */
  readonly macs: number;
  /** Runs in what is tuned for: what costs most there is timed first. */
  readonly uses: number;
  /**
   * Whether a candidate's output is the fallback's but for rounding. A shader that a driver gets wrong may well be the fastest;
   * without this every candidate is believed.
   */
  readonly agree?: ((output: Uint8Array, expected: Uint8Array) => boolean) | undefined;
}
