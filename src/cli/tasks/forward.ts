/**
 * One forward of a network from inputs in a file.
 */
import type { Device } from "../../engine/device.ts";
import { InputError } from "../../errors.ts";
import { readFloats } from "../../engine/readback.ts";
import { sizeMultiple, type UNetConfig } from "../../checkpoints/config.ts";
import { presetWords } from "../../checkpoints/released/find.ts";
import { fromNhwc, type ImageShape, toNhwc } from "../../unet/layout.ts";
import { UNet } from "../../unet/unet.ts";
import type { Report } from "../../node/report.ts";
import { TensorCheck } from "../files/tensorFiles.ts";

/** That the file has what a network takes: x, t, and y or low_res. The tensors that say how large it is. */
export function checkInputs(check: TensorCheck, config: UNetConfig) {
  const x = check.tensor("x", ["N", config.inChannels, "H", "W"], "float");
  const batch = x?.shape[0] ?? "N";
  check.tensor("t", [batch], "number");
  if (config.numClasses !== null && !check.tensor("y", [batch], "number")) {
    const looks = presetWords(config);
    if (looks) check.expect(false, `y holds a class an image; this network looks like ${looks}`);
  }
  const low = config.superRes ? check.tensor("low_res", [batch, config.inChannels, "h", "w"], "float") : undefined;
  const multiple = sizeMultiple(config);
  const [, , height = 0, width = 0] = x?.shape ?? [];
  check.expect(
    height % multiple === 0 && width % multiple === 0,
    `x: height and width must be multiples of ${multiple} for this network, got ${height} and ${width}`,
  );
  return { x, low };
}

export function readTimesteps(file: string, t: readonly number[]): readonly number[] {
  const wrong = t.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new InputError(`${file}: t should hold finite numbers, got ${wrong}`);
  return t;
}

/** Seconds of a forward before its pace says how long the rest takes, and before anything is shown. */
const settlingSeconds = 2;

/**
 * A forward of a large network takes minutes on a processor; one of a second needs no bar. Its pace is that since the
 * first call: what was before it, and in it, is loading and compiling.
 */
export function forwardProgress(report: Report, now = () => performance.now()): (done: number) => void {
  let first: { readonly done: number; readonly time: number } | undefined;
  return (done) => {
    const time = now();
    first ??= { done, time };
    const elapsed = (time - first.time) / 1000;
    if (elapsed < settlingSeconds || done <= first.done) return;
    const secondsLeft = (elapsed * (1 - done)) / (done - first.done);
    report.progress({ what: "% of the forward", done: Math.round(100 * done), total: 100, secondsLeft });
  };
}

/** One forward, timed without loading and compiling. */
export async function forwardOnce(
  device: Device,
  network: UNet,
  { x, lowRes, t, y }: ForwardInputs,
  { onProgress, signal }: { onProgress?: (done: number) => void; signal?: AbortSignal } = {},
): Promise<{ out: Float32Array; shape: ImageShape; seconds: number; deviceBytes: number }> {
  const { batch, height, width } = x.shape;
  const session = await network.session({ batch, height, width, lowRes: lowRes?.shape });
  try {
    device.upload(session.x, 0, toNhwc(x.values, x.shape));
    if (lowRes) device.upload(session.lowRes!, 0, toNhwc(lowRes.values, lowRes.shape));
    const table = await network.embed(t, y);
    try {
      await device.idle();
      const begin = performance.now();
      const rows = t.map((_, image) => image);
      await session.run(table, rows, { onProgress, signal });
      const seconds = (performance.now() - begin) / 1000;
      const shape = { ...x.shape, channels: network.checkpoint.architecture.outChannels };
      const deviceBytes = device.counters.liveBytes;
      return { out: fromNhwc(await readFloats(device, session.out), shape), shape, seconds, deviceBytes };
    } finally {
      table.dispose();
    }
  } finally {
    session.dispose();
  }
}

export interface ForwardInputs {
  readonly x: { readonly shape: ImageShape; readonly values: Float32Array };
  readonly lowRes: { readonly shape: ImageShape; readonly values: Float32Array } | undefined;
  readonly t: readonly number[];
  readonly y: readonly number[] | undefined;
}
