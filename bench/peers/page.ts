/**
 * In the page of `npm run bench:peers`: the same work by each engine, first compared with ours, then timed in turn, so
 * that what else the machine does meets all alike. Not here: browser, server and files (main.ts).
 */
import { requestDevice, type Device } from "../../src/engine/device.ts";
import { Executor } from "../../src/engine/executor.ts";
import { readFloats } from "../../src/engine/readback.ts";
import { byteLength, type Tensor } from "../../src/engine/tensor.ts";
import { median } from "../../src/engine/timing.ts";
import { tensorUsage } from "../../src/engine/usage.ts";
import { convolutionPlan } from "../../src/operators/convolution/plan.ts";
import { chooseConvolution } from "../../src/operators/convolution/candidates.ts";
import { loadTraits } from "../../src/operators/traits.ts";
import { countMacs } from "../../src/checkpoints/layers.ts";
import { openCheckpoint } from "../../src/checkpoints/checkpoint.ts";
import { relativeError } from "../../src/numbers/floats.ts";
import { fromNhwc, toNhwc } from "../../src/unet/layout.ts";
import { packConvolution } from "../../src/unet/packing.ts";
import { openSafetensors, readFloat32 } from "../../src/files/safetensors.ts";
import { tuneNetworks } from "../../src/unet/tuning.ts";
import { UNet } from "../../src/unet/unet.ts";
import { convolutionModel, type SingleConvolution, type Weight, withWeights } from "./onnx.ts";
import { ours, type PeerRow } from "./result.ts";
import { bytesSource } from "../../src/files/bytes.ts";
import { adapterName } from "../../src/engine/adapter.ts";
import { type ConvolutionLayer, layerMacs } from "../../src/operators/convolution/layer.ts";

export interface PeersRequest {
  readonly runs: number;
  readonly slowRuns: number;
  readonly threads: number;
  readonly only: string | undefined;
  /** Milliseconds for our tuner; 0: the shipped table. */
  readonly tune: number;
}

/** Every work of one engine, from x in host memory to its output there. */
interface Engine {
  readonly name: string;
  /** Undefined where it cannot run the work. */
  readonly run: () => Promise<Float32Array>;
  /** Seconds a run: timed seldom. */
  readonly slow?: boolean;
  readonly dispose?: () => void;
}

interface Work {
  readonly name: string;
  readonly gflop: number;
  /** Ours first; each is made when it is needed. */
  readonly engines: readonly { readonly name: string; readonly open: () => Promise<Engine> }[];
}

/**
 * Before each run that counts: threads of the engine before wait for work by spinning, on the cores that the next one
 * needs.
 */
const pauseMilliseconds = 200;

/** More than this and it computes something else. */
const tolerance = 1e-3;

const convolutions: readonly SingleConvolution[] = [
  { size: 64, channels: 32, outChannels: 32, kernel: 3 },
  { size: 64, channels: 64, outChannels: 32, kernel: 3 },
  { size: 32, channels: 64, outChannels: 64, kernel: 3 },
  { size: 32, channels: 128, outChannels: 128, kernel: 3 },
  { size: 16, channels: 96, outChannels: 96, kernel: 3 },
  { size: 64, channels: 64, outChannels: 32, kernel: 1 },
];

/** onnxruntime-web as it is served from its package. */
interface Ort {
  readonly env: { readonly wasm: { numThreads: number; wasmPaths: string }; readonly versions: { web?: string } };
  readonly InferenceSession: {
    create(model: Uint8Array, options: { executionProviders: string[] }): Promise<OrtSession>;
  };
  readonly Tensor: new (...tensor: OrtTensor) => unknown;
}
type OrtTensor =
  [type: "float32", data: Float32Array, dims: number[]] | [type: "int64", data: BigInt64Array, dims: number[]];
interface OrtSession {
  run(feeds: Record<string, unknown>): Promise<Record<string, { readonly data: Float32Array }>>;
  release(): Promise<void>;
}

declare global {
  /** Of main.ts: progress, a finished row, and whether to stop. */
  var peersProgress: (text: string) => Promise<boolean>;
  var peersRow: (row: PeerRow) => Promise<void>;
}

async function fetchBytes(path: string): Promise<Uint8Array> {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}

export async function run(request: PeersRequest): Promise<{ adapter: string; versions: Record<string, string> }> {
  if (!crossOriginIsolated) throw new Error("this page is not cross-origin isolated: WASM would run with one thread");
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("the page has no WebGPU adapter");
  const device = await requestDevice(adapter);
  const only = request.only === undefined ? undefined : new RegExp(request.only, "i");
  const works = [
    await forwardWork(device, request),
    ...convolutions.map((one) => convolutionWork(device, one, request)),
  ];
  for (const work of works) {
    if (only && !only.test(work.name)) continue;
    if (!(await compare(work, request))) break;
  }
  const { version_core: tfjs } = await import("@tensorflow/tfjs-core");
  const { env } = await ort("webgpu", request.threads);
  return { adapter: adapterName(device.info), versions: { "onnxruntime-web": env.versions.web ?? "", tfjs: tfjs } };
}

