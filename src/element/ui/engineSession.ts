/**
 * The engine as the element uses it: one client, the model that is wanted, the estimate of the settings, the run that
 * is under way. Says what happens by events; shows nothing (runPanel.ts, modelPicker.ts).
 */
import { lastPart } from "../../text/addresses.ts";
import { InputError, InterruptedError } from "../../errors.ts";
import type { Mask, Picture } from "../../pictures/image.ts";
import { samplingCalls, type Sampling } from "../../repaint/sampling.ts";
import { createEngineClient } from "../client.ts";
import type {
  AdapterReport,
  EngineClient,
  EngineRun,
  Estimate,
  InpaintResult,
  LoadProgress,
  ModelInfo,
  ModelSource,
  RunPreview,
  RunProgress,
  Variation,
  WorkerFactory,
} from "../types.ts";
import { afterQuiet } from "./dom.ts";
import { Emitter } from "./emitter.ts";
import type { Precision } from "../../numbers/storage.ts";
import type { Detail } from "../../pictures/octaves.ts";

export interface Settings {
  readonly sampling: Sampling;
  readonly seed: bigint;
  /** Variations. */
  readonly count: number;
  readonly precision: Precision;
  /** Of holes larger than the model's pictures. */
  readonly detail: Detail;
  /** Of a model with classes; undefined: the usual one. */
  readonly class: number | undefined;
  /** How strongly a classifier guides, where there is one; undefined: as is usual of the model. */
  readonly classifierScale: number | undefined;
  /** Least seconds between previews; 0: none. */
  readonly previewSeconds: number;
}

type Classes = Pick<ModelInfo, "classes" | "classNames" | "unconditionalClass" | "classifier">;

/**
 * What can be painted, by number, and what is painted while no class was chosen: the one that means none, which no
 * classifier knows, or the first. `count`: null where the model has no classes and nothing guides it.
 */
export function paintable({ classes, classNames, unconditionalClass, classifier }: Classes): {
  readonly count: number | null;
  readonly names: readonly string[] | null;
  readonly usual: number;
} {
  if (!classifier) return { count: classes, names: classNames, usual: unconditionalClass ?? 0 };
  const count = Math.min(classes ?? Infinity, classifier.classes);
  return { count, names: (classNames ?? classifier.classNames)?.slice(0, count) ?? null, usual: 0 };
}

export type ModelState =
  | { readonly kind: "none" }
  | { readonly kind: "loading"; readonly title: string; readonly progress: LoadProgress | undefined }
  | { readonly kind: "loaded"; readonly info: ModelInfo }
  | { readonly kind: "failed"; readonly title: string };

export interface Wanted {
  readonly source: ModelSource;
  readonly flags?: File | undefined;
  readonly classifier?: ModelSource | undefined;
  readonly classifierFlags?: File | undefined;
}

interface SessionEvents extends Record<string, unknown> {
  adapter: AdapterReport;
  model: ModelState;
  /** undefined: not known yet; an error: these settings cannot be run. */
  estimate: Estimate | Error | undefined;
  progress: RunProgress | undefined;
  preview: RunPreview;
  variation: Variation;
  /** One sentence for people. */
  warning: string;
}

export class EngineSession extends Emitter<SessionEvents> {
  /** Where the default worker cannot be used; read when the engine is first needed. */
  worker: WorkerFactory | "page" | undefined;
  #client: EngineClient | undefined;
  #wanted: Wanted = { source: { shipped: "portraits64" } };
  /** The model that the engine still has while another one is being loaded. */
  #before: { readonly wanted: Wanted; readonly info: ModelInfo } | undefined;
  #precision: Settings["precision"] = "f32";
  #model: ModelState = { kind: "none" };
  #loading: { promise: Promise<ModelInfo>; abort: AbortController } | undefined;
  #run: EngineRun | undefined;
  #abort: AbortController | undefined;
  #progress: RunProgress | undefined;
  #estimateOf: { settings: Settings; keep: Mask | undefined } | undefined;
  /** The last one from the engine, and of which settings it was. */
  #estimated: { estimate: Estimate; settings: Settings } | undefined;

