/**
 * The state of a run on the device: x lies in the network's own input buffer, x̂₀, the known picture, the mask and the
 * seeds beside it, and a sampler's dispatches go over them. Shared by the loop, which generates noise, and the replay
 * of recorded traces, which is given it. Not here: what the dispatches compute and in which order (samplers/).
 */
import type { Device } from "../engine/device.ts";
import { InputError } from "../errors.ts";
import { Executor } from "../engine/executor.ts";
import { PlanBuilder } from "../engine/plan.ts";
import { readBuffer, readFloats } from "../engine/readback.ts";
import { padTo4 } from "../engine/tensor.ts";
import { tensorUsage } from "../engine/usage.ts";
import { gaussianNoise } from "../shaders/gaussianNoise.ts";
import { fromNhwc, toNhwc, type ImageShape } from "../unet/layout.ts";
import type { EmbeddingTable } from "../unet/embeddingTable.ts";
import type { UNet } from "../unet/unet.ts";
import type { Diffusion } from "./diffusion.ts";
import { FiniteWatch, type WatchOptions } from "./finiteWatch.ts";
import { networkCall, type NetworkCall } from "./networkCall.ts";
import { Guide, requireGuide, type Guidance } from "./guidance.ts";
import type { Tiles } from "./tiles.ts";
import { startDraw, stateLayout, type RunPlan, type StateTensors, type Step } from "./runPlan.ts";

/** The picture that is partly known. */
export interface Known {
  /** NCHW in [−1, 1]. */
  readonly image: ArrayLike<number>;
  /** [batch, height, width], 1 = known; values between blend. */
  readonly keep: ArrayLike<number>;
}

/** Where noise comes from: generated from a seed an image, or uploaded before each dispatch (`State.setNoise`). */
type NoiseSource = { readonly seeds: readonly bigint[] } | "injected";

interface StateOptions {
  readonly unet: UNet;
  readonly shape: ImageShape;
  readonly plan: RunPlan;
  readonly noise: NoiseSource;
  readonly known?: Known | undefined;
  /** Where the plan has a start: the pictures of which it makes the first state, NCHW in [−1, 1]. */
  readonly startFrom?: ArrayLike<number> | undefined;
  /** One class an image. */
  readonly classes?: readonly number[] | undefined;
  /** A classifier that guides; its scale stands in the plan's rows. */
  readonly guidance?: Guidance | undefined;
  /** Images larger than the network's go through it, and through the classifier, by tiles. */
  readonly tiles?: Tiles | undefined;
}

/** What a run is between two steps: the tensors that its plan carries, as they lie on the device. */
export type Carried = ReadonlyMap<"x" | "xStart", ArrayBuffer>;

type OwnTensor = "xStart" | "known" | "keep" | "seeds" | "noise" | "knownNoise";

export class State {
  readonly #device: Device;
  readonly #shape: ImageShape;
  readonly #carries: RunPlan["carries"];
  readonly #startFrom: ArrayLike<number> | undefined;
  readonly #network: NetworkCall;
  readonly #watch: FiniteWatch;
  readonly #embeddings: Embeddings;
  readonly #guide: Guide | undefined;
  readonly #buffers: ReadonlyMap<string, GPUBuffer>;
  /** The sampler's by their names, and "start" where noise is generated. */
  readonly #executors: ReadonlyMap<string, Executor>;
  readonly #owned: Owned;

  private constructor(
    { unet, shape, plan, startFrom }: StateOptions,
    parts: {
      network: NetworkCall;
      watch: FiniteWatch;
      embeddings: Embeddings;
      guide: Guide | undefined;
      buffers: Buffers;
    },
    executors: ReadonlyMap<string, Executor>,
    owned: Owned,
  ) {
    this.#device = unet.device;
    this.#shape = shape;
    this.#carries = plan.carries;
    this.#startFrom = startFrom;
    this.#network = parts.network;
    this.#watch = parts.watch;
    this.#embeddings = parts.embeddings;
    this.#guide = parts.guide;
    this.#buffers = parts.buffers;
    this.#executors = executors;
    this.#owned = owned;
  }

