/** One forward of a golden case: inputs from its files, weights too or another checkpoint's, the output as NCHW. */
import type { Checkpoint } from "../../src/checkpoints/checkpoint.ts";
import type { Device } from "../../src/engine/device.ts";
import { readFloats } from "../../src/engine/readback.ts";
import { fromNhwc, toNhwc } from "../../src/unet/layout.ts";
import { UNet, type UNetOptions } from "../../src/unet/unet.ts";
import { goldenCheckpoint, goldenTensors, shapeOf, tensor } from "./goldens.ts";

export async function forwardGolden(
  device: Device,
  name: string,
  { checkpoint, ...options }: UNetOptions & { checkpoint?: Checkpoint } = {},
): Promise<{ out: Float32Array; expected: Float32Array }> {
  const io = await goldenTensors(`unet/${name}.io.safetensors`);
  const [batch, channels, height, width] = shapeOf(io, "x");
  const low = io.tensors.has("low_res") ? shapeOf(io, "low_res") : undefined;
  const unet = await UNet.load(
    device,
    checkpoint ?? (await goldenCheckpoint(`unet/${name}.weights.safetensors`)),
    options,
  );
  try {
    const session = await unet.session({ batch, height, width, lowRes: low && { height: low[2], width: low[3] } });
    device.upload(session.x, 0, toNhwc(await tensor(io, "x"), { batch, channels, height, width }));
    if (low) {
      const shape = { batch, channels: low[1], height: low[2], width: low[3] };
      device.upload(session.lowRes!, 0, toNhwc(await tensor(io, "low_res"), shape));
    }
    const classes = io.tensors.has("y") ? [...(await tensor(io, "y"))] : undefined;
    const table = await unet.embed([...(await tensor(io, "t"))], classes);
    session.submit(
      table,
      Array.from({ length: batch }, (_, n) => n),
    );
    const out = fromNhwc(await readFloats(device, session.out), {
      batch,
      channels: shapeOf(io, "out")[1],
      height,
      width,
    });
    table.dispose();
    session.dispose();
    return { out, expected: await tensor(io, "out") };
  } finally {
    unet.dispose();
  }
}