  readonly #makeClient: typeof createEngineClient;

  constructor(makeClient = createEngineClient) {
    super();
    this.#makeClient = makeClient;
  }

  get client(): EngineClient {
    return (this.#client ??= this.#makeClient({ worker: this.worker }));
  }

  get model(): ModelState {
    return this.#model;
  }

  /** Of the model that is loaded or on its way. */
  get precision(): Settings["precision"] {
    return this.#precision;
  }

  get wanted(): Wanted {
    return this.#wanted;
  }

  /** undefined: nothing is being run. */
  get progress(): RunProgress | undefined {
    return this.#progress;
  }

  async askAdapter(): Promise<AdapterReport> {
    const report = await this.client.adapter();
    this.emit("adapter", report);
    return report;
  }

  /**
   * Another model is wanted: what is loaded or being loaded is none any more. Where the other cannot be had, the one
   * before is used again, as a user sees it who picks a wrong file, or `orElse` none: a page's model is no other.
   */
  want(wanted: Wanted, orElse: "before" | "none" = "before"): void {
    if (orElse === "none") this.#before = undefined;
    else if (this.#model.kind === "loaded") this.#before = { wanted: this.#wanted, info: this.#model.info };
    this.#wanted = wanted;
    this.#forget();
  }

  #forget(): void {
    this.#loading?.abort.abort(stopped());
    this.#loading = undefined;
    this.#setModel({ kind: "none" });
    this.#estimated = undefined;
    this.emit("estimate", undefined);
  }

  /** The model that is wanted, loaded once. @throws what the client's `load` throws */
  ready(precision: Settings["precision"] = this.#precision): Promise<ModelInfo> {
    if (precision !== this.#precision) {
      this.#precision = precision;
      this.#forget();
    }
    return (this.#loading ??= this.#load()).promise;
  }

  #load(): { promise: Promise<ModelInfo>; abort: AbortController } {
    const abort = new AbortController();
    const { source, ...files } = this.#wanted;
    const title = titleOf(source);
    const isCurrent = () => !abort.signal.aborted;
    this.#setModel({ kind: "loading", title, progress: undefined });
    const options = {
      ...files,
      precision: this.#precision,
      signal: abort.signal,
      onProgress: (progress: LoadProgress) => isCurrent() && this.#setModel({ kind: "loading", title, progress }),
      onWarning: (message: string) => isCurrent() && this.emit("warning", message),
    };
    const promise = this.client.load(source, options).then(
      (info) => {
        this.#before = undefined;
        if (isCurrent()) this.#setModel({ kind: "loaded", info });
        return info;
      },
      (error: Error) => {
        if (isCurrent()) this.#loadFailed(title, error);
        throw error;
      },
    );
    promise.catch(() => undefined);
    return { promise, abort };
  }

  #loadFailed(title: string, error: Error): void {
    const before = this.#before;
    this.#before = this.#loading = undefined;
    if (!before || before.info.precision !== this.#precision || !(error instanceof InputError))
      // The next one who needs it tries again.
      return this.#setModel({ kind: "failed", title });
    // The engine never let go of it.
    this.#wanted = before.wanted;
    this.#loading = { promise: Promise.resolve(before.info), abort: new AbortController() };
    this.#setModel({ kind: "loaded", info: before.info });
  }

  #setModel(state: ModelState): void {
    this.#model = state;
    this.emit("model", state);
  }

  /** Soon, and not while a run is under way: the engine does one thing at a time. */
  askEstimate(settings: Settings, keep: Mask | undefined): void {
    this.#estimateOf = { settings, keep };
    this.#estimateSoon();
  }

