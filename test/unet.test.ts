/** Whole networks against PyTorch's outputs, in f32, with f16 weights and in f16. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { everyNth, full } from "./support/full.ts";
import { forwardGolden } from "./support/forward.ts";
import { goldenCheckpoint, goldenUrl, relativeError } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { values } from "./support/random.ts";
import { tinyNetwork } from "./support/tinyNetwork.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { readFloats } from "../src/engine/readback.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { toNhwc } from "../src/unet/layout.ts";
import { UNet } from "../src/unet/unet.ts";

const device = await gpuDevice();
const cases = Object.entries(
  JSON.parse(readFileSync(goldenUrl("unet/cases.json")!, "utf8")) as Record<string, { kind: string }>,
)
  .filter(([, { kind }]) => kind === "unet")
  .map(([name]) => name);
const inHalf = everyNth(2, cases);
const missing = (name: string) => !goldenUrl(`unet/${name}.weights.safetensors`);

/** SwiftShader's exp is coarse; measured: 4e-7 to 2e-6. */
const f32 = /swiftshader/i.test(device.info.architecture) ? 5e-5 : 1e-5;

describe.each(cases)("%s", (name) => {
  const skipped = missing(name);
  const why = skipped ? " (skipped: only in the whole golden set, REPAINT_GOLDEN)" : "";
  it.skipIf(skipped)(`f32${why}`, async () => {
    const { out, expected } = await forwardGolden(device, name, { precision: "f32" });
    expect(relativeError(out, expected)).toBeLessThanOrEqual(f32);
  });
  if (!inHalf.includes(name)) return;
  it.skipIf(skipped)(`f16${why}`, async () => {
    const { out, expected } = await forwardGolden(device, name, { precision: "f16" });
    expect(relativeError(out, expected)).toBeLessThanOrEqual(1e-2);
  });
});

it("takes weights in f16 with arithmetic in f32", async () => {
  // This checkpoint is stored in f16, so that nothing is rounded.
  const { out, expected } = await forwardGolden(device, "new-attention-order", { weightType: "f16" });
  expect(relativeError(out, expected)).toBeLessThanOrEqual(f32);
});

it("computes the same on the kernels for GPUs", async () => {
  const asGpu = new Device(device.gpu, device.info, { kind: "gpu" });
  for (const name of ["super-res", "new-attention-order"]) {
    const { out, expected } = await forwardGolden(asGpu, name, {});
    expect(relativeError(out, expected), name).toBeLessThanOrEqual(f32);
  }
});

// Tiles take long to compile on a processor.
it.skipIf(!full)("norms in one dispatch on GPUs what three do on processors", async () => {
  const checkpoint = await openCheckpoint(bytesSource("tiny", tinyNetwork(undefined, { norm_num_groups: 8 })));
  const shape = { batch: 2, channels: 3, height: 8, width: 8 };
  const x = toNhwc(values(2 * 3 * 64, 5), shape);
  const forward = async (kind: "cpu" | "gpu") => {
    const unet = await UNet.load(new Device(device.gpu, device.info, { kind }), checkpoint);
    const session = await unet.session(shape);
    device.upload(session.x, 0, x);
    session.submit(await unet.embed([900, 20]), [0, 1]);
    const out = await readFloats(device, session.out);
    unet.dispose();
    return out;
  };
  expect(relativeError(await forward("gpu"), await forward("cpu"))).toBeLessThanOrEqual(f32);
});

const noMatrix = device.matrix
  ? ""
  : " (skipped: this adapter has no subgroup matrices; REPAINT_EXPERIMENTAL=1 asks for them)";
it.skipIf(!device.matrix)(
  `computes the same in f16 on subgroup matrices${noMatrix}`,
  { timeout: 600_000 },
  async () => {
    const asGpu = new Device(device.gpu, device.info, { kind: "gpu" });
    const { out, expected } = await forwardGolden(asGpu, "new-attention-order", { precision: "f16" });
    expect(relativeError(out, expected)).toBeLessThanOrEqual(1e-2);
  },
);

describe("UNet", () => {
  it("refuses sizes and classes that the network cannot take, and frees everything", async () => {
    const bytes = device.counters.liveBytes;
    const unet = await UNet.load(device, await goldenCheckpoint("unet/class-cond.weights.safetensors"));
    await expect(unet.session({ batch: 1, height: 31, width: 32 })).rejects.toThrow(/height.*multiple of 2.*31/);
    await expect(unet.session({ batch: 1, height: 32, width: 0 })).rejects.toThrow(/width/);
    await expect(unet.embed([1])).rejects.toThrow(/y is needed, a class from 0 to 9/);
    await expect(unet.embed([1], [10])).rejects.toThrow(/from 0 to 9, got 10/);
    await expect(unet.embed([1, 2], [3])).rejects.toThrow(/expected 2 classes, got 1/);
    unet.dispose();
    expect(device.counters.liveBytes).toBe(bytes);
  });
});
