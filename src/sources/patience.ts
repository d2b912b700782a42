/**
 * How long a download is tried again: waits that double from 0.1 s to 8 s, begun anew whenever bytes come, and an end
 * when none came for the patience's seconds. And a watch over one attempt that ends it when it goes silent. Not here:
 * what is worth another try (http.ts).
 */
import type { InputError } from "../errors.ts";

/** Less than this does not count as progress, so that a server cannot feed a page a byte at a time for ever. */
const progressBytes = 1 << 16;
/** An address that never answered is not there: five tries, 1.5 s. */
const triesOfStranger = 5;

export class Patience {
  readonly #seconds: number;
  readonly #signal: AbortSignal | undefined;
  #failures = 0;
  #bytes = 0;
  #since = performance.now();

  constructor(seconds: number, signal: AbortSignal | undefined) {
    this.#seconds = seconds;
    this.#signal = signal;
  }

  progress(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < progressBytes) return;
    this.#bytes = 0;
    this.#failures = 0;
    this.#since = performance.now();
  }

  /**
   * Waits until the next try is due. `retryAfter` in seconds, by the server; `stranger` where no server has answered
   * yet.
   * @throws `error` when patience is at its end, or the signal's reason
   */
  async wait(error: InputError, { retryAfter = 0, stranger = false } = {}): Promise<void> {
    const delay = Math.max(retryAfter, Math.min(8, 0.1 * 2 ** this.#failures));
    this.#failures++;
    const waited = (performance.now() - this.#since) / 1000;
    if (waited + delay > this.#seconds || (stranger && this.#failures >= triesOfStranger)) throw error;
    await sleep(delay * 1000, this.#signal);
  }
}

/** @throws the signal's reason */
async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  let end = (): void => undefined;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    end = () => {
      clearTimeout(timer);
      resolve();
    };
    signal?.addEventListener("abort", end, { once: true });
  });
  signal?.removeEventListener("abort", end);
  signal?.throwIfAborted();
}

/** Aborts one attempt when the caller's signal does, or when `touch` was not called for the given seconds. */
export class Watch {
  readonly #controller = new AbortController();
  readonly #outer: AbortSignal | undefined;
  readonly #seconds: number;
  readonly #stop = (): void => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(outer: AbortSignal | undefined, seconds: number) {
    this.#outer = outer;
    this.#seconds = seconds;
    outer?.addEventListener("abort", this.#stop, { once: true });
    this.touch();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#stop, this.#seconds * 1000);
  }

  /** Ends the watch, and the attempt too if it is still under way. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener("abort", this.#stop);
    this.#controller.abort();
  }
}
