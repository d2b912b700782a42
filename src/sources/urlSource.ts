/**
 * A file on a server as a ByteSource. Not here: how it comes (urlLoad.ts), HTTP (http.ts), caches (cache.ts,
 * pageCache.ts).
 */
import { InputError } from "../errors.ts";
import { parseUrl } from "./httpHeaders.ts";
import { checkIntegrity } from "./integrity.ts";
import type { UrlOptions } from "./urlLoad.ts";
import type { ByteSource } from "../files/bytes.ts";

export type { UrlOptions } from "./urlLoad.ts";

export interface UrlSource extends ByteSource {
  /** Ends what is under way; later reads reject. */
  close(): Promise<void>;
}

const defaultBlockBytes = 8 * 2 ** 20;

/**
 * Opens a file by its address. The file is downloaded as it is read, but before this resolves in two cases: where
 * `integrity` has a hash of the whole only, and where the server knows no range requests.
 * @throws InputError for addresses and servers that do not give the file, CheckpointError if it is not what `integrity`
 *   says, SourceChangedError (from reads too) if it changes meanwhile, or the signal's reason.
 */
export async function urlSource(address: string | URL, options: UrlOptions = {}): Promise<UrlSource> {
  const url = parseUrl(address);
  const integrity = checkIntegrity(options.integrity ?? {});
  const blockBytes = integrity.pieces?.bytes ?? options.blockBytes ?? defaultBlockBytes;
  if (!Number.isSafeInteger(blockBytes) || blockBytes < 1)
    throw new InputError(`blockBytes: expected a positive integer, got ${blockBytes}`);
  const abort = new AbortController();
  const onAbort = (): void => abort.abort(options.signal?.reason);
  if (options.signal?.aborted) onAbort();
  options.signal?.addEventListener("abort", onAbort, { once: true });
  // Pages that load files of their users do not pay for HTTP.
  const [{ HttpFile }, { UrlLoad }] = await Promise.all([import("./http.ts"), import("./urlLoad.ts")]);
  const load = new UrlLoad(new HttpFile(url, { ...options, signal: abort.signal }), options, integrity, blockBytes);
  const close = (): Promise<void> => {
    options.signal?.removeEventListener("abort", onAbort);
    abort.abort(new InputError(`${load.http.name} is closed`));
    load.reader?.close();
    return Promise.resolve();
  };
  try {
    await load.open();
    const reader = load.reader!;
    const read = (offset: number, length: number): Promise<Uint8Array> => {
      if (abort.signal.aborted) return Promise.reject(abort.signal.reason as Error);
      return reader.read(offset, length);
    };
    return { name: load.http.name, size: reader.size, read, close };
  } catch (error) {
    await close();
    throw error;
  }
}
