/**
 * The frame of `npm run bench:peers`: one line for a user's mistake, Ctrl-C that keeps what was measured, output files.
 */
import { InterruptedError, InputError, RePaintError } from "../../src/errors.ts";
import { Report } from "../../src/node/report.ts";
import { writeFileAtomic } from "../../src/node/files.ts";

export const report = new Report(process.stdout, process.stderr, false);

/** Resolves to the exit status. The signal of `body` is Ctrl-C's. */
export async function runProgram(name: string, body: (signal: AbortSignal) => Promise<number>): Promise<number> {
  const interrupt = new AbortController();
  process.on("SIGINT", () => {
    if (interrupt.signal.aborted) process.exit(130);
    report.say("Stopping after this case; once more ends at once.");
    interrupt.abort(new InterruptedError("interrupted"));
  });
  try {
    return await body(interrupt.signal);
  } catch (error) {
    const known = error instanceof RePaintError;
    report.say(
      `${name}: ${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    return known ? error.exitCode : 1;
  }
}

/** Of a program's arguments. @throws InputError that names the help */
export function readArguments<T>(command: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InputError(`${(error as Error).message}; see npm run ${command} -- --help`);
  }
}

/** A text file, where one was asked for. */
export async function writeText(path: string | undefined, text: () => string, force: boolean): Promise<void> {
  if (path !== undefined) await writeFileAtomic(path, new TextEncoder().encode(text()), { force });
}

export const jsonText = (value: unknown): string => `${JSON.stringify(value, undefined, 1)}\n`;
