/** The safetensors reader on valid, damaged and hostile files, with npm's safetensors as a second opinion. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CheckpointError, InputError } from "../src/errors.ts";
import { openSafetensors, readFloat32, writeSafetensors } from "../src/files/safetensors.ts";
import { blobSource, bytesSource } from "../src/files/bytes.ts";

const { SafeTensor } = createRequire(import.meta.url)("safetensors") as {
  SafeTensor: new (bytes: Uint8Array) => {
    metadata: Map<string, { dtype: string; shape: number[] }>;
    getTensor(name: string): Uint8Array;
  };
};

/** A file of a header as it stands and `data` bytes. */
function fileOf(header: string | Uint8Array, data = 0, length?: bigint): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + data);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}
const open = (bytes: Uint8Array) => openSafetensors(bytesSource("some.safetensors", bytes));
const entry = (begin: number | string, end: number | string, shape = "[1]", dtype = "F32") =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":[${begin},${end}]}`;

describe("valid files", () => {
  test("goldens agree with npm's safetensors", async () => {
    const bytes = new Uint8Array(
      readFileSync(new URL("goldens/unet/super-res.io.safetensors", import.meta.url)),
    ).slice();
    const [file, second] = [await open(bytes), new SafeTensor(bytes)];
    expect([...file.tensors.keys()].sort()).toEqual([...second.metadata.keys()].sort());
    for (const [name, { dtype, shape }] of file.tensors) {
      expect({ dtype, shape }).toMatchObject({
        dtype: second.metadata.get(name)!.dtype,
        shape: second.metadata.get(name)!.shape,
      });
      expect(Buffer.compare(await file.read(name), second.getTensor(name))).toBe(0);
    }
  });

  test("every numeric type becomes float32, at any alignment", async () => {
    const types: [string, ArrayBufferView, number[]][] = [
      ["U8", Uint8Array.of(1, 255), [1, 255]],
      ["F64", Float64Array.of(0.1, -2), [Math.fround(0.1), -2]],
      ["F32", Float32Array.of(1.5, -0), [1.5, -0]],
      ["F16", Uint16Array.of(0x3c00, 0xc000), [1, -2]],
      ["BF16", Uint16Array.of(0x3f80, 0xc000), [1, -2]],
      ["I64", BigInt64Array.of(-5n, 7n), [-5, 7]],
      ["U64", BigUint64Array.of(5n, 7n), [5, 7]],
      ["I32", Int32Array.of(-5, 7), [-5, 7]],
      ["U32", Uint32Array.of(4294967295, 7), [4294967296, 7]],
      ["I16", Int16Array.of(-5, 7), [-5, 7]],
      ["U16", Uint16Array.of(65535, 7), [65535, 7]],
      ["I8", Int8Array.of(-5, 7), [-5, 7]],
      ["BOOL", Uint8Array.of(0, 1), [0, 1]],
    ];
    for (const padding of [0, 1, 2, 3]) {
      let at = 0;
      const entries = types.map(
        ([dtype, { byteLength }]) => `"${dtype}":${entry(at, (at += byteLength), "[2]", dtype)}`,
      );
      const header = `{${entries.join(",")}}${" ".repeat(padding)}`;
      const bytes = fileOf(header, at);
      let offset = 8 + header.length;
      for (const [, data] of types) {
        bytes.set(new Uint8Array(data.buffer), offset);
        offset += data.byteLength;
      }
      const file = await openSafetensors(blobSource(new Blob([new Uint8Array(bytes)]), "blob"));
      for (const [dtype, , values] of types) expect([...(await readFloat32(file, dtype))], dtype).toEqual(values);
    }
  });

  test("a view into a larger buffer, metadata, empty tensors and scalars", async () => {
    const inner = fileOf(
      `{"__metadata__":{"a":"b","__proto__":"c"},"scalar":${entry(0, 4, "[]")},"none":${entry(4, 4, "[0,5]")},"e":${entry(0, 0, "[0]")}}`,
      4,
    );
    const outer = new Uint8Array(inner.length + 13);
    outer.set(inner, 7);
    const file = await open(outer.subarray(7, 7 + inner.length));
    expect([...file.metadata].join(" ")).toBe("a,b __proto__,c");
    expect([...(await readFloat32(file, "scalar"))]).toEqual([0]);
    expect((await readFloat32(file, "none")).length).toBe(0);
    expect((await open(fileOf("{}"))).tensors.size).toBe(0);
  });

  test("__proto__ and constructor are names like others", async () => {
    const file = await open(fileOf(`{"__proto__":${entry(0, 4)},"constructor":${entry(4, 8)}}`, 8));
    expect([...file.tensors.keys()]).toEqual(["__proto__", "constructor"]);
    expect(file.tensors.get("__proto__")!.shape).toEqual([1]);
    await expect(file.read("toString")).rejects.toThrow(/some\.safetensors: expected a tensor "toString"/);
  });

  test("a source that is cut after opening, and types that are not numbers", async () => {
    const bytes = fileOf(`{"a":${entry(0, 4)},"f8":${entry(4, 5, "[1]", "F8_E4M3")}}`, 5);
    let limit = Infinity;
    const read = async (offset: number, length: number) => bytes.subarray(offset, Math.min(offset + length, limit));
    const file = await openSafetensors({ name: "cut", size: bytes.length, read });
    await expect(readFloat32(file, "f8")).rejects.toThrow(/cut: tensor "f8" is F8_E4M3/);
    limit = bytes.length - 3;
    await expect(file.read("a")).rejects.toThrow(/expected 4 bytes at \d+, got 2; was it cut off/);
    await expect(file.read("a")).rejects.toBeInstanceOf(CheckpointError);
  });

  test("300,000 tensors open within seconds", async () => {
    const count = 300_000;
    const names = Array.from({ length: count }, (_, i) => `"block.${i}.weight":${entry(i * 4, i * 4 + 4)}`);
    const bytes = fileOf(`{${names.join(",")}}`, count * 4);
    const start = performance.now();
    expect((await open(bytes)).tensors.size).toBe(count);
    // A quadratic reader takes hours; a million take 3.4 s on two busy cores, as long as JSON.parse and the sort.
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

const big = "18446744073709551614";
describe("hostile files are refused by name and reason", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["empty", new Uint8Array(0), /at least 8 bytes, got 0/],
    ["7 bytes", new Uint8Array(7), /at least 8 bytes, got 7/],
    ["8 zeros", new Uint8Array(8), /begins with "\{"/],
    ["length 2^63", fileOf("{}", 0, 2n ** 63n), /its length says 9223372036854775808/],
    ["length 2^64 − 1", fileOf("{}", 0, 2n ** 64n - 1n), /its length says/],
    ["length beyond the file", fileOf("{}", 0, 3n), /at most 2 bytes, but its length says 3/],
    ["length short of the header", fileOf(`{"a":${entry(0, 4)}}`, 4, 10n), /expected/],
    ["a byte order mark", fileOf("\ufeff{}"), /begins with/],
    ["bad UTF-8", fileOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /UTF-8/],
    ["surrogates in UTF-8", fileOf(Uint8Array.of(0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22)), /UTF-8/],
    ["a list", fileOf("[]"), /begins with/],
    ["leading space", fileOf(" {}"), /begins with/],
    ["no end", fileOf(`{"a":${entry(0, 4)}`, 4), /expected "," or "}"/],
    ["a comma too many", fileOf(`{"a":${entry(0, 4)},}`, 4), /a key in quotes/],
    ["text behind it", fileOf("{} x"), /expected the end/],
    ["deep nesting", fileOf(`{"a":${"[".repeat(100_000)}`), /nesting/],
    ["the same name twice", fileOf(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, 8), /each key once, but "a" comes again/],
    ["the same name, escaped", fileOf(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8), /"a" comes again/],
    ["two __metadata__", fileOf(`{"__metadata__":{},"__metadata__":{}}`), /"__metadata__" comes again/],
    [
      "dtype twice",
      fileOf(`{"a":{"dtype":"F32","dtype":"F16","shape":[1],"data_offsets":[0,4]}}`, 4),
      /"dtype" comes again/,
    ],
    ["lone surrogate", fileOf(`{"\\ud800":${entry(0, 4)}}`, 4), /whole characters/],
    ["control character", fileOf(`{"a\nb":${entry(0, 4)}}`, 4), /valid escapes/],
    ["nested metadata", fileOf(`{"__metadata__":{"a":{}}}`), /__metadata__ "a": expected a string, got an object/],
    ["metadata of numbers", fileOf(`{"__metadata__":{"a":1}}`), /__metadata__ "a": expected a string, got 1/],
    ["metadata null", fileOf(`{"__metadata__":null}`), /__metadata__: expected an object, got null/],
    ["a tensor that is none", fileOf(`{"a":3}`), /tensor "a": expected an object/],
    [
      "no dtype",
      fileOf(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, 4),
      /tensor "a": expected dtype one of F64.*got nothing/,
    ],
    ["unknown dtype", fileOf(`{"a":${entry(0, 4, "[1]", "F31")}}`, 4), /got "F31"/],
    ["dtype of Object.prototype", fileOf(`{"a":${entry(0, 4, "[1]", "toString")}}`, 4), /got "toString"/],
    ["no shape", fileOf(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, 4), /shape/],
    ["shape of text", fileOf(`{"a":${entry(0, 4, '["1"]')}}`, 4), /shape.*got \["1"\]/],
    ["negative shape", fileOf(`{"a":${entry(0, 4, "[-1]")}}`, 4), /shape.*got \[-1\]/],
    ["overflowing shape", fileOf(`{"a":${entry(0, 4, `[2,${big}]`)}}`, 4), /shape/],
    ["overflowing product", fileOf(`{"a":${entry(0, 4, "[4294967296,4294967296]")}}`, 4), /does not overflow/],
    ["float offsets", fileOf(`{"a":${entry("0.0", "4.0")}}`, 4), /data_offsets.*got \[0\.0, 4\.0\]/],
    ["exponent offsets", fileOf(`{"a":${entry(0, "4e0")}}`, 4), /data_offsets/],
    ["text offsets", fileOf(`{"a":${entry(0, '"4"')}}`, 4), /data_offsets/],
    ["leading zeros", fileOf(`{"a":${entry(0, "04")}}`, 4), /expected "," or "]"/],
    ["three offsets", fileOf(`{"a":${entry(0, "4,4")}}`, 4), /two whole numbers/],
    ["offsets backwards", fileOf(`{"a":${entry(4, 0)}}`, 4), /expected 4 bytes/],
    ["too few bytes for the shape", fileOf(`{"a":${entry(0, 4, "[2]")}}`, 4), /expected 8 bytes for F32 \[2\]/],
    ["overlap", fileOf(`{"a":${entry(0, 8, "[2]")},"b":${entry(4, 12, "[2]")}}`, 12), /tensor "b".*overlaps/],
    ["the same range", fileOf(`{"a":${entry(0, 4)},"b":${entry(0, 4)}}`, 4), /tensor "b".*overlaps/],
    ["a hole", fileOf(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), /tensor "b".*leaves a hole/],
    ["a hole in front", fileOf(`{"a":${entry(4, 8)}}`, 8), /tensor "a".*leaves a hole/],
    ["past the end", fileOf(`{"a":${entry(0, 4)}}`, 3), /tensor "a": its data end at \d+, but the file at \d+/],
    ["bytes behind the data", fileOf(`{"a":${entry(0, 4)}}`, 5), /1 bytes more/],
    ["only data", fileOf("{}", 4), /4 bytes more/],
    ["a PyTorch zip", new TextEncoder().encode("PK\x03\x04 and the rest"), /PyTorch file/],
    ["a PyTorch pickle", fileOf("x", 9, 0x1950a86a20f9468a0280n & (2n ** 64n - 1n)), /PyTorch file/],
    ["an LFS pointer", new TextEncoder().encode("version https://git-lfs.github.com/spec/v1"), /Git LFS/],
    ["a web page", new TextEncoder().encode("<!DOCTYPE html><html>"), /web page/],
  ])("%s", async (_, bytes, reason) => {
    await expect(open(bytes)).rejects.toThrow(reason);
    await expect(open(bytes)).rejects.toBeInstanceOf(CheckpointError);
    await expect(open(bytes)).rejects.toThrow(/^some\.safetensors is not a valid safetensors file: [^\n]+$/);
  });

  test("200,000 tensors on one range, or names on one key, fail fast", async () => {
    const start = performance.now();
    const repeated = `"a":${entry(0, 4)},`.repeat(200_000);
    await expect(open(fileOf(`{${repeated}"b":1}`, 4))).rejects.toThrow(/comes again/);
    const ranges = Array.from({ length: 200_000 }, (_, i) => `"${i}":${entry(0, 4)}`).join(",");
    await expect(open(fileOf(`{${ranges}}`, 4))).rejects.toThrow(/overlaps/);
    expect(performance.now() - start).toBeLessThan(10_000);
  });
});

const names = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom("__proto__", "out.0.weight", '"\\\n', "constructor"),
);
const tensors = fc
  .uniqueArray(
    fc.tuple(names, fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }), fc.constantFrom("F32", "F16", "I64")),
    {
      selector: ([name]) => name,
      maxLength: 12,
    },
  )
  .map((list) =>
    list
      .filter(([name]) => name !== "__metadata__")
      .map(([name, shape, dtype]) => {
        const count = shape.reduce((a, b) => a * b, 1);
        if (dtype === "F32")
          return { name, shape, dtype, data: Float32Array.from({ length: count }, (_, i) => i / 3) } as const;
        if (dtype === "F16")
          return { name, shape, dtype, data: Uint16Array.from({ length: count }, (_, i) => i * 257) } as const;
        return {
          name,
          shape,
          dtype: "I64",
          data: BigInt64Array.from({ length: count }, (_, i) => BigInt(i) - 2n),
        } as const;
      }),
  );
