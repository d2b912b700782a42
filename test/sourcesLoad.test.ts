/** Models by their address: RePaint.load, the command line, and a config.json beside a file. */
import { accessTo } from "../src/cli/given/access.ts";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { RePaint } from "../src/repaint/repaint.ts";
import { jsonBeside } from "../src/sources/jsonBeside.ts";
import { cli, events, shipped } from "./support/cli.ts";
import { fileServer, type Behaviour, type Served } from "./support/fileServer.ts";
import { gpuDevice } from "./support/gpu.ts";

const path = shipped("portraits64.safetensors");
const file = await readFile(path);

function serve(behaviour: Partial<Behaviour> = {}): Promise<Served> {
  return fileServer({ size: file.length, content: (begin, end) => file.subarray(begin, end), ...behaviour });
}

describe("RePaint.load", () => {
  test("streams from an address, counts the bytes and asks for each once", async () => {
    const served = await serve({ breakEvery: 10_000_000 });
    const done: number[] = [];
    const download = { onProgress: (bytes: number) => done.push(bytes) };
    const device = await gpuDevice();
    const repaint = await RePaint.load(served.url, { device, download });
    const local = await RePaint.load(file, { device });
    try {
      expect(repaint.unet.weightBytes).toBe(local.unet.weightBytes);
      expect([...repaint.checkpoint.file.tensors.keys()]).toEqual([...local.checkpoint.file.tensors.keys()]);
      expect(done.at(-1)).toBe(file.length);
      expect(served.sent).toBe(file.length);
    } finally {
      repaint.dispose();
      local.dispose();
    }
  });

  test("a server's mistakes are its caller's errors", async () => {
    const device = await gpuDevice();
    const served = await serve({ status: 404 });
    await expect(RePaint.load(new URL(served.url), { device })).rejects.toThrow(/404/);
    await expect(RePaint.load("portraits64.safetensors", { device })).rejects.toThrow(/is no URL/);
    const signal = AbortSignal.abort(new Error("no longer"));
    await expect(RePaint.load((await serve()).url, { device, signal })).rejects.toThrow("no longer");
  });
});

describe("--weights https://…", () => {
  beforeEach(async () => {
    const cache = await mkdtemp(join(tmpdir(), "repaint-cache-"));
    vi.stubEnv("XDG_CACHE_HOME", cache);
    return async () => {
      vi.unstubAllEnvs();
      await rm(cache, { recursive: true, force: true });
    };
  });

  test("inspects the same as the file; the second time from the cache", async () => {
    const served = await serve();
    const facts = async (weights: string) => {
      const { status, out, err } = await cli(["inspect", weights, "--json"]);
      expect([status, err]).toEqual([0, ""]);
      return { ...events(out)[0]!, file: "" };
    };
    const local = await facts(path);
    expect(await facts(served.url)).toEqual(local);
    served.requests.length = 0;
    expect(await facts(served.url)).toEqual(local);
    expect(served.requests).toEqual(["HEAD"]);
  });

  test("says in one line what the server said", async () => {
    const served = await serve({ status: 403 });
    const { status, err } = await cli(["inspect", served.url]);
    expect(status).toBe(2);
    expect(err).toMatch(/^repaint: http.*403.*\n$/);
    expect(err).not.toContain("secret");
  });
});

describe("a server that asks who we are", () => {
  const token = "hf_secretsecret";
  test("gets $REPAINT_TOKEN, which is not printed; without it a refusal names it", async () => {
    const asked: (string | undefined)[] = [];
    const server = createServer(({ headers }, response) => {
      asked.push(headers.authorization);
      response.writeHead(401).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => {
      delete process.env.REPAINT_TOKEN;
      server.closeAllConnections();
      server.close();
    });
    const address = `http://127.0.0.1:${(server.address() as { port: number }).port}/m.safetensors`;
    const refused = async () => {
      const { status, err } = await cli(["inspect", address]);
      expect(status).toBe(2);
      expect(err).toMatch(/^repaint: [^\n]*\n$/);
      expect(err).not.toContain(token);
      return err;
    };
    expect(await refused()).toContain(
      "answered 401 (Unauthorized): it does not give this file to us; set REPAINT_TOKEN",
    );
    expect(new Set(asked)).toEqual(new Set([undefined]));
    process.env.REPAINT_TOKEN = token;
    expect(await refused()).toContain("the token of REPAINT_TOKEN is not enough");
    expect(asked.at(-1)).toBe(`Bearer ${token}`);
    process.env.REPAINT_TOKEN = `${token} \n`;
    expect(await refused()).toContain("REPAINT_TOKEN: expected an access token, without spaces");
  });

  test("by http on another machine gets none", () => {
    process.env.REPAINT_TOKEN = token;
    onTestFinished(() => void delete process.env.REPAINT_TOKEN);
    expect(accessTo("http://example.org/m.pt")).toEqual({ login: expect.stringContaining("by https") as string });
    expect(accessTo("https://example.org/m.pt").headers).toEqual({ authorization: `Bearer ${token}` });
  });
});

describe("a config.json beside a file", () => {
  async function folderServer(files: Record<string, string>, ranges: boolean): Promise<string> {
    const server = createServer(({ url = "" }, response) => {
      const body = files[new URL(url, "http://x").pathname];
      if (body === undefined) return void response.writeHead(404).end();
      const headers = ranges ? { "content-range": `bytes 0-${body.length - 1}/${body.length}` } : {};
      response.writeHead(ranges ? 206 : 200, { "content-length": body.length, ...headers }).end(body);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  }

  test.each([true, false])("is read, and is none where it is missing or no JSON (ranges: %s)", async (ranges) => {
    const base = await folderServer({ "/a/config.json": '{"x": 1}', "/b/config.json": "{" }, ranges);
    expect(await jsonBeside(`${base}/a/m.safetensors?download=true`, "config.json")).toEqual({ x: 1 });
    expect(await jsonBeside(`${base}/b/m.safetensors`, "config.json")).toBeUndefined();
    expect(await jsonBeside(`${base}/c/m.safetensors`, "config.json")).toBeUndefined();
  });

  test("is not read on and on", async () => {
    const base = await folderServer({ "/a/config.json": " ".repeat(2 ** 21) }, false);
    await expect(jsonBeside(`${base}/a/m.safetensors`, "config.json")).rejects.toThrow(/at most 1 MiB/);
  });
});
