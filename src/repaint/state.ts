/**
 * The state of a run on the device and the dispatches over it: x lies in the network's own input buffer, x̂₀, the known
 * picture, the mask and the seeds beside it. Shared by the sampler, which generates noise, and the replay of recorded
 * traces, which is given it. Not here: what order the steps have.
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import { Executor } from "../engine/executor.ts";
import { PlanBuilder } from "../engine/plan.ts";
import { readBuffer, readFloats } from "../engine/readback.ts";
import { padTo4 } from "../engine/tensor.ts";
import { tensorUsage } from "../engine/usage.ts";
import { gaussianNoise } from "../shaders/gaussianNoise.ts";
import { renoise } from "../shaders/renoise.ts";
import { reverseStep, type ReverseStepVariant } from "../shaders/reverseStep.ts";
import type { DiffusionSettings } from "../checkpoints/config.ts";
import { fromNhwc, toNhwc, type ImageShape } from "../unet/layout.ts";
import type { EmbeddingTable } from "../unet/embeddingTable.ts";
import type { UNet, UNetSession } from "../unet/unet.ts";
import type { Diffusion, VarianceType } from "./diffusion.ts";
import { Guide, requireGuide, type Guidance } from "./guidance.ts";
import { startDraw, type ClimbRow, type ReverseRow, type StateLayout } from "./steps.ts";

/** The picture that is partly known. */
export interface Known {
  /** NCHW in [−1, 1]. */
  readonly image: ArrayLike<number>;
  /** [batch, height, width], 1 = known; values between blend. */
  readonly keep: ArrayLike<number>;
}

/** Where noise comes from: generated from a seed an image, or uploaded before each dispatch (`State.setNoise`). */
type NoiseSource = { readonly seeds: readonly bigint[] } | "injected";

export interface StateOptions {
  readonly unet: UNet;
  readonly diffusion: Diffusion;
  readonly shape: ImageShape;
  readonly variant: ReverseStepVariant;
  readonly noise: NoiseSource;
  readonly known?: Known | undefined;
  /** One class an image. */
  readonly classes?: readonly number[] | undefined;
  /** A classifier that guides; its scale stands in the rows. */
  readonly guidance?: Guidance | undefined;
  readonly reverse: readonly ReverseRow[];
  readonly climbs: readonly ClimbRow[];
}

export function stateLayout(shape: ImageShape, outChannels: number): StateLayout {
  const pixelVectors = padTo4(shape.channels) / 4;
  return {
    images: shape.batch,
    vectors: shape.height * shape.width * pixelVectors,
    pixelVectors,
    channels: shape.channels,
    outStride: padTo4(outChannels),
  };
}

/** What a checkpoint's diffusion settings say about a reverse step; DDIM (`eta`) has a variance of its own. */
export function reverseKind(
  settings: DiffusionSettings,
  { clip, eta }: { clip: boolean; eta?: number | undefined },
): { variance: VarianceType; variant: ReverseStepVariant } {
  const fixed = settings.sigmaSmall ? "fixed-small" : "fixed-large";
  return {
    variance: settings.learnSigma ? "learned-range" : fixed,
    variant: {
      prediction: settings.predictXstart ? "xStart" : "epsilon",
      variance: settings.learnSigma && eta === undefined ? "learned" : "fixed",
      clip,
    },
  };
}

type Buffer = "xStart" | "known" | "keep" | "seeds" | "noise" | "knownNoise";

interface Parts {
  readonly shape: ImageShape;
  readonly device: Device;
  readonly session: UNetSession;
  readonly guide: Guide | undefined;
  readonly embeddings: EmbeddingTable;
  /** Index of each image's class among the distinct classes of the run: which block of the table it takes. */
  readonly classIndex: readonly number[];
  /** Rows of one class in the table. */
  readonly timesteps: number;
  readonly buffers: ReadonlyMap<Buffer, GPUBuffer>;
  readonly start: Executor | undefined;
  readonly reverse: Executor;
  readonly climb: Executor | undefined;
  /** Everything above that holds device memory. */
  readonly disposables: readonly { dispose(): void }[];
}

export class State {
  readonly #parts: Parts;

