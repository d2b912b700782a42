/**
 * Plain servers on the loopback address: what a function finds for a path, or the files of a folder. For tests only.
 */
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  "": "text/html",
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".woff2": "font/woff2",
};

type Body = string | Uint8Array;

export interface StaticServer {
  /** With a slash at its end. */
  readonly url: string;
  /** What was sent, in order; bytes as they are, not compressed. */
  readonly sent: readonly { readonly path: string; readonly bytes: number }[];
  /** Paths that were asked for and not there. */
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

/**
 * @param find the body for a path ("/", "/page.js"); nothing is a 404
 * @param headers sent with every answer, such as a content security policy
 */
export async function serve(
  find: (path: string) => Body | undefined | Promise<Body | undefined>,
  headers: Readonly<Record<string, string>> = {},
): Promise<StaticServer> {
  const missing: string[] = [];
  const sent: { path: string; bytes: number }[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://page").pathname);
    const body = await find(path);
    if (body === undefined) {
      missing.push(path);
      response.writeHead(404, headers).end();
      return;
    }
    sent.push({ path, bytes: Buffer.byteLength(body) });
    const type = types[extname(path)] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-length": Buffer.byteLength(body), ...headers });
    response.end(request.method === "HEAD" ? undefined : body);
  };
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sent, missing, stop };
}

/** The files of a folder, below the path `base`. */
export async function serveFolder(
  folder: string,
  { base = "/", headers = {} }: { base?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<StaticServer> {
  const server = await serve((path) => {
    const inside = path.startsWith(base) ? normalize(path.slice(base.length)) : "..";
    if (inside.startsWith("..")) return undefined;
    const name = inside === "." || inside.endsWith("/") ? join(inside, "index.html") : inside;
    return readFile(join(folder, name)).catch(() => undefined);
  }, headers);
  return { ...server, url: new URL(base, server.url).href };
}
