/** PyTorch files: torch.save's own (goldens), every kind of view and wrapper, and what must be refused. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CheckpointError } from "../src/engine/errors.ts";
import { openCheckpoint, openTensors } from "../src/unet/checkpoint.ts";
import { bfloat16ToFloat32, float16ToFloat32, float32ToFloat16 } from "../src/unet/floats.ts";
import { bytesSource, openSafetensors, readFloat32 } from "../src/unet/safetensors.ts";
import {
  build,
  flatten,
  floats,
  global,
  list,
  newObject,
  orderedDict,
  pickle,
  reduce,
  sparseSource,
  storage,
  tensor,
  torchLegacy,
  torchZip,
  zipArchive,
} from "./support/pytorch.ts";

const golden = (name: string) =>
  new Uint8Array(readFileSync(new URL(`goldens/checkpoints/${name}`, import.meta.url))).slice();
const open = (bytes: Uint8Array, name = "some.pt") => openTensors(bytesSource(name, bytes));
const openValue = (value: unknown, storages: Record<string, Uint8Array> = { 0: floats(1, 2, 3, 4, 5, 6) }) =>
  open(flatten(torchZip(value, storages)));

/** That it is refused as a user's mistake, in one line that begins with the file's name. */
async function refused(promise: Promise<unknown>, message: RegExp) {
  const error: unknown = await promise.then(
    () => "nothing refused",
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CheckpointError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).toMatch(/^some\.pt[^\n]{20,800}$/);
}

const pair = (key = "0") => tensor({ key, count: 6, size: [2], strides: [1] });

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
    await refused(open(pickle({ a: 1 })), /plain pickle/);
    await refused(text("cos\nsystem\n(S'id'\ntR."), /"os\.system"/);
    await refused(text("(S'id'\nios\nsystem\n."), /.{20}/);
    const array = [{ name: "arr_0.npy", data: floats(1) }];
    await refused(open(flatten(zipArchive(array))), /data\.pkl in it, got one with "arr_0\.npy"/);
    await refused(open(flatten(zipArchive([]))), /got one with nothing/);
    const script = ["data.pkl", "constants.pkl"].map((name) => ({ name: `model/${name}`, data: pickle({}) }));
    await refused(open(flatten(zipArchive(script))), /TorchScript/);
    const packed = flatten(torchZip(value, { 0: floats(1) }, { method: 8 }));
    await refused(open(packed), /compressed/);
    await refused(open(flatten(torchZip(value, { 0: floats(1) }, { byteOrder: "middle" }))), /little or big/);
    const twice = [1, 2].map(() => ({ name: "a/data.pkl", data: pickle({}) }));
    await refused(open(flatten(zipArchive(twice))), /comes twice/);
  });
});

