/** What the unpickler takes and refuses, every kind of tensor, and which of several state dicts is meant. */
import { describe, expect, test } from "vitest";
import { readFloat32 } from "../src/files/safetensors.ts";
import {
  build,
  flatten,
  floats,
  global,
  list,
  newObject,
  orderedDict,
  reduce,
  storage,
  tensor,
  torchLegacy,
  torchZip,
} from "./support/pytorch.ts";
import { open, openValue, pair, refused } from "./support/pytorchOpen.ts";

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

  test("values that run nothing are values, and still no way to something that would", async () => {
    const member = global("my.code", "Mean");
    const inert = {
      optimizer: reduce(global("functools", "partial"), [global("torch.optim.adam", "Adam")]),
      range: reduce(global("__builtin__", "xrange"), [0, 4, 1]),
      slice: reduce(global("builtins", "slice"), [0, 3, null]),
      enum311: reduce(global("__builtin__", "getattr"), [member, "EPSILON"]),
      nested: reduce(global("builtins", "getattr"), [reduce(global("builtins", "getattr"), [member, "Inner"]), "A"]),
      enum: reduce(member, [3]),
      named: reduce(member, ["eps"]),
      random: build(reduce(global("numpy.random._pickle", "__randomstate_ctor"), ["MT19937"]), { bit_generator: "MT" }),
      own: build(reduce(global("random", "Random"), []), [3]),
    };
    const file = await openValue({ args: inert, model: { a: pair() } });
    expect([...file.tensors.keys()]).toEqual(["a"]);

    const partial = (...args: unknown[]) => reduce(global("functools", "partial"), args);
    const attribute = (...args: unknown[]) => reduce(global("builtins", "getattr"), args);
    const hostile: [unknown, RegExp][] = [
      [partial(global("os", "system"), "true"), /"os\.system"/],
      [reduce(partial(global("my.code", "run")), ["true"]), /expected its pickle to call a global/],
      [attribute(global("os", "path"), "join"), /"os\.path".*do not load this file in Python either/],
      [attribute(member, "__class__"), /"builtins\.getattr".*do not load this file in Python either/],
      [attribute(member), /"builtins\.getattr"/],
      [reduce(attribute(member, "run"), ["true"]), /expected its pickle to call a global/],
      [reduce(global("my.code", "run"), [3]), /"my\.code\.run"/],
      [reduce(member, ["rm -rf x"]), /"my\.code\.Mean"/],
      [reduce(member, [1, 2]), /"my\.code\.Mean"/],
      [reduce(global("torch.hub", "Loader"), ["x"]), /"torch\.hub\.Loader"/],
    ];
    for (const [value, message] of hostile) await refused(openValue({ model: { a: pair() }, b: value }), message);
    await refused(openValue({ "b.weight": inert.enum, "a.weight": pair() }), /an object of my\.code\.Mean/);
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
    [dict("model.time_embed.0.bias", "model.out.0.bias"), ["model.time_embed.0.bias", "model.out.0.bias"], undefined],
    [dict("model.0.weight", "model.1.weight"), ["model.0.weight", "model.1.weight"], undefined],
  ])("%#", async (value, names, assumed) => {
    const file = await openValue(value);
    expect([...file.tensors.keys()]).toEqual(names);
    if (assumed) expect(file.assumed.join()).toMatch(assumed);
    else expect(file.assumed).toEqual([]);
  });

  test("none", async () => {
    await refused(openValue({ epoch: 3, losses: list([1]) }), /a dict of "epoch", "losses" without one/);
    const whole = newObject(global("unet", "UNetModel"), []);
    await refused(
      openValue({ epoch: 3, model: whole }),
      /a whole object of "unet\.UNetModel" \("model"\); save its state_dict/,
    );
    await refused(openValue({ epoch: 3, args: whole }), /a dict of "epoch", "args" without one/);
    await refused(
      openValue({ decay: 1, shadow_params: list([1]) }),
      /averages without names \("shadow_params"\); copy_to/,
    );
    await refused(openValue({}), /an empty dict/);
    await refused(openValue(7), /a number/);
    const adam = new Map([[0, { exp_avg: pair() }]]);
    await refused(openValue({ state: adam, param_groups: list([]) }), /an optimizer's state.*give the model's file/);
  });
});
