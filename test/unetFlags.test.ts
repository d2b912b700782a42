/** Constructor flags that no golden file has, on random weights, against the whole network in float64. */
import { describe, expect, it } from "vitest";
import { readFloats } from "../src/engine/readback.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { checkConfig, type UNetConfig } from "../src/checkpoints/config.ts";
import { fromNhwc, toNhwc } from "../src/unet/layout.ts";
import { UNet } from "../src/unet/unet.ts";
import { relativeError } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { constructorFlags, image, randomState, smallUNet, stateFile } from "./support/randomNetworks.ts";
import { wholeNetwork } from "./twins/wholeNetwork.ts";
import { bytesSource } from "../src/files/bytes.ts";

const device = await gpuDevice();

interface Case {
  readonly title: string;
  readonly flags: Partial<UNetConfig>;
  readonly height?: number;
  readonly width?: number;
  readonly batch?: number;
}

const cases: readonly Case[] = [
  {
    title: "other heads on the way up, not square, batch 3",
    flags: { numHeads: 4, numHeadsUpsample: 8 },
    height: 8,
    width: 12,
    batch: 3,
  },
  {
    title: "heads of 1 and 2 channels, new order",
    flags: { numHeads: 32, useNewAttentionOrder: true },
    height: 4,
    width: 6,
  },
  {
    title: "heads of 6 channels, legacy order",
    flags: { modelChannels: 96, channelMult: [1, 1], numHeads: 16 },
    height: 4,
    width: 4,
  },
  {
    title: "an identity skip over a concatenation",
    flags: { channelMult: [2, 1], resblockUpdown: true },
    height: 8,
    width: 4,
  },
  {
    title: "levels narrower than the model's channels",
    flags: { modelChannels: 64, channelMult: [0.5, 1], numHeadChannels: 16 },
    height: 4,
    width: 8,
  },
  {
    title: "model channels that no group divides",
    flags: { modelChannels: 16, channelMult: [2, 4] },
    height: 4,
    width: 4,
  },
  {
    title: "one level, no attention but the middle's",
    flags: { channelMult: [1], attentionResolutions: [] },
    height: 5,
    width: 7,
  },
  {
    title: "three levels of two blocks, attention everywhere",
    flags: { channelMult: [1, 1, 2], numResBlocks: 2, attentionResolutions: [1, 2, 4], numHeadChannels: 32 },
    height: 8,
    width: 12,
  },
  {
    title: "one channel in and out, no scale-shift, pooling",
    flags: { inChannels: 1, outChannels: 1, useScaleShiftNorm: false, convResample: false },
    height: 6,
    width: 4,
  },
  {
    title: "8 groups a norm, on widths that 32 does not divide",
    flags: { normNumGroups: 8, modelChannels: 24, channelMult: [1, 2], numHeadChannels: 8 },
    height: 8,
    width: 6,
    batch: 2,
  },
  { title: "five channels in", flags: { inChannels: 5, outChannels: 10 }, height: 4, width: 4, batch: 2 },
  {
    title: "super-resolution with classes, low_res of another aspect",
    flags: { superRes: true, numClasses: 3, resblockUpdown: true },
    height: 6,
    width: 8,
    batch: 2,
  },
];

describe.each(cases)("$title", ({ flags, height = 8, width = 8, batch = 1 }) => {
  it("equals the float64 twin", async () => {
    const config = { ...smallUNet, ...flags };
    checkConfig(config);
    const state = randomState(config);
    const file = stateFile(state, { guided_diffusion_unet: JSON.stringify(constructorFlags(config)) });
    const unet = await UNet.load(device, await openCheckpoint(bytesSource("random", file)));
    expect(unet.checkpoint.config).toEqual(config);
    const { inChannels, outChannels } = config;
    const low = config.superRes ? { height: 3, width: 2 } : undefined;
    const session = await unet.session({ batch, height, width, lowRes: low });
    const round = (data: Float64Array) => data.map(Math.fround);
    const x = round(values(batch * inChannels * height * width, 1));
    const lowRes = low && round(values(batch * inChannels * low.height * low.width, 2));
    const t = Array.from({ length: batch }, (_, n) => 37.5 + 200 * n);
    const y = config.numClasses === null ? undefined : t.map((_, n) => n % config.numClasses!);
    device.upload(session.x, 0, toNhwc(x, { batch, channels: inChannels, height, width }));
    if (lowRes) device.upload(session.lowRes!, 0, toNhwc(lowRes, { batch, channels: inChannels, ...low }));
    const table = await unet.embed(t, y);
    session.submit(
      table,
      t.map((_, n) => n),
    );
    const out = fromNhwc(await readFloats(device, session.out), { batch, channels: outChannels, height, width });
    for (let n = 0; n < batch; n++) {
      const expected = wholeNetwork(state, config, {
        x: image(x, n, inChannels, height, width),
        t: t[n]!,
        y: y?.[n],
        lowRes: lowRes && image(lowRes, n, inChannels, low.height, low.width),
      });
      const size = outChannels * height * width;
      const wanted = expected.planes.flatMap((plane) => [...plane]);
      expect(relativeError(out.subarray(n * size, (n + 1) * size), wanted), `image ${n}`).toBeLessThanOrEqual(1e-5);
    }
    table.dispose();
    session.dispose();
    unet.dispose();
  });
});
