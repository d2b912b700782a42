/**
 * A loaded network: weights on the device, sessions for image sizes, embeddings for timesteps. What the layers are is
 * in `network.ts`; what the numbers mean for sampling is `src/repaint`'s business.
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import type { Executor } from "../engine/executor.ts";
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import type { UNetConfig } from "../checkpoints/config.ts";
import { copyRows, embedRows, type EmbeddingTable } from "./embeddingTable.ts";
import { LoadedNetwork, type PlanSession } from "./loadedNetwork.ts";
import { forwardEnds, planForward, requireSize, type ForwardPlan, type ForwardSize } from "./network.ts";
import { readWeights } from "./upload.ts";
import type { UploadOptions } from "./upload.ts";
import { declareWeights } from "./weights.ts";
import type { Traits } from "../operators/traits.ts";
import type { ConvolutionChoices } from "../operators/convolution/layer.ts";
import type { Precision } from "../numbers/storage.ts";

export interface UNetOptions extends UploadOptions {
  /** Storage of activations and, unless said otherwise, of weights; arithmetic is f32. Default f32. */
  readonly precision?: Precision | undefined;
  readonly weightType?: Precision | undefined;
  /** A tuner's answers for this device; layers without one take the default. */
  readonly choices?: ConvolutionChoices | undefined;
}

export class UNet {
  readonly checkpoint: Checkpoint;
  readonly precision: Precision;
  /** Those it was loaded with. */
  readonly choices: ConvolutionChoices | undefined;
  readonly #loaded: LoadedNetwork;

  private constructor(
    checkpoint: Checkpoint,
    loaded: LoadedNetwork,
    precision: Precision,
    choices: ConvolutionChoices | undefined,
  ) {
    this.checkpoint = checkpoint;
    this.#loaded = loaded;
    this.precision = precision;
    this.choices = choices;
  }

  /** @throws CheckpointError, OutOfMemoryError, DeviceLostError, or the signal's reason */
  static async load(device: Device, checkpoint: Checkpoint, options: UNetOptions = {}): Promise<UNet> {
    const { precision = "f32", choices } = options;
    const weights = declareWeights(checkpoint.architecture, options.weightType ?? precision);
    const read = (name: string) => readWeights(checkpoint.file, name);
    return new UNet(checkpoint, await LoadedNetwork.load(device, weights, read, options), precision, choices);
  }

  get device(): Device {
    return this.#loaded.device;
  }

  get traits(): Traits {
    return this.#loaded.traits;
  }

  get weightBytes(): number {
    return this.#loaded.weightBytes;
  }

  /**
   * Everything that a forward of this size needs, allocated and compiled.
   * @throws InputError for a size that the levels cannot halve, OutOfMemoryError
   */
  async session(size: ForwardSize): Promise<UNetSession> {
    const { architecture, config } = this.checkpoint;
    requireSize(config, size);
    const { precision: activations, choices } = this;
    const planned = planForward({ ...(await this.#loaded.planning()), architecture, activations, choices }, size);
    return new UNetSession(this.device, planned, await this.#loaded.session(planned.plan, forwardEnds(planned)));
  }

  /**
   * The embeddings of timesteps (in the network's own units, 0 … 999) and classes, one row each, left on the device.
   * @throws InputError when classes are missing, superfluous or out of range
   */
  async embed(timesteps: readonly number[], classes?: readonly number[]): Promise<EmbeddingTable> {
    const { architecture, config } = this.checkpoint;
    await checkClasses(config, timesteps.length, classes);
    return embedRows(this.#loaded, { architecture, choices: this.choices, timesteps, classes });
  }

  dispose(): void {
    this.#loaded.dispose();
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
  readonly #planned: ForwardPlan;
  readonly #session: PlanSession;

  constructor(device: Device, planned: ForwardPlan, session: PlanSession) {
    this.#device = device;
    this.#planned = planned;
    this.#session = session;
  }

  get x(): GPUBuffer {
    return this.#session.buffer(this.#planned.x);
  }

  get out(): GPUBuffer {
    return this.#session.buffer(this.#planned.out);
  }

  get lowRes(): GPUBuffer | undefined {
    const { lowRes } = this.#planned;
    return lowRes && this.#session.buffer(lowRes);
  }

  /** Submits one forward: image n is embedded by row `rows[n]` of the table. */
  submit(table: EmbeddingTable, rows: readonly number[]): void {
    this.embed(table, rows).submit();
  }

  /** The same, waiting for it: for forwards that take long. `onProgress` gets the share that is done, 0 … 1. */
  async run(
    table: EmbeddingTable,
    rows: readonly number[],
    options: { onProgress?: ((done: number) => void) | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    await this.embed(table, rows).run(options);
  }

  /** What a forward runs, embedded but not yet submitted: to be timed (`profileExecutor`). */
  embed(table: EmbeddingTable, rows: readonly number[]): Executor {
    copyRows(this.#device, table, rows, this.#session.buffer(this.#planned.embedding));
    return this.#session.executor;
  }

  dispose(): void {
    this.#session.dispose();
  }
}
