/** The messages between the benchmark's page and the thread that measures (thread.ts). */
import type { BenchResult } from "./result.ts";
import type { Precision } from "../src/numbers/storage.ts";

export interface StartRequest {
  readonly kind: "start";
  readonly quick: boolean;
  readonly precision: Precision;
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
  /** Everything measured so far, every few seconds. */
  | { readonly kind: "partial"; readonly result: BenchResult }
  | { readonly kind: "done"; readonly result: BenchResult }
  | { readonly kind: "failed"; readonly message: string }
  /** This thread has no WebGPU adapter: the page may have one. */
  | { readonly kind: "no-webgpu" };
