/**
 * Runs the benchmark in a browser: in a worker, because checks against the twins would block a page, or in the page
 * itself where workers have no WebGPU. Not here: buttons and plots (page.ts).
 */
import { requestDevice } from "../src/engine/device.ts";
import { version } from "../src/engine/version.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openSafetensors } from "../src/files/safetensors.ts";
import type { FromThread, StartRequest, ToThread } from "./messages.ts";
import { runSuite } from "./suite.ts";
import { blobSource } from "../src/files/bytes.ts";

/** Written in this form so that bundlers include the files. */
const weights = new URL("../weights/portraits64.safetensors", import.meta.url);
const selfTest = new URL("../weights/portraits64.selftest.safetensors", import.meta.url);
const partialMilliseconds = 3000;

/** Runs what is asked for and posts progress, then the result or the failure. Never rejects. */
export async function runThread(request: StartRequest, signal: AbortSignal, post: (message: FromThread) => void) {
  try {
    const gpu = "gpu" in navigator ? (navigator.gpu as GPU | undefined) : undefined;
    const adapter = await gpu?.requestAdapter({ powerPreference: "high-performance" });
    if (!adapter) return post({ kind: "no-webgpu" });
    const device = await requestDevice(adapter);
    let shown = performance.now();
    try {
      const result = await runSuite({
        device,
        version,
        platform: request.platform,
        precision: request.precision,
        signal,
        quick: request.quick,
        candidates: request.candidates,
        model: {
          name: "portraits64",
          checkpoint: await openCheckpoint(await source(weights)),
          selfTest: await openSafetensors(await source(selfTest)),
        },
        onProgress: ({ what, done, total, secondsLeft, partial }) => {
          post({ kind: "progress", what, done, total, ...(secondsLeft === undefined ? {} : { secondsLeft }) });
          const now = performance.now();
          if (now - shown < partialMilliseconds || partial.kernels.length === 0) return;
          shown = now;
          post({ kind: "partial", result: partial });
        },
      });
      post({ kind: "done", result });
    } catch (error) {
      throw await device.explain(error);
    } finally {
      device.dispose();
    }
  } catch (error) {
    post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  }
}

async function source(url: URL) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.pathname} is missing on this site (status ${response.status})`);
  return blobSource(await response.blob(), url.pathname.split("/").at(-1)!);
}

/** As a worker's script; the page may import this file, too. */
if ("WorkerGlobalScope" in globalThis) {
  const control = new AbortController();
  const post = (message: FromThread): void => globalThis.postMessage(message);
  globalThis.addEventListener("message", ({ data }: MessageEvent<ToThread>) => {
    if (data.kind === "stop") control.abort(new Error("stopped"));
    else void runThread(data, control.signal, post);
  });
}
