/** A page with the engine behind messages: everything that a client offers, in a worker and in the page itself. */
import { createEngineClient } from "../../src/element/client.ts";
import type { EngineClient, InpaintRequest, RunPreview } from "../../src/element/types.ts";
import { InputError } from "../../src/errors.ts";

export interface Results {
  readonly adapter: unknown;
  readonly beforeLoad: string;
  readonly model: unknown;
  readonly loadPhases: readonly string[];
  readonly notAModel: string;
  readonly isInputError: boolean;
  /** Of a load where the page's REPAINT_DEBUG names no topic. */
  readonly debugTopic: string;
  readonly stillThere: number;
  readonly estimate: unknown;
  readonly seeds: readonly string[];
  /** Of variation 0. */
  readonly pixels: Uint8Array;
  readonly handedOver: number;
  readonly states: readonly string[];
  /** States in which the count of shaders was told. */
  readonly withShaders: readonly string[];
  readonly preview: Omit<RunPreview, "seed" | "picture"> & { readonly bytes: number };
  readonly whilePaused: number;
  readonly stopped: unknown;
  readonly aborted: string;
  readonly disposed: readonly string[];
}

export async function run({ weights, where }: { weights: Uint8Array; where: "worker" | "page" }): Promise<Results> {
  const engine = createEngineClient(where === "page" ? { worker: "page" } : {});
  const adapter = await engine.adapter();
  const beforeLoad = await reason(engine.inpaint(request()).result);
  const loadPhases = new Set<string>();
  const file = new File([weights as Uint8Array<ArrayBuffer>], "tiny.safetensors");
  const model = await engine.load(file, { onProgress: ({ phase }) => loadPhases.add(phase) });
  let error: unknown;
  await engine.load(new File(["nothing"], "notes.txt")).catch((caught: unknown) => (error = caught));
  Object.assign(globalThis, { REPAINT_DEBUG: "kernel" });
  const debugTopic = await reason(engine.load(file));
  Object.assign(globalThis, { REPAINT_DEBUG: "" });
  const stillThere = (await engine.estimate({ sampling: "fast" })).modelCalls;
  const estimate = await engine.estimate({ sampling: "fast", keep: request().keep, count: 2 });
  const mine = request();
  const done = await engine.inpaint({ ...mine, count: 2, handOver: true }).result;
  return {
    adapter,
    beforeLoad,
    model,
    loadPhases: [...loadPhases],
    notAModel: String(error),
    isInputError: error instanceof InputError,
    debugTopic,
    stillThere,
    estimate,
    seeds: done.variations.map(({ seed }) => String(seed)),
    pixels: new Uint8Array(done.variations[0]!.picture.data),
    handedOver: mine.picture.data.length,
    ...(await interruptions(engine)),
    ...(await ending(engine)),
  };
}

function request(): InpaintRequest {
  const [width, height] = [8, 8];
  const data = Uint8ClampedArray.from({ length: 256 }, (_, i) => (i * 37) % 256);
  const keep = { width, height, data: Float32Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 1 : 0)) };
  return {
    picture: { width, height, data },
    keep,
    seed: 7n,
    sampling: { sampler: "repaint", steps: 6, jumpLength: 3, resamples: 2 },
  };
}

async function interruptions(engine: EngineClient) {
  const states: string[] = [];
  const withShaders = new Set<string>();
  const previews: RunPreview[] = [];
  let whilePaused = -1;
  const run = engine.inpaint(
    { ...request(), previewSeconds: 1e-6 },
    {
      onPreview: (preview) => previews.push(preview),
      onProgress: ({ state, step, shaders }) => {
        if (shaders && shaders.total > 0) withShaders.add(state);
        if (states.at(-1) !== state) states.push(state);
        if (state === "running" && step === 2) run.pause();
        if (state !== "paused") return;
        const before = previews.length;
        setTimeout(() => {
          whilePaused = previews.length - before;
          run.setPreviews(0);
          run.resume();
          run.stop();
        }, 300);
      },
    },
  );
  const { variations, stopped } = await run.result;
  const { seed: _, picture, ...preview } = previews[0]!;
  const controller = new AbortController();
  const doomed = engine.inpaint(request(), {
    signal: controller.signal,
    onProgress: ({ step }) => step === 1 && controller.abort(new Error("changed my mind")),
  });
  return {
    states,
    withShaders: [...withShaders],
    whilePaused,
    preview: { ...preview, bytes: picture.data.length },
    stopped: { stopped, reached: variations.map(({ reached }) => reached) },
    aborted: await reason(doomed.result),
  };
}

async function ending(engine: EngineClient) {
  const waiting = reason(engine.inpaint(request()).result);
  engine.dispose();
  return { disposed: [await waiting, await reason(engine.adapter())] };
}

function reason(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "done", String);
}
