/**
 * One file on a server by HTTP (RFC 9110): what it is, ranges of it, or all of it in order, tried again from the byte
 * reached. It holds nothing but what it returns. Not here: blocks, caches (blocks.ts, cache.ts).
 */
import { InputError } from "../errors.ts";
import { contentLength, contentRange, isPage, retryAfter, validatorOf } from "./httpHeaders.ts";
import { brokenError, changedError, pageError, refusedError, statusError, UnreachableError, unreachableError } from "./httpWords.ts"; // prettier-ignore
import { Patience, Watch } from "./patience.ts";

export interface HttpOptions {
  /** Instead of the environment's own. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /** Sent with every request, for example Authorization. In a page they cost a preflight on other sites. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** What to do where the server asks who we are, in words. Default: to log in through `headers`. */
  readonly login?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A download without progress (64 KiB) for so long is given up. Default 60. */
  readonly patienceSeconds?: number | undefined;
  /** A connection that sends nothing for so long is replaced. Default 20. */
  readonly stallSeconds?: number | undefined;
}

/** What a server says of a file. */
export interface Identity {
  /** In bytes; undefined where it is not told before the end. */
  readonly size: number | undefined;
  /** ETag, else Last-Modified; undefined where neither is sent or a page may not see it. */
  readonly validator: string | undefined;
}

/** Of a range that is on its way. */
export interface Arriving {
  /** Its first bytes, from an earlier time. */
  readonly have?: Uint8Array | undefined;
  /** How many bytes of it are there by now. */
  readonly onBytes?: ((done: number) => void) | undefined;
  /** What is there where it was ended, or the connection breaks for good: worth keeping. */
  readonly onBroken?: ((bytes: Uint8Array) => Promise<void>) | undefined;
}

interface Answer {
  readonly response: Response;
  readonly watch: Watch;
}

const worthRetrying = new Set([408, 425, 429, 500, 502, 503, 504]);
const isAnswered = (status: number): boolean => !worthRetrying.has(status);

export class HttpFile {
  /** For error messages: without query, which may hold a token. */
  readonly name: string;
  readonly url: string;
  readonly #options: HttpOptions;
  /** The reader is a page of another site, which sees only what the server lets it. */
  readonly crossOrigin: boolean;
  #identity: Identity | undefined;
  /** A server has answered. */
  met = false;
  /** It has answered a range request with a range. */
  sentRange = false;

  constructor(url: URL, options: HttpOptions = {}) {
    this.name = `${url.origin}${url.pathname}`;
    this.url = url.href.slice(0, url.href.length - url.hash.length);
    this.#options = options;
    const page = (globalThis as { location?: { origin: string } }).location;
    this.crossOrigin = page !== undefined && page.origin !== url.origin;
  }

  /** Known after `start` or `ask`. */
  get identity(): Identity {
    return this.#identity ?? { size: undefined, validator: undefined };
  }

