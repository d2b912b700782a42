/**
 * What a command says: results on stdout, everything meant for people on stderr, and with --json one object per event
 * on stdout and nothing else there. The progress bar needs a terminal; elsewhere it is a line now and then.
 */
import { seconds } from "../text/quantities.ts";

/** process.stdout and process.stderr are; tests give their own. */
export interface Stream {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface Progress {
  /** What is counted: "model calls". */
  readonly what: string;
  readonly done: number;
  readonly total: number;
  readonly secondsPerStep?: number;
  readonly secondsLeft?: number;
}

const quietSeconds = 10;

export class Report {
  readonly json: boolean;
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  #barShown = false;
  #lastLine = { time: -Infinity, tenth: 0 };

  constructor(stdout: Stream, stderr: Stream, json: boolean) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.json = json;
  }

  /** A machine's event; without --json nothing. */
  event(event: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.json) this.#stdout.write(`${JSON.stringify({ event, ...fields })}\n`);
  }

  /** The text that was asked for (help, tables); with --json an event stands for it. */
  print(text: string): void {
    if (!this.json) this.#stdout.write(text.endsWith("\n") ? text : `${text}\n`);
  }

  /** A line for people. */
  say(text: string): void {
    this.#leaveBar();
    this.#stderr.write(`${text}\n`);
  }

  progress(progress: Progress): void {
    if (this.json) return;
    if (this.#stderr.isTTY) this.#bar(progress);
    else this.#sparse(progress);
  }

  /** The same of what takes moments: on a terminal alone. */
  passing(progress: Progress): void {
    if (!this.json && this.#stderr.isTTY) this.#bar(progress);
  }

  /** What is reported next is another count. */
  endProgress(): void {
    this.#leaveBar();
    this.#lastLine = { time: -Infinity, tenth: 0 };
  }

  /** So that the next text has a line of its own. */
  #leaveBar(): void {
    if (this.#barShown) this.#stderr.write("\n");
    this.#barShown = false;
  }

  #bar(progress: Progress): void {
    const text = ` ${words(progress)}`;
    const length = Math.max(8, Math.min(40, (this.#stderr.columns ?? 80) - text.length - 4));
    const filled = Math.round((length * progress.done) / Math.max(1, progress.total));
    this.#stderr.write(`\r[${"#".repeat(filled)}${"-".repeat(length - filled)}]${text}\u001b[K`);
    this.#barShown = true;
  }

  /** Every tenth of the way, but not more often than every ten seconds, and the end. */
  #sparse(progress: Progress): void {
    const now = performance.now() / 1000;
    const tenth = Math.floor((10 * progress.done) / Math.max(1, progress.total));
    const isDue = tenth > this.#lastLine.tenth || this.#lastLine.time === -Infinity;
    const isLast = progress.done === progress.total && this.#lastLine.tenth < 10;
    if (!isLast && !(isDue && now - this.#lastLine.time >= quietSeconds)) return;
    this.#lastLine = { time: now, tenth };
    this.#stderr.write(`${words(progress)}\n`);
  }
}

function words({ what, done, total, secondsPerStep, secondsLeft }: Progress): string {
  const times = [
    ...(secondsPerStep === undefined ? [] : [`${secondsPerStep.toPrecision(3)} s each`]),
    ...(secondsLeft === undefined ? [] : [`${seconds(secondsLeft)} left`]),
  ];
  return [`${done}/${total} ${what}`, ...times].join(", ");
}
