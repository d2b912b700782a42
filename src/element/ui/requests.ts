/**
 * What the page has asked the element to open, the last of each kind: a run of the page waits for it, and fails as it
 * did.
 */

type Kind = "picture" | "mask" | "model";

export class Requests {
  readonly #last = new Map<Kind, Promise<unknown>>();

  /** A new picture makes the mask before it none. */
  add<T>(kind: Kind, promise: Promise<T>): Promise<T> {
    if (kind === "picture") this.#last.delete("mask");
    this.#last.set(kind, promise);
    promise.catch(() => undefined);
    return promise;
  }

  /** The user chose another one. */
  forget(...kinds: Kind[]): void {
    for (const kind of kinds) this.#last.delete(kind);
  }

  /** Resolves at once, if it can, where there is no picture on its way. */
  async picture(): Promise<void> {
    await this.#last.get("picture");
  }

  /** @throws what the first that failed did */
  async settled(): Promise<void> {
    await Promise.all(this.#last.values());
  }
}
