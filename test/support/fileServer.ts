/**
 * A file server on the loopback address that misbehaves as told: breaks connections, is busy, ignores ranges, changes
 * the file, lies. Its file is made by a rule, so that it may be of any size. For tests only.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface Behaviour {
  size: number;
  /** Bytes `begin` to `end` of the file. Default: `ruleBytes`. */
  content: (begin: number, end: number) => Uint8Array;
  etag: string | undefined;
  lastModified: string | undefined;
  /** The socket is destroyed whenever the server has sent so many bytes since the last time. */
  breakEvery: number;
  /** So many times at most. */
  breaks: number;
  /** Every so many requests it answers 503, with Retry-After if that is set. */
  busyEvery: number;
  retryAfter: string | undefined;
  ranges: boolean;
  /** HEAD is answered with 405 if not. */
  head: boolean;
  status: number | undefined;
  /** Pages of other sites may read it. */
  cors: boolean;
  /** The last word on the headers and on what is sent. */
  lie: (response: { status: number; headers: Record<string, string>; begin: number; end: number }) => void;
}

export interface Served {
  readonly url: string;
  readonly behaviour: Behaviour;
  /** Every request: "GET 0-99" or "HEAD". */
  readonly requests: string[];
  /** Path and query of every request, and the methods that came. */
  readonly addresses: string[];
  readonly methods: Set<string>;
  /** Bytes sent. */
  sent: number;
  stop(): Promise<void>;
}

/** Bytes that say where they are: no two blocks are alike. */
export function ruleBytes(begin: number, end: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(end / 4) - Math.floor(begin / 4));
  const first = Math.floor(begin / 4);
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(first + i + 1, 0x9e3779b1);
  return new Uint8Array(words.buffer, begin - 4 * first, end - begin);
}

export function ruleHash(size: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < size; at += 1 << 22) hash.update(ruleBytes(at, Math.min(size, at + (1 << 22))));
  return hash.digest("hex");
}

/** Without the test's end: for measurements that stop it themselves. */
async function startFileServer(given: Partial<Behaviour> & { size: number }): Promise<Served> {
  const behaviour: Behaviour = {
    content: ruleBytes,
    etag: '"one"',
    lastModified: undefined,
    breakEvery: Infinity,
    breaks: Infinity,
    busyEvery: Infinity,
    retryAfter: undefined,
    ranges: true,
    head: true,
    status: undefined,
    cors: true,
    lie: () => undefined,
    ...given,
  };
  const server = createServer((request, response) => void answer(request, response, served));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.safetensors?token=secret`;
  const served: Served = {
    url,
    behaviour,
    requests: [],
    addresses: [],
    methods: new Set(),
    sent: 0,
    stop: () => stop(server),
  };
  return served;
}

/** Ends with the test. */
export async function fileServer(given: Partial<Behaviour> & { size: number }): Promise<Served> {
  const served = await startFileServer(given);
  onTestFinished(() => served.stop());
  return served;
}

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<unknown>((closed) => server.close(closed));
}

async function answer(request: IncomingMessage, response: ServerResponse, served: Served): Promise<void> {
  const { behaviour } = served;
  const { size, etag, lastModified, breakEvery } = behaviour;
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  const condition = request.headers["if-range"];
  const isRange = match && behaviour.ranges && (condition === undefined || condition === etag);
  served.requests.push(request.method === "HEAD" ? "HEAD" : `GET ${match ? `${match[1]}-${match[2]}` : "all"}`);
  served.addresses.push(request.url ?? "");
  served.methods.add(request.method ?? "");
  const cors = {
    ...(behaviour.cors
      ? { "access-control-allow-origin": "*", "access-control-expose-headers": "Content-Range, ETag" }
      : {}),
    ...(etag ? { etag } : {}),
    ...(lastModified ? { "last-modified": lastModified } : {}),
  };
  const end = (status: number, headers: Record<string, string> = {}): void =>
    void response.writeHead(status, { ...cors, ...headers }).end();
  if (served.requests.length % behaviour.busyEvery === 0)
    return end(503, behaviour.retryAfter ? { "retry-after": behaviour.retryAfter } : {});
  if (behaviour.status !== undefined) return end(behaviour.status);
  if (request.method === "HEAD") return behaviour.head ? end(200, { "content-length": String(size) }) : end(405);
  const begin = isRange ? Number(match[1]) : 0;
  if (isRange && begin >= size) return end(416, { "content-range": `bytes */${size}` });
  const reply = {
    status: isRange ? 206 : 200,
    begin,
    end: isRange ? Math.min(size, Number(match[2]) + 1) : size,
    headers: { ...cors, "content-type": "application/octet-stream" } as Record<string, string>,
  };
  reply.headers["content-length"] = String(reply.end - begin);
  if (isRange) reply.headers["content-range"] = `bytes ${begin}-${reply.end - 1}/${size}`;
  behaviour.lie(reply);
  response.writeHead(reply.status, reply.headers);
  response.on("error", () => undefined);
  for (let at = reply.begin; at < reply.end && !response.destroyed;) {
    const left = breakEvery - (served.sent % breakEvery);
    const next = Math.min(reply.end, at + Math.min(1 << 18, left));
    served.sent += next - at;
    const flushed = response.write(behaviour.content(at, next));
    at = next;
    if (served.sent % breakEvery === 0 && behaviour.breaks-- > 0) {
      // What was written before should arrive before the connection breaks.
      await new Promise((soon) => setTimeout(soon, 5));
      response.destroy();
      return;
    }
    if (!flushed)
      await new Promise<void>((resume) => {
        const on = (): void => {
          response.off("drain", on).off("close", on);
          resume();
        };
        response.on("drain", on).on("close", on);
      });
  }
  response.end();
}
