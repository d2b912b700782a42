/**
 * Whether every call of a run's network was finite: a flag on the device, set without waiting and read where the run
 * reads something anyway. Damaged weights and overflowing activations give NaN, which the clip of x̂₀ would turn into a
 * plain picture.
 */
import { NotFiniteError } from "../errors.ts";
import { Buffers } from "../engine/buffers.ts";
import type { Device } from "../engine/device.ts";
import { Executor } from "../engine/executor.ts";
import { PlanBuilder } from "../engine/plan.ts";
import { readBuffer } from "../engine/readback.ts";
import type { Tensor } from "../engine/tensor.ts";
import { watchFinite } from "../shaders/watchFinite.ts";

export interface WatchOptions {
  /** The network's output, f32 [images, pixels, stride], of which `channels` are written. */
  readonly out: GPUBuffer;
  readonly images: number;
  readonly pixels: number;
  readonly stride: number;
  readonly channels: number;
  /** How many calls there will be. */
  readonly calls: number;
  /** How its activations are stored: what to do differs. */
  readonly precision: "f32" | "f16";
}

export class FiniteWatch {
  readonly #device: Device;
  readonly #options: WatchOptions;
  readonly #executor: Executor;
  readonly #own: Buffers;
  readonly #found: Tensor;
  #call = 0;

  private constructor(device: Device, options: WatchOptions, executor: Executor, own: Buffers, found: Tensor) {
    this.#device = device;
    this.#options = options;
    this.#executor = executor;
    this.#own = own;
    this.#found = found;
  }

  /** @throws OutOfMemoryError; on failure nothing stays allocated */
  static async create(device: Device, options: WatchOptions): Promise<FiniteWatch> {
    const { out: buffer, images, pixels, stride, channels, calls } = options;
    const builder = new PlanBuilder();
    const out = builder.external("out", "f32", [images, pixels, stride]);
    const found = builder.external("found", "u32", [4]);
    builder.dispatch(watchFinite, {
      tensors: { out, found },
      parameters: Array.from({ length: calls }, (_, call) => ({ images, pixels, stride, channels, call })),
      variant: {},
    });
    const own = await Buffers.create(device, [found]);
    try {
      const executor = await Executor.create(device, builder.finish(), new Map([...own.ranges, [out, { buffer }]]));
      return new FiniteWatch(device, options, executor, own, found);
    } catch (error) {
      own.dispose();
      throw error;
    }
  }

  /** A run that goes on has made so many calls. */
  skip(calls: number): void {
    this.#call = calls;
  }

  /** After a call: looks at its output. */
  submit(): void {
    this.#executor.submit({ row: this.#call++ });
  }

  /** Reads 16 bytes, once all that was submitted is done. @throws NotFiniteError that says which call it was */
  async check(): Promise<void> {
    const [first = 0] = new Uint32Array(await readBuffer(this.#device, this.#own.of(this.#found)));
    if (first === 0) return;
    const { calls, precision } = this.#options;
    const remedy =
      precision === "f16"
        ? "its activations do not fit f16: try precision f32"
        : "its weights are damaged: try another copy of the file";
    throw new NotFiniteError(`the network gave NaN or infinity at model call ${first} of ${calls}: ${remedy}`);
  }

  dispose(): void {
    this.#executor.dispose();
    this.#own.dispose();
  }
}
