/**
 * The engine as a page holds it: messages to a worker, or, where a worker has no WebGPU, to the same code in the page.
 * Small: everything heavy is behind `worker.js`. Not here: the protocol (messages.ts), its other side (host.ts).
 */
import { InputError, InterruptedError } from "../errors.ts";
import { fromErrorMessage } from "./errors.ts";
import type { serveEngine } from "./host.ts";
import {
  serveKey,
  type Control,
  type EngineEvent,
  type FromEngine,
  type RequestName,
  type Requests,
  type SourceMessage,
  type ToEngine,
} from "./messages.ts";
import { findShipped, knowsItsAddress, shippedClassifiers, shippedModels } from "../repaint/shipped.ts";
import type {
  EngineClient,
  EngineClientOptions,
  EngineRun,
  InpaintCallbacks,
  InpaintRequest,
  InpaintResult,
  LoadOptions,
  ModelInfo,
  ModelSource,
  Variation,
  WorkerFactory,
} from "./types.ts";

/** Starts nothing: the first request does. */
export function createEngineClient(options: EngineClientOptions = {}): EngineClient {
  return new PortClient(options.worker ?? defaultWorker);
}

const defaultWorker: WorkerFactory = () => {
  knowsItsAddress("the engine's worker");
  // Written out so that bundlers see a worker.
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: "repaint-webgpu" });
};

interface Pending {
  readonly resolve: (answer: Requests[RequestName]["answers"]) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent: ((event: EngineEvent) => void) | undefined;
}

/** A connection to the engine, by whatever thread. */
interface Connection {
  post(message: ToEngine, transfer: Transferable[]): void;
  close(): void;
}

class PortClient implements EngineClient {
  readonly #worker: WorkerFactory | "page";
  readonly #pending = new Map<number, Pending>();
  #connection: Promise<Connection> | undefined;
  #thread: Worker | undefined;
  #lastId = 0;
  #disposed = false;

  constructor(worker: WorkerFactory | "page") {
    this.#worker = worker;
  }

  adapter() {
    return this.#request("adapter", undefined);
  }

  async load(source: ModelSource, options: LoadOptions = {}): Promise<ModelInfo> {
    const { onProgress, onWarning, signal, classifier: guide, ...request } = options;
    const { REPAINT_DEBUG: debug = "" } = globalThis as { REPAINT_DEBUG?: unknown };
    const classifier = guide && sourceMessage(guide);
    const argument = { source: sourceMessage(source), classifier, request, debug: String(debug) };
    const info = await this.#request("load", argument, {
      signal,
      onEvent: (event) => {
        if (event.kind === "loadProgress") onProgress?.(event.progress);
        else if (event.kind === "warning") onWarning?.(event.message);
      },
    });
    const named = await withNames(info);
    return named.classifier ? { ...named, classifier: await withNames(named.classifier) } : named;
  }

  estimate(settings: Requests["estimate"]["takes"]) {
    return this.#request("estimate", settings);
  }

  inpaint(request: InpaintRequest, callbacks: InpaintCallbacks = {}): EngineRun {
    const id = ++this.#lastId;
    const { handOver = false, ...plain } = request;
    const transfer = handOver ? [plain.picture.data.buffer as ArrayBuffer, plain.keep.data.buffer as ArrayBuffer] : [];
    return {
      result: this.#inpaint(id, plain, callbacks, transfer),
      pause: () => this.#control(id, { kind: "pause" }),
      resume: () => this.#control(id, { kind: "resume" }),
      stop: () => this.#control(id, { kind: "stop" }),
      setPreviews: (seconds) => this.#control(id, { kind: "previews", seconds }),
    };
  }

  async #inpaint(
    id: number,
    request: InpaintRequest,
    { onProgress, onPreview, onVariation, signal }: InpaintCallbacks,
    transfer: Transferable[],
  ): Promise<InpaintResult> {
    const variations: Variation[] = [];
    const onEvent = (event: EngineEvent): void => {
      if (event.kind === "progress") onProgress?.(event.progress);
      else if (event.kind === "preview") onPreview?.(event.preview);
      else if (event.kind === "variation") {
        variations.push(event.variation);
        onVariation?.(event.variation);
      }
    };
    const answer = await this.#request("inpaint", request, { id, onEvent, signal, transfer });
    return { ...answer, variations: variations.sort((a, b) => a.index - b.index) };
  }

  readonly cache = {
    list: () => this.#request("cacheList", undefined),
    remove: (id: string) => this.#request("cacheRemove", id),
    clear: () => this.#request("cacheClear", undefined),
    usedBytes: () => this.#request("cacheUsedBytes", undefined),
  };

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#rejectAll(new InterruptedError("the engine was disposed of"));
    // A worker that starts is not waited for.
    this.#thread?.terminate();
    void this.#connection?.then(
      (connection) => connection.close(),
      () => undefined,
    );
  }

  async #request<Name extends RequestName>(
    name: Name,
    argument: Requests[Name]["takes"],
    {
      id = ++this.#lastId,
      onEvent,
      signal,
      transfer = [],
    }: {
      id?: number;
      onEvent?: (event: EngineEvent) => void;
      signal?: AbortSignal | undefined;
      transfer?: Transferable[];
    } = {},
  ): Promise<Requests[Name]["answers"]> {
    signal?.throwIfAborted();
    const abort = (): void => this.#control(id, { kind: "abort" });
    signal?.addEventListener("abort", abort);
    try {
      return await new Promise<Requests[Name]["answers"]>((resolve, reject) => {
        if (this.#disposed) throw new InterruptedError("the engine was disposed of");
        this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject, onEvent });
        this.#connect().then((connection) => {
          // Aborted or disposed of before there was a connection.
          if (this.#pending.has(id)) connection.post({ id, name, argument } as ToEngine, transfer);
        }, reject);
      });
    } catch (error) {
      // The engine knows that it was aborted, but not why.
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#pending.delete(id);
    }
  }

  #control(id: number, control: Control): void {
    if (!this.#pending.has(id)) return;
    // Without a connection the request itself fails, which says why.
    void this.#connection?.then(
      (connection) => connection.post({ id, control }, []),
      () => undefined,
    );
  }

  #connect(): Promise<Connection> {
    this.#connection ??= connect(this.#worker, {
      onStart: (thread) => (this.#thread = thread),
      onMessage: (message) => this.#receive(message),
      onCrash: (error) => {
        // The next request starts anew.
        this.#connection = undefined;
        this.#rejectAll(error);
      },
    });
    // The next request tries again.
    this.#connection.catch(() => (this.#connection = undefined));
    return this.#connection;
  }

  #receive(message: FromEngine): void {
    if ("hello" in message) return;
    const pending = this.#pending.get(message.id);
    if (!pending) return;
    if ("event" in message) pending.onEvent?.(message.event);
    else if ("error" in message) pending.reject(fromErrorMessage(message.error));
    else pending.resolve(message.answer);
  }

  #rejectAll(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