  private constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** @throws InputError, OutOfMemoryError; on failure nothing stays allocated. */
  static async create(options: StateOptions): Promise<State> {
    const { unet, shape, known, noise, diffusion, guidance } = options;
    const { device, checkpoint } = unet;
    checkShapes(options);
    const disposables: { dispose(): void }[] = [];
    const buffers = new Map<Buffer, GPUBuffer>();
    disposables.push({ dispose: () => buffers.forEach((buffer) => device.destroyBuffer(buffer)) });
    try {
      const session = await unet.session(shape);
      disposables.push(session);
      const distinct = [...new Set(options.classes ?? [0])];
      const { modelTimesteps } = diffusion;
      const rows = distinct.flatMap((y) => Array.from(modelTimesteps, (timestep) => ({ timestep, y })));
      const embeddings = await unet.embed(
        rows.map(({ timestep }) => timestep),
        options.classes && rows.map(({ y }) => y),
      );
      disposables.push(embeddings);
      const guide = guidance && (await Guide.create(guidance, { shape, diffusion, x: session.x }));
      if (guide) disposables.push(guide);

      const layout = stateLayout(shape, checkpoint.architecture.outChannels);
      const stateShape = [shape.batch, shape.height, shape.width, padTo4(shape.channels)];
      const stateBytes = layout.images * layout.vectors * 16;
      const allocate = async (name: Buffer, bytes: number, data?: ArrayBufferView) => {
        const buffer = await device.createBuffer(name, bytes, tensorUsage);
        buffers.set(name, buffer);
        if (data) device.upload(buffer, 0, data);
      };
      await allocate("xStart", stateBytes);
      if (known) {
        const keep = Float32Array.from(known.keep);
        await allocate("known", stateBytes, toNhwc(known.image, shape));
        await allocate("keep", keep.byteLength, keep);
      }
      if (noise === "injected") {
        await allocate("noise", stateBytes);
        if (known) await allocate("knownNoise", stateBytes);
      } else {
        const words = noise.seeds.flatMap((seed) => [Number(seed & 0xffffffffn), Number((seed >> 32n) & 0xffffffffn)]);
        await allocate("seeds", words.length * 4, Uint32Array.from(words));
      }

      const build = async (dispatch: (builder: PlanBuilder, tensors: ReturnType<typeof stateTensors>) => void) => {
        const builder = new PlanBuilder();
        const tensors = stateTensors(builder, stateShape, layout, {
          known: Boolean(known),
          injected: noise === "injected",
          guided: guide !== undefined,
        });
        dispatch(builder, tensors);
        const own = [...buffers].flatMap(([name, buffer]) =>
          tensors[name] ? [[tensors[name], { buffer }] as const] : [],
        );
        const externals = new Map([
          [tensors.x, { buffer: session.x }] as const,
          [tensors.out, { buffer: session.out }] as const,
          ...(tensors.gradient && guide ? [[tensors.gradient, { buffer: guide.gradient }] as const] : []),
          ...own,
        ]);
        const executor = await Executor.create(device, builder.finish(), externals);
        disposables.push(executor);
        return executor;
      };
      const reverse = await build((builder, { x, out, xStart, noise, gradient, seeds, known, keep, knownNoise }) =>
        builder.dispatch(reverseStep, {
          tensors: { x, out, xStart, noise, gradient, seeds, known, keep, knownNoise },
          parameters: options.reverse,
          variant: options.variant,
        }),
      );
      const climb =
        options.climbs.length === 0
          ? undefined
          : await build((builder, { x, noise, seeds, known, keep, knownNoise }) =>
              builder.dispatch(renoise, {
                tensors: { x, noise, seeds, known, keep, knownNoise },
                parameters: options.climbs,
                variant: {},
              }),
            );
      const start =
        noise === "injected"
          ? undefined
          : await build((builder, { x, seeds }) =>
              builder.dispatch(gaussianNoise, {
                tensors: { seeds: seeds!, y: x },
                parameters: { images: layout.images, vectors: layout.vectors, draw: startDraw },
                variant: {},
              }),
            );
      const classIndex = Array.from({ length: shape.batch }, (_, n) =>
        options.classes ? distinct.indexOf(options.classes[n]!) : 0,
      );
      const timesteps = modelTimesteps.length;
      return new State({
        shape,
        device,
        session,
        guide,
        embeddings,
        classIndex,
        timesteps,
        buffers,
        start,
        reverse,
        climb,
        disposables,
      });
    } catch (error) {
      for (const disposable of disposables) disposable.dispose();
      throw error;
    }
  }