/** False where it was stopped. */
async function compare({ name, gflop, engines }: Work, { runs, slowRuns }: PeersRequest): Promise<boolean> {
  const open: { engine: Engine; error: number; samples: number[] }[] = [];
  let expected: Float32Array | undefined;
  try {
    for (const { name: engineName, open: create } of engines) {
      if (await globalThis.peersProgress(`${name}: ${engineName}, compared with ours`)) return false;
      let error = Infinity;
      try {
        const engine = await create();
        const output = (await engine.run()).slice();
        expected ??= output;
        error = relativeError(output, expected);
        if (error <= tolerance) open.push({ engine, error, samples: [] });
        else
          await globalThis.peersRow({
            work: name,
            gflop,
            engine: engineName,
            error,
            skipped: "computes something else",
          });
      } catch (failure) {
        const skipped = `does not run: ${(failure as Error).message.split("\n")[0]!.slice(0, 120)}`;
        await globalThis.peersRow({ work: name, gflop, engine: engineName, error, skipped });
      }
    }
    for (let round = 0; round < runs; round++)
      for (const { engine, samples } of open) {
        if (engine.slow && round >= slowRuns) continue;
        if (await globalThis.peersProgress(`${name}: ${engine.name}, run ${round + 1}`)) return false;
        await new Promise((calm) => setTimeout(calm, pauseMilliseconds));
        const begin = performance.now();
        await engine.run();
        samples.push(performance.now() - begin);
      }
    const own = median(open[0]!.samples);
    for (const { engine, error, samples } of open) {
      const milliseconds = median(samples);
      const row = { work: name, gflop, engine: engine.name, error, milliseconds, samples, ratio: milliseconds / own };
      await globalThis.peersRow(row);
    }
    return true;
  } finally {
    for (const { engine } of open) engine.dispose?.();
  }
}

async function ort(provider: "webgpu" | "wasm", threads: number): Promise<Ort> {
  const loaded = (await import(/* @vite-ignore */ `/ort/ort.${provider}.min.mjs`)) as Ort;
  loaded.env.wasm.numThreads = threads;
  loaded.env.wasm.wasmPaths = "/ort/";
  return loaded;
}

function ortEngine(
  provider: "webgpu" | "wasm",
  { threads }: PeersRequest,
  model: () => Promise<Uint8Array>,
  feeds: (library: Ort) => Record<string, unknown>,
  output: string,
): Work["engines"][number] {
  const name = `onnxruntime-web ${provider === "wasm" ? `WASM, ${threads} threads` : "WebGPU"}`;
  const open = async (): Promise<Engine> => {
    const library = await ort(provider, threads);
    const session = await library.InferenceSession.create(await model(), { executionProviders: [provider] });
    const inputs = feeds(library);
    const once = async () => (await session.run(inputs))[output]!.data;
    return { name, run: once, slow: provider === "webgpu", dispose: () => void session.release() };
  };
  return { name, open };
}

async function forwardWork(device: Device, request: PeersRequest): Promise<Work> {
  const checkpoint = await openCheckpoint(
    bytesSource("portraits64", await fetchBytes("/weights/portraits64.safetensors")),
  );
  const io = await openSafetensors(
    bytesSource("selftest", await fetchBytes("/weights/portraits64.selftest.safetensors")),
  );
  const { architecture } = checkpoint;
  const { imageSize: size, inChannels: channels } = checkpoint.config;
  const x = (await readFloat32(io, "x")).slice(0, channels * size * size);
  const t = (await readFloat32(io, "t")).slice(0, 1);
  const y = io.tensors.has("y") ? (await readFloat32(io, "y")).slice(0, 1) : undefined;
  const shape = { batch: 1, height: size, width: size };
  const open = async (): Promise<Engine> => {
    const { tune: budget } = request;
    const { answers } = await tuneNetworks(device, [{ architecture, precision: "f32" }], { budget });
    const unet = await UNet.load(device, checkpoint, { choices: answers });
    const session = await unet.session(shape);
    const table = await unet.embed([...t], y && [...y]);
    const once = async () => {
      device.upload(session.x, 0, toNhwc(x, { ...shape, channels }));
      session.submit(table, [0]);
      return fromNhwc(await readFloats(device, session.out), { ...shape, channels: architecture.outChannels });
    };
    return { name: ours, run: once, dispose: () => unet.dispose() };
  };
  const model = async () => {
    const weights = new Map<string, Weight>();
    for (const { name, shape } of checkpoint.file.tensors.values())
      weights.set(name, { shape, values: await readFloat32(checkpoint.file, name) });
    return withWeights(await fetchBytes("/peers/portraits64.graph.onnx"), weights);
  };
  const feeds = ({ Tensor }: Ort) => ({
    x: new Tensor("float32", x, [1, channels, size, size]),
    t: new Tensor("float32", t, [1]),
    ...(y ? { y: new Tensor("int64", BigInt64Array.from(y, BigInt), [1]) } : {}),
  });
  const peers = (["wasm", "webgpu"] as const).map((provider) => ortEngine(provider, request, model, feeds, "out"));
  const gflop = (2 * countMacs(architecture, size, size)) / 1e9;
  return { name: "forward of portraits64", gflop, engines: [{ name: ours, open }, ...peers] };
}

