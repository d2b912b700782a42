/**
 * What a page asks of the engine and what it gets back, without anything that is heavy to import: the element programs
 * against these types, and `client.ts` implements them over a worker. Only what can be copied between threads stands
 * here.
 */
import type { Box } from "../pictures/holes.ts";
import type { Mask, NewPicture, Picture } from "../pictures/image.ts";
import type { Detail } from "../pictures/octaves.ts";
import type { Preset, Sampling } from "../repaint/sampling.ts";
import type { AdapterKind } from "../engine/adapter.ts";
import type { Precision } from "../numbers/storage.ts";

/** What this browser offers. `where`: whether the engine runs in a worker or, where that has no WebGPU, in the page. */
export type AdapterReport =
  | {
      readonly available: true;
      readonly where: "worker" | "page";
      /** For people: "google swiftshader (SwiftShader driver 5.0.0)". */
      readonly name: string;
      readonly kind: AdapterKind;
      /** Native f16 storage. Without it "f16" works as well, packed in pairs. */
      readonly hasShaderF16: boolean;
      /** Bytes. */
      readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
    }
  | {
      readonly available: false;
      /** no-webgpu: this browser lacks it; insecure: the page is served without TLS; no-adapter: driver or settings. */
      readonly code: "no-webgpu" | "insecure" | "no-adapter";
      /** One sentence for people: what is missing and what to do. */
      readonly reason: string;
    };

/**
 * A shipped model or classifier by its name ("portraits64", "scenes64", "classifier64"), a file of the user's, or an
 * address. Formats are told apart by content.
 */
export type ModelSource = { readonly shipped: string } | File | URL;

export interface LoadRequest {
  /** Storage of weights and activations; arithmetic is f32. Default f32. */
  readonly precision?: Precision | undefined;
  /** The flags, or the config.json, that stand beside a dropped file; an address's config.json is found by itself. */
  readonly flags?: File | Readonly<Record<string, unknown>> | undefined;
  /** The same of the classifier. */
  readonly classifierFlags?: File | Readonly<Record<string, unknown>> | undefined;
}

