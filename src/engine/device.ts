/**
 * A WebGPU device with what the engine needs to know about it: features, limits, kind of adapter, its pipelines and
 * its errors. Finding an adapter is the caller's business (`navigator.gpu` in a page, `src/node/adapter.ts` in Node).
 */
import {
  gpuFamily,
  type AdapterFamily,
  type AdapterKind,
  subgroupMatrixFeature,
  type SubgroupMatrix,
  subgroupMatrix,
  adapterKind,
  adapterName,
} from "./adapter.ts";
import { DeviceLostError, KernelError, NoAdapterError, OutOfMemoryError, RePaintError } from "../errors.ts";
import { bufferBytes } from "./allocation.ts";
import type { HalfMode } from "./kernel.ts";
import { Pace } from "./pace.ts";
import type { Plan } from "./plan.ts";
import { PipelineCache } from "./pipelines.ts";

export interface DeviceOptions {
  /** Overrides what the adapter's description says. */
  readonly kind?: AdapterKind;
  /** "packed" leaves shader-f16 unused even where the adapter has it. */
  readonly half?: HalfMode;
}

const wantedFeatures = ["shader-f16", "timestamp-query", "subgroups", subgroupMatrixFeature] as GPUFeatureName[];
const wantedLimits = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** Dispatches that can be encoded one by one: what an `Executor` is to a `DispatchTimer`. */
export interface EncodableDispatches {
  readonly plan: Plan;
  encode(pass: GPUComputePassEncoder, part: { row: number; from: number; to: number }): void;
}

/** Encodes dispatches in passes of their own, so that each is timed: a `Profiler`. */
export interface DispatchTimer {
  encode(
    encoder: GPUCommandEncoder,
    dispatches: EncodableDispatches,
    part: { row: number; from: number; to: number },
  ): void;
}

export class Device {
  readonly gpu: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly kind: AdapterKind;
  readonly family: AdapterFamily;
  readonly half: HalfMode;
  /** Subgroup matrices, where the adapter has them and f16 tensors are native. */
  readonly matrix: SubgroupMatrix | undefined;
  readonly pipelines: PipelineCache;
  /** How much work goes into one submission. */
  readonly pace: Pace;
  /** Buffers created, bytes of those that live, and bytes read back, since the device was made. */
  readonly counters = { buffersCreated: 0, liveBytes: 0, readbacks: 0 };
  /** While there is one, it times every dispatch that any executor of this device submits. */
  profiler: DispatchTimer | undefined;
  #failure: Error | undefined;

