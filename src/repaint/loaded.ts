/**
 * A network on a device, from whatever it is loaded, and the way to get it again on a new device after a loss. Not here:
 * what a run does about it (`recovery.ts`).
 */
import { Device, requestDevice } from "../engine/device.ts";
import { CheckpointError, InterruptedError, NoAdapterError } from "../engine/errors.ts";
import type { SourceCache } from "../sources/cache.ts";
import { jsonBeside } from "../sources/jsonBeside.ts";
import { pageCache } from "../sources/pageCache.ts";
import { urlSource, type UrlOptions } from "../sources/urlSource.ts";
import { openCheckpoint, type Checkpoint } from "../unet/checkpoint.ts";
import { blobSource, bytesSource, type ByteSource } from "../unet/safetensors.ts";
import { tuneNetwork, type TuneOptions } from "../unet/tuning.ts";
import { UNet, type UNetOptions } from "../unet/unet.ts";

/** How a file is fetched that is given by its address. */
export interface DownloadOptions extends Omit<UrlOptions, "cache" | "signal"> {
  /** Default: OPFS, or the Cache API where there is none; in Node no cache. */
  readonly cache?: SourceCache | false | undefined;
}

/** `onProgress` counts bytes on the device; what was downloaded is counted by `download.onProgress`. */
export interface LoadOptions extends UNetOptions {
  /**
   * The device to run on; it stays the caller's, and a run ends where it is lost. Or a function that gives one, which is
   * then released by `dispose` and asked for another after a loss. Default: this page's own adapter, in that way.
   */
  readonly device?: Device | (() => Promise<Device>) | undefined;
  /** Architecture and diffusion flags that the file does not carry, in the constructor's or the scripts' vocabulary. */
  readonly flags?: unknown;
  readonly download?: DownloadOptions | undefined;
  /**
   * How kernels are chosen where several can do the same. Default: as timed on this adapter before, else by the shipped table.
   * With a budget, kernels that were not timed before are timed now, before the weights are loaded. "off": the table alone, so
   * that the same adapter gives the same bits whatever was tuned. Not looked at where there are `choices`.
   */
  readonly tune?: TuneOptions | "off" | undefined;
}

/** Bytes, a file, or its address (a string is one, relative to the page). */
export type CheckpointSource = ByteSource | Blob | ArrayBuffer | Uint8Array | URL | string;

/** Opens the checkpoint for as long as the body takes. */
type Opener = <T>(signal: AbortSignal | undefined, body: (checkpoint: Checkpoint) => Promise<T>) => Promise<T>;

/** Seconds before each try to get a device again: a browser needs a moment to start its GPU process anew. */
const patience = [0, 0.3, 1, 2, 4];

export class Loaded {
  #unet: UNet;
  readonly #open: Opener;
  readonly #options: LoadOptions;
  readonly #makeDevice: (() => Promise<Device>) | undefined;
  #reacquiring: Promise<void> | undefined;
  #disposed = false;

  private constructor(unet: UNet, open: Opener, options: LoadOptions, makeDevice: (() => Promise<Device>) | undefined) {
    this.#unet = unet;
    this.#open = open;
    this.#options = options;
    this.#makeDevice = makeDevice;
  }

  /** @throws NoAdapterError, InputError (addresses and servers), CheckpointError, OutOfMemoryError, or the signal's reason */
  static async load(source: CheckpointSource, options: LoadOptions): Promise<Loaded> {
    const open =
      typeof source === "string" || source instanceof URL
        ? openAddress(source, options)
        : openOnce(await openCheckpoint(asSource(source), options.flags));
    return open(options.signal, async (checkpoint) => {
      const given = options.device;
      if (given instanceof Device)
        return new Loaded(await loadTuned(given, checkpoint, options), open, options, undefined);
      const makeDevice = given ?? pageDevice;
      return new Loaded(await loadOnNew(makeDevice, checkpoint, options), open, options, makeDevice);
    });
  }