  /** What the server says, without data (HEAD); undefined where it does not answer HEAD. @throws InputError */
  async ask(patienceSeconds?: number): Promise<Identity | undefined> {
    const { response, watch } = await this.#request("HEAD", {}, this.#patience(patienceSeconds));
    // Its (empty) end is read first: a watch that ends before it may close the connection under the next request.
    await response.arrayBuffer().catch(() => undefined);
    watch.end();
    if (response.ok && isPage(response)) throw pageError(this.name);
    if ([400, 403, 405, 501].includes(response.status)) return undefined;
    if (!response.ok) throw statusError(this.name, response, this.#options.login);
    return (this.#identity = { size: contentLength(response), validator: validatorOf(response) });
  }

  /**
   * The first bytes, at most `length`, and the identity with them; or, where the server knows no ranges, a stream of
   * all.
   * @throws InputError
   */
  async start(length: number, arriving?: Arriving): Promise<{ first: Uint8Array } | { whole: Answer }> {
    const patience = this.#patience();
    const answer = await this.#request("GET", { range: `bytes=0-${length - 1}` }, patience);
    const { response, watch } = answer;
    try {
      if (response.status === 416 && /^bytes \*\/0$/.test(response.headers.get("content-range") ?? "")) {
        this.#identity = { size: 0, validator: validatorOf(response) };
        watch.end();
        return { first: new Uint8Array() };
      }
      if (response.ok && isPage(response)) throw pageError(this.name);
      if (response.status === 200) {
        this.#identity = { size: contentLength(response), validator: validatorOf(response) };
        return { whole: answer };
      }
      if (response.status !== 206) throw statusError(this.name, response, this.#options.login);
      this.sentRange = true;
      const range = this.#rangeFrom(0, response);
      const size = range?.size ?? (await this.#sizeByHead());
      this.#identity = { size, validator: validatorOf(response) };
      return { first: await this.#finish(0, Math.min(length, size), { patience, started: answer, arriving }) };
    } catch (error) {
      watch.end();
      throw error;
    }
  }

  /** Exactly the bytes from `begin` to `end`. @throws InputError */
  async range(begin: number, end: number, arriving?: Arriving): Promise<Uint8Array> {
    return this.#finish(begin, end, { patience: this.#patience(), arriving });
  }

  /**
   * All bytes in order, by the stream that `start` returned and, where it breaks, by new ones whose first part is
   * skipped.
   * @throws InputError
   */
  async stream(first: Answer, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
    const patience = this.#patience();
    const { size } = this.identity;
    let done = 0;
    for (let answer: Answer | undefined = first; ; answer = undefined) {
      answer ??= await this.#request("GET", {}, patience);
      if (answer.response.status !== 200) {
        answer.watch.end();
        throw statusError(this.name, answer.response, this.#options.login);
      }
      this.#compare(answer);
      if (answer !== first && this.identity.validator === undefined && done > 0) {
        answer.watch.end();
        throw brokenError(this.name, done, "and without ETag the rest may be another file's");
      }
      let skip = done;
      const reason = await this.#read(answer, async (bytes) => {
        if (skip === 0) patience.progress(bytes.length);
        const fresh = bytes.subarray(Math.min(skip, bytes.length));
        skip -= bytes.length - fresh.length;
        if (size !== undefined && done + fresh.length > size)
          throw new InputError(`${this.name}: the server sent more than the ${size} bytes that it announced`);
        if (fresh.length > 0) await write(fresh);
        done += fresh.length;
      });
      if (reason === undefined && (size === undefined ? skip === 0 : done === size)) return;
      await patience.wait(brokenError(this.name, done, reason ?? `expected ${size} bytes`));
    }
  }

  #patience(most = Infinity): Patience {
    return new Patience(Math.min(most, this.#options.patienceSeconds ?? 60), this.#options.signal);
  }

  /** The range, continued by as many requests as it takes. */
  async #finish(
    begin: number,
    end: number,
    { patience, started, arriving }: { patience: Patience; started?: Answer; arriving?: Arriving | undefined },
  ): Promise<Uint8Array> {
    const { have, onBytes, onBroken } = arriving ?? {};
    const bytes = new Uint8Array(end - begin);
    if (have) bytes.set(have);
    let done = have?.length ?? 0;
    if (done > 0) onBytes?.(done);
    try {
      for (let answer = started; done < bytes.length; answer = undefined) {
        answer ??= await this.#askRange(begin + done, end, patience);
        const announced = contentRange(this.name, answer.response)?.end ?? Infinity;
        const most = Math.min(bytes.length, announced + 1 - begin);
        const reason = await this.#read(answer, (part) => {
          if (done + part.length > most)
            throw new InputError(`${this.name}: the server sent more bytes than were asked for or announced`);
          bytes.set(part, done);
          done += part.length;
          patience.progress(part.length);
          onBytes?.(done);
        });
        if (done < bytes.length)
          await patience.wait(brokenError(this.name, begin + done, reason ?? "the answer was cut"));
      }
    } catch (error) {
      const isSound = this.#options.signal?.aborted || error instanceof UnreachableError;
      if (isSound && done > 0) await onBroken?.(bytes.subarray(0, done));
      throw error;
    }
    started?.watch.end();
    return bytes;
  }

  async #askRange(begin: number, end: number, patience: Patience): Promise<Answer> {
    for (;;) {
      const { validator } = this.identity;
      // Not on other sites from a page: If-Range would cost a preflight that few servers allow. ETags are compared
      // anyway.
      const condition = validator?.startsWith('"') && !this.crossOrigin ? validator : undefined;
      const answer = await this.#request("GET", { range: `bytes=${begin}-${end - 1}`, condition }, patience);
      try {
        this.#compare(answer);
        const { response } = answer;
        if (response.status === 206) {
          this.sentRange = true;
          this.#rangeFrom(begin, response);
          return answer;
        }
        if (response.status === 416) throw changedError(this.name, "size", this.identity.size, "less");
        if (response.status !== 200) throw statusError(this.name, response, this.#options.login);
        if (validator === undefined) throw changedError(this.name, "ranges", "sent", "refused");
      } catch (error) {
        answer.watch.end();
        throw error;
      }
      answer.watch.end();
      await patience.wait(new InputError(`${this.name}: the server no longer answers range requests; try again later`));
    }
  }

  /** @throws InputError where a range begins elsewhere than asked for */
  #rangeFrom(begin: number, response: Response): ReturnType<typeof contentRange> {
    const range = contentRange(this.name, response);
    if (range && range.begin !== begin)
      throw new InputError(`${this.name}: asked for byte ${begin}, the server sent byte ${range.begin}`);
    return range;
  }

  /** @throws SourceChangedError where the answer is about another file than the first one was */
  #compare({ response, watch }: Answer): void {
    if (!response.ok) return;
    const { size, validator } = this.identity;
    const now = validatorOf(response);
    const nowSize =
      response.status === 206 ? contentRange(this.name, response)?.size : (contentLength(response) ?? undefined);
    try {
      if (validator !== undefined && now !== undefined && now !== validator)
        throw changedError(this.name, "ETag", validator, now);
      if (size !== undefined && nowSize !== undefined && nowSize !== size)
        throw changedError(this.name, "size", size, nowSize);
    } catch (error) {
      watch.end();
      throw error;
    }
  }