  /**
   * Other settings for the same picture: what follows from the last estimate is said at once, and soon the engine's
   * own.
   */
  adjustEstimate(settings: Settings): void {
    if (!this.#estimateOf || !this.#estimated) return;
    this.#estimateOf = { settings, keep: this.#estimateOf.keep };
    const { keep } = this.#estimateOf;
    const hasKnown = !keep || keep.data.some((value) => value >= 0.5);
    const callsOf = ({ sampling, count }: Settings) => count * samplingCalls(sampling, hasKnown);
    try {
      const { estimate, settings: before } = this.#estimated;
      const modelCalls = Math.round((estimate.modelCalls / callsOf(before)) * callsOf(settings));
      this.emit("estimate", { ...estimate, modelCalls, seconds: modelCalls * estimate.secondsPerCall });
    } catch (error) {
      this.emit("estimate", error as Error);
    }
  }

  readonly #estimateSoon = afterQuiet(250, () => void this.#estimate());

  async #estimate(): Promise<void> {
    const asked = this.#estimateOf;
    if (!asked || this.#run || this.#model.kind !== "loaded") return;
    const { settings, keep } = asked;
    const { sampling, detail, count } = settings;
    try {
      const estimate = await this.client.estimate({ sampling, detail, keep, count });
      if (asked !== this.#estimateOf) return;
      this.#estimated = { estimate, settings };
      this.emit("estimate", estimate);
    } catch (error) {
      if (asked === this.#estimateOf && !(error instanceof InterruptedError)) this.emit("estimate", error as Error);
    }
  }

  /**
   * One run at a time. What `copy` gives is handed over; it is asked once nothing can change any more. @throws as the
   * client's `load` and `inpaint`
   */
  async run(copy: () => Promise<{ picture: Picture; keep: Mask }>, settings: Settings): Promise<InpaintResult> {
    if (this.#progress) throw new InterruptedError("a run is under way already: stop it first");
    this.#setProgress({ state: "preparing", step: 0, steps: 0, secondsPerStep: 0, secondsLeft: 0 });
    const abort = (this.#abort = new AbortController());
    try {
      const info = await unlessAborted(this.ready(settings.precision), abort.signal);
      const { picture, keep } = await unlessAborted(copy(), abort.signal);
      const { precision: _, class: label, classifierScale, ...rest } = settings;
      const { count, usual } = paintable(info);
      this.#run = this.client.inpaint(
        {
          picture,
          keep,
          ...rest,
          class: count === null ? undefined : (label ?? usual),
          classifierScale: info.classifier ? classifierScale : undefined,
          handOver: true,
        },
        {
          onProgress: (progress) => this.#setProgress(progress),
          onPreview: (preview) => this.emit("preview", preview),
          onVariation: (variation) => this.emit("variation", variation),
          signal: abort.signal,
        },
      );
      return await this.#run.result;
    } finally {
      this.#run = this.#abort = undefined;
      this.#setProgress(undefined);
      this.#estimateSoon();
    }
  }

  #setProgress(progress: RunProgress | undefined): void {
    this.#progress = progress;
    this.emit("progress", progress);
  }

  pause(): void {
    this.#run?.pause();
  }

  resume(): void {
    this.#run?.resume();
  }

  /** With the best estimates so far; before the first step, with nothing. */
  stop(): void {
    if (this.#run && this.#progress?.step) this.#run.stop();
    else this.#abort?.abort(stopped());
  }

  setPreviews(seconds: number): void {
    this.#run?.setPreviews(seconds);
  }

  /** Ends everything and frees the device; the next thing asked starts anew. */
  dispose(): void {
    this.#estimateSoon.cancel();
    this.#abort?.abort(stopped());
    this.#client?.dispose();
    this.#client = this.#before = undefined;
    this.#forget();
  }
}

const stopped = () => new InterruptedError("stopped");

/** What the promise gives, unless the signal is first. @throws the signal's reason */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
    promise.then(resolve, reject);
  });
}

function titleOf(source: ModelSource): string {
  if (source instanceof File) return source.name;
  return source instanceof URL ? lastPart(source) || source.host : source.shipped;
}
