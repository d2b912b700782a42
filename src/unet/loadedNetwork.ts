/**
 * What a UNet, a classifier and LPIPS are on a device: their weights, and sessions of plans over these. Not here: which
 * weights (`weights.ts`) and which plans (`network.ts`, `classifier.ts`).
 */
import { Buffers } from "../engine/buffers.ts";
import { showsDebug } from "../engine/debug.ts";
import type { Device } from "../engine/device.ts";
import { Executor, type BufferRange } from "../engine/executor.ts";
import type { Plan } from "../engine/plan.ts";
import type { Tensor } from "../engine/tensor.ts";
import { loadTraits, type Traits } from "../operators/traits.ts";
import type { NetworkOptions } from "./networkOptions.ts";
import { uploadWeights, type UploadedWeights, type UploadOptions } from "./upload.ts";
import type { PackedWeights, ReadTensor } from "./weights.ts";

export class LoadedNetwork {
  readonly device: Device;
  readonly traits: Traits;
  readonly weights: PackedWeights;
  readonly #uploaded: UploadedWeights;

  private constructor(device: Device, traits: Traits, weights: PackedWeights, uploaded: UploadedWeights) {
    this.device = device;
    this.traits = traits;
    this.weights = weights;
    this.#uploaded = uploaded;
  }

  /** @throws what `read` throws, OutOfMemoryError, DeviceLostError, or the signal's reason */
  static async load(
    device: Device,
    weights: PackedWeights,
    read: ReadTensor,
    options: UploadOptions = {},
  ): Promise<LoadedNetwork> {
    const traits = await loadTraits(device);
    return new LoadedNetwork(device, traits, weights, await uploadWeights(device, weights, read, options));
  }

  /** Bytes on the device. */
  get weightBytes(): number {
    return this.#uploaded.bytes;
  }

  /** Where each weight is on the device. */
  get ranges(): ReadonlyMap<Tensor, BufferRange> {
    return this.#uploaded.ranges;
  }

  /** What planners of its layers take. */
  async planning(): Promise<Pick<NetworkOptions, "traits" | "weights" | "onConvolution" | "onAttention">> {
    const { traits, weights } = this;
    const hooks = showsDebug("kernels") ? (await import("./debugWords.ts")).debugLayers : undefined;
    return { traits, weights, ...hooks };
  }

  /**
   * Allocates and compiles everything that runs of a plan need. The session owns a buffer for each of `ends`, the
   * plan's inputs and outputs; `given` are those that the caller keeps.
   * @throws OutOfMemoryError, KernelError
   */
  async session(
    plan: Plan,
    ends: readonly Tensor[],
    given: readonly (readonly [Tensor, BufferRange])[] = [],
  ): Promise<PlanSession> {
    if (showsDebug("plan")) (await import("./debugWords.ts")).debugPlan(plan, ends, this.device);
    const own = await Buffers.create(this.device, ends);
    try {
      const executor = await Executor.create(this.device, plan, new Map([...this.ranges, ...own.ranges, ...given]));
      return new PlanSession(executor, own);
    } catch (error) {
      own.dispose();
      throw error;
    }
  }

  dispose(): void {
    this.#uploaded.dispose();
  }
}

/** A plan that is ready to run, with its inputs and outputs. */
export class PlanSession {
  readonly executor: Executor;
  readonly #own: Buffers;

  constructor(executor: Executor, own: Buffers) {
    this.executor = executor;
    this.#own = own;
  }

  /** The buffer of one of the session's `ends`. */
  buffer(tensor: Tensor): GPUBuffer {
    return this.#own.of(tensor);
  }

  dispose(): void {
    this.executor.dispose();
    this.#own.dispose();
  }
}