describe("what the unpickler takes and refuses", () => {
  const one = floats(1, 2, 3, 4, 5, 6);

  test.each([
    ["os", "system"],
    ["posix", "system"],
    ["nt", "system"],
    ["builtins", "exec"],
    ["__builtin__", "eval"],
    ["builtins", "getattr"],
    ["subprocess", "Popen"],
    ["importlib", "import_module"],
    ["_io", "open"],
    ["pickle", "loads"],
    ["numpy.testing._private.utils", "runstring"],
    ["torch.hub", "load"],
    ["torch.storage", "_load_from_bytes"],
    ["torch", "load"],
    ["torch._utils", "os.system"],
    ["__main__", "run"],
    ["collections", "OrderedDict.__init__"],
  ])("refuses a call of %s.%s, wherever it stands", async (module, name) => {
    const hostile = reduce(global(module, name), ["true"]);
    const quoted = new RegExp(JSON.stringify(`${module}.${name}`).replaceAll(".", "\\."));
    await refused(openValue({ a: pair(), b: hostile }), quoted);
    await refused(openValue({ a: pair(), optimizer: { state: list([hostile]) } }), quoted);
    await refused(
      openValue({ a: pair(), args: build(newObject(global("argparse", "Namespace"), []), hostile) }),
      quoted,
    );
    await refused(
      openValue(
        new Map<unknown, unknown>([
          ["a", pair()],
          [hostile, 1],
        ]),
      ),
      quoted,
    );
    await refused(open(torchLegacy({ a: pair("k"), b: hostile }, { k: { bytes: one, count: 6 } })), quoted);
    await refused(open(torchLegacy({ a: pair("k") }, { k: { bytes: one, count: 6 } }, hostile)), quoted);
  });

  test("refuses one of Python's own that is only mentioned or made", async () => {
    await refused(openValue({ a: pair(), b: global("os", "system") }), /"os\.system"/);
    await refused(
      openValue({ a: pair(), b: newObject(global("subprocess", "Popen"), ["true"]) }),
      /"subprocess\.Popen"/,
    );
    const indirect = [global("os", "system"), global("torch", "Tensor"), ["true"], {}];
    await refused(openValue({ a: reduce(global("torch._tensor", "_rebuild_from_type_v2"), indirect) }), /"os\.system"/);
    const own = [global("my.code", "run"), global("torch", "Tensor"), ["true"], {}];
    await refused(openValue({ a: reduce(global("torch._tensor", "_rebuild_from_type_v2"), own) }), /"my\.code\.run"/);
  });

  test("what stands beside a state dict does not hinder", async () => {
    const beside = {
      args: build(newObject(global("argparse", "Namespace"), []), { lr: 0.1 }),
      path: reduce(global("pathlib", "PosixPath"), ["a", "b"]),
      hyper_parameters: build(newObject(global("my.code", "Config"), []), { a: 1 }),
      callbacks: new Map([[global("lightning.callbacks", "ModelCheckpoint"), { best: null }]]),
      loss: reduce(global("numpy.core.multiarray", "scalar"), [reduce(global("numpy", "dtype"), ["f8"]), "12345678"]),
      old: reduce(global("copy_reg", "_reconstructor"), [
        global("my.code", "Old"),
        global("__builtin__", "object"),
        null,
      ]),
      dtype: global("torch", "float32"),
      device: reduce(global("torch", "device"), ["cuda", 0]),
    };
    const file = await openValue({ ...beside, state_dict: { a: pair() } });
    expect([...file.tensors.keys()]).toEqual(["a"]);
    expect(await readFloat32(file, "a")).toEqual(Float32Array.of(1, 2));
    await refused(
      openValue({ "b.weight": newObject(global("my.code", "Lazy"), []), "a.weight": pair() }),
      /an object of my\.code\.Lazy/,
    );
    await refused(
      openValue(build(newObject(global("my.code", "Net"), []), { a: pair() })),
      /whole object of "my\.code\.Net"/,
    );
  });

  test("names that mean something to JavaScript are names", async () => {
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty"];
    const file = await openValue(Object.fromEntries(names.map((name) => [name, pair()])));
    // Object.fromEntries defines __proto__ as an own property.
    expect([...file.tensors.keys()]).toEqual(names);
    expect(({} as Record<string, unknown>)["0"]).toBeUndefined();
  });

  test("every storage type and tensors that carry their own", async () => {
    const types: [string, number, string][] = [
      ["Double", 8, "F64"],
      ["Half", 2, "F16"],
      ["BFloat16", 2, "BF16"],
      ["Long", 8, "I64"],
      ["Int", 4, "I32"],
      ["Short", 2, "I16"],
      ["Char", 1, "I8"],
      ["Byte", 1, "U8"],
      ["Bool", 1, "BOOL"],
      ["ComplexFloat", 8, "C64"],
    ];
    const bytes = Uint8Array.from({ length: 24 }, (_, i) => i);
    for (const [type, size, dtype] of types) {
      const count = 24 / size;
      const file = await openValue(
        { a: tensor({ key: "0", type, count, offset: 1, size: [2], strides: [1] }) },
        { 0: bytes },
      );
      expect(file.tensors.get("a")).toMatchObject({ dtype, shape: [2] });
      expect([...(await file.read("a"))]).toEqual([...bytes.subarray(size, 3 * size)]);
    }
    const untyped = storage({ key: "0", type: "Untyped", count: 24 });
    const v3 = (dtype: string) =>
      reduce(global("torch._utils", "_rebuild_tensor_v3"), [untyped, 2, [3], [2], false, {}, global("torch", dtype)]);
    const file = await openValue({ a: v3("uint16"), b: v3("float8_e5m2") }, { 0: bytes });
    expect(file.tensors.get("a")).toMatchObject({ dtype: "U16", shape: [3] });
    expect([...(await file.read("a"))]).toEqual([4, 5, 8, 9, 12, 13]);
    expect([...(await file.read("b"))]).toEqual([2, 4, 6]);
    await refused(openValue({ a: v3("float7") }, { 0: bytes }), /torch dtype, got "torch\.float7"/);
    const complex = tensor({ key: "0", type: "ComplexDouble", count: 1, size: [1], strides: [1] });
    await refused(openValue({ a: complex }, { 0: bytes.subarray(0, 16) }), /ComplexDoubleStorage" is not read/);
  });

  test("tensors as parameters, of subclasses, with attributes", async () => {
    const parameter = reduce(global("torch._utils", "_rebuild_parameter"), [pair(), true, orderedDict({})]);
    const stateful = reduce(global("torch._utils", "_rebuild_parameter_with_state"), [
      pair(),
      true,
      orderedDict({}),
      {},
    ]);
    const data = [
      storage({ key: "0", count: 6 }),
      4,
      reduce(global("torch", "Size"), [[2]]),
      [1],
      false,
      orderedDict({}),
    ];
    const type = [
      global("torch._utils", "_rebuild_tensor_v2"),
      global("torch.nn.parameter", "Parameter"),
      data,
      { a: 1 },
    ];
    const subclass = reduce(global("torch._tensor", "_rebuild_from_type_v2"), type);
    const value = build(orderedDict({ parameter, stateful, subclass }), {
      _metadata: orderedDict({ "": { version: 1 } }),
    });
    const file = await openValue(value);
    expect(await readFloat32(file, "parameter")).toEqual(Float32Array.of(1, 2));
    expect(await readFloat32(file, "stateful")).toEqual(Float32Array.of(1, 2));
    expect(await readFloat32(file, "subclass")).toEqual(Float32Array.of(5, 6));
  });

  test.each([
    [{ offset: 5, size: [2], strides: [1] }, /ends past its storage "0", which has 6 elements/],
    [{ offset: 0, size: [2, 3], strides: [4, 1] }, /ends past/],
    [{ offset: -1, size: [2], strides: [1] }, /offset ≥ 0/],
    [{ size: [-2], strides: [1] }, /a size of whole numbers/],
    [{ size: [2], strides: [-1] }, /strides of whole numbers/],
    [{ size: [1.5], strides: [1] }, /a size of whole numbers/],
    [{ size: [2 ** 40, 2 ** 40], strides: [0, 0] }, /too often/],
    [{ size: [2 ** 31, 2 ** 31], strides: [2 ** 31, 1] }, /ends past/],
    [{ size: [2n ** 62n], strides: [1] }, /a size of whole numbers/],
    [{ size: [2], strides: [1, 1] }, /a stride for each of 1 dimensions/],
    [{ size: Array.from({ length: 65 }, () => 1), strides: [] }, /a size of whole numbers/],
    [{ size: 2, strides: [1] }, /a size of whole numbers ≥ 0, got 2/],
    [{ size: [2], strides: [1], count: 2 ** 40 }, /expected 4398046511104 bytes, got 24/],
    [{ size: [2], strides: [1], count: -1 }, /a number of elements, got -1/],
    [{ size: [2], strides: [1], type: "Wide" }, /torch's storage types, got "torch\.WideStorage"/],
  ])("refuses a tensor %o", async (spec, message) => {
    await refused(openValue({ a: tensor({ key: "0", count: 6, ...spec }) }), message);
  });

  test("tensors that repeat elements by a stride of 0 are read", async () => {
    const file = await openValue({ a: tensor({ key: "0", count: 6, offset: 2, size: [2, 3], strides: [1, 0] }) });
    expect(await readFloat32(file, "a")).toEqual(Float32Array.of(3, 3, 3, 4, 4, 4));
  });

  test("an empty or huge pickle, unknown opcodes, a stack that is too short", async () => {
    const raw = (...codes: number[]) => open(flatten(torchZip(Uint8Array.from([0x80, 2, ...codes]), {})));
    const filled = (opcode: number, count: number, then: number[]) => {
      const codes = new Uint8Array(2 + count + then.length).fill(opcode);
      codes.set([0x80, 2]);
      codes.set(then, 2 + count);
      return open(flatten(torchZip(codes, {})));
    };
    await refused(raw(), /ends too early/);
    await refused(raw(0x2e), /a value on the stack/);
    await refused(raw(0x82, 1, 0x2e), /an opcode that a state dict needs/);
    await refused(raw(0xff), /opcode 0xff/);
    await refused(raw(0x74, 0x2e), /a mark on the stack/);
    await refused(raw(0x68, 3, 0x2e), /memo 3 to be filled/);
    await refused(raw(0x8b, 255, 255, 255, 127, 0x2e), /a number of at most 256 bytes/);
    await refused(filled(0x7d, 400_000, [0x2e]), /too many objects/);
    await refused(filled(0x28, 400_000, [0x2e]), /a value on the stack/);
    // Lists in lists, ten thousand deep.
    await refused(filled(0x5d, 10_000, [...Array.from({ length: 9_999 }, () => 0x61), 0x2e]), /a list/);
  });
});

describe("which state dict", () => {
  const dict = (...names: string[]) => orderedDict(Object.fromEntries(names.map((name) => [name, pair()])));

  test.each<[unknown, string[], RegExp | undefined]>([
    [{ model: dict("a", "b"), step: 1 }, ["a", "b"], undefined],
    [{ state_dict: { module: dict("a") } }, ["a"], undefined],
    [[3, dict("a")], ["a"], undefined],
    [{ model: dict("a", "b"), ema: dict("b", "a") }, ["b", "a"], /weights from "ema" \(the file also has "model"\)/],
    [{ a: dict("x", "y"), nested: { model_ema: dict("y", "x") } }, ["y", "x"], /"nested\.model_ema"/],
    [{ model: dict("a", "b", "c"), ema_stats: { ema: dict("decay") } }, ["a", "b", "c"], undefined],
    [{ generator: dict("a"), discriminator: dict("b") }, ["a"], /weights from "generator"/],
    [{ model: dict("a"), optimizer: { s: dict("a", "b", "c") } }, ["a"], undefined],
    [dict("module.a", "module.b"), ["a", "b"], undefined],
    [dict("module._orig_mod.a", "module._orig_mod.b"), ["a", "b"], undefined],
    [dict("module.a", "b"), ["module.a", "b"], undefined],
    [dict("model.time_embed.0.bias", "model.out.0.bias"), ["time_embed.0.bias", "out.0.bias"], undefined],
    [dict("model.0.weight", "model.1.weight"), ["model.0.weight", "model.1.weight"], undefined],
  ])("%#", async (value, names, assumed) => {
    const file = await openValue(value);
    expect([...file.tensors.keys()]).toEqual(names);
    if (assumed) expect(file.assumed.join()).toMatch(assumed);
    else expect(file.assumed).toEqual([]);
  });

  test("none", async () => {
    await refused(openValue({ epoch: 3, losses: list([1]) }), /a dict of "epoch", "losses" without one/);
    await refused(openValue({}), /an empty dict/);
    await refused(openValue(7), /a number/);
    const adam = new Map([[0, { exp_avg: pair() }]]);
    await refused(openValue({ state: adam, param_groups: list([]) }), /an optimizer's state.*give the model's file/);
  });
});