export interface LoadProgress {
  /** downloading: bytes from a server or the cache; uploading: bytes on the device. */
  readonly phase: "downloading" | "uploading";
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface LoadOptions extends LoadRequest {
  /** A noise-aware classifier of the model's image size and classes, which guides its runs. */
  readonly classifier?: ModelSource | undefined;
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
  /** What did not keep the model from loading: no room in the cache, say. One sentence for people. */
  readonly onWarning?: ((message: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ModelInfo {
  /** For people: "portraits64", "celeba256 (CelebA-HQ faces 256×256)", or the file's name. */
  readonly title: string;
  /** Side in pixels of the images that the network works on. */
  readonly imageSize: number;
  /** null: not class-conditional, and `InpaintRequest.class` stays out. */
  readonly classes: number | null;
  /** Of the classes, in their order; null where nothing tells them. */
  readonly classNames: readonly string[] | null;
  /**
   * The one that means none, which is painted where `InpaintRequest.class` stays out; null where the file names none.
   */
  readonly unconditionalClass: number | null;
  readonly parameters: number;
  /** Of the file. */
  readonly bytes: number;
  /** Of the file; null where that is not known without reading it all again (files over 64 MiB). */
  readonly sha256: string | null;
  readonly precision: Precision;
  /** Diffusion steps that it was trained with: the most that a run may visit. */
  readonly diffusionSteps: number;
  /** Device memory of a run at batch 1, bytes: weights, activations and tables, the classifier's among them. */
  readonly memoryBytes: number;
  /** What guides its runs; null: nothing. */
  readonly classifier: ClassifierInfo | null;
  /** Names of the released networks that have this architecture. */
  readonly looksLike: readonly string[];
  /** Settings that neither flags nor tensors told, as "noise_schedule linear". */
  readonly assumed: readonly string[];
}

export interface ClassifierInfo {
  /** Its name or the file's. */
  readonly title: string;
  /** Of the file, as `ModelInfo.sha256`. */
  readonly sha256: string | null;
  readonly classes: number;
  /** In their order; null where nothing tells them. */
  readonly classNames: readonly string[] | null;
  /** What `InpaintRequest.classifierScale` is where it stays out: as released networks were guided, else 1. */
  readonly scale: number;
  /** Its part of `ModelInfo.memoryBytes`. */
  readonly memoryBytes: number;
}

/** What decides how long a run takes. */
export interface RunSettings {
  /** The sampler with its settings, or a preset's name. Default "balanced". */
  readonly sampling?: Sampling | Preset | undefined;
  /** With it the crops of this mask are counted; without, one crop. */
  readonly keep?: Mask | undefined;
  readonly region?: Box | undefined;
  /**
   * How far a hole goes that is larger than the model's pictures: to the model's size (default), as far as the picture
   * has detail, or to its full scale. An estimate takes auto for full.
   */
  readonly detail?: Detail | undefined;
  /** Variations. Default 1. */
  readonly count?: number | undefined;
}

export interface Estimate {
  /** Model calls of the whole run, over all crops and variations. */
  readonly modelCalls: number;
  /** Of one crop, measured on this adapter by the last run or, before the first, by calls made for this. */
  readonly secondsPerCall: number;
  /** Of the whole run. */
  readonly seconds: number;
}

export interface InpaintRequest extends RunSettings {
  readonly picture: Picture;
  /** 1 = known, 0 = to be filled. Of the picture's size. */
  readonly keep: Mask;
  /** 0 … 2⁶⁴ − 1; variation i has the seed + i. */
  readonly seed: bigint;
  /** With a classifier, what it draws every step towards: one that it knows. */
  readonly class?: number | undefined;
  /** How strongly the classifier guides; default: `ClassifierInfo.scale`. */
  readonly classifierScale?: number | undefined;
  /** Pixels over which the filled side fades towards the known one. Default 0. */
  readonly feather?: number | undefined;
  /**
   * Least time between previews; undefined or 0: none, which costs nothing. Can be changed: `EngineRun.setPreviews`.
   */
  readonly previewSeconds?: number | undefined;
  /** Picture and mask are handed over instead of copied: the caller's arrays are empty afterwards. */
  readonly handOver?: boolean | undefined;
}

/**
 * preparing: buffers and shaders of the first step; recovering: the device was lost, a new one gets the model and the
 * run goes on from its last snapshot, so that `step` may go back a little.
 */
export type RunState = "preparing" | "running" | "paused" | "recovering" | "stopping";

export interface RunProgress {
  readonly state: RunState;
  /** Model calls done and in all, over all crops and variations. */
  readonly step: number;
  readonly steps: number;
  /** Seconds of a model call and until the end of the run, pauses left out; 0 while that is not known. */
  readonly secondsPerStep: number;
  readonly secondsLeft: number;
  /** While it prepares: shaders that are compiled, of those that are needed so far. */
  readonly shaders?: { readonly done: number; readonly total: number } | undefined;
}

/** A part of the picture as it would be now (x̂₀ pasted in): the bounding box of what is to be filled. */
export interface RunPreview {
  /** Which variation. */
  readonly index: number;
  readonly seed: bigint;
  readonly step: number;
  /** Where `picture` lies in the whole picture. */
  readonly x: number;
  readonly y: number;
  readonly picture: NewPicture;
}

export interface Variation {
  readonly index: number;
  readonly seed: bigint;
  /** At the size of the input, whose known pixels it has. */
  readonly picture: NewPicture;
  /** result: ran to the end; preview: the best estimate at the moment of `stop()`. */
  readonly reached: "result" | "preview";
}

export interface InpaintResult {
  /** In the order of seeds; after a stop those that had begun. */
  readonly variations: readonly Variation[];
  readonly modelCalls: number;
  readonly seconds: number;
  readonly stopped: boolean;
}

export interface InpaintCallbacks {
  readonly onProgress?: ((progress: RunProgress) => void) | undefined;
  readonly onPreview?: ((preview: RunPreview) => void) | undefined;
  /** Each variation as soon as it is done; they are in the result too. */
  readonly onVariation?: ((variation: Variation) => void) | undefined;
  /** Ends the run at once and rejects its result with the signal's reason; `stop()` keeps what there is. */
  readonly signal?: AbortSignal | undefined;
}

/** A run that is under way. */
export interface EngineRun {
  /** Rejects with a RePaintError by its own class (`InputError`, `OutOfMemoryError`, …). */
  readonly result: Promise<InpaintResult>;
  /** After the step that is under way. */
  pause(): void;
  resume(): void;
  /** After the step that is under way: `result` then has the best estimates so far. */
  stop(): void;
  /** Changes `InpaintRequest.previewSeconds`; 0: none. */
  setPreviews(seconds: number): void;
}

export interface CachedModel {
  readonly id: string;
  readonly url: string;
  readonly size: number;
  readonly storedBytes: number;
  readonly complete: boolean;
}

/** The downloaded models. Where the browser offers no storage it is empty. */
export interface ModelCache {
  list(): Promise<readonly CachedModel[]>;
  remove(id: string): Promise<void>;
  clear(): Promise<void>;
  usedBytes(): Promise<number>;
}

/**
 * The engine as a page holds it. One model is loaded at a time, and one thing is done at a time: what is asked
 * meanwhile waits its turn. Pictures are copied on their way in and handed over on their way out. Every promise rejects
 * with an error of the class and message that it had in the worker.
 */
export interface EngineClient {
  adapter(): Promise<AdapterReport>;
  /**
   * Takes the place of the model before.
   * @throws CheckpointError, InputError, NoAdapterError, OutOfMemoryError, or the signal's reason
   */
  load(source: ModelSource, options?: LoadOptions): Promise<ModelInfo>;
  /** @throws InputError without a model, or for settings that the model cannot run */
  estimate(settings: RunSettings): Promise<Estimate>;
  inpaint(request: InpaintRequest, callbacks?: InpaintCallbacks): EngineRun;
  readonly cache: ModelCache;
  /** Ends everything and frees the device. What is under way rejects with InterruptedError. */
  dispose(): void;
}

/** How a worker is made, where the default cannot be: a CDN, a content security policy, a build of one's own. */
export type WorkerFactory = () => Worker;

export interface EngineClientOptions {
  /** Default: a module worker from `./worker.js` beside this module. "page": no worker at all. */
  readonly worker?: WorkerFactory | "page" | undefined;
}
