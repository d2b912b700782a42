/**
 * The protocol between a page and the engine's thread. A page sends requests, each with a number; the engine answers
 * each once and may send events before. Everything is plain data that structured cloning copies. Not here: who sends
 * when (client.ts, host.ts).
 */
import type {
  AdapterReport,
  CachedModel,
  Estimate,
  InpaintRequest,
  InpaintResult,
  LoadProgress,
  LoadRequest,
  ModelInfo,
  RunPreview,
  RunProgress,
  RunSettings,
  Variation,
} from "./types.ts";

/** A source as it travels: addresses as text, since a URL cannot be cloned. `sha256`: of a shipped model. */
export type SourceMessage =
  | { readonly file: File }
  | { readonly url: string; readonly sha256?: string | undefined; readonly title?: string | undefined };

/** What can be asked, with what each takes and answers. */
export interface Requests {
  adapter: { takes: undefined; answers: AdapterReport };
  load: {
    /** `debug`: what the page's REPAINT_DEBUG says. */
    takes: {
      readonly source: SourceMessage;
      readonly classifier: SourceMessage | undefined;
      readonly request: LoadRequest;
      readonly debug: string;
    };
    answers: ModelInfo;
  };
  estimate: { takes: RunSettings; answers: Estimate };
  /** The variations come as events, each handed over once. */
  inpaint: { takes: InpaintRequest; answers: Omit<InpaintResult, "variations"> };
  cacheList: { takes: undefined; answers: readonly CachedModel[] };
  cacheRemove: { takes: string; answers: void };
  cacheClear: { takes: undefined; answers: void };
  cacheUsedBytes: { takes: undefined; answers: number };
}

export type RequestName = keyof Requests;

/** What happens to a request that is under way. */
export type Control =
  | { readonly kind: "abort" }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "stop" }
  | { readonly kind: "previews"; readonly seconds: number };

/** From the page. */
export type ToEngine =
  | {
      [Name in RequestName]: { readonly id: number; readonly name: Name; readonly argument: Requests[Name]["takes"] };
    }[RequestName]
  | { readonly id: number; readonly control: Control };

export type EngineEvent =
  | { readonly kind: "loadProgress"; readonly progress: LoadProgress }
  | { readonly kind: "warning"; readonly message: string }
  | { readonly kind: "progress"; readonly progress: RunProgress }
  | { readonly kind: "preview"; readonly preview: RunPreview }
  | { readonly kind: "variation"; readonly variation: Variation };

/** An error by its class's name. */
export interface ErrorMessage {
  readonly name: string;
  readonly message: string;
}

/** From the engine. `hello`: that it runs, whether its thread has WebGPU, and the address of its script. */
export type FromEngine =
  | { readonly hello: { readonly hasGpu: boolean; readonly url: string } }
  | { readonly id: number; readonly event: EngineEvent }
  | { readonly id: number; readonly answer: Requests[RequestName]["answers"] }
  | { readonly id: number; readonly error: ErrorMessage };

/**
 * Where a page that imports the worker's script finds `serveEngine`: what bundlers make of a worker exports nothing.
 */
export const serveKey = Symbol.for("repaint-webgpu.serveEngine");
