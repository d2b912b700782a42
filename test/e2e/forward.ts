/** A golden network in a page. */
import { readFloats } from "../../src/engine/readback.ts";
import { requestDevice } from "../../src/engine/device.ts";
import { openCheckpoint } from "../../src/checkpoints/checkpoint.ts";
import { fromNhwc, toNhwc } from "../../src/unet/layout.ts";
import { openSafetensors, readFloat32 } from "../../src/files/safetensors.ts";
import { UNet } from "../../src/unet/unet.ts";
import { bytesSource } from "../../src/files/bytes.ts";

export interface ForwardArgument {
  readonly weights: Uint8Array;
  readonly io: Uint8Array;
  readonly precision?: "f32" | "f16";
}

export async function run({ weights, io, precision = "f32" }: ForwardArgument) {
  const device = await requestDevice((await navigator.gpu.requestAdapter())!);
  const inputs = await openSafetensors(bytesSource("io", io));
  const [batch, channels, height, width] = inputs.tensors.get("x")!.shape as [number, number, number, number];
  const unet = await UNet.load(device, await openCheckpoint(bytesSource("weights", weights)), { precision });
  const session = await unet.session({ batch, height, width });
  device.upload(session.x, 0, toNhwc(await readFloat32(inputs, "x"), { batch, channels, height, width }));
  const table = await unet.embed([...(await readFloat32(inputs, "t"))]);
  session.submit(
    table,
    Array.from({ length: batch }, (_, n) => n),
  );
  const outChannels = inputs.tensors.get("out")!.shape[1]!;
  return fromNhwc(await readFloats(device, session.out), { batch, channels: outChannels, height, width });
}
