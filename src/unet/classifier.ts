/**
 * A loaded noise-aware classifier and its sessions: logits, and the gradient of log p(y | x) with respect to the image,
 * which guides a run. Shares weights' packing, layers and embeddings with the UNet. Not here: what guidance does with
 * the gradient (src/repaint).
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import type { Plan } from "../engine/plan.ts";
import { padTo4, type Tensor } from "../engine/tensor.ts";
import { logSoftmaxGradient } from "../shaders/logSoftmaxGradient.ts";
import { planGradient } from "./backward.ts";
import type { ClassifierCheckpoint } from "../checkpoints/classifier/checkpoint.ts";
import { type ClassifierConfig, sizeMultiple } from "../checkpoints/config.ts";
import { copyRows, embedRows, type EmbeddingTable } from "./embeddingTable.ts";
import { planLogits } from "./heads.ts";
import { Layers } from "./layers.ts";
import type { NetworkOptions } from "./networkOptions.ts";
import { LoadedNetwork, type PlanSession } from "./loadedNetwork.ts";
import { type ForwardSize, requireSize } from "./network.ts";
import { readWeights } from "./upload.ts";
import type { UNetOptions } from "./unet.ts";
import { declareWeights, type PackedWeights } from "./weights.ts";
import type { ConvolutionChoices } from "../operators/convolution/layer.ts";
import { packedBytes } from "./upload.ts";

export interface ClassifierPlan {
  readonly plan: Plan;
  /** f32 [batch, height, width, inChannels padded to 4] */
  readonly x: Tensor;
  readonly embedding: Tensor;
  /** u32 [batch] */
  readonly labels: Tensor;
  /** f32 [batch, classes padded to 4] */
  readonly logits: Tensor;
  /** f32, of x's shape: ∇ₓ Σ log softmax(logits)[label]; padding channels are 0. */
  readonly gradient: Tensor;
}

/** The tensors that a session of the plan owns. `sharesX`: the caller gives the buffer of x. */
export const classifierEnds = (
  { x, embedding, labels, logits, gradient }: ClassifierPlan,
  { sharesX }: { sharesX: boolean },
): Tensor[] => [embedding, labels, logits, gradient, ...(sharesX ? [] : [x])];

/** @throws InputError for a size that the levels cannot halve or the head cannot take */
export function requireClassifierSize(config: ClassifierConfig, size: ForwardSize): void {
  requireSize(config, size);
  if (config.pool !== "attention") return;
  const multiple = sizeMultiple(config);
  const positions = (config.imageSize / multiple) ** 2;
  const got = (size.height / multiple) * (size.width / multiple);
  if (got === positions) return;
  const { imageSize } = config;
  throw new InputError(
    `this classifier is for images of ${imageSize}×${imageSize}: its attention pool has ${positions} positions, and ${size.width}×${size.height} pixels make ${got}`,
  );
}

/** Logits and gradient in one plan. Activations are f32: a gradient's small numbers do not survive f16. */
export function planClassifier(options: Omit<NetworkOptions, "activations">, size: ForwardSize): ClassifierPlan {
  const { architecture } = options;
  const { batch, height, width } = size;
  const layers = new Layers({ ...options, activations: "f32" }, batch, { gradient: true });
  const { builder } = layers;
  const channels = padTo4(architecture.config.inChannels);
  const classes = architecture.outChannels;
  const shape = [batch, height, width, channels];
  const x = builder.external("x", "f32", shape);
  const labels = builder.external("labels", "u32", [batch]);
  const logits = builder.external("logits", "f32", [batch, padTo4(classes)]);
  const gradient = builder.external("gradient", "f32", shape);
  planLogits(layers, architecture, { parts: [{ tensor: x, channels }], height, width }, logits);
  const dy = builder.temporary("logits.gradient", "f32", [batch, 1, 1, padTo4(classes)]);
  builder.dispatch(logSoftmaxGradient, {
    tensors: { logits, labels, dy },
    parameters: { rows: batch, classes, stride: padTo4(classes) },
    variant: {},
  });
  planGradient(layers, { y: logits, dy, x, into: gradient });
  return { plan: builder.finish(), x, embedding: layers.embedding, labels, logits, gradient };
}

/** Storage of the weights: `weightType`, else as `precision`; activations and gradients are f32 in any case. */
export type ClassifierOptions = UNetOptions;

function declareClassifier({ architecture }: ClassifierCheckpoint, options: ClassifierOptions): PackedWeights {
  return declareWeights(architecture, options.weightType ?? options.precision ?? "f32", { gradient: true });
}

