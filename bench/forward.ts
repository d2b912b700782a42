/** A model as a whole: checked against PyTorch's answer where there is one, timed, and taken apart by layers. */
import type { Device } from "../src/engine/device.ts";
import type { DispatchTime } from "../src/engine/profiler.ts";
import { readFloats } from "../src/engine/readback.ts";
import { median } from "../src/engine/timing.ts";
import type { Checkpoint } from "../src/checkpoints/checkpoint.ts";
import { relativeError } from "../src/files/floats.ts";
import { fromNhwc, toNhwc, type ImageShape } from "../src/unet/layout.ts";
import { readFloat32, type TensorFile } from "../src/files/safetensors.ts";
import { synthesizeInput } from "../src/checkpoints/synthesis.ts";
import type { UNet } from "../src/unet/unet.ts";
import { usualLowRes } from "./networks.ts";
import type { ForwardResult, LayerTime } from "./result.ts";

/** As `repaint doctor` has them. */
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
  const { device, precision } = unet;
  const { superRes } = unet.checkpoint.config;
  const test = selfTest ? await storedCase(selfTest, superRes) : madeCase(unet.checkpoint);
  const { shape, x, lowRes, t, classes, out } = test;
  const { batch, height, width } = shape;
  const session = await unet.session({ batch, height, width, lowRes: lowRes?.shape });
  try {
    device.upload(session.x, 0, toNhwc(x, shape));
    if (lowRes) device.upload(session.lowRes!, 0, toNhwc(lowRes.values, lowRes.shape));
    const table = await unet.embed(t, classes);
    try {
      const rows = Array.from({ length: batch }, (_, n) => n);
      session.submit(table, rows);
      const { outChannels: channels } = unet.checkpoint.architecture;
      const made = fromNhwc(await readFloats(device, session.out), { ...shape, channels });
      const error = out && relativeError(made, out.subarray(0, made.length));
      if (error !== undefined && !(error <= tolerances[precision]))
        throw new Error(
          `the forward of ${network} is wrong: relative error ${error}, at most ${tolerances[precision]}`,
        );
      const times: number[] = [];
      for (let sample = 0; sample < samples; sample++) {
        signal?.throwIfAborted();
        times.push(await timeForward(device, () => session.submit(table, rows)));
      }
      const profiles: DispatchTime[][] = [];
      for (let sample = 0; sample < 3; sample++) {
        signal?.throwIfAborted();
        profiles.push(await session.profile(table, rows));
      }
      const layers = medianProfile(profiles);
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

/** The first image of a self-test, whatever it holds, so that results compare. */
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

/** An image in the middle of the noise; times do not depend on it. */
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