  get unet(): UNet {
    return this.#unet;
  }

  /** Whether `reacquire` can be called. */
  get canReacquire(): boolean {
    return this.#makeDevice !== undefined && !this.#disposed;
  }

  /**
   * Loads the network again, onto a new device, in the place of `lost`; at once if another run has done so.
   * @throws as `load`
   */
  async reacquire(lost: UNet): Promise<void> {
    if (this.#unet !== lost) return;
    this.#reacquiring ??= this.#replace().finally(() => (this.#reacquiring = undefined));
    await this.#reacquiring;
  }

  async #replace(): Promise<void> {
    const old = this.#unet;
    // With the kernels that it had: the run that goes on is to have the same bits.
    const { choices = new Map<string, string>() } = old;
    const options = { ...this.#options, choices, tune: undefined, signal: undefined, onProgress: undefined };
    const makeDevice = () => persistently(this.#makeDevice!);
    const unet = await this.#open(undefined, (checkpoint) => {
      if (!isSameFile(checkpoint, old.checkpoint))
        throw new CheckpointError(
          `${checkpoint.file.name} is another file than the one that was loaded before the device was lost: load it anew`,
        );
      return loadOnNew(makeDevice, checkpoint, options);
    });
    old.device.dispose();
    this.#unet = unet;
    if (this.#disposed) {
      this.dispose();
      throw new InterruptedError("stopped");
    }
  }

  /** Releases the weights, and the device where it is not the caller's. */
  dispose(): void {
    this.#disposed = true;
    this.#unet.dispose();
    if (this.#makeDevice) this.#unet.device.dispose();
  }
}

async function loadOnNew(
  makeDevice: () => Promise<Device>,
  checkpoint: Checkpoint,
  options: LoadOptions,
): Promise<UNet> {
  const device = await makeDevice();
  try {
    return await loadTuned(device, checkpoint, options);
  } catch (error) {
    const cause = await device.explain(error);
    device.dispose();
    throw cause;
  }
}

async function loadTuned(device: Device, checkpoint: Checkpoint, options: LoadOptions): Promise<UNet> {
  const { tune, signal, precision = "f32", weightType } = options;
  if (options.choices || tune === "off") return UNet.load(device, checkpoint, options);
  const network = { architecture: checkpoint.architecture, precision, weightType };
  const { answers } = await tuneNetwork(device, network, { ...tune, signal });
  return UNet.load(device, checkpoint, { ...options, choices: answers });
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

/** By what can be told without reading it all: names, types, shapes and places of the tensors. */
function isSameFile(a: Checkpoint, b: Checkpoint): boolean {
  const table = ({ file }: Checkpoint) => JSON.stringify([...file.tensors]);
  return a === b || table(a) === table(b);
}

function openOnce(checkpoint: Checkpoint): Opener {
  return (_signal, body) => body(checkpoint);
}

function openAddress(address: string | URL, options: LoadOptions): Opener {
  return async (signal, body) => {
    const { cache = await pageCache(), ...download } = options.download ?? {};
    const fetching = { ...download, signal };
    const source = await urlSource(address, { ...fetching, cache: cache || undefined });
    try {
      const config = () => jsonBeside(address, "config.json", fetching);
      return await body(await openCheckpoint(source, options.flags, config));
    } finally {
      await source.close();
    }
  };
}

function asSource(source: ByteSource | Blob | ArrayBuffer | Uint8Array): ByteSource {
  if (source instanceof ArrayBuffer || source instanceof Uint8Array) return bytesSource("checkpoint", source);
  if (typeof Blob !== "undefined" && source instanceof Blob)
    return blobSource(source, "name" in source ? String(source.name) : "checkpoint");
  return source as ByteSource;
}

async function pageDevice(): Promise<Device> {
  const gpu = typeof navigator === "undefined" ? undefined : navigator.gpu;
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
