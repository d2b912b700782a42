/**
 * The site without a network: all its files, fetched once a version, and answers from them, ranges included, since
 * models are read by ranges. scripts/site.mjs puts list and version in: paths below this script's, with the hash of
 * what is in each.
 */
const files = new Map(Object.entries(__FILES__));
const version = __VERSION__;
const prefix = "repaint-site ";
const base = new URL("./", self.location);

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(activate()));
self.addEventListener("message", ({ data }) => data === "take over" && self.skipWaiting());
self.addEventListener("fetch", (event) => {
  const path = pathOf(event.request);
  if (path !== undefined) event.respondWith(answer(event.request, path));
});

/** All or nothing; what an earlier version has already is not fetched again. */
async function install() {
  const cache = await caches.open(prefix + version);
  await Promise.all(
    [...files].map(async ([path, hash]) => {
      const url = new URL(path, base);
      const there = await earlier(url, hash);
      const response = there ?? (await fetch(url, { cache: "no-cache" }));
      if (!response.ok) throw new Error(`${url} is not there (${response.status})`);
      await cache.put(url, marked(response, hash, await response.arrayBuffer()));
    }),
  );
}

async function earlier(url, hash) {
  for (const name of await caches.keys()) {
    if (!name.startsWith(prefix)) continue;
    const response = await (await caches.open(name)).match(url);
    if (response?.headers.get("etag") === `"${hash}"`) return response;
  }
  return undefined;
}

/** The hash is the ETag of what is answered from here, so that a kept model is known again. */
function marked(response, hash, body) {
  const type = response.headers.get("content-type") ?? "application/octet-stream";
  return new Response(body, {
    headers: {
      "content-type": type,
      "content-length": String(body.byteLength),
      etag: `"${hash}"`,
      "accept-ranges": "bytes",
    },
  });
}

async function activate() {
  for (const name of await caches.keys())
    if (name.startsWith(prefix) && name !== prefix + version) await caches.delete(name);
  await self.clients.claim();
}

/** The file that a request means; undefined: none of this site's. */
function pathOf(request) {
  if (request.method !== "GET" && request.method !== "HEAD") return undefined;
  const url = new URL(request.url);
  if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) return undefined;
  const path = decodeURI(url.pathname.slice(base.pathname.length));
  return [path, `${path}index.html`, `${path}/index.html`].find((name) => files.has(name));
}

async function answer(request, path) {
  const response = await (await caches.open(prefix + version)).match(new URL(path, base));
  // Cleared by the browser.
  if (!response) return fetch(request);
  if (request.method === "HEAD") return new Response(null, { headers: response.headers });
  const etag = response.headers.get("etag");
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  const condition = request.headers.get("if-range");
  if (!range || (condition && condition !== etag)) return response;
  const body = await response.blob();
  const begin = Number(range[1]);
  const end = Math.min(range[2] === "" ? body.size : Number(range[2]) + 1, body.size);
  const headers = new Headers(response.headers);
  if (begin >= end) {
    headers.set("content-range", `bytes */${body.size}`);
    headers.delete("content-length");
    return new Response(null, { status: 416, headers });
  }
  headers.set("content-range", `bytes ${begin}-${end - 1}/${body.size}`);
  headers.set("content-length", String(end - begin));
  return new Response(body.slice(begin, end), { status: 206, headers });
}
