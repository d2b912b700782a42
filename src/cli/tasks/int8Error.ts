/** What int8 weights cost a network: one forward with them against one with the weights that they were made of. */
import type { Checkpoint } from "../../checkpoints/checkpoint.ts";
import { openCheckpoint } from "../../checkpoints/checkpoint.ts";
import { synthesizeInput } from "../../checkpoints/synthesis.ts";
import type { Device } from "../../engine/device.ts";
import { openFileSource } from "../../node/fileSource.ts";
import { UNet } from "../../unet/unet.ts";
import type { Context } from "../context.ts";
import { relativeError } from "../../numbers/floats.ts";
import { forwardOnce, forwardProgress, type ForwardInputs } from "./forward.ts";

/** Where most of a network's work is done: half of the way. */
const timestep = 500;

/** Relative error ‖int8 − source‖/‖source‖ of the output, in f32 on the device. @throws as `UNet.load` */
export async function int8Error(context: Context, device: Device, source: Checkpoint, path: string): Promise<number> {
  const inputs = inputsOf(source);
  const expected = await output(context, device, source, inputs);
  const file = await openFileSource(path);
  try {
    const written = await openCheckpoint(file, source.diffusersConfig);
    return relativeError(await output(context, device, written, inputs), expected);
  } finally {
    await file.close();
  }
}

async function output(
  { report, signal }: Context,
  device: Device,
  checkpoint: Checkpoint,
  inputs: ForwardInputs,
): Promise<Float32Array> {
  const network = await UNet.load(device, checkpoint, { signal });
  try {
    signal.throwIfAborted();
    const { out } = await forwardOnce(device, network, inputs, { signal, onProgress: forwardProgress(report) });
    report.endProgress();
    return out;
  } finally {
    network.dispose();
  }
}

/** Synthetic, of the network's own size. */
function inputsOf({
  config: { inChannels: channels, imageSize: side, numClasses, superRes },
}: Checkpoint): ForwardInputs {
  const image = (name: string, size: number) => {
    const shape = { batch: 1, channels, height: size, width: size };
    return { shape, values: synthesizeInput(name, [1, channels, size, size]) };
  };
  return {
    x: image("x", side),
    lowRes: superRes ? image("low_res", Math.ceil(side / 4)) : undefined,
    t: [timestep],
    y: numClasses === null ? undefined : [0],
  };
}
