/** How a run is paused, resumed, stopped and watched from outside; the loop asks between its steps. */

export class RunControl {
  /** Least seconds between previews by time; 0: none. May change while the run goes on. */
  previewSeconds: number;
  #stopping = false;
  #gate: { readonly open: Promise<void>; readonly release: () => void } | undefined;

  constructor(previewSeconds = 0) {
    this.previewSeconds = previewSeconds;
  }

  get paused(): boolean {
    return this.#gate !== undefined;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  pause(): void {
    if (this.#gate || this.#stopping) return;
    let release!: () => void;
    const open = new Promise<void>((resolve) => (release = resolve));
    this.#gate = { open, release };
  }

  resume(): void {
    this.#gate?.release();
    this.#gate = undefined;
  }

  /** For good; ends a pause. */
  stop(): void {
    this.#stopping = true;
    this.resume();
  }

  /** Resolves when the run may go on, at once if it is not paused, or when the signal aborts. */
  async wait(signal?: AbortSignal): Promise<void> {
    // Paused again before this continued: the new gate counts.
    while (this.#gate && !signal?.aborted) await firstOf(this.#gate.open, signal);
  }
}

async function firstOf(promise: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  let onAbort!: () => void;
  const aborted = new Promise<void>((resolve) => (onAbort = resolve));
  signal?.addEventListener("abort", onAbort);
  await Promise.race([promise, aborted]);
  signal?.removeEventListener("abort", onAbort);
}
