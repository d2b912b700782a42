/** The shipped model as a whole: checked against PyTorch's answer, timed, and taken apart by layers. */
import type { Device } from "../src/engine/device.ts";
import type { DispatchTime } from "../src/engine/profiler.ts";
import { readFloats } from "../src/engine/readback.ts";
import { median } from "../src/engine/timing.ts";
import { relativeError } from "../src/unet/floats.ts";
import { fromNhwc, toNhwc } from "../src/unet/layout.ts";
import { readFloat32, type TensorFile } from "../src/unet/safetensors.ts";
import type { UNet } from "../src/unet/unet.ts";
import type { ForwardResult, LayerTime } from "./result.ts";

/** As `repaint doctor` has them. */
const tolerances = { f32: 5e-5, f16: 1e-2 } as const;

export interface ForwardOptions {
  readonly network: string;
  readonly samples: number;
  readonly signal?: AbortSignal | undefined;
}

/** @throws Error when the network computes wrongly: then nothing is timed */
export async function benchForward(
  unet: UNet,
  selfTest: TensorFile,
  { network, samples, signal }: ForwardOptions,
): Promise<ForwardResult> {
  const { device, precision } = unet;
  const [, channels, height, width] = selfTest.tensors.get("x")!.shape as [number, number, number, number];
  // One image of it, whatever it holds, so that results compare.
  const batch = 1;
  const read = async (name: string, length: number) => (await readFloat32(selfTest, name)).subarray(0, length);
  const session = await unet.session({ batch, height, width });
  try {
    device.upload(session.x, 0, toNhwc(await read("x", channels * height * width), { batch, channels, height, width }));
    const classes = selfTest.tensors.has("y") ? [...(await read("y", 1))] : undefined;
    const table = await unet.embed([...(await read("t", 1))], classes);
    try {
      const rows = Array.from({ length: batch }, (_, n) => n);
      session.submit(table, rows);
      const shape = { batch, channels: unet.checkpoint.architecture.outChannels, height, width };
      const out = fromNhwc(await readFloats(device, session.out), shape);
      const error = relativeError(out, await read("out", out.length));
      if (!(error <= tolerances[precision]))
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
        ...{ network, precision, batch, error, milliseconds: median(times), samples: times },
        gflop: (2 * layers.reduce((sum, { macs }) => sum + macs, 0)) / 1e9,
        ...{ dispatches: layers.length, layers, clock: device.hasTimestamps ? "timestamps" : "wall" },
      };
    } finally {
      table.dispose();
    }
  } finally {
    session.dispose();
  }
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
    ...{ layer: label, kernel, macs },
    milliseconds: median(profiles.map((profile) => profile[index]!.milliseconds)),
  }));
}
