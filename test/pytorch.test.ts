/** PyTorch files: torch.save's own (goldens), both containers, and what is mistaken for one. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from "../src/numbers/floats.ts";
import { openSafetensors, readFloat32 } from "../src/files/safetensors.ts";
import {
  flatten,
  floats,
  orderedDict,
  pickle,
  sparseSource,
  tensor,
  torchLegacy,
  torchZip,
  zipArchive,
} from "./support/pytorch.ts";
import { golden, open, openValue, pair, refused } from "./support/pytorchOpen.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { openTensors } from "../src/files/open.ts";

describe("files of torch.save", () => {
  const expected = openSafetensors(bytesSource("expected", golden("small.expected.safetensors")));

  test.each(["zip.pt", "legacy.pt"])("%s has the expected bits", async (name) => {
    const [file, other] = [await open(golden(name)), await expected];
    expect(new Set(file.tensors.keys())).toEqual(new Set(other.tensors.keys()));
    for (const [name, { shape, dtype }] of other.tensors) {
      expect(file.tensors.get(name)).toMatchObject({ shape, dtype });
      expect(Buffer.compare(await file.read(name), await other.read(name)), name).toBe(0);
    }
  });

  test("half.pt and bfloat16.pt have the expected values, rounded", async () => {
    const [half, brain] = [await open(golden("half.pt")), await open(golden("bfloat16.pt"))];
    const other = await expected;
    expect([half.tensors.size, brain.tensors.size]).toEqual([other.tensors.size, other.tensors.size]);
    for (const name of other.tensors.keys()) {
      const values = await readFloat32(other, name);
      expect(await readFloat32(half, name)).toEqual(float16ToFloat32(float32ToFloat16(values)));
      const bits = new Uint32Array(values.buffer).map((bits) => bits + 0x7fff + ((bits >>> 16) & 1));
      const rounded = bfloat16ToFloat32(Uint16Array.from(bits, (bits) => bits >>> 16));
      expect(await readFloat32(brain, name)).toEqual(rounded);
    }
    expect(half.tensors.get("time_embed.0.weight")?.dtype).toBe("F16");
    expect(brain.tensors.get("time_embed.0.weight")?.dtype).toBe("BF16");
  });

  test("a network opens like the safetensors it was made from", async () => {
    const url = new URL("goldens/unet/pool-resample.weights.safetensors", import.meta.url);
    const original = await openSafetensors(bytesSource("original", new Uint8Array(readFileSync(url)).slice()));
    const storages: Record<string, Uint8Array> = {};
    const tensors: Record<string, unknown> = {};
    for (const [name, { shape, dtype }] of original.tensors) {
      expect(dtype).toBe("F16");
      const count = shape.reduce((a, b) => a * b, 1);
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
      const key = String(Object.keys(storages).length);
      storages[key] = await original.read(name);
      tensors[`module.${name}`] = tensor({ key, type: "Half", count, size: shape, strides });
    }
    const bytes = flatten(torchZip({ ema: orderedDict(tensors) }, storages));
    const flags: unknown = JSON.parse(original.metadata.get("guided_diffusion_unet")!);
    const { config, file, assumed } = await openCheckpoint(bytesSource("some.pt", bytes), flags);
    expect(config.channelMult.length).toBeGreaterThan(1);
    expect(assumed.join()).not.toMatch(/weights from/);
    for (const name of original.tensors.keys()) {
      expect(Buffer.compare(await file.read(name), await original.read(name)), name).toBe(0);
    }
  });

  test("wrapped-views.pt: shared, transposed, strided, scalar, empty, integers, booleans, parameters", async () => {
    const file = await open(golden("wrapped-views.pt"));
    const other = await openSafetensors(bytesSource("expected", golden("wrapped-views.expected.safetensors")));
    expect(new Set(file.tensors.keys())).toEqual(new Set(other.tensors.keys()));
    for (const [name, { shape, dtype }] of other.tensors) {
      expect(file.tensors.get(name)).toMatchObject({ shape, dtype });
      expect(Buffer.compare(await file.read(name), await other.read(name)), name).toBe(0);
    }
  });

  test.each([1, 2, 3, 4, 5])("CPython's own pickle, protocol %i, beside all that training leaves", async (protocol) => {
    const file = await open(golden(`protocol-${protocol}.pt`));
    expect([...file.tensors.keys()]).toEqual(["w.weight", "w.bias"]);
    expect(await readFloat32(file, "w.weight")).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(await readFloat32(file, "w.bias")).toEqual(Float32Array.of(4, 5, 6));
  });

  test("hostile and broken ones are refused, by name of the global", async () => {
    await refused(open(golden("hostile-system.pt")), /"posix\.system"/);
    await refused(open(golden("hostile-raw.pkl")), /"builtins\.eval"/);
    await refused(open(new Uint8Array(0)), /an empty file/);
    const zip = golden("zip.pt");
    await refused(open(zip.subarray(0, zip.length >> 1)), /cut off; download it again/);
    await refused(open(golden("legacy.pt").subarray(0, 80_000)), /cut off; download it again/);
    await refused(open(golden("legacy.pt").subarray(0, 5_000)), /ends too early; the file is cut off/);
    const [missing, storages] = [{ a: pair("0"), b: pair("1") }, { 0: floats(1, 2, 3, 4, 5, 6) }];
    await refused(openValue(missing, storages), /the storage "archive\/data\/1" in the archive, but it is missing/);
  });
});

describe("containers", () => {
  const value = { a: tensor({ key: "0", count: 6, offset: 1, size: [2], strides: [1] }) };
  test.each([
    {},
    { zip64: true },
    { descriptors: false },
    { zip64: true, descriptors: false, align: 1 },
    { align: 4096, byteOrder: "little" },
  ])("zip with %j", async (options) => {
    const file = await open(flatten(torchZip(value, { 0: floats(1, 2, 3, 4, 5, 6) }, options)));
    expect(await readFloat32(file, "a")).toEqual(Float32Array.of(2, 3));
  });

  test("a comment behind the archive, and one that looks like an end record", async () => {
    for (const comment of [
      [65, 66],
      [0x50, 0x4b, 5, 6],
    ]) {
      const bytes = flatten(torchZip(value, { 0: floats(1, 2, 3, 4, 5, 6) }));
      new DataView(bytes.buffer).setUint16(bytes.length - 2, comment.length, true);
      expect(await readFloat32(await open(Uint8Array.from([...bytes, ...comment])), "a")).toEqual(
        Float32Array.of(2, 3),
      );
    }
  });

  test("big-endian machines' files", async () => {
    const file = await open(flatten(torchZip(value, { 0: floats(1, 2, 3, 4, 5, 6).reverse() }, { byteOrder: "big" })));
    expect(await readFloat32(file, "a")).toEqual(Float32Array.of(5, 4));
  });

  test("views beyond 4 GiB, reading no more than they need", async () => {
    const [count, at] = [6 * 2 ** 28, 5 * 2 ** 28];
    const big = { size: 4 * count, segments: [{ offset: 4 * at, bytes: floats(1, 2, 3, 4) }] };
    const many = {
      a: tensor({ key: "0", count, offset: at, size: [2, 2], strides: [1, 2] }),
      b: tensor({ key: "1", count: 6, size: [6], strides: [1] }),
    };
    const source = sparseSource("some.pt", torchZip(many, { 0: big, 1: floats(1, 2, 3, 4, 5, 6) }));
    expect(source.size).toBeGreaterThan(2 ** 32);
    const file = await openTensors(source);
    expect(file.tensors.get("a")!.begin).toBeGreaterThan(2 ** 32);
    expect(await readFloat32(file, "a")).toEqual(Float32Array.of(1, 3, 2, 4));
    expect(await readFloat32(file, "b")).toEqual(Float32Array.of(1, 2, 3, 4, 5, 6));
    expect(source.readBytes).toBeLessThan(100_000);
  });

  test("a legacy file with views of storages, and a pickle longer than the first window", async () => {
    const bytes = floats(1, 2, 3, 4, 5, 6);
    const view = { key: "k", count: 6, size: [2], strides: [1], view: ["v", 3, 3] };
    const note = "x".repeat(300_000);
    const file = await open(torchLegacy({ note, a: tensor({ ...view, offset: 1 }) }, { k: { bytes, count: 6 } }));
    expect(await readFloat32(file, "a")).toEqual(Float32Array.of(5, 6));
    await refused(open(torchLegacy({ a: tensor({ ...view, offset: 2 }) }, { k: { bytes, count: 6 } })), /ends past/);
    const outside = { a: tensor({ ...view, view: ["v", 4, 3] }) };
    await refused(open(torchLegacy(outside, { k: { bytes, count: 6 } })), /a view of it ends past/);
    await refused(open(torchLegacy({ a: pair("k") }, { k: { bytes, count: 5 } })), /the file is damaged/);
    await refused(open(torchLegacy({ a: pair("k") }, {})), /"k" in the file, but it is missing/);
    await refused(open(torchLegacy({ a: pair("k") }, { q: { bytes, count: 6 } })), /each storage's key once/);
  });

  test("what people mistake for a checkpoint", async () => {
    const text = (text: string) => open(new TextEncoder().encode(text));
    await refused(text("<!DOCTYPE html><html>"), /a web page; was the download refused/);
    await refused(text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"), /a Git LFS pointer/);
    await refused(text('{"model_type": "unet"}'), /JSON text/);
    await refused(text("Entry not found"), /got text \("Entry not found"\); was the download refused/);
    await refused(text("Access to model x/y is restricted."), /got text .*access token/);
    await refused(text("7z\xbc"), /safetensors/);
    const bytes = (...parts: (string | number)[]) =>
      open(Uint8Array.from([...parts.flatMap((part) => (typeof part === "string" ? [...Buffer.from(part)] : part)), ...Array<number>(64).fill(0)])); // prettier-ignore
    await refused(bytes("7z", 0xbc, 0xaf, 0x27, 0x1c), /an archive .*unpack it/);
    await refused(bytes(0x28, 0xb5, 0x2f, 0xfd), /an archive .*unpack it/);
    await refused(bytes(8, 8, 0x12, 7, "pytorch"), /an ONNX file; give the PyTorch checkpoint/);
    await refused(bytes(0x1c, 0, 0, 0, "TFL3"), /a TFLite file; give/);
    await refused(bytes(0x83, 0xa6, "params", 0x81), /a msgpack file/);
    await refused(open(pickle({ a: 1 })), /plain pickle/);
    await refused(text("cos\nsystem\n(S'id'\ntR."), /"os\.system"/);
    await refused(text("(S'id'\nios\nsystem\n."), /"os\.system"/);
    const array = [{ name: "arr_0.npy", data: floats(1) }];
    await refused(open(flatten(zipArchive(array))), /data\.pkl in it, got one with "arr_0\.npy"/);
    await refused(open(flatten(zipArchive([]))), /got one with nothing/);
    const script = ["data.pkl", "constants.pkl"].map((name) => ({ name: `model/${name}`, data: pickle({}) }));
    await refused(open(flatten(zipArchive(script))), /TorchScript/);
    const zipped = zipArchive([{ name: "ema.pt", data: floats(1) }], { method: 8 });
    await refused(open(flatten(zipped)), /got one with "ema\.pt"; if the checkpoint was packed into it, unpack it/);
    await refused(open(flatten(zipArchive(script, { method: 8 }))), /TorchScript/);
    const packed = flatten(torchZip(value, { 0: floats(1) }, { method: 8 }));
    await refused(open(packed), /compressed/);
    await refused(open(flatten(torchZip(value, { 0: floats(1) }, { byteOrder: "middle" }))), /little or big/);
    const twice = [1, 2].map(() => ({ name: "a/data.pkl", data: pickle({}) }));
    await refused(open(flatten(zipArchive(twice))), /comes twice/);
  });
});
