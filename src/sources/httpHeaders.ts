/** What HTTP's headers say (RFC 9110), checked; and addresses. Not here: requests (http.ts). */
import { InputError } from "../errors.ts";
import { quoted } from "../text/quoted.ts";

/** @throws InputError for what is no address of HTTP; relative ones are relative to the page */
export function parseUrl(given: string | URL): URL {
  const base = (globalThis as { location?: { href: string } }).location?.href;
  let url: URL;
  try {
    url = new URL(given, base);
  } catch {
    throw new InputError(`${quoted(String(given))} is no URL; expected https://…`);
  }
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw new InputError(`URL: expected https:// or http://, got ${url.protocol}; open files and Blobs as such`);
  if (url.username || url.password)
    throw new InputError("URL: expected one without user and password; send them as an Authorization header");
  return url;
}

/** A login or an error page with status 200, as captive portals and file hosts send it. */
export function isPage({ headers }: Response): boolean {
  return headers.get("content-type")?.startsWith("text/html") ?? false;
}

export function validatorOf({ headers }: Response): string | undefined {
  return headers.get("etag") ?? headers.get("last-modified") ?? undefined;
}

/** Undefined too where it counts compressed bytes. */
export function contentLength({ headers }: Response): number | undefined {
  const encoding = headers.get("content-encoding");
  const text = headers.get("content-length") ?? "";
  if ((encoding && encoding !== "identity") || !/^\d{1,15}$/.test(text)) return undefined;
  return Number(text);
}

/** Undefined where a page may not see it. */
export function contentRange(
  name: string,
  { headers }: Response,
): { begin: number; end: number; size: number | undefined } | undefined {
  const encoding = headers.get("content-encoding");
  if (encoding && encoding !== "identity")
    throw new InputError(
      `${name}: the server compresses ranges (${encoding.slice(0, 20)}); turn that off for this file`,
    );
  const text = headers.get("content-range");
  if (text === null) {
    if (!headers.get("content-type")?.startsWith("multipart/")) return undefined;
    throw new InputError(`${name}: one range was asked for, and the server sent several`);
  }
  const [, begin, end, size] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15}|\*)$/.exec(text) ?? [];
  const isSane = begin !== undefined && Number(begin) <= Number(end) && (size === "*" || Number(end) < Number(size));
  if (!isSane) throw new InputError(`${name}: the server's Content-Range makes no sense: ${text.slice(0, 60)}`);
  return { begin: Number(begin), end: Number(end), size: size === "*" ? undefined : Number(size) };
}

/** In seconds; the header is a number or a date. */
export function retryAfter({ headers }: Response): number {
  const text = headers.get("retry-after");
  if (text === null) return 0;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? seconds : 0;
}