const metadata = fc.option(fc.dictionary(names, fc.string({ unit: "grapheme" })), { nil: undefined });

test("1,000 random files come back as written, aligned, and npm's safetensors reads the same", async () => {
  await fc.assert(
    fc.asyncProperty(tensors, metadata, async (list, data) => {
      const bytes = writeSafetensors(list, data);
      const file = await open(bytes);
      expect(new Map(file.metadata)).toEqual(new Map(Object.entries(data ?? {})));
      expect(file.tensors.size).toBe(list.length);
      const second = data === undefined ? new SafeTensor(bytes) : undefined;
      for (const { name, shape, dtype, data: values } of list) {
        const info = file.tensors.get(name)!;
        expect(info).toMatchObject({ shape, dtype });
        if (info.end > info.begin) expect(info.begin % values.BYTES_PER_ELEMENT).toBe(0);
        const read = await file.read(name);
        expect(Buffer.compare(read, new Uint8Array(values.buffer))).toBe(0);
        // It keeps names in an object, where __proto__ is lost and nothing else.
        if (second && name !== "__proto__") expect(Buffer.compare(second.getTensor(name), read)).toBe(0);
      }
    }),
    { numRuns: 1000, seed: 5 },
  );
});

test("1,000 damaged files are opened whole or refused with a CheckpointError, quickly", async () => {
  let refused = 0;
  const damage = fc.record({
    kind: fc.constantFrom("flip", "cut", "insert", "swap"),
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    byte: fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(...new TextEncoder().encode('0129{}[]",:-.e \\'))),
  });
  const check = async (
    list: Parameters<typeof writeSafetensors>[0],
    damages: { kind: string; at: number; byte: number }[],
  ) => {
    let bytes = [...writeSafetensors(list, { note: "x" })];
    const headerEnd = 8 + Number(new DataView(Uint8Array.from(bytes).buffer).getBigUint64(0, true));
    for (const { kind, at, byte } of damages) {
      // The header is where damage matters; the data accept anything.
      const index = Math.floor(at * Math.min(bytes.length, headerEnd + 4));
      if (kind === "flip") bytes[index] = byte;
      else if (kind === "cut") bytes = bytes.slice(0, index);
      else if (kind === "insert") bytes.splice(index, 0, byte);
      else bytes.splice(index, 2, bytes[index + 1] ?? byte, bytes[index] ?? byte);
    }
    const start = performance.now();
    try {
      const file = await open(Uint8Array.from(bytes));
      const size = [...file.tensors.values()].reduce((sum, { begin, end }) => sum + end - begin, 0);
      expect(size).toBeLessThanOrEqual(bytes.length - 8);
    } catch (error) {
      refused++;
      expect(error).toBeInstanceOf(CheckpointError);
      expect((error as Error).message).not.toContain("\n");
    }
    expect(performance.now() - start).toBeLessThan(1000);
  };
  await fc.assert(fc.asyncProperty(tensors, fc.array(damage, { minLength: 1, maxLength: 3 }), check), {
    numRuns: 1000,
    seed: 6,
  });
  expect(refused).toBeGreaterThan(500);
});

test("the writer refuses names that come twice or are reserved, and data that do not fit", () => {
  const one = { name: "a", dtype: "F32" as const, shape: [1], data: new Float32Array(1) };
  expect(() => writeSafetensors([one, one])).toThrow(InputError);
  expect(() => writeSafetensors([{ ...one, name: "__metadata__" }])).toThrow(/not __metadata__/);
  expect(() => writeSafetensors([{ ...one, shape: [2] }])).toThrow(
    /tensor "a": expected F32 data of shape \[2\], got 1 elements/,
  );
});
