/**
 * A network on a device, from whatever it is loaded, with the classifier that may guide it, and the way to get them
 * again on a new device after a loss. Not here: what a run does about it (`recovery.ts`).
 */
import { Device, requestDevice } from "../engine/device.ts";
import { CheckpointError, InputError, InterruptedError, NoAdapterError } from "../errors.ts";
import type { SourceCache } from "../sources/cache.ts";
import { pageCache } from "../sources/pageCache.ts";
import { urlSource, type UrlOptions } from "../sources/urlSource.ts";
import type { JsonBeside } from "../checkpoints/diffusers/configBeside.ts";
import { openCheckpoint, type Checkpoint } from "../checkpoints/checkpoint.ts";
import { openNetwork } from "../checkpoints/openNetwork.ts";
import type { ClassifierCheckpoint } from "../checkpoints/classifier/checkpoint.ts";
import type { Classifier } from "../unet/classifier.ts";
import { compileAhead } from "../unet/compileAhead.ts";
import type { TuneOptions } from "../unet/tuning.ts";
import { UNet, type UNetOptions } from "../unet/unet.ts";
import { kindOf } from "../text/kindOf.ts";
import { runtime } from "./runtime.ts";
import { findShipped } from "./shipped.ts";
import { blobSource, bytesSource, type ByteSource } from "../files/bytes.ts";
import type { ConvolutionChoices } from "../operators/convolution/layer.ts";

/** How a file is fetched that is given by its address. */
export interface DownloadOptions extends Omit<UrlOptions, "cache" | "signal"> {
  /** Default: OPFS, or the Cache API where there is none; in Node no cache. */
  readonly cache?: SourceCache | false | undefined;
}

/** `onProgress` counts bytes on the device; what was downloaded is counted by `download.onProgress`. */
export interface LoadOptions extends UNetOptions {
  /**
   * The device to run on; it stays the caller's, and a run ends where it is lost. Or a function that gives one, which
   * is then released by `dispose` and asked for another after a loss. Default: this page's own adapter, in that way.
   */
  readonly device?: Device | (() => Promise<Device>) | undefined;
  /**
   * Architecture and diffusion flags that the file does not carry, in the constructor's or the scripts' vocabulary. Not
   * for a checkpoint that is open already, which was opened with its own.
   */
  readonly flags?: unknown;
  /** Of several networks in one file the one to take, as "ema" or "model"; default: the averaged one. */
  readonly network?: string | undefined;
  /** A noise-aware classifier of the network's image size, for runs with `classifierScale`. */
  readonly classifier?: CheckpointSource | ClassifierCheckpoint | undefined;
  readonly classifierFlags?: unknown;
  readonly download?: DownloadOptions | undefined;
  /** Of the classifier. Default: as `download`, but for what is said of that file alone. */
  readonly classifierDownload?: DownloadOptions | undefined;
  /**
   * How kernels are chosen where several can do the same. Default: as timed on this adapter before, else by the shipped
   * table. With a budget, kernels that were not timed before are timed now, before the weights are loaded. "off": the
   * table alone, so that the same adapter gives the same bits whatever was tuned. Not looked at where there are
   * `choices`.
   */
  readonly tune?: TuneOptions | "off" | undefined;
}

/**
 * Bytes, a file, its address (a string is one, relative to the page; in Node a path, also of a folder as diffusers
 * saves it), or a shipped model's name.
 */
export type CheckpointSource = ByteSource | Blob | ArrayBuffer | Uint8Array | URL | string;

/** Opens a checkpoint for as long as the body takes. */
type Opener<T> = <R>(signal: AbortSignal | undefined, body: (checkpoint: T) => Promise<R>) => Promise<R>;

/** On one device. */
export interface Networks {
  readonly unet: UNet;
  /** Where `LoadOptions.classifier` gave one. */
  readonly classifier: Classifier | undefined;
}

interface Checkpoints {
  readonly unet: Checkpoint;
  readonly classifier: ClassifierCheckpoint | undefined;
}

/** Seconds before each try to get a device again: a browser needs a moment to start its GPU process anew. */
const patience = [0, 0.3, 1, 2, 4];

export class Loaded {
  #networks: Networks;
  readonly #open: Opener<Checkpoints>;
  readonly #options: LoadOptions;
  readonly #makeDevice: (() => Promise<Device>) | undefined;
  #reacquiring: Promise<void> | undefined;
  readonly #disposal = new AbortController();

  private constructor(
    networks: Networks,
    open: Opener<Checkpoints>,
    options: LoadOptions,
    makeDevice: (() => Promise<Device>) | undefined,
  ) {
    this.#networks = networks;
    this.#open = open;
    this.#options = options;
    this.#makeDevice = makeDevice;
  }