  /** x ← the start's noise. Only with generated noise. */
  start(): void {
    this.#parts.start!.submit();
  }

  /** Injected noise, NCHW: for the state (sampling, climbs, or the start itself) or for the known region. */
  setNoise(target: "start" | "state" | "known", values: ArrayLike<number>): void {
    const data = toNhwc(values, this.#parts.shape);
    const { buffers, session, device } = this.#parts;
    const buffer = { start: session.x, state: buffers.get("noise"), known: buffers.get("knownNoise") }[target];
    device.upload(buffer!, 0, data);
  }

  /** One model call (and the classifier's) at respaced step `from`, then the reverse dispatch with row `row`. */
  reverse(from: number, row: number): void {
    const { session, guide, embeddings, classIndex, timesteps, reverse } = this.#parts;
    session.submit(
      embeddings,
      classIndex.map((index) => index * timesteps + from),
    );
    guide?.submit(from);
    reverse.submit({ row });
  }

  climb(row: number): void {
    this.#parts.climb!.submit({ row });
  }

  /** x or x̂₀ as NCHW on the host. Waits for the work submitted before. */
  async read(which: "x" | "xStart"): Promise<Float32Array> {
    const { session, buffers, device, shape } = this.#parts;
    const buffer = which === "x" ? session.x : buffers.get("xStart")!;
    return fromNhwc(await readFloats(device, buffer), shape);
  }

  /** x as it lies on the device, for `restore`. Waits for the work submitted before. */
  snapshot(): Promise<ArrayBuffer> {
    return readBuffer(this.#parts.device, this.#parts.session.x);
  }

  restore(x: ArrayBuffer): void {
    this.#parts.device.upload(this.#parts.session.x, 0, new Uint8Array(x));
  }

  dispose(): void {
    for (const disposable of this.#parts.disposables) disposable.dispose();
  }
}

function stateTensors(
  builder: PlanBuilder,
  shape: readonly number[],
  layout: StateLayout,
  { known, injected, guided }: { known: boolean; injected: boolean; guided: boolean },
) {
  const { images, vectors, pixelVectors, outStride } = layout;
  const pixels = vectors / pixelVectors;
  const when = <T>(condition: boolean, make: () => T) => (condition ? make() : undefined);
  return {
    x: builder.external("x", "f32", shape),
    out: builder.external("out", "f32", [images, pixels, outStride]),
    xStart: builder.external("xStart", "f32", shape),
    gradient: when(guided, () => builder.external("gradient", "f32", shape)),
    seeds: when(!injected, () => builder.external("seeds", "u32", [images, 2])),
    known: when(known, () => builder.external("known", "f32", shape)),
    keep: when(known, () => builder.external("keep", "f32", [images, pixels])),
    noise: when(injected, () => builder.external("noise", "f32", shape)),
    knownNoise: when(known && injected, () => builder.external("knownNoise", "f32", shape)),
  };
}

function checkShapes({ unet, shape, known, classes, guidance, noise }: StateOptions): void {
  const { config } = unet.checkpoint;
  const { batch, channels, height, width } = shape;
  const expect = (what: string, expected: number, got: number) => {
    if (expected !== got) throw new InputError(`${what}: expected ${expected}, got ${got}`);
  };
  if (config.superRes)
    throw new InputError("this is a super-resolution network: it needs a low-resolution picture and cannot inpaint");
  expect("channels of the picture", config.inChannels, channels);
  const { learnSigma } = unet.checkpoint.diffusion;
  const what = learnSigma ? "output channels of a network that learns its variance" : "output channels of the network";
  expect(what, channels * (learnSigma ? 2 : 1), config.outChannels);
  if (known) {
    expect("values of the known picture", batch * channels * height * width, known.image.length);
    expect("values of the mask", batch * height * width, known.keep.length);
  }
  if (classes) expect("classes", batch, classes.length);
  if (guidance) {
    requireGuide(unet.checkpoint, guidance.classifier.checkpoint);
    if (guidance.classifier.device !== unet.device) throw new Error("the classifier is on another device");
  }
  if (noise !== "injected") expect("seeds", batch, noise.seeds.length);
}
