/** A plain static server on the loopback address: files of a folder below a path, and nothing clever. For tests only. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";

const types: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".woff2": "font/woff2",
};

export interface StaticServer {
  /** With a slash at its end. */
  readonly url: string;
  /** Paths that were asked for and not there. */
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

/** @param headers sent with every answer, such as a content security policy */
export async function serveFolder(
  folder: string,
  { base = "/", headers = {} }: { base?: string; headers?: Readonly<Record<string, string>> } = {},
): Promise<StaticServer> {
  const missing: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://page").pathname);
    const inside = path.startsWith(base) ? normalize(path.slice(base.length)) : "..";
    const name = inside === "." || inside.endsWith("/") ? join(inside, "index.html") : inside;
    readFile(inside.startsWith("..") ? "" : join(folder, name)).then(
      (body) => {
        const type = types[extname(name)] ?? "application/octet-stream";
        response.writeHead(200, { "content-type": type, "content-length": body.length, ...headers });
        response.end(request.method === "HEAD" ? undefined : body);
      },
      () => {
        missing.push(path);
        response.writeHead(404).end();
      },
    );
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${base}`, missing, stop };
}
