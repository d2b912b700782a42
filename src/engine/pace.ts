/**
 * How much work goes into one submission: browsers and drivers reset a device whose submission takes seconds, and
 * nobody knows beforehand how fast an adapter is. So the speed of each submission is measured as it ends, and the next
 * ones are cut to a tenth of a second. Not here: who cuts (`executor.ts`).
 */
import type { AdapterKind } from "./adapter.ts";

/** Milliseconds that a submission should take. Watchdogs act after 2 s; below some 10 ms submitting itself shows. */
const target = 100;
/** Multiply-adds a millisecond of a slow adapter: what is assumed until the first submission has ended. */
const slow: Record<AdapterKind, number> = { cpu: 1e6, gpu: 5e7 };
/**
 * Submissions with less work than a slow adapter does in so many milliseconds say more about the round trip than about
 * speed.
 */
const leastMilliseconds = 5;

export class Pace {
  readonly #least: number;
  /** Multiply-adds a millisecond. */
  #speed: number;
  /** When the last submission that was watched ended. */
  #end = -Infinity;

  constructor(kind: AdapterKind) {
    this.#speed = slow[kind];
    this.#least = slow[kind] * leastMilliseconds;
  }

  /** Multiply-adds for one submission; a single dispatch may have more. */
  get macsPerSubmit(): number {
    return this.#speed * target;
  }

  /** To be called with every submission of `macs` multiply-adds as it is made; `done` resolves when it has ended. */
  watch(macs: number, done: Promise<unknown>, now: () => number = () => performance.now()): void {
    const begin = now();
    done.then(
      () => {
        const end = now();
        // The queue works on one after the other: this one began when the one before had ended.
        this.#observe(macs, end - Math.max(begin, this.#end));
        this.#end = end;
      },
      // Whoever waits for the work learns that the device is lost.
      () => undefined,
    );
  }

  /** Slower than expected counts at once, faster little by little: a submission that is too long costs the device. */
  #observe(macs: number, milliseconds: number): void {
    if (macs < this.#least) return;
    const speed = macs / Math.max(milliseconds, 1);
    this.#speed = speed < this.#speed ? speed : Math.min(2 * this.#speed, (this.#speed + speed) / 2);
  }
}
