/** A network that gives NaN is an error, not a black picture: in weights, while a run goes, on the command line. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { CheckpointError, InputError, NotFiniteError } from "../src/errors.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { readFloat32, writeSafetensors, type WritableTensor } from "../src/files/safetensors.ts";
import { fromErrorMessage, toErrorMessage } from "../src/element/errors.ts";
import { RunControl } from "../src/repaint/control.ts";
import { sample, type SampleOptions } from "../src/repaint/loop.ts";
import type { Sampling } from "../src/repaint/sampling.ts";
import { UNet } from "../src/unet/unet.ts";
import { cli, folder } from "./support/cli.ts";
import { gpuDevice } from "./support/gpu.ts";
import { tinyNetwork, tinySize } from "./support/tinyNetwork.ts";

const device = await gpuDevice();

/** The tiny network with values of one tensor put in place of its own. */
async function changed(tensor: string, change: (values: Float32Array) => void): Promise<Uint8Array> {
  const { file } = await openCheckpoint(bytesSource("tiny", tinyNetwork()));
  const tensors: WritableTensor[] = [];
  for (const { name, shape } of file.tensors.values()) {
    const data = await readFloat32(file, name);
    if (name === tensor) change(data);
    tensors.push({ name, shape, dtype: "F32", data });
  }
  return writeSafetensors(tensors, Object.fromEntries(file.metadata));
}

const load = async (bytes: Uint8Array, precision: "f32" | "f16" = "f32") =>
  UNet.load(device, await openCheckpoint(bytesSource("tiny.safetensors", bytes)), { precision });

async function finish(options: SampleOptions): Promise<Float32Array> {
  const run = sample(options);
  let next = await run.next();
  while (!next.done) next = await run.next();
  return next.value;
}

describe("weights", () => {
  test.each([NaN, Infinity, -Infinity])("of %s are refused with the tensor's name", async (value) => {
    const bytes = await changed("out.2.weight", (values) => (values[7] = value));
    const message = `tiny.safetensors: out.2.weight holds ${value} (element 7 of`;
    await expect(load(bytes)).rejects.toThrow(message);
    await expect(load(bytes)).rejects.toBeInstanceOf(CheckpointError);
  });

  test("too large for f16 are refused in f16, and run in f32", async () => {
    const bytes = await changed("out.2.weight", (values) => (values[7] = 70_000));
    await expect(load(bytes, "f16")).rejects.toThrow(/out\.2\.weight are too large for f16 .*70000.* f32/);
    await expect(load(bytes, "f16")).rejects.toBeInstanceOf(InputError);
    (await load(bytes)).dispose();
  });
});

describe("a run whose network overflows", () => {
  const shape = { batch: 2, channels: 3, height: tinySize, width: tinySize };
  // Finite weights; the products of two layers are not.
  const overflowing = () => changed("out.2.weight", (values) => values.fill(3e38));
  const samplings: Sampling[] = [
    { sampler: "langevin", levels: 3, inner: 1 },
    { sampler: "repaint", steps: 3, jumpLength: 1, resamples: 1 },
  ];

  test.each(samplings)("ends with the call at which it did: $sampler", async (sampling) => {
    const unet = await load(await overflowing());
    const before = device.counters.liveBytes;
    const run = finish({ unet, shape, sampling, seeds: [1n, 2n] });
    await expect(run).rejects.toThrow(
      /^the network gave NaN or infinity at model call 1 of 3: its weights are damaged/,
    );
    await expect(run).rejects.toBeInstanceOf(NotFiniteError);
    expect(device.counters.liveBytes).toBe(before);
    unet.dispose();
  });

  // No weight is beyond f16, but sums of 27 products are; the norms behind them bring every value back.
  const large = () =>
    changed("input_blocks.0.0.weight", (values) => values.forEach((w, i) => (values[i] = 5e4 * Math.sign(w))));

  test("of f16 alone is told from damaged weights; in f32 the network is sound", async () => {
    const halved = await load(await large(), "f16");
    await expect(finish({ unet: halved, shape, sampling: samplings[1]!, seeds: [1n, 2n] })).rejects.toThrow(
      /^the network gave NaN or infinity at model call 1 of 3: its activations do not fit f16: try precision f32$/,
    );
    halved.dispose();
    const unet = await load(await large());
    const values = await finish({ unet, shape, sampling: samplings[1]!, seeds: [1n, 2n] });
    expect(values.every((value) => Number.isFinite(value))).toBe(true);
    unet.dispose();
  });

  test("ends when it is stopped, too, and its error keeps its class on the way to a page", async () => {
    const unet = await load(await overflowing());
    const control = new RunControl();
    control.stop();
    const error = await finish({ unet, shape, sampling: samplings[0]!, seeds: [1n, 2n], control }).catch(
      (e: unknown) => e,
    );
    expect(fromErrorMessage(toErrorMessage(error))).toBeInstanceOf(NotFiniteError);
    unet.dispose();
  });

  test("leaves no file on the command line, and one line", async () => {
    const here = await folder();
    const weights = join(here, "tiny.safetensors");
    await writeFile(weights, await overflowing());
    const out = join(here, "out");
    const { status, err } = await cli(["sample", "--weights", weights, "--preset", "fast", "--out", out]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(/the network gave NaN or infinity at model call 1 of 10: .*file$/m),
    ]);
    expect(await readdir(out).catch(() => [])).toEqual([]);
  });
});
