/** What the benchmark's page and its thread say to each other. */
import type { BenchResult } from "./result.ts";

export interface StartRequest {
  readonly kind: "start";
  readonly quick: boolean;
  readonly precision: "f32" | "f16";
  readonly candidates: boolean;
  /** "Chrome 141": for the result. */
  readonly platform: string;
}

export type ToThread = StartRequest | { readonly kind: "stop" };

export type FromThread =
  | {
      readonly kind: "progress";
      readonly what: string;
      readonly done: number;
      readonly total: number;
      readonly secondsLeft?: number;
    }
  /** All so far, now and then. */
  | { readonly kind: "partial"; readonly result: BenchResult }
  | { readonly kind: "done"; readonly result: BenchResult }
  | { readonly kind: "failed"; readonly message: string }
  /** This thread has no WebGPU: the page has to do it itself. */
  | { readonly kind: "no-webgpu" };