  /** @throws InputError, OutOfMemoryError; on failure nothing stays allocated. */
  static async create(options: StateOptions): Promise<State> {
    checkShapes(options);
    const { unet, shape, plan, guidance } = options;
    const { diffusion } = plan;
    const owned = new Owned();
    try {
      const tiling = { tiles: options.tiles, keep: options.known?.keep };
      const network = owned.keep(await networkCall(unet, shape, tiling));
      const watch = owned.keep(await FiniteWatch.create(unet.device, watchOptions(options, network.out)));
      const embeddings = await embedSteps(unet, diffusion, shape.batch, options.classes);
      owned.keep(embeddings.table);
      const { x, out } = network;
      const guide = guidance && owned.keep(await Guide.create(guidance, { shape, diffusion, x, ...tiling }));
      const buffers = await allocate(options, owned);
      buffers.set("x", x).set("out", out);
      if (guide) buffers.set("gradient", guide.gradient);
      const executors = new Map<string, Executor>();
      for (const [name, add] of Object.entries(dispatchesOf(options)))
        executors.set(name, owned.keep(await buildDispatch(options, buffers, add)));
      return new State(options, { network, watch, embeddings, guide, buffers }, executors, owned);
    } catch (error) {
      owned.dispose();
      throw error;
    }
  }