  /** A response that is worth looking at: networks that fail and servers that are busy are tried again. */
  async #request(
    method: "GET" | "HEAD",
    { range, condition }: { range?: string; condition?: string | undefined },
    patience: Patience,
  ): Promise<Answer> {
    const { signal, headers, stallSeconds = 20 } = this.#options;
    const fetch = this.#options.fetch ?? globalThis.fetch;
    for (;;) {
      signal?.throwIfAborted();
      const watch = new Watch(signal, stallSeconds);
      let response: Response;
      try {
        response = await fetch(this.url, {
          method,
          signal: watch.signal,
          // Large files have no place in the browser's own cache; ours is beside it.
          cache: "no-store",
          headers: {
            ...headers,
            // Pages may not set it and need not. Compressed, the offsets would be another file's.
            "accept-encoding": "identity",
            ...(range ? { range } : {}),
            ...(condition ? { "if-range": condition } : {}),
          },
        });
      } catch (error) {
        const silent = watch.signal.aborted;
        // A page is not told why. A server that answers what no page may read refuses this one, however often it asks.
        const refuses = this.crossOrigin && !this.met && !silent && (await this.#isThere(watch.signal));
        watch.end();
        signal?.throwIfAborted();
        if (refuses) throw refusedError(this.name);
        const failure = unreachableError(this.name, silent ? `no answer for ${stallSeconds} s` : error);
        await patience.wait(failure, { stranger: !this.met });
        continue;
      }
      this.met = true;
      watch.touch();
      if (isAnswered(response.status)) return { response, watch };
      watch.end();
      await patience.wait(statusError(this.name, response, this.#options.login), { retryAfter: retryAfter(response) });
    }
  }

  async #isThere(signal: AbortSignal): Promise<boolean> {
    const request = { method: "HEAD", mode: "no-cors", cache: "no-store", signal } as const;
    return await (this.#options.fetch ?? globalThis.fetch)(this.url, request).then(
      () => true,
      () => false,
    );
  }

  /** Reads to the end; resolves to why it broke, or undefined. What `take` throws is thrown. */
  async #read(
    { response, watch }: Answer,
    take: (bytes: Uint8Array) => void | Promise<void>,
  ): Promise<string | undefined> {
    const reader = response.body?.getReader();
    try {
      for (;;) {
        let part: Awaited<ReturnType<ReadableStreamDefaultReader<Uint8Array>["read"]>> | undefined;
        try {
          part = await reader?.read();
        } catch (error) {
          this.#options.signal?.throwIfAborted();
          if (watch.signal.aborted) return "nothing came any more";
          const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
          return cause instanceof Error ? cause.message : String(cause);
        }
        if (!part || part.done) return undefined;
        watch.touch();
        await take(part.value);
      }
    } finally {
      watch.end();
    }
  }

  /** Where Content-Range is hidden: pages see it on other sites only if the server says so. */
  async #sizeByHead(): Promise<number> {
    const size = (await this.ask())?.size;
    if (size !== undefined) return size;
    throw new InputError(
      `${this.name}: the server does not tell the file's size; it must send Content-Range (for pages of other sites also Access-Control-Expose-Headers: Content-Range, ETag)`,
    );
  }
}
