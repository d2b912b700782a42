/**
 * A WebGPU device with what the engine needs to know about it: features, limits, kind of adapter, its pipelines and
 * its errors. Finding an adapter is the caller's business (`navigator.gpu` in a page, `src/node/adapter.ts` in Node).
 */
import { gpuFamily, type AdapterFamily } from "./adapter.ts";
import { DeviceLostError, KernelError, NoAdapterError, OutOfMemoryError, RePaintError } from "../errors.ts";
import type { HalfMode } from "./kernel.ts";
import { Pace } from "./pace.ts";
import { PipelineCache } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";

/** A CPU adapter wants kernels without barriers and with many outputs a thread, a GPU workgroup tiles. */
export type AdapterKind = "cpu" | "gpu";

export interface DeviceOptions {
  /** Overrides what is told from the adapter's description. */
  readonly kind?: AdapterKind;
  /** "packed" leaves shader-f16 unused even where the adapter has it. */
  readonly half?: HalfMode;
}

const subgroupMatrixFeature = "chromium-experimental-subgroup-matrix";
const wantedFeatures = ["shader-f16", "timestamp-query", "subgroups", subgroupMatrixFeature] as GPUFeatureName[];
const wantedLimits = [
  "maxStorageBufferBindingSize",
  "maxBufferSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

/** What multiplies matrices of f16 and sums in f32 in one instruction: [rows × depth] · [depth × columns], of a whole subgroup. */
export interface SubgroupMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
  readonly subgroupSize: number;
}

/** As browsers that have the experiment describe it; not in WebGPU's types yet. */
interface SubgroupMatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

/** The largest that the adapter has. Where subgroups are of several sizes nobody knows how many a workgroup holds. */
function subgroupMatrix(features: GPUSupportedFeatures, info: GPUAdapterInfo): SubgroupMatrix | undefined {
  const { subgroupMatrixConfigs = [] } = info as { subgroupMatrixConfigs?: Iterable<SubgroupMatrixConfig> };
  const { subgroupMinSize, subgroupMaxSize: subgroupSize } = info;
  if (!features.has(subgroupMatrixFeature) || !features.has("shader-f16")) return undefined;
  if (subgroupMinSize !== subgroupSize) return undefined;
  const [largest] = [...subgroupMatrixConfigs]
    .filter((one) => one.componentType === "f16" && one.resultComponentType === "f32")
    .toSorted((a, b) => b.M * b.N * b.K - a.M * a.N * a.K);
  return largest && { rows: largest.M, columns: largest.N, depth: largest.K, subgroupSize };
}

/** Software adapters by the words in their descriptions. */
export function adapterKind(info: GPUAdapterInfo): AdapterKind {
  const words = `${info.vendor} ${info.architecture} ${info.device} ${info.description}`.toLowerCase();
  const software = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|software|\bcpu\b/.test(words);
  return software || info.isFallbackAdapter ? "cpu" : "gpu";
}

/** The adapter in words, for people: "google swiftshader (SwiftShader driver 5.0.0)". */
export function adapterName(info: GPUAdapterInfo): string {
  const { vendor, architecture, device } = info;
  // Where no architecture is told, the device says more than its vendor: "nvidia-h200".
  const name =
    (architecture ? [vendor, architecture] : [device.startsWith(vendor) ? "" : vendor, device])
      .filter(Boolean)
      .join(" ") || "unknown adapter";
  return info.description && !name.includes(info.description) ? `${name} (${info.description})` : name;
}

export class Device {
  readonly gpu: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly kind: AdapterKind;
  readonly family: AdapterFamily;
  readonly half: HalfMode;
  /** Where the adapter has them and f16 tensors are native. */
  readonly matrix: SubgroupMatrix | undefined;
  readonly pipelines: PipelineCache;
  /** How much work a submission gets. */
  readonly pace: Pace;
  /** Buffers created, bytes of those that live, and bytes read back, since the device was made. */
  readonly counters = { buffersCreated: 0, liveBytes: 0, readbacks: 0 };
  /** While there is one, it times every dispatch that any executor of this device submits. */
  profiler: Profiler | undefined;
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

  /** Throws what went wrong on the device since it was made: WebGPU reports validation and loss only asynchronously. */
  check(): void {
    if (this.#failure) throw this.#failure;
  }

  /**
   * What an error comes from: the loss of the device where there was one, which calls under way meet, as errors that say
   * little, before the device says that it is lost.
   */
  async explain(error: unknown): Promise<unknown> {
    if (error instanceof RePaintError) return error;
    await Promise.race([this.gpu.lost, new Promise((resolve) => setTimeout(resolve, 200))]);
    return this.#failure ?? error;
  }

  /**
   * A buffer of `size` bytes (rounded up to 16).
   * @throws OutOfMemoryError when the adapter has no room or allows no buffer of this size.
   */
  async createBuffer(label: string, size: number, usage: GPUBufferUsageFlags): Promise<GPUBuffer> {
    const bytes = Math.max(16, Math.ceil(size / 16) * 16);
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

  /** Waits for all submitted work. @throws what the work met (device lost, out of memory, a rejected command). */
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

/** Dawn's messages go on with the call and its own source lines, which say nothing to a user. */
function briefly({ message }: GPUError): string {
  return message.split(/\s+-\s+While|\s+at \w+ \(/)[0]!.trim();
}

/**
 * Requests a device with every feature and limit that the engine can use.
 * @throws NoAdapterError when the adapter refuses.
 */
export async function requestDevice(adapter: GPUAdapter, options: DeviceOptions = {}): Promise<Device> {
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const requiredLimits = Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]]));
  try {
    const gpu = await adapter.requestDevice({ label: "repaint-webgpu", requiredFeatures, requiredLimits });
    return new Device(gpu, adapter.info, options);
  } catch (error) {
    throw new NoAdapterError(`the adapter ${adapterName(adapter.info)} gave no device: ${(error as Error).message}`);
  }
}