/** What `Classifier.load` puts on the device. */
export function classifierBytes(checkpoint: ClassifierCheckpoint, options: ClassifierOptions = {}): number {
  return packedBytes(declareClassifier(checkpoint, options));
}

export class Classifier {
  readonly checkpoint: ClassifierCheckpoint;
  readonly #loaded: LoadedNetwork;
  readonly #choices: ConvolutionChoices | undefined;

  private constructor(
    checkpoint: ClassifierCheckpoint,
    loaded: LoadedNetwork,
    choices: ConvolutionChoices | undefined,
  ) {
    this.checkpoint = checkpoint;
    this.#loaded = loaded;
    this.#choices = choices;
  }

  /** @throws CheckpointError, OutOfMemoryError, DeviceLostError, or the signal's reason */
  static async load(
    device: Device,
    checkpoint: ClassifierCheckpoint,
    options: ClassifierOptions = {},
  ): Promise<Classifier> {
    const read = (name: string) => readWeights(checkpoint.file, name);
    const loaded = await LoadedNetwork.load(device, declareClassifier(checkpoint, options), read, options);
    return new Classifier(checkpoint, loaded, options.choices);
  }

  get device(): Device {
    return this.#loaded.device;
  }

  get weightBytes(): number {
    return this.#loaded.weightBytes;
  }

  /** Number of classes. */
  get classes(): number {
    return this.checkpoint.architecture.outChannels;
  }

  /**
   * Everything for images of this size, with a class in `labels` for each. `x` is the buffer that holds them (f32 NHWC,
   * padded channels) and stays the caller's; without it the session has its own.
   * @throws InputError for labels out of range and a size that the network cannot take, OutOfMemoryError
   */
  async session(size: ForwardSize, labels: readonly number[], x?: GPUBuffer): Promise<ClassifierSession> {
    const { architecture, config } = this.checkpoint;
    requireClassifierSize(config, size);
    checkLabels(labels, size.batch, this.classes);
    const planned = planClassifier({ ...(await this.#loaded.planning()), architecture, choices: this.#choices }, size);
    const given = x ? [[planned.x, { buffer: x }] as const] : [];
    const session = await this.#loaded.session(planned.plan, classifierEnds(planned, { sharesX: Boolean(x) }), given);
    this.device.upload(session.buffer(planned.labels), 0, Uint32Array.from(labels));
    return new ClassifierSession(this.device, planned, session, x);
  }

  /** One row of embeddings a timestep, in the UNet's units. @throws OutOfMemoryError */
  async embed(timesteps: readonly number[]): Promise<EmbeddingTable> {
    const { architecture } = this.checkpoint;
    return embedRows(this.#loaded, { architecture, choices: this.#choices, timesteps });
  }

  dispose(): void {
    this.#loaded.dispose();
  }
}

function checkLabels(labels: readonly number[], batch: number, classes: number): void {
  if (labels.length !== batch)
    throw new InputError(`classes: expected one of each of ${batch} images, got ${labels.length}`);
  for (const label of labels)
    if (!Number.isInteger(label) || label < 0 || label >= classes)
      throw new InputError(`class: the classifier knows classes from 0 to ${classes - 1}, got ${label}`);
}

export class ClassifierSession {
  readonly #device: Device;
  readonly #planned: ClassifierPlan;
  readonly #session: PlanSession;
  /** The caller's, or the session's own. */
  readonly x: GPUBuffer;

  constructor(device: Device, planned: ClassifierPlan, session: PlanSession, x: GPUBuffer | undefined) {
    this.#device = device;
    this.#planned = planned;
    this.#session = session;
    this.x = x ?? session.buffer(planned.x);
  }

  get logits(): GPUBuffer {
    return this.#session.buffer(this.#planned.logits);
  }

  get gradient(): GPUBuffer {
    return this.#session.buffer(this.#planned.gradient);
  }

  /** Submits logits and gradient: image n is embedded by row `rows[n]` of the table. */
  submit(table: EmbeddingTable, rows: readonly number[]): void {
    this.#embed(table, rows);
    this.#session.executor.submit();
  }

  /** The same, waiting for it. `onProgress` gets the share that is done, 0 … 1. */
  async run(
    table: EmbeddingTable,
    rows: readonly number[],
    options: { onProgress?: ((done: number) => void) | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    this.#embed(table, rows);
    await this.#session.executor.run(options);
  }

  #embed(table: EmbeddingTable, rows: readonly number[]): void {
    copyRows(this.#device, table, rows, this.#session.buffer(this.#planned.embedding));
  }

  dispose(): void {
    this.#session.dispose();
  }
}
