/** A request of a page that is under way or waits its turn: what it hears, and what it is told. */
import type { Control, EngineEvent } from "./messages.ts";

type RunControl = Exclude<Control, { kind: "abort" }>;

export class Task {
  readonly #abort = new AbortController();
  readonly #send: (event: EngineEvent, transfer: Transferable[]) => void;
  /** What is told to do while it is under way; what came before is told when this is set. */
  #listener: ((control: RunControl) => void) | undefined;
  readonly #waiting: RunControl[] = [];

  constructor(send: (event: EngineEvent, transfer: Transferable[]) => void) {
    this.#send = send;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  emit(event: EngineEvent, transfer: Transferable[] = []): void {
    this.#send(event, transfer);
  }

  listen(listener: (control: RunControl) => void): void {
    this.#listener = listener;
    for (const control of this.#waiting.splice(0)) listener(control);
  }

  control(control: Control): void {
    if (control.kind === "abort") this.#abort.abort();
    else if (this.#listener) this.#listener(control);
    else this.#waiting.push(control);
  }
}
