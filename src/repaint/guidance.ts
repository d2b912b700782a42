/**
 * Classifier guidance of a run (Dhariwal & Nichol 2021): the classifier sees the x and the timestep that the network
 * sees, and its gradient of log p(y | x) lies beside the network's output when the step is made. Not here: what the
 * step does with it (diffusion.ts, shaders/reverseStep.ts), and the classifier (src/unet/classifier.ts).
 */
import { InputError } from "../errors.ts";
import type { Checkpoint } from "../checkpoints/checkpoint.ts";
import { namesInFile } from "../checkpoints/released/classNames.ts";
import type { ClassifierCheckpoint } from "../checkpoints/classifier/checkpoint.ts";
import type { Classifier, ClassifierSession } from "../unet/classifier.ts";
import type { EmbeddingTable } from "../unet/embeddingTable.ts";
import type { ImageShape } from "../unet/layout.ts";
import type { Diffusion } from "./diffusion.ts";
import { needsTiles, type Tiling } from "./networkCall.ts";
import type { Tiles } from "./tiles.ts";

export interface Guidance {
  /** On the network's device. */
  readonly classifier: Classifier;
  /** Times the gradient. 1: as the paper's unscaled guidance; more: closer to the class, less varied. */
  readonly scale: number;
  /** The class that each image is drawn towards, of the classifier's. */
  readonly classes: readonly number[];
}

/** What of two checkpoints must agree for one to guide the other. @throws InputError */
export function requireGuide(
  unet: Pick<Checkpoint, "file" | "config">,
  classifier: Pick<ClassifierCheckpoint, "file" | "config" | "knowsImageSize">,
): void {
  const { config: network } = unet;
  const { file, config, knowsImageSize } = classifier;
  if (config.inChannels !== network.inChannels)
    throw new InputError(
      `the classifier ${file.name} takes images of ${config.inChannels} channels and the network makes ${network.inChannels}: it cannot guide it`,
    );
  if (knowsImageSize && config.imageSize !== network.imageSize)
    throw new InputError(
      `the classifier ${file.name} is for images of ${config.imageSize}×${config.imageSize} and the network for ${network.imageSize}×${network.imageSize}: take one of the network's size`,
    );
  if (network.numClasses !== null) requireSameClasses({ file: unet.file, classes: network.numClasses }, classifier);
}

/** A network may have one more, which means none of them; an unconditional one takes any classifier. */
function requireSameClasses(
  network: { readonly file: Checkpoint["file"]; readonly classes: number },
  { file, config }: Pick<ClassifierCheckpoint, "file" | "config">,
): void {
  const classes = config.outChannels;
  const who = `the classifier ${file.name}`;
  if (network.classes !== classes && network.classes !== classes + 1)
    throw new InputError(
      `${who} knows ${classes} classes and the network ${network.classes}: take one of the network's classes`,
    );
  const [own, other] = [namesInFile(network.file, network.classes), namesInFile(file, classes)];
  const index = other?.findIndex((name, i) => own !== undefined && name !== own[i]) ?? -1;
  if (index !== -1)
    throw new InputError(
      `${who} calls class ${index} "${other![index]}" and the network "${own![index]}": take one of the network's classes`,
    );
}

/** @throws InputError */
export function requireScale(scale: number): void {
  if (!Number.isFinite(scale)) throw new InputError(`classifier scale: expected a number, got ${scale}`);
}

/** The gradient of a classifier over the state's own x: at once, or by tiles. */
interface GradientCall {
  readonly gradient: GPUBuffer;
  /** The `index`-th call, of as many as the network's. */
  submit(embeddings: EmbeddingTable, rows: readonly number[], index: number): void;
  dispose(): void;
}

export class Guide {
  readonly #session: GradientCall;
  readonly #embeddings: EmbeddingTable;
  readonly #images: number;

  private constructor(session: GradientCall, embeddings: EmbeddingTable, images: number) {
    this.#session = session;
    this.#embeddings = embeddings;
    this.#images = images;
  }

  /**
   * `x` is the buffer that the network reads.
   * @throws InputError, OutOfMemoryError; on failure nothing stays allocated
   */
  static async create(
    guidance: Guidance,
    { shape, diffusion, x, tiles, keep }: { shape: ImageShape; diffusion: Diffusion; x: GPUBuffer } & Tiling,
  ): Promise<Guide> {
    const { classifier, scale, classes } = guidance;
    requireScale(scale);
    const session = needsTiles(shape, tiles)
      ? await tiledGradient(guidance, { shape, x, tiles, keep })
      : await classifier.session(shape, classes, x);
    try {
      const embeddings = await classifier.embed([...diffusion.modelTimesteps]);
      return new Guide(session, embeddings, shape.batch);
    } catch (error) {
      session.dispose();
      throw error;
    }
  }

  /** ∇ₓ log p(class | x), f32, as x lies. */
  get gradient(): GPUBuffer {
    return this.#session.gradient;
  }

  /** Submits the gradient at respaced step `from`, beside the `index`-th call of the network. */
  submit(from: number, index: number): void {
    this.#session.submit(
      this.#embeddings,
      Array.from({ length: this.#images }, () => from),
      index,
    );
  }

  dispose(): void {
    this.#session.dispose();
    this.#embeddings.dispose();
  }
}

/**
 * The gradients of tiles, averaged as the network's outputs are. The images of a run have one class each: of tiles, one
 * image.
 */
async function tiledGradient(
  { classifier, classes }: Guidance,
  { shape, x, tiles, keep }: { shape: ImageShape; x: GPUBuffer; tiles: Tiles; keep: Tiling["keep"] },
): Promise<GradientCall> {
  if (shape.batch !== 1) throw new Error("a guided run by tiles is of one image");
  const { TiledForward } = await import("./tiledForward.ts");
  const session = async (size: ImageShape): Promise<TileGradient> => {
    const labels = Array.from({ length: size.batch }, () => classes[0]!);
    const one = await classifier.session(size, labels);
    return { x: one.x, out: one.gradient, one, dispose: () => one.dispose() };
  };
  const tile = { height: tiles.side, width: tiles.side };
  const sizes = { shape, tile, tilesAtOnce: tiles.atOnce, keep, outChannels: shape.channels };
  const forward = await TiledForward.create({ device: classifier.device, ...sizes, session, x });
  return {
    gradient: forward.out,
    submit: (embeddings, [row], index) =>
      forward.submit(index, ({ one }, images) =>
        one.submit(
          embeddings,
          images.map(() => row!),
        ),
      ),
    dispose: () => forward.dispose(),
  };
}

interface TileGradient {
  readonly x: GPUBuffer;
  readonly out: GPUBuffer;
  readonly one: ClassifierSession;
  dispose(): void;
}
