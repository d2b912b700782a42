/**
 * What goes wrong between a client and a server, in one line each that says what to do. Not here: when it is tried
 * again.
 */
import { InputError } from "../errors.ts";

/** A file that became another one, or a server that contradicts itself; a new load starts over. */
export class SourceChangedError extends InputError {
  override name = "SourceChangedError";
}

/** 404, or a web page in the file's place, which is how some servers say it. */
export class NotFoundError extends InputError {
  override name = "NotFoundError";
}

/** A server that is away or too busy: nothing is known about the file. */
export class UnreachableError extends InputError {
  override name = "UnreachableError";
}

export function statusError(
  name: string,
  { status, statusText }: Response,
  login = "log in through `headers`",
): InputError {
  const what = `${name}: the server answered ${status}${statusText ? ` (${statusText.slice(0, 60)})` : ""}`;
  if (status === 404 || status === 410) return new NotFoundError(`${what}: there is no such file; check the address`);
  if (status === 401 || status === 403 || status === 407)
    return new InputError(
      `${what}: it does not give this file to us; ${login}, get a new link if this one expired, or download it and open the file`,
    );
  if (status === 416) return new InputError(`${what}: the file is empty there, or shorter than it said`);
  if (status === 429 || status >= 500)
    return new UnreachableError(`${what} each time: it is overloaded or broken; try again later`);
  return new InputError(`${what}, not the file; check the address`);
}

/** fetch hides why it failed: in a page on purpose, in Node in the error's cause. */
export function unreachableError(name: string, error: unknown): UnreachableError {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
  return new UnreachableError(
    `${name}: cannot be fetched (${reason.slice(0, 200)}): check the address and the connection`,
  );
}

/** The server is there, and gives the file to pages of its own site only. */
export function refusedError(name: string): UnreachableError {
  return new UnreachableError(
    `${name}: its server does not let pages of other sites read it (CORS): it must send Access-Control-Allow-Origin, also where it redirects to`,
  );
}

export function brokenError(name: string, at: number, reason: string): UnreachableError {
  return new UnreachableError(
    `${name}: the connection broke at byte ${at} and did not come back (${reason.slice(0, 200)}); load it again, what the cache holds is kept`,
  );
}

export function changedError(name: string, what: string, before: unknown, now: unknown): SourceChangedError {
  return new SourceChangedError(
    `${name} changed on the server while it was loading (${what} was ${String(before)}, is ${String(now)}): load it again`,
  );
}

export function noRangesError(name: string, limit: number): InputError {
  return new InputError(
    `${name}: the server sends whole files only (no range requests), and this one does not fit in the ${limit / 2 ** 20} MiB kept in memory without a cache; allow a cache, or download it and open the file`,
  );
}

export function pageError(name: string): NotFoundError {
  return new NotFoundError(
    `${name}: the server sent a web page (text/html) instead of the file; use the link that downloads it (on the Hub /resolve/ instead of /blob/)`,
  );
}
