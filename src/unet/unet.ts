/**
 * A loaded network: weights on the device, sessions for image sizes, embeddings for timesteps. What the layers are is
 * in `network.ts`; what the numbers mean for sampling is `src/repaint`'s business.
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import { Executor } from "../engine/executor.ts";
import type { DispatchTime, Profiler } from "../engine/profiler.ts";
import type { Tensor } from "../engine/tensor.ts";
import { Buffers } from "../engine/buffers.ts";
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import type { UNetConfig } from "../checkpoints/config.ts";
import { copyRows, embedRows, type EmbeddingTable } from "./embeddingTable.ts";
import { planForward, requireSize, type ForwardSize } from "./network.ts";
import { readFloat32 } from "../files/safetensors.ts";
import { declareWeights, type PackedWeights } from "./weights.ts";
import { loadTraits } from "../operators/traits.ts";
import type { ConvolutionChoices } from "../operators/convolution/layer.ts";
import { uploadWeights, type UploadedWeights } from "./upload.ts";

export interface UNetOptions {
  /** Storage of activations and, unless said otherwise, of weights; arithmetic is f32. Default f32. */
  readonly precision?: "f32" | "f16" | undefined;
  readonly weightType?: "f32" | "f16" | undefined;
  /** A tuner's answers for this device; layers without one take the default. */
  readonly choices?: ConvolutionChoices | undefined;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export class UNet {
  readonly device: Device;
  readonly checkpoint: Checkpoint;
  readonly precision: "f32" | "f16";
  /** Those it was loaded with. */
  readonly choices: ConvolutionChoices | undefined;
  readonly #weights: PackedWeights;
  readonly #uploaded: UploadedWeights;

  private constructor(
    device: Device,
    checkpoint: Checkpoint,
    precision: "f32" | "f16",
    weights: PackedWeights,
    uploaded: UploadedWeights,
    choices: ConvolutionChoices | undefined,
  ) {
    this.device = device;
    this.checkpoint = checkpoint;
    this.precision = precision;
    this.#weights = weights;
    this.#uploaded = uploaded;
    this.choices = choices;
  }

  /** @throws CheckpointError, OutOfMemoryError, DeviceLostError, or the signal's reason */
  static async load(device: Device, checkpoint: Checkpoint, options: UNetOptions = {}): Promise<UNet> {
    const precision = options.precision ?? "f32";
    const weights = declareWeights(checkpoint.architecture, options.weightType ?? precision);
    const uploaded = await uploadWeights(device, weights, (name) => readFloat32(checkpoint.file, name), options);
    return new UNet(device, checkpoint, precision, weights, uploaded, options.choices);
  }

  get weightBytes(): number {
    return this.#uploaded.bytes;
  }

  /**
   * Everything that a forward of this size needs, allocated and compiled.
   * @throws InputError for a size that the levels cannot halve, OutOfMemoryError
   */
  async session(size: ForwardSize): Promise<UNetSession> {
    const { device } = this;
    const { architecture } = this.checkpoint;
    requireSize(architecture.config, size);
    const options = {
      architecture,
      weights: this.#weights,
      ...(await loadTraits(device)),
      activations: this.precision,
      choices: this.choices,
    };
    const { plan, x, lowRes, embedding, out } = planForward(options, size);
    const own = await Buffers.create(device, [x, embedding, out, ...(lowRes ? [lowRes] : [])]);
    try {
      const executor = await Executor.create(device, plan, new Map([...this.#uploaded.ranges, ...own.ranges]));
      return new UNetSession(device, executor, own, { x, lowRes, embedding, out });
    } catch (error) {
      own.dispose();
      throw error;
    }
  }

  /**
   * The embeddings of timesteps (in the network's own units, 0 … 999) and classes, one row each, left on the device.
   * @throws InputError when classes are missing, superfluous or out of range
   */
  async embed(timesteps: readonly number[], classes?: readonly number[]): Promise<EmbeddingTable> {
    const { device } = this;
    const { architecture, config } = this.checkpoint;
    await checkClasses(config, timesteps.length, classes);
    const network = { device, architecture, weights: this.#weights, uploaded: this.#uploaded, choices: this.choices };
    return embedRows(network, timesteps, classes);
  }

  dispose(): void {
    this.#uploaded.dispose();
  }
}

async function checkClasses(config: UNetConfig, rows: number, classes: readonly number[] | undefined): Promise<void> {
  const { numClasses } = config;
  if ((numClasses === null) !== (classes === undefined)) {
    // Only an error needs the released networks.
    const looks = (await import("../checkpoints/released/find.ts")).presetWords(config);
    const network = `class-conditional${looks ? ` (it looks like ${looks})` : ""}`;
    throw new InputError(
      numClasses === null
        ? `this network is not ${network}: leave y out`
        : `this network is ${network}: y is needed, a class from 0 to ${numClasses - 1} for each image`,
    );
  }
  if (numClasses === null || !classes) return;
  if (classes.length !== rows) throw new InputError(`y: expected ${rows} classes, got ${classes.length}`);
  for (const y of classes)
    if (!Number.isInteger(y) || y < 0 || y >= numClasses)
      throw new InputError(`y: expected a class from 0 to ${numClasses - 1}, got ${y}`);
}

/** A forward of one batch and size. Inputs and output are f32 buffers in NHWC with padded channels. */
export class UNetSession {
  readonly #device: Device;
  readonly #executor: Executor;
  readonly #own: Buffers;
  readonly #tensors: { x: Tensor; lowRes: Tensor | undefined; embedding: Tensor; out: Tensor };

  constructor(
    device: Device,
    executor: Executor,
    own: Buffers,
    tensors: { x: Tensor; lowRes: Tensor | undefined; embedding: Tensor; out: Tensor },
  ) {
    this.#device = device;
    this.#executor = executor;
    this.#own = own;
    this.#tensors = tensors;
  }

  get x(): GPUBuffer {
    return this.#own.of(this.#tensors.x);
  }

  get out(): GPUBuffer {
    return this.#own.of(this.#tensors.out);
  }

  get lowRes(): GPUBuffer | undefined {
    return this.#tensors.lowRes && this.#own.of(this.#tensors.lowRes);
  }

  /** Submits one forward: image n is embedded by row `rows[n]` of the table. */
  submit(table: EmbeddingTable, rows: readonly number[], profiler?: Profiler): void {
    this.#embed(table, rows);
    this.#executor.submit({ profiler });
  }

  /** The same, waiting for it: for forwards that take long. `onProgress` hears the share that is done, 0 … 1. */
  async run(
    table: EmbeddingTable,
    rows: readonly number[],
    options: { onProgress?: ((done: number) => void) | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    this.#embed(table, rows);
    await this.#executor.run(options);
  }

  /** One forward with the time of each dispatch, in order. */
  async profile(table: EmbeddingTable, rows: readonly number[]): Promise<DispatchTime[]> {
    this.#embed(table, rows);
    return this.#executor.profile();
  }

  #embed(table: EmbeddingTable, rows: readonly number[]): void {
    copyRows(this.#device, table, rows, this.#own.of(this.#tensors.embedding));
  }

  dispose(): void {
    this.#executor.dispose();
    this.#own.dispose();
  }
}