function convolutionWork(device: Device, one: SingleConvolution, request: PeersRequest): Work {
  const { size, channels, outChannels, kernel } = one;
  const numbers = (length: number, scale: number) =>
    Float32Array.from({ length }, (_, i) => scale * ((Math.imul(i + 1, 0x9e3779b1) >>> 8) / 2 ** 23 - 1));
  const x = numbers(channels * size * size, 1.7);
  const weight = numbers(outChannels * channels * kernel * kernel, 1.7 / Math.sqrt(channels * kernel * kernel));
  const bias = numbers(outChannels, 0.5);
  const layer: ConvolutionLayer = {
    kernel,
    stride: 1,
    activation: "none",
    pad: (kernel - 1) / 2,
    bias: true,
    residual: false,
    height: size,
    width: size,
    outHeight: size,
    outWidth: size,
    channels0: channels,
    channels1: 0,
    outChannels,
    activations: "f32",
    weights: "f32",
  };
  const inputShape = { batch: 1, channels, height: size, width: size };
  const outputShape = { ...inputShape, channels: outChannels };
  const model = () => Promise.resolve(convolutionModel(one, weight, bias));
  const feeds = ({ Tensor }: Ort) => ({ x: new Tensor("float32", x, [1, channels, size, size]) });
  return {
    name: `${kernel}×${kernel}, ${size}×${size}, ${channels} → ${outChannels}`,
    gflop: (2 * layerMacs(layer, 1)) / 1e9,
    engines: [
      { name: ours, open: () => ownConvolution(device, layer, { x, weight, bias }) },
      ortEngine("wasm", request, model, feeds, "y"),
      ortEngine("webgpu", request, model, feeds, "y"),
      {
        name: "TensorFlow.js WebGPU",
        open: async () => {
          const tf = await import("@tensorflow/tfjs-core");
          await import("@tensorflow/tfjs-backend-webgpu");
          if (!(await tf.setBackend("webgpu"))) throw new Error("it has no WebGPU backend here");
          await tf.ready();
          // Its layout is [kernel, kernel, in, out].
          const taps = packConvolution(weight, { kernel, inputs: [channels], out: outChannels });
          const filter = tf.tensor4d(taps, [kernel, kernel, channels, outChannels]);
          const shift = tf.tensor1d(bias);
          const once = async () => {
            const input = tf.tensor4d(toNhwc(x, inputShape), [1, size, size, channels]);
            const product = tf.conv2d(input, filter, 1, "same");
            const y = tf.add(product, shift);
            const data = fromNhwc(await y.data(), outputShape);
            for (const each of [input, product, y]) each.dispose();
            return data;
          };
          return { name: "TensorFlow.js WebGPU", run: once, slow: true };
        },
      },
    ],
  };
}

async function ownConvolution(
  device: Device,
  layer: ConvolutionLayer,
  values: { x: Float32Array; weight: Float32Array; bias: Float32Array },
): Promise<Engine> {
  const { plan, tensors } = convolutionPlan(layer, chooseConvolution(layer, await loadTraits(device)));
  const { kernel, channels0: channels, outChannels, height, width } = layer;
  const inputShape = { batch: 1, channels, height, width };
  const buffers = new Map<Tensor, { buffer: GPUBuffer }>();
  for (const [name, tensor] of Object.entries(tensors) as [string, Tensor | undefined][])
    if (tensor) buffers.set(tensor, { buffer: await device.createBuffer(name, byteLength(tensor), tensorUsage) });
  const of = (tensor: Tensor) => buffers.get(tensor)!.buffer;
  const taps = packConvolution(values.weight, { kernel, inputs: [channels], out: outChannels });
  device.upload(of(tensors.weight), 0, taps);
  device.upload(of(tensors.bias!), 0, values.bias);
  const executor = await Executor.create(device, plan, buffers);
  const once = async () => {
    device.upload(of(tensors.x0), 0, toNhwc(values.x, inputShape));
    executor.submit();
    return fromNhwc(await readFloats(device, of(tensors.y)), { ...inputShape, channels: outChannels });
  };
  const dispose = () => {
    executor.dispose();
    for (const { buffer } of buffers.values()) device.destroyBuffer(buffer);
  };
  return { name: ours, run: once, dispose };
}