  /** x ← the start's noise, or `startFrom` as the plan noises it. Only with generated noise. */
  start(): void {
    if (this.#startFrom) this.#device.upload(this.#buffers.get("x")!, 0, toNhwc(this.#startFrom, this.#shape));
    this.#executors.get("start")!.submit();
  }

  /** Injected noise, NCHW: for the start, for the state (sampling and climbs), or for the known region. */
  setNoise(target: "start" | "state" | "known", values: ArrayLike<number>): void {
    const name = { start: "x", state: "noise", known: "knownNoise" }[target];
    this.#device.upload(this.#buffers.get(name)!, 0, toNhwc(values, this.#shape));
  }

  /** Of the network in a step that calls it: by tiles there may be several. */
  get callsAStep(): number {
    return this.#network.calls;
  }

  /**
   * The `index`-th call of the network (and of the classifier that guides) if the step has any; after the last one its
   * dispatch.
   */
  perform({ call, dispatch, row }: Step, index = 0): void {
    if (call !== undefined) {
      const { table, rowsOf } = this.#embeddings;
      this.#network.submit(table, rowsOf(call), index);
      this.#guide?.submit(call, index);
      if (index + 1 < this.callsAStep) return;
      this.#watch.submit();
    }
    this.#executors.get(dispatch)!.submit({ row });
  }

  /** Waits for the work submitted before. @throws NotFiniteError where a call of the network gave NaN or infinity */
  async check(): Promise<void> {
    await this.#watch.check();
  }

  /** x or x̂₀ as NCHW on the host. Waits for the work submitted before. @throws as `check` */
  async read(which: "x" | "xStart"): Promise<Float32Array> {
    await this.check();
    return fromNhwc(await readFloats(this.#device, this.#buffers.get(which)!), this.#shape);
  }

  /** For `restore`. Waits for the work submitted before. @throws as `check` */
  async snapshot(): Promise<Carried> {
    await this.check();
    const carried = new Map<"x" | "xStart", ArrayBuffer>();
    for (const name of this.#carries) carried.set(name, await readBuffer(this.#device, this.#buffers.get(name)!));
    return carried;
  }

  /** `calls`: of the network, before the snapshot. */
  restore(carried: Carried, calls: number): void {
    this.#watch.skip(calls);
    for (const [name, bytes] of carried) this.#device.upload(this.#buffers.get(name)!, 0, new Uint8Array(bytes));
  }

  dispose(): void {
    this.#owned.dispose();
  }
}

function watchOptions({ unet, shape, plan }: StateOptions, out: GPUBuffer): WatchOptions {
  const { outChannels: channels } = unet.checkpoint.architecture;
  const { images, vectors, pixelVectors, outStride } = stateLayout(shape, channels);
  const calls = plan.steps.filter(({ call }) => call !== undefined).length;
  const sizes = { images, pixels: vectors / pixelVectors, stride: outStride, channels };
  return { ...sizes, out, calls: Math.max(calls, 1), precision: unet.precision };
}

/** What holds device memory, released together. */
class Owned {
  readonly #all: { dispose(): void }[] = [];

  keep<T extends { dispose(): void }>(one: T): T {
    this.#all.push(one);
    return one;
  }

  dispose(): void {
    for (const one of this.#all) one.dispose();
  }
}

/** The embeddings of all steps of a run, for each distinct class of its images one after the other. */
interface Embeddings {
  readonly table: EmbeddingTable;
  /** Of each image: its row at respaced step `call`. */
  readonly rowsOf: (call: number) => number[];
}

async function embedSteps(
  unet: UNet,
  { modelTimesteps }: Diffusion,
  images: number,
  classes: readonly number[] | undefined,
): Promise<Embeddings> {
  const distinct = [...new Set(classes ?? [0])];
  const rows = distinct.flatMap((y) => Array.from(modelTimesteps, (timestep) => ({ timestep, y })));
  const table = await unet.embed(
    rows.map(({ timestep }) => timestep),
    classes && rows.map(({ y }) => y),
  );
  const firstRows = Array.from({ length: images }, (_, n) =>
    classes ? distinct.indexOf(classes[n]!) * modelTimesteps.length : 0,
  );
  return { table, rowsOf: (call) => firstRows.map((first) => first + call) };
}

type Buffers = Map<string, GPUBuffer>;

/** The state's own buffers, filled with what does not change. */
async function allocate({ unet, shape, known, noise }: StateOptions, owned: Owned): Promise<Buffers> {
  const { device, checkpoint } = unet;
  const { images, vectors } = stateLayout(shape, checkpoint.architecture.outChannels);
  const stateBytes = images * vectors * 16;
  const buffers: Buffers = new Map();
  const add = async (name: OwnTensor, bytes: number, data?: ArrayBufferView): Promise<void> => {
    const buffer = await device.createBuffer(name, bytes, tensorUsage);
    owned.keep({ dispose: () => device.destroyBuffer(buffer) });
    buffers.set(name, buffer);
    if (data) device.upload(buffer, 0, data);
  };
  await add("xStart", stateBytes);
  if (known) {
    const keep = Float32Array.from(known.keep);
    await add("known", stateBytes, toNhwc(known.image, shape));
    await add("keep", keep.byteLength, keep);
  }
  if (noise === "injected") {
    await add("noise", stateBytes);
    if (known) await add("knownNoise", stateBytes);
  } else {
    const words = noise.seeds.flatMap((seed) => [Number(seed & 0xffffffffn), Number((seed >> 32n) & 0xffffffffn)]);
    await add("seeds", words.length * 4, Uint32Array.from(words));
  }
  return buffers;
}

function dispatchesOf({ unet, shape, plan, noise }: StateOptions): RunPlan["dispatches"] {
  if (noise === "injected") return plan.dispatches;
  const { images, vectors } = stateLayout(shape, unet.checkpoint.architecture.outChannels);
  const start = (builder: PlanBuilder, { x, seeds }: StateTensors): void =>
    void builder.dispatch(gaussianNoise, {
      tensors: { seeds: seeds!, y: x },
      parameters: { images, vectors, draw: startDraw },
      variant: {},
    });
  return { start, ...plan.dispatches };
}

async function buildDispatch(
  { unet, shape }: StateOptions,
  buffers: Buffers,
  add: RunPlan["dispatches"][string],
): Promise<Executor> {
  const builder = new PlanBuilder();
  const tensors = stateTensors(builder, shape, unet.checkpoint.architecture.outChannels, buffers);
  add(builder, tensors);
  const externals = Object.values(tensors).flatMap((tensor) =>
    tensor ? [[tensor, { buffer: buffers.get(tensor.name)! }] as const] : [],
  );
  return Executor.create(unet.device, builder.finish(), new Map(externals));
}

/** A tensor for each buffer that there is. */
function stateTensors(builder: PlanBuilder, shape: ImageShape, outChannels: number, buffers: Buffers): StateTensors {
  const { images, vectors, pixelVectors, outStride } = stateLayout(shape, outChannels);
  const pixels = vectors / pixelVectors;
  const state = [shape.batch, shape.height, shape.width, padTo4(shape.channels)];
  const tensor = (name: string, dimensions: readonly number[], type: "f32" | "u32" = "f32") =>
    buffers.has(name) ? builder.external(name, type, dimensions) : undefined;
  return {
    x: tensor("x", state)!,
    out: tensor("out", [images, pixels, outStride])!,
    xStart: tensor("xStart", state)!,
    gradient: tensor("gradient", state),
    seeds: tensor("seeds", [images, 2], "u32"),
    known: tensor("known", state),
    keep: tensor("keep", [images, pixels]),
    noise: tensor("noise", state),
    knownNoise: tensor("knownNoise", state),
  };
}

function checkShapes({ unet, shape, plan, known, startFrom, classes, guidance, noise }: StateOptions): void {
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
  if (startFrom || "start" in plan.dispatches)
    expect("values of the picture to start from", batch * channels * height * width, startFrom?.length ?? 0);
  if (classes) expect("classes", batch, classes.length);
  if (guidance) {
    requireGuide(unet.checkpoint, guidance.classifier.checkpoint);
    if (guidance.classifier.device !== unet.device) throw new Error("the classifier is on another device");
  }
  if (noise !== "injected") expect("seeds", batch, noise.seeds.length);
}
