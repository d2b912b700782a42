/**
 * A whole forward of a model: compared with PyTorch's output where there is one, timed, and profiled layer by layer.
 */
import type { Device } from "../src/engine/device.ts";
import { profileExecutor, type DispatchTime } from "../src/engine/profiler.ts";
import { readFloats } from "../src/engine/readback.ts";
import { median } from "../src/engine/timing.ts";
import type { Checkpoint } from "../src/checkpoints/checkpoint.ts";
import { relativeError } from "../src/numbers/floats.ts";
import { fromNhwc, toNhwc, type ImageShape } from "../src/unet/layout.ts";
import { readFloat32 } from "../src/files/safetensors.ts";
import { synthesizeInput } from "../src/checkpoints/synthesis.ts";
import type { UNet } from "../src/unet/unet.ts";
import { usualLowRes } from "./networks.ts";
import type { ForwardResult, LayerTime } from "./result.ts";
import type { TensorFile } from "../src/files/tensorFile.ts";

/** The same as those of `repaint doctor`. */
const tolerances = { f32: 5e-5, f16: 1e-2 } as const;

export interface ForwardOptions {
  readonly network: string;
  readonly samples: number;
  readonly selfTest?: TensorFile | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** @throws Error when the network computes wrongly: then nothing is timed */
export async function benchForward(
  unet: UNet,
  { network, samples, selfTest, signal }: ForwardOptions,
): Promise<ForwardResult> {
  const { device, precision, checkpoint } = unet;
  const test = selfTest ? await storedCase(selfTest, checkpoint.config.superRes) : madeCase(checkpoint);
  const { shape, x, lowRes, t, classes } = test;
  const { batch, height, width } = shape;
  const session = await unet.session({ batch, height, width, lowRes: lowRes?.shape });
  try {
    device.upload(session.x, 0, toNhwc(x, shape));
    if (lowRes) device.upload(session.lowRes!, 0, toNhwc(lowRes.values, lowRes.shape));
    const table = await unet.embed(t, classes);
    try {
      const rows = Array.from({ length: batch }, (_, n) => n);
      session.submit(table, rows);
      const { outChannels: channels } = checkpoint.architecture;
      const made = fromNhwc(await readFloats(device, session.out), { ...shape, channels });
      const error = checkedError(made, test.out, { network, precision });
      const times = await repeat(samples, signal, () => timeForward(device, () => session.submit(table, rows)));
      const layers = medianProfile(await repeat(3, signal, () => profileExecutor(device, session.embed(table, rows))));
      return {
        network,
        precision,
        batch,
        ...(error === undefined ? {} : { error }),
        milliseconds: median(times),
        samples: times,
        gflop: (2 * layers.reduce((sum, { macs }) => sum + macs, 0)) / 1e9,
        dispatches: layers.length,
        layers,
        clock: device.hasTimestamps ? "timestamps" : "wall",
      };
    } finally {
      table.dispose();
    }
  } finally {
    session.dispose();
  }
}

/** Relative error against PyTorch's output, where there is one. @throws Error beyond the tolerance */
function checkedError(
  made: Float32Array,
  expected: Float32Array | undefined,
  { network, precision }: Pick<ForwardResult, "network" | "precision">,
): number | undefined {
  const error = expected && relativeError(made, expected.subarray(0, made.length));
  const tolerance = tolerances[precision];
  if (error !== undefined && !(error <= tolerance))
    throw new Error(`the forward of ${network} is wrong: relative error ${error}, at most ${tolerance}`);
  return error;
}

async function repeat<T>(times: number, signal: AbortSignal | undefined, once: () => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let time = 0; time < times; time++) {
    signal?.throwIfAborted();
    results.push(await once());
  }
  return results;
}

interface ForwardCase {
  readonly shape: ImageShape;
  /** [1, channels, height, width]. */
  readonly x: Float32Array;
  /** Of a super-resolution network. */
  readonly lowRes?: { readonly shape: ImageShape; readonly values: Float32Array } | undefined;
  readonly t: readonly number[];
  readonly classes: readonly number[] | undefined;
  readonly out?: Float32Array;
}

/** The first image of a self-test only, so that results of different self-tests compare. */
async function storedCase(selfTest: TensorFile, superRes: boolean): Promise<ForwardCase> {
  const read = async (name: string, length?: number) => (await readFloat32(selfTest, name)).subarray(0, length);
  const image = async (name: string) => {
    const [, channels, height, width] = selfTest.tensors.get(name)!.shape as [number, number, number, number];
    const shape = { batch: 1, channels, height, width };
    return { shape, values: await read(name, channels * height * width) };
  };
  const { shape, values: x } = await image("x");
  return {
    shape,
    x,
    lowRes: superRes ? await image("low_res") : undefined,
    t: [...(await read("t", 1))],
    classes: selfTest.tensors.has("y") ? [...(await read("y", 1))] : undefined,
    out: await read("out"),
  };
}

/** Synthetic input at timestep 500; times do not depend on the values. */
function madeCase({ config }: Checkpoint): ForwardCase {
  const { imageSize: side, inChannels: channels, numClasses, superRes } = config;
  const square = (name: string, size: number) => ({
    shape: { batch: 1, channels, height: size, width: size },
    values: synthesizeInput(name, [1, channels, size, size]),
  });
  const { shape, values: x } = square("x", side);
  return {
    shape,
    x,
    lowRes: superRes ? square("low_res", usualLowRes(side)) : undefined,
    t: [500],
    classes: numClasses === null ? undefined : [0],
  };
}

async function timeForward(device: Device, submit: () => void): Promise<number> {
  await device.idle();
  const begin = performance.now();
  submit();
  await device.idle();
  return performance.now() - begin;
}

function medianProfile(profiles: readonly DispatchTime[][]): LayerTime[] {
  return profiles[0]!.map(({ kernel, label, macs }, index) => ({
    layer: label,
    kernel,
    macs,
    milliseconds: median(profiles.map((profile) => profile[index]!.milliseconds)),
  }));
}