  /**
   * @throws NoAdapterError, InputError (addresses, servers, a classifier of another size), CheckpointError,
   * OutOfMemoryError, or the signal's reason
   */
  static async load(source: CheckpointSource | Checkpoint, options: LoadOptions): Promise<Loaded> {
    const given = options.device;
    if (given !== undefined && !(given instanceof Device) && typeof given !== "function")
      throw new InputError(
        `device: expected a Device, as requestDevice(adapter) gives one, or a function, got ${kindOf(given)}`,
      );
    const { precision = "f32" } = options;
    if (precision !== "f32" && precision !== "f16")
      throw new InputError(`precision: expected f32 or f16, got ${String(precision)}`);
    const open = await openerOf(source, options);
    return open(options.signal, async (checkpoints) => {
      if (given instanceof Device)
        return new Loaded(await loadNetworks(given, checkpoints, options), open, options, undefined);
      const makeDevice = given ?? pageDevice;
      return new Loaded(await loadOnNew(makeDevice, checkpoints, options), open, options, makeDevice);
    });
  }

  get networks(): Networks {
    return this.#networks;
  }

  /** @throws InputError after `dispose` */
  requireUsable(): void {
    if (this.#disposal.signal.aborted) throw new InputError("this RePaint was disposed of: load the model again");
  }

  /** Aborts with the signal, and with `dispose`, by an InterruptedError. */
  until(signal: AbortSignal | undefined): AbortSignal {
    return AbortSignal.any([this.#disposal.signal, ...(signal ? [signal] : [])]);
  }

  /** Whether `reacquire` can be called. */
  get canReacquire(): boolean {
    return this.#makeDevice !== undefined && !this.#disposal.signal.aborted;
  }

  /**
   * Loads the networks again, onto a new device, in the place of `lost`; at once if another run has done so.
   * @throws as `load`
   */
  async reacquire(lost: Networks): Promise<void> {
    if (this.#networks !== lost) return;
    this.#reacquiring ??= this.#replace().finally(() => (this.#reacquiring = undefined));
    await this.#reacquiring;
  }

  async #replace(): Promise<void> {
    const old = this.#networks;
    // With the kernels that it had: the run that goes on is to have the same bits.
    const { choices = new Map<string, string>() } = old.unet;
    const options = { ...this.#options, choices, signal: undefined, onProgress: undefined };
    const makeDevice = () => persistently(this.#makeDevice!);
    const networks = await this.#open(undefined, (checkpoints) => {
      requireSameFile(checkpoints.unet, old.unet.checkpoint);
      if (old.classifier) requireSameFile(checkpoints.classifier!, old.classifier.checkpoint);
      return loadOnNew(makeDevice, checkpoints, options);
    });
    old.unet.device.dispose();
    this.#networks = networks;
    if (this.#disposal.signal.aborted) this.dispose();
    this.#disposal.signal.throwIfAborted();
  }

  /** Releases the weights, and the device where it is not the caller's. */
  dispose(): void {
    this.#disposal.abort(new InterruptedError("what this runs on was disposed of"));
    const { unet, classifier } = this.#networks;
    unet.dispose();
    classifier?.dispose();
    if (this.#makeDevice) unet.device.dispose();
  }
}

async function loadNetworks(device: Device, checkpoints: Checkpoints, given: LoadOptions): Promise<Networks> {
  const options = { ...given, choices: await choicesFor(device, checkpoints, given) };
  const { onProgress } = options;
  // What fails here fails again for whoever needs it.
  compileAhead(device, checkpoints.unet, options).catch(() => undefined);
  if (!checkpoints.classifier)
    return { unet: await UNet.load(device, checkpoints.unet, options), classifier: undefined };
  const { Classifier, classifierBytes } = await import("../unet/classifier.ts");
  const guideBytes = classifierBytes(checkpoints.classifier, options);
  const unet = await UNet.load(device, checkpoints.unet, {
    ...options,
    onProgress: onProgress && ((done, total) => onProgress(done, total + guideBytes)),
  });
  const before = unet.weightBytes;
  try {
    const classifier = await Classifier.load(device, checkpoints.classifier, {
      ...options,
      onProgress: onProgress && ((done, total) => onProgress(before + done, before + total)),
    });
    return { unet, classifier };
  } catch (error) {
    unet.dispose();
    throw error;
  }
}

async function choicesFor(
  device: Device,
  { unet, classifier }: Checkpoints,
  { choices, tune, precision = "f32", weightType, signal }: LoadOptions,
): Promise<ConvolutionChoices | undefined> {
  if (choices || tune === "off") return choices;
  const { tuneNetworks } = await import("../unet/tuning.ts");
  const networks = [unet, ...(classifier ? [classifier] : [])].map(({ architecture }) => ({
    architecture,
    precision,
    weightType,
  }));
  return (await tuneNetworks(device, networks, { ...tune, signal })).answers;
}

async function loadOnNew(
  makeDevice: () => Promise<Device>,
  checkpoints: Checkpoints,
  options: LoadOptions,
): Promise<Networks> {
  const device = await makeDevice();
  try {
    return await loadNetworks(device, checkpoints, options);
  } catch (error) {
    const cause = await device.explain(error);
    device.dispose();
    throw cause;
  }
}

async function persistently(makeDevice: () => Promise<Device>): Promise<Device> {
  let last: unknown;
  for (const seconds of patience) {
    await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
    try {
      return await makeDevice();
    } catch (error) {
      if (!(error instanceof NoAdapterError)) throw error;
      last = error;
    }
  }
  throw last;
}

/**
 * By what can be told without reading it all: names, types, shapes and places of the tensors.
 * @throws CheckpointError
 */
function requireSameFile(now: Pick<Checkpoint, "file">, before: Pick<Checkpoint, "file">): void {
  const table = ({ file }: Pick<Checkpoint, "file">) => JSON.stringify([...file.tensors]);
  if (now === before || table(now) === table(before)) return;
  throw new CheckpointError(
    `${now.file.name} is another file than the one that was loaded before the device was lost: load it anew`,
  );
}

async function openerOf(source: CheckpointSource | Checkpoint, options: LoadOptions): Promise<Opener<Checkpoints>> {
  const { flags, network, classifier: guide, classifierFlags, download } = options;
  const openNamed: typeof openCheckpoint = async (file, ...more) =>
    openCheckpoint(network === undefined ? file : await openNetwork(file, network), ...more);
  const openUNet = await fileOpener(source, flags, download, openNamed);
  if (guide === undefined) return (signal, body) => openUNet(signal, (unet) => body({ unet, classifier: undefined }));
  // Pages that guide nothing do not pay for classifiers.
  const { openClassifier } = await import("../checkpoints/classifier/checkpoint.ts");
  const { requireGuide } = await import("./guidance.ts");
  const guideDownload = options.classifierDownload ?? { ...download, integrity: undefined };
  const openGuide = await fileOpener(guide, classifierFlags, guideDownload, openClassifier);
  return (signal, body) =>
    openUNet(signal, (unet) =>
      openGuide(signal, (classifier) => {
        requireGuide(unet, classifier);
        return body({ unet, classifier });
      }),
    );
}

/** A file at an address is opened whenever it is needed, and closed again; others stay open, or are open already. */
async function fileOpener<T extends { readonly architecture: unknown }>(
  source: CheckpointSource | T,
  flags: unknown,
  given: DownloadOptions = {},
  open: (source: ByteSource, flags: unknown, config?: () => Promise<unknown>) => Promise<T>,
): Promise<Opener<T>> {
  const address = addressOf(source);
  if (!address) {
    const isOpen = "architecture" in Object(source);
    if (isOpen && flags !== undefined)
      throw new InputError("flags: this checkpoint is open already, with its own; open it with these instead");
    const checkpoint = isOpen ? (source as T) : await open(asSource(source), flags);
    return (_signal, body) => body(checkpoint);
  }
  const local = runtime();
  // Where there are paths, a string is one, unless it names a protocol.
  if (local && typeof address === "string" && !/^https?:/.test(address)) {
    return async (_signal, body) => {
      const file = await local.openFile(address);
      try {
        return await body(await open(file, flags, () => configOf((name) => file.jsonBeside(name))));
      } finally {
        await file.close();
      }
    };
  }
  return async (signal, body) => {
    const { cache = await pageCache(), ...download } = given;
    const fetching = { ...download, signal };
    const file = await urlSource(address, { ...fetching, cache: cache || undefined });
    try {
      const beside = async (name: string) =>
        (await import("../sources/jsonBeside.ts")).jsonBeside(address, name, fetching);
      return await body(await open(file, flags, () => configOf(beside)));
    } finally {
      await file.close();
    }
  };
}

/** Of a diffusers model: most pages never see one. */
async function configOf(beside: JsonBeside): Promise<unknown> {
  return (await import("../checkpoints/diffusers/configBeside.ts")).configBeside(beside);
}

/** undefined: it is none. */
function addressOf(source: unknown): URL | string | undefined {
  const shipped = typeof source === "string" ? findShipped(source) : undefined;
  if (shipped) {
    const url = new URL(shipped.url);
    return runtime() && url.protocol === "file:" ? decodeURIComponent(url.pathname) : url;
  }
  return typeof source === "string" || source instanceof URL ? source : undefined;
}

function asSource(source: unknown): ByteSource {
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return bytesSource("checkpoint", source);
  if (typeof Blob !== "undefined" && source instanceof Blob)
    return blobSource(source, "name" in source ? String(source.name) : "checkpoint");
  const { read, size } = Object(source) as Partial<ByteSource>;
  if (typeof read === "function" && typeof size === "number") return source as ByteSource;
  throw new InputError(
    `a model: expected its address, a File or Blob, bytes (ArrayBuffer, Uint8Array) or "portraits64", got ${kindOf(source)}`,
  );
}

async function pageDevice(): Promise<Device> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
  const local = runtime();
  if (!gpu && local) return local.openDevice();
  if (!gpu && globalThis.isSecureContext === false)
    throw new NoAdapterError(
      "WebGPU is only there for pages that are served over https or from localhost: open this page by https",
    );
  if (!gpu)
    throw new NoAdapterError(
      "this environment has no WebGPU: use a browser that has it, or pass a device (in Node: openGpu of repaint-webgpu/node)",
    );
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter)
    throw new NoAdapterError(
      "WebGPU is here but found no adapter: check that hardware acceleration is on and the graphics driver is current",
    );
  return requestDevice(adapter);
}
