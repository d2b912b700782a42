/**
 * `repaint unet`: one forward of a network on tensors of a file. How anybody compares an adapter with PyTorch.
 * Formats: x [N, C, H, W], t [N], y [N] for class-conditional networks, low_res [N, C, h, w] for super-resolution;
 * other tensors of the input are not looked at.
 */
import { adapterName, type Device } from "../../engine/device.ts";
import { InputError } from "../../errors.ts";
import { readFloats } from "../../engine/readback.ts";
import { refuseOutput, writeFileAtomic } from "../../node/files.ts";
import { sizeMultiple, type UNetConfig } from "../../checkpoints/config.ts";
import { presetWords } from "../../checkpoints/released/find.ts";
import { fromNhwc, type ImageShape, toNhwc } from "../../unet/layout.ts";
import { readFloat32, type TensorFile, writeSafetensors } from "../../files/safetensors.ts";
import { UNet } from "../../unet/unet.ts";
import {
  adapterOption,
  type Arguments,
  type Command,
  flagsOption,
  forceOption,
  jsonOption,
  precisionOption,
  weightsOption,
} from "../command.ts";
import { announceDevice, type Context } from "../context.ts";
import { type OpenModel, readFlags, sayAssumed, withModel } from "../given/model.ts";
import type { Report } from "../report.ts";
import { readPrecision } from "../given/settings.ts";
import { readIntegers, TensorCheck, withTensors } from "../files/tensorFiles.ts";
import { tunedChoices, tuneOption } from "./tune.ts";
import { bytes as bytesInWords } from "../../text/quantities.ts";

export const forward: Command = {
  name: "unet",
  summary: "run a network once on the tensors of a safetensors file",
  options: [
    weightsOption,
    { name: "input", value: "F", help: "safetensors with x, t, and y or low_res where the network takes them" },
    { name: "output", value: "F", help: "safetensors to write: out, in float32" },
    flagsOption,
    precisionOption,
    { name: "weight-type", value: "f16|f32", help: "storage of weights (default: as --precision)" },
    tuneOption,
    adapterOption,
    forceOption,
    jsonOption,
  ],
  run,
};

async function run(context: Context, given: Arguments): Promise<void> {
  const [weights, input, output] = [given.required("weights"), given.required("input"), given.required("output")];
  const precision = readPrecision(given);
  const weightType = given.choice("weight-type", ["f16", "f32"]);
  const force = given.has("force");
  await refuseOutput(output, { force });
  await withModel(context, weights, await readFlags(given), (model) =>
    withTensors(input, async ({ file }) => {
      const inputs = await readInputs(file, model, context);
      sayAssumed(model, context.report, { diffusion: false });
      const device = await announceDevice(context, given.text("adapter"));
      const { signal } = context;
      const choices = await tunedChoices(context, device, [model.checkpoint], { precision, weightType, given });
      const network = await UNet.load(device, model.checkpoint, { precision, weightType, choices, signal });
      try {
        signal.throwIfAborted();
        const { out, shape, seconds, deviceBytes } = await forwardOnce(device, network, inputs, {
          ...{ signal, onProgress: forwardProgress(context.report) },
        });
        context.report.endProgress();
        const { batch, channels, height, width } = shape;
        const dimensions = [batch, channels, height, width];
        const metadata = { adapter: adapterName(device.info), precision };
        const bytes = writeSafetensors([{ name: "out", dtype: "F32", shape: dimensions, data: out }], metadata);
        await writeFileAtomic(output, bytes, { force });
        // Kibibytes, of this process; on a processor the device's memory is part of it.
        const residentBytes = process.resourceUsage().maxRSS * 1024;
        const memory = { deviceBytes, residentBytes };
        context.report.event("forward", { file: output, shape: dimensions, seconds, precision, ...memory });
        context.report.say(
          `Memory: ${bytesInWords(deviceBytes)} of buffers on the device, ${bytesInWords(residentBytes)} resident at most`,
        );
        context.report.say(`Forward of [${dimensions.join(", ")}] in ${seconds.toFixed(3)} s; wrote ${output}`);
      } finally {
        network.dispose();
      }
    }),
  );
}

interface Inputs {
  readonly x: { readonly shape: ImageShape; readonly values: Float32Array };
  readonly lowRes: { readonly shape: ImageShape; readonly values: Float32Array } | undefined;
  readonly t: readonly number[];
  readonly y: readonly number[] | undefined;
}

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

async function readInputs(file: TensorFile, { checkpoint }: OpenModel, { report }: Context): Promise<Inputs> {
  const { config } = checkpoint;
  const check = new TensorCheck(file);
  const { x, low } = checkInputs(check, config);
  check.finish();
  for (const name of ["y", "low_res"] as const)
    if (file.tensors.has(name) && !(name === "y" ? config.numClasses !== null : config.superRes))
      report.say(`${file.name}: this network takes no ${name}; it is not used.`);
  const image = async (name: string, [n, channels, h, w]: readonly number[]) => ({
    shape: { batch: n!, channels: channels!, height: h!, width: w! },
    values: await readFloat32(file, name),
  });
  const y = config.numClasses === null ? undefined : await readIntegers(file, "y");
  const wrong = y?.find((label) => label < 0 || label >= config.numClasses!);
  if (wrong !== undefined)
    throw new InputError(`${file.name}: y: expected classes from 0 to ${config.numClasses! - 1}, got ${wrong}`);
  return {
    x: await image("x", x!.shape),
    lowRes: low && (await image("low_res", low.shape)),
    t: readTimesteps(file.name, [...(await readFloat32(file, "t"))]),
    y,
  };
}

export function readTimesteps(file: string, t: readonly number[]): readonly number[] {
  const wrong = t.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new InputError(`${file}: t should hold finite numbers, got ${wrong}`);
  return t;
}

/** A forward of a large network takes minutes on a processor; one of a second needs no bar. */
export function forwardProgress(report: Report): (done: number) => void {
  const begin = performance.now();
  return (done) => {
    const elapsed = (performance.now() - begin) / 1000;
    if (elapsed < 2) return;
    const eta = (elapsed * (1 - done)) / done;
    report.progress({ what: "% of the forward", done: Math.round(100 * done), total: 100, eta });
  };
}

/** One forward, timed without loading and compiling. */
export async function forwardOnce(
  device: Device,
  network: UNet,
  { x, lowRes, t, y }: Inputs,
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