interface Listeners {
  readonly onStart: (worker: Worker) => void;
  readonly onMessage: (message: FromEngine) => void;
  /** The thread ended by a mistake. */
  readonly onCrash: (error: Error) => void;
}

/** A worker with WebGPU, or this page. @throws Error where no worker can be started */
async function connect(choice: WorkerFactory | "page", listeners: Listeners): Promise<Connection> {
  const worker = startWorker(choice === "page" ? defaultWorker : choice);
  listeners.onStart(worker);
  const { hasGpu, url } = await greeting(worker);
  const pageHasGpu = "gpu" in navigator && Boolean(navigator.gpu);
  if (choice === "page" || (!hasGpu && pageHasGpu)) {
    worker.terminate();
    return connectToPage(url, listeners);
  }
  worker.onmessage = ({ data }: MessageEvent<FromEngine>) => listeners.onMessage(data);
  worker.onerror = (event) => {
    worker.terminate();
    listeners.onCrash(new Error(`the engine's thread failed: ${event.message || "no reason given"}`));
  };
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    close: () => worker.terminate(),
  };
}

function startWorker(make: WorkerFactory): Worker {
  try {
    return make();
  } catch (error) {
    if (!/TrustedScriptURL/.test(String(error))) throw error;
    throw new InputError(
      "this page starts no worker without a Trusted Types policy: set the element's worker (createEngineClient's) " +
        'to () => new Worker(policy.createScriptURL(address of worker.js), { type: "module" })',
    );
  }
}

function greeting(worker: Worker): Promise<{ hasGpu: boolean; url: string }> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromEngine>) => {
      if ("hello" in data) resolve(data.hello);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      reject(
        new Error(
          `the engine's worker does not start (${event.message || "its script cannot be loaded"}): ` +
            "serve worker.js beside the page's scripts and allow it in worker-src, or give a worker of your own",
        ),
      );
    };
  });
}

async function connectToPage(url: string, { onMessage }: Listeners): Promise<Connection> {
  await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  const serve = (globalThis as { [serveKey]?: typeof serveEngine })[serveKey]!;
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }: MessageEvent<FromEngine>) => onMessage(data);
  const end = serve(port2, "page");
  return {
    post: (message, transfer) => port1.postMessage(message, transfer),
    close: () => {
      end();
      port1.close();
    },
  };
}

function sourceMessage(source: ModelSource): SourceMessage {
  if (source instanceof File) return { file: source };
  if (source instanceof URL) return { url: source.href };
  const name = source.shipped;
  const shipped = findShipped(name);
  if (!shipped) {
    const all = [shippedModels, shippedClassifiers].flatMap(Object.keys);
    throw new InputError(`no model ${JSON.stringify(name)} is shipped; there is ${all.join(", ")}`);
  }
  const { url, sha256, title } = shipped;
  return { url, sha256, title };
}

/** A thousand names, kept out of the worker for the few pages that need them. */
async function withNames<T extends Pick<ModelInfo, "classes" | "classNames">>(info: T): Promise<T> {
  if (info.classes !== 1000 || info.classNames) return info;
  const { imagenetClasses } = await import("../checkpoints/released/imagenetClasses.ts");
  return { ...info, classNames: imagenetClasses };
}
