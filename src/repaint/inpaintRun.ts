/** A run as its caller holds it: progress to iterate, a result to await. What a run does is `repaint.ts`'s business. */
import { InputError, InterruptedError } from "../errors.ts";
import type { RunControl } from "./control.ts";
import type { NewPicture } from "../pictures/image.ts";

export interface InpaintProgress {
  /** Model calls done and in all, over all batches. */
  readonly step: number;
  readonly steps: number;
  /** Crops or tiles that a model call of this batch takes at once. */
  readonly images: number;
  /** Seconds of such a call, and until the end of the run. */
  readonly secondsPerStep: number;
  readonly secondsLeft: number;
  /** Every n-th call, as asked: the pictures of this batch as they would be now, by their index among the jobs. */
  readonly previews?: ReadonlyMap<number, NewPicture>;
}

/**
 * How far a picture came: to its end, to the estimate that the run had when it was stopped, or not even to its first
 * model call, so that it is the input.
 */
export type Reached = "result" | "preview" | "nothing";

export interface InpaintResult {
  /** In the order of the jobs. */
  readonly pictures: readonly NewPicture[];
  /** "result" each, unless the run was stopped by `stop()`. */
  readonly reached: readonly Reached[];
  /** Of each job: its own, or the random one that it got. */
  readonly seeds: readonly bigint[];
  readonly modelCalls: number;
  readonly seconds: number;
}

/**
 * A run that is both an async iterable of its progress and a promise of its result:
 *
 *     const run = repaint.inpaint(jobs, options);
 *     for await (const { step, steps, secondsLeft } of run) show(step, steps, secondsLeft);
 *     const { pictures } = await run;
 *
 * Leaving the loop early ends the run, and awaiting it then throws InterruptedError. `stop()` ends it with what there
 * is.
 */
export class InpaintRun implements AsyncIterable<InpaintProgress>, Promise<InpaintResult> {
  readonly #generator: AsyncGenerator<InpaintProgress, InpaintResult, undefined>;
  readonly #control: RunControl;
  #result: Promise<InpaintResult> | undefined;
  #settle: { resolve: (result: InpaintResult) => void; reject: (error: unknown) => void } | undefined;

  constructor(generator: AsyncGenerator<InpaintProgress, InpaintResult, undefined>, control: RunControl) {
    this.#generator = generator;
    this.#control = control;
  }

  get paused(): boolean {
    return this.#control.paused;
  }

  /** Takes effect after the model call that is under way. The device then rests, and estimates leave the pause out. */
  pause(): void {
    this.#control.pause();
  }

  resume(): void {
    this.#control.resume();
  }

  /**
   * Ends the run after the model call that is under way: the result has the network's estimate x̂₀ of the last whole
   * step for the pictures of its batch, and the inputs of those that had not begun.
   */
  stop(): void {
    this.#control.stop();
  }

  /** Changes `InpaintOptions.previewSeconds`; 0: none. */
  setPreviews(seconds: number): void {
    this.#control.previewSeconds = seconds;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<InpaintProgress, void, undefined> {
    if (this.#result) throw new InputError("a run can be iterated once: await it for its result");
    this.#result = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Whoever iterates meets the error there and may never await the result.
    this.#result.catch(() => undefined);
    let left = true;
    try {
      let next = await this.#generator.next();
      while (!next.done) {
        yield next.value;
        next = await this.#generator.next();
      }
      left = false;
      this.#settle!.resolve(next.value);
    } catch (error) {
      left = false;
      this.#settle!.reject(error);
      throw error;
    } finally {
      if (left) {
        this.#settle!.reject(new InterruptedError("stopped"));
        await this.#generator.return(undefined as never);
      }
    }
  }

  // oxlint-disable-next-line unicorn/no-thenable -- awaiting a run is its documented use
  then<A = InpaintResult, B = never>(
    fulfilled?: ((result: InpaintResult) => A | PromiseLike<A>) | null,
    rejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return (this.#result ?? this.#drain()).then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<InpaintResult | B> {
    return this.then(undefined, rejected);
  }

  finally(ended?: (() => void) | null): Promise<InpaintResult> {
    return this.then().finally(ended);
  }

  readonly [Symbol.toStringTag] = "InpaintRun";

  async #drain(): Promise<InpaintResult> {
    // Nobody looks at the progress.
    for await (const _ of this);
    return this.#result!;
  }
}
