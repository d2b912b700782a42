/** Weights as int8 with a scale an output channel: what is written, read, refused, and what it costs a network. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { isMatrix, quantizationKey, quantizationWords, quantize } from "../src/files/int8.ts";
import { openTensors } from "../src/files/open.ts";
import { readFloat32 } from "../src/files/safetensors.ts";
import { goldenCheckpoint, goldenUrl, relativeError } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { cli, events, folder } from "./support/cli.ts";
import { forwardGolden } from "./support/forward.ts";
import { fileOf, quantized, type Written } from "./support/int8.ts";
import { values } from "./support/random.ts";

const open = (bytes: Uint8Array) => openTensors(bytesSource("test", bytes));

describe("a quantized matrix", () => {
  test("is within half a scale of its source, rows of zeros included", async () => {
    const [rows, width] = [5, 36];
    const source = Float32Array.from(values(rows * width, 3, { deviation: 0.2 }));
    source.fill(0, 2 * width, 3 * width);
    const { data, scales } = quantize(source, rows);
    const opened = await open(
      fileOf([
        { name: "a.weight.scale", dtype: "F32", shape: [rows], data: scales },
        { name: "a.weight", dtype: "I8", shape: [rows, 4, 3, 3], data },
      ]),
    );
    expect([...opened.tensors.keys()]).toEqual(["a.weight"]);
    const read = await readFloat32(opened, "a.weight");
    for (const [i, value] of source.entries())
      expect(Math.abs(read[i]! - value)).toBeLessThanOrEqual((scales[Math.floor(i / width)]! / 2) * (1 + 1e-6));
    expect(Math.max(...data)).toBe(127);
    expect(scales[2]).toBe(1);
    // Zeros come back as such, and so does each row's largest value.
    expect(read.subarray(2 * width, 3 * width).every((value) => value === 0)).toBe(true);
  });

  test("of NaN or infinity is refused", () => {
    expect(() => quantize(Float32Array.of(1, NaN), 2)).toThrow(
      /expected finite weights for int8, got NaN .* channel 1/,
    );
    expect(() => quantize(Float32Array.of(Infinity, 1), 2)).toThrow(/got Infinity in output channel 0/);
  });

  test("is every convolution and linear layer, and no table, norm or bias", () => {
    const matrices = ["input_blocks.0.0.weight", "middle_block.1.qkv.weight", "time_embed.0.weight", "mid.to_q.weight"];
    for (const name of matrices) expect(isMatrix(name, [4, 4, 1])).toBe(true);
    for (const name of ["label_emb.weight", "class_embedding.weight", "out.2.positional_embedding", "a.bias"])
      expect(isMatrix(name, [4, 4])).toBe(false);
    expect(isMatrix("out.0.weight", [4])).toBe(false);
  });
});

describe("damaged scales are one line", () => {
  const weight = { name: "a.weight", dtype: "I8", shape: [2, 2], data: Int8Array.of(1, 2, 3, 4) } as const;
  const scale = (shape: number[], data: Float32Array): Written => ({
    name: "a.weight.scale",
    dtype: "F32",
    shape,
    data,
  });

  test.each([
    [
      "missing",
      [weight],
      /^test: expected "a\.weight\.scale", F32 \[2\], beside the int8 weights "a\.weight", and there is none/,
    ],
    ["of another shape", [scale([1], Float32Array.of(1)), weight], /F32 \[2\].*got F32 \[1\]/],
    ["of another type", [{ ...scale([2], Float32Array.of(1, 1)), dtype: "I32" } as Written, weight], /got I32 \[2\]/],
  ])("%s", async (_, tensors, message) => {
    await expect(open(fileOf(tensors, { [quantizationKey]: quantizationWords }))).rejects.toThrow(message);
  });

  test.each([0, NaN, Infinity, -1])("%s", async (bad) => {
    const opened = await open(fileOf([scale([2], Float32Array.of(1, bad)), weight]));
    await expect(readFloat32(opened, "a.weight")).rejects.toThrow(
      `test: "a.weight.scale": expected finite numbers above 0, got ${bad} for channel 1: the file is damaged`,
    );
  });

  test("int8 without anything that says what it means is no network's weight", async () => {
    const golden = await goldenCheckpoint("unet/adm.weights.safetensors");
    const bytes = await quantized(golden.file);
    const text = new TextDecoder("latin1")
      .decode(bytes)
      .replaceAll('.scale"', '.scald"')
      .replace(quantizationKey, "x".repeat(12));
    const renamed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    await expect(openCheckpoint(bytesSource("test", renamed))).rejects.toThrow(
      /or I8 with .*\.weight\.scale beside it, got I8/,
    );
  });
});

test.each(["adm", "class-cond"])("%s in int8 is the same network but for its rounding", async (name) => {
  const device = await gpuDevice();
  const golden = await goldenCheckpoint(`unet/${name}.weights.safetensors`);
  const int8 = await openCheckpoint(bytesSource("int8", await quantized(golden.file)));
  expect(int8.config).toEqual(golden.config);
  const { out, expected } = await forwardGolden(device, name, { checkpoint: int8 });
  const error = relativeError(out, expected);
  if (process.env.REPAINT_SHOW) console.log(name, "int8", error);
  expect(error).toBeGreaterThan(1e-5);
  expect(error).toBeLessThan(0.03);
});

describe("repaint convert --dtype i8", () => {
  test("writes what it reads, says what it cost, and converts back", async () => {
    const here = await folder();
    const [int8, again, half] = ["int8", "again", "half"].map((name) => join(here, `${name}.safetensors`)) as [string, string, string]; // prettier-ignore
    const source = fileURLToPath(goldenUrl("unet/portraits64.weights.safetensors")!);
    const run = await cli(["convert", source, int8, "--dtype", "i8", "--json"]);
    expect([run.status, run.err]).toEqual([0, expect.anything()]);
    const cost = events(run.out).find(({ event }) => event === "int8") as unknown as {
      layers: { error: number }[];
      forward: number;
    };
    if (process.env.REPAINT_SHOW) console.log(cost);
    expect(cost.layers).toHaveLength(5);
    expect(cost.layers.every(({ error }) => error > 0 && error < 0.02)).toBe(true);
    expect(cost.forward).toBeGreaterThan(0);
    expect(cost.forward).toBeLessThan(0.02);
    const bytes = new Uint8Array(await readFile(int8));
    expect(bytes.length).toBeLessThan(0.56 * (await stat(source)).size);
    const opened = await openCheckpoint(bytesSource("int8", bytes));
    expect(opened.file.metadata.get(quantizationKey)).toBe(quantizationWords);
    // Tables of classes are no matrices: the shipped file was written so.
    const shipped = await open(new Uint8Array(await readFile("weights/portraits64.safetensors")));
    expect(shipped.tensors.get("label_emb.weight")).toMatchObject({ dtype: "F16" });
    expect(shipped.tensors.get("out.2.weight")).toMatchObject({ dtype: "I8" });
    // As it is, it stays int8, to the byte; in another type it has the same values and no scales.
    expect((await cli(["convert", int8, again])).status).toBe(0);
    expect(new Uint8Array(await readFile(again))).toEqual(bytes);
    expect((await cli(["convert", int8, half, "--dtype", "f32"])).status).toBe(0);
    const plain = await open(new Uint8Array(await readFile(half)));
    expect([...plain.tensors.keys()].filter((name) => name.endsWith(".scale"))).toEqual([]);
    expect(plain.metadata.has(quantizationKey)).toBe(false);
    for (const name of ["input_blocks.0.0.weight", "middle_block.1.qkv.weight"])
      expect(await readFloat32(plain, name)).toEqual(await readFloat32(opened.file, name));
    const inspected = await cli(["inspect", int8]);
    expect(inspected.out).toMatch(/I8/);
  });
});