  constructor(gpu: GPUDevice, info: GPUAdapterInfo, options: DeviceOptions = {}) {
    this.gpu = gpu;
    this.info = info;
    this.kind = options.kind ?? adapterKind(info);
    this.family = this.kind === "cpu" ? "cpu" : gpuFamily(info);
    this.half = options.half ?? (gpu.features.has("shader-f16") ? "native" : "packed");
    this.matrix = this.half === "native" ? subgroupMatrix(gpu.features, info) : undefined;
    this.pipelines = new PipelineCache(this);
    this.pace = new Pace(this.kind);
    void gpu.lost.then((lost) => {
      this.#failure ??= new DeviceLostError(
        `the GPU device was lost (${lost.reason}): ${lost.message || "no reason given"}`,
      );
    });
    gpu.addEventListener("uncapturederror", (event) => {
      const { error } = event as GPUUncapturedErrorEvent;
      this.#failure ??=
        error.constructor.name === "GPUOutOfMemoryError"
          ? new OutOfMemoryError(`the adapter is out of memory: ${briefly(error)}`)
          : new KernelError(error.message);
    });
  }

  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** Bytes of memory that a workgroup may have. */
  get workgroupBytes(): number {
    return this.limits.maxComputeWorkgroupStorageSize;
  }

  get hasTimestamps(): boolean {
    return this.gpu.features.has("timestamp-query");
  }

  get subgroups(): boolean {
    return this.gpu.features.has("subgroups");
  }

  /**
   * @throws what went wrong on the device, which WebGPU reports only asynchronously: a rejected command once, since the
   * device goes on; loss and lack of memory always
   */
  check(): void {
    const failure = this.#failure;
    if (failure instanceof KernelError) this.#failure = undefined;
    if (failure) throw failure;
  }

  /** @throws KernelError where WebGPU rejects what `make` does, which leaves the device as it was */
  async validate<T>(make: () => T): Promise<T> {
    this.gpu.pushErrorScope("validation");
    try {
      return make();
    } finally {
      const error = await this.gpu.popErrorScope();
      this.check();
      // oxlint-disable-next-line no-unsafe-finally -- what `make` throws beside it only follows from it
      if (error) throw new KernelError(briefly(error));
    }
  }

  /**
   * The cause of an error. Calls that are under way when a device is lost fail with errors that say little, before the
   * device says that it is lost: then the loss is the cause.
   */
  async explain(error: unknown): Promise<unknown> {
    if (error instanceof RePaintError) return error;
    await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 200))]);
    return this.#failure ?? error;
  }

  /**
   * A buffer of at least `size` bytes (`bufferBytes`).
   * @throws OutOfMemoryError where the adapter has no room, or allows no buffer of this size
   */
  async createBuffer(label: string, size: number, usage: number): Promise<GPUBuffer> {
    const bytes = bufferBytes(size);
    if (bytes > this.limits.maxBufferSize)
      throw new OutOfMemoryError(
        `${label} needs a buffer of ${bytes} bytes and this adapter allows ${this.limits.maxBufferSize}: use a smaller batch, image or precision`,
      );
    this.gpu.pushErrorScope("out-of-memory");
    const buffer = this.gpu.createBuffer({ label, size: bytes, usage });
    const error = await this.gpu.popErrorScope();
    this.check();
    if (error)
      throw new OutOfMemoryError(
        `no room for ${label} (${bytes} bytes) on ${adapterName(this.info)}: ${briefly(error)}`,
      );
    this.counters.buffersCreated++;
    this.counters.liveBytes += bytes;
    return buffer;
  }

  destroyBuffer(buffer: GPUBuffer): void {
    this.counters.liveBytes -= buffer.size;
    buffer.destroy();
  }

  /** Writes data of any byte length: WebGPU copies multiples of 4, so an odd tail is padded with zeros. */
  upload(buffer: GPUBuffer, offset: number, data: ArrayBufferView): void {
    const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
    const whole = bytes.length - (bytes.length % 4);
    if (whole > 0) this.gpu.queue.writeBuffer(buffer, offset, bytes, 0, whole);
    if (whole < bytes.length) {
      const tail = new Uint8Array(4);
      tail.set(bytes.subarray(whole));
      this.gpu.queue.writeBuffer(buffer, offset + whole, tail);
    }
  }

  /** Waits for all submitted work. @throws what went wrong (device lost, out of memory, a rejected command) */
  async idle(): Promise<void> {
    await this.gpu.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Releases the device and everything on it. */
  dispose(): void {
    this.#failure ??= new DeviceLostError("this device was disposed");
    this.gpu.destroy();
  }
}

/**
 * A driver's message without what Dawn appends, the call and lines of Dawn's own source, which say nothing to a user.
 */
function briefly({ message }: GPUError): string {
  return message.split(/\s+-\s+While|\s+at \w+ \(/)[0]!.trim();
}

/**
 * Requests a device with every feature and limit that the engine can use.
 * @throws NoAdapterError where the adapter refuses, or is none (null is what a browser gives that has no adapter)
 */
export async function requestDevice(adapter: GPUAdapter, options: DeviceOptions = {}): Promise<Device> {
  if (typeof (adapter as GPUAdapter | null)?.requestDevice !== "function")
    throw new NoAdapterError(
      "requestDevice: expected a GPUAdapter, as navigator.gpu.requestAdapter() gives one where there is any",
    );
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]]));
  try {
    const gpu = await adapter.requestDevice({ label: "repaint-webgpu", requiredFeatures, requiredLimits });
    return new Device(gpu, adapter.info, options);
  } catch (error) {
    throw new NoAdapterError(`the adapter ${adapterName(adapter.info)} gave no device: ${(error as Error).message}`);
  }
}
