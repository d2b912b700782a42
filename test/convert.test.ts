/** `repaint convert` and the arithmetic under it: every type, what does not fit, and nothing left behind on failure. */
import fc from "fast-check";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../src/errors.ts";
import { writeTensorFile } from "../src/node/tensorWriter.ts";
import { openCheckpoint } from "../src/checkpoints/checkpoint.ts";
import { openClassifier } from "../src/checkpoints/classifier/checkpoint.ts";
import { convertFloats } from "../src/files/conversion.ts";
import { bfloat16ToFloat32, float32ToBfloat16 } from "../src/numbers/floats.ts";
import { openSafetensors, readFloat32, writeSafetensors } from "../src/files/safetensors.ts";
import { cli, events, filesIn, folder, golden } from "./support/cli.ts";
import { fileOf } from "./support/int8.ts";
import { tinyClassifier } from "./support/tinyClassifier.ts";
import { bytesSource } from "../src/files/bytes.ts";

const open = async (path: string) => openSafetensors(bytesSource(path, await readFile(path)));
const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const bits = (value: number) => float32ToBfloat16(Float32Array.of(value))[0]!;

describe("float32ToBfloat16", () => {
  it("gives every bfloat16 back, NaN as NaN", () => {
    const all = Uint16Array.from({ length: 65536 }, (_, i) => i);
    const back = float32ToBfloat16(bfloat16ToFloat32(all));
    const isNaN = (half: number) => (half & 0x7fff) > 0x7f80;
    const wrong = [...all].filter((half) => (isNaN(half) ? !isNaN(back[half]!) : back[half] !== half));
    expect(wrong).toEqual([]);
  });

  it("rounds to nearest, ties to even, and carries into the exponent", () => {
    const half = 2 ** -8;
    expect(bits(1 + half)).toBe(0x3f80);
    expect(bits(1 + 3 * half)).toBe(0x3f82);
    expect(bits(1 + half + 2 ** -23)).toBe(0x3f81);
    expect(bits(-(1 + half))).toBe(0xbf80);
    expect(bits(2 - 2 ** -23)).toBe(0x4000);
    expect(bits(2 ** 128 - 2 ** 104)).toBe(0x7f80);
    expect(bits(-0)).toBe(0x8000);
    expect(bits(2 ** -149)).toBe(0);
  });

  it("is the nearest of all bfloat16, whatever the number", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 127), max: 2 ** 127 }), (value) => {
        const rounded = bits(value);
        const distance = (half: number) => Math.abs(bfloat16ToFloat32(Uint16Array.of(half))[0]! - value);
        for (const other of [rounded - 1, rounded + 1].filter((half) => (half & 0x7fff) < 0x7f80 && half >= 0)) {
          expect(distance(rounded)).toBeLessThanOrEqual(distance(other));
          if (distance(rounded) === distance(other)) expect(rounded % 2).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe("convertFloats", () => {
  it("counts what becomes infinite, and only that", () => {
    const values = Float32Array.of(65519.99, 65520, -1e6, Infinity, -Infinity, NaN, 65504);
    expect(convertFloats(bytesOf(values), "F32", "f16")).toMatchObject({ overflows: 2, largest: 1e6 });
    const edge = 2 ** 128 - 2 ** 119;
    const large = Float32Array.of(edge, -(edge - 2 ** 104), 3e38);
    expect(convertFloats(bytesOf(large), "F32", "bf16")).toMatchObject({ overflows: 1, largest: edge });
    const doubles = Float64Array.of(1e39, -1e300, 3.4e38, 1);
    expect(convertFloats(bytesOf(doubles), "F64", "f32")).toMatchObject({ overflows: 2, largest: 1e300 });
    expect(convertFloats(bytesOf(values), "F32", "f32")).toMatchObject({ overflows: 0, data: bytesOf(values) });
  });

  it("reads bytes that lie anywhere", () => {
    const shifted = new Uint8Array(4 * 4 + 3);
    shifted.set(bytesOf(Float32Array.of(1, 2, 3, 4)), 3);
    const { data } = convertFloats(shifted.subarray(3), "F32", "f16");
    expect(data).toEqual(Uint16Array.of(0x3c00, 0x4000, 0x4200, 0x4400));
  });

  it("gives eight-bit floats their values", () => {
    const bits = Uint8Array.of(0x38, 0xb8, 0x7e, 0x01, 0x08, 0x00, 0xc4);
    expect(convertFloats(bits, "F8_E4M3", "f32").data).toEqual(Float32Array.of(1, -1, 448, 2 ** -9, 2 ** -6, 0, -3));
    expect(convertFloats(Uint8Array.of(0x7f), "F8_E4M3", "f32").data).toEqual(Float32Array.of(NaN));
    expect(convertFloats(Uint8Array.of(0x3c, 0xc2, 0x01), "F8_E5M2", "f16").data).toEqual(
      Uint16Array.of(0x3c00, 0xc200, 0x0100),
    );
  });

  it("refuses types that are no floats", () => {
    expect(() => convertFloats(new Uint8Array(8), "I64", "f16")).toThrow(/expected a tensor of F32.*got I64/);
  });
});

describe("convert", () => {
  const weights = golden("unet/adm.weights.safetensors");

  it.each([
    ["f16", 0x3c00, 2 ** -11],
    ["bf16", 0x3f80, 2 ** -8],
    ["f32", 0, 0],
  ] as const)("to %s rounds each value once and keeps the network", async (dtype, _, tolerance) => {
    const out = join(await folder(), "out");
    const { status, err } = await cli(["convert", weights, out, "--dtype", dtype]);
    expect([status, err]).toEqual([0, expect.stringMatching(/Wrote .*: 144 tensors, .*read back and compared/)]);
    const [before, after] = [await openCheckpoint(bytesSource("a", await readFile(weights))), await openCheckpoint(bytesSource("b", await readFile(out)))]; // prettier-ignore
    expect(after.config).toEqual(before.config);
    expect(after.diffusion).toEqual(before.diffusion);
    expect(after.assumed).toEqual(before.assumed);
    for (const { name, dtype: type } of after.file.tensors.values()) {
      expect(type).toBe(dtype.toUpperCase());
      const [a, b] = [await readFloat32(before.file, name), await readFloat32(after.file, name)];
      a.forEach((value, i) => {
        if (!(Math.abs(b[i]! - value) <= Math.abs(value) * tolerance + 2 ** -25)) throw new Error(`${name} at ${i}`);
      });
      if (tolerance === 0) expect(b).toEqual(a);
    }
  });

  it("without --dtype keeps every byte, and its own output stays as it is", async () => {
    const here = await folder();
    const [once, twice] = [join(here, "once"), join(here, "twice")];
    await cli(["convert", golden("unet/class-cond.weights.safetensors"), once]);
    await cli(["convert", once, twice]);
    expect(await readFile(twice)).toEqual(await readFile(once));
    const [a, b] = [await open(golden("unet/class-cond.weights.safetensors")), await open(once)];
    expect([...b.tensors.keys()].sort()).toEqual([...a.tensors.keys()].sort());
    for (const { name, dtype } of a.tensors.values()) {
      expect(b.tensors.get(name)!.dtype).toBe(dtype);
      expect(await b.read(name)).toEqual(await a.read(name));
    }
  });

  it("writes given flags into the file, and marks what was assumed until somebody says it", async () => {
    const here = await folder();
    const plain = join(here, "plain");
    const file = await open(weights);
    const tensors = [...file.tensors.values()].map(async ({ name, shape }) => ({ name, shape, dtype: "F32" as const, data: await readFloat32(file, name) })); // prettier-ignore
    await writeFile(plain, writeSafetensors(await Promise.all(tensors), { note: "kept" }));
    const [out, cosine] = [join(here, "out"), join(here, "cosine")];
    await cli(["convert", plain, out]);
    const bare = await openCheckpoint(bytesSource("plain", await readFile(plain)));
    const assumed = await openCheckpoint(bytesSource("out", await readFile(out)));
    expect(bare.assumed.length).toBeGreaterThan(3);
    expect(assumed.assumed).toEqual(bare.assumed);
    expect(assumed.file.metadata.get("note")).toBe("kept");
    const flags = JSON.stringify({ noise_schedule: "cosine", num_heads: 2 });
    await cli(["convert", out, cosine, "--flags", flags]);
    const told = await openCheckpoint(bytesSource("cosine", await readFile(cosine)));
    expect(told.config.numHeads).toBe(2);
    expect(told.diffusion.noiseSchedule).toBe("cosine");
    expect(told.assumed.filter((setting) => /noise_schedule|num_head/.test(setting))).toEqual([]);
    expect(told.assumed).toContain("diffusion_steps 1000");
  });

  it.each(["zip.pt", "legacy.pt", "half.pt", "bfloat16.pt", "wrapped-views.pt"])(
    "reads PyTorch's %s, a part of a network, as it is",
    async (name) => {
      const out = join(await folder(), "out");
      const { status, err } = await cli(["convert", golden(`checkpoints/${name}`), out, "--dtype", "f32"]);
      expect([status, err]).toEqual([0, expect.stringMatching(/^No network that this program runs, so that/)]);
      const views = name.startsWith("wrapped");
      const [actual, expected] = [await open(out), await open(golden(`checkpoints/${views ? "wrapped-views" : "small"}.expected.safetensors`))]; // prettier-ignore
      expect([...actual.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
      const tolerance = { "half.pt": 2 ** -11, "bfloat16.pt": 2 ** -8 }[name] ?? 0;
      for (const tensor of expected.tensors.keys()) {
        expect(actual.tensors.get(tensor)!.shape).toEqual(expected.tensors.get(tensor)!.shape);
        const [a, b] = [await readFloat32(actual, tensor), await readFloat32(expected, tensor)];
        expect(a.length).toBe(b.length);
        a.forEach((value, i) => {
          const far = Math.abs(value - b[i]!) > Math.abs(b[i]!) * tolerance + (tolerance && 2 ** -25);
          if (far || !Number.isFinite(value)) throw new Error(`${tensor} at ${i}: ${value}, ${b[i]}`);
        });
      }
    },
  );

  it("refuses values that the type does not hold: how many, how large, and nothing is written", async () => {
    const here = await folder();
    const path = join(here, "in");
    const data = Float32Array.of(1, -70000, 1e6, 2);
    await writeFile(path, writeSafetensors([{ name: "a.weight", dtype: "F32", shape: [4], data }]));
    const { status, err } = await cli(["convert", path, join(here, "out"), "--dtype", "f16"]);
    expect([status, err]).toEqual([
      2,
      expect.stringMatching(
        /2 values too large for f16 \(the largest is 1\.00000e\+6, in a\.weight\): convert to bf16/,
      ),
    ]);
    expect((await cli(["convert", path, join(here, "out"), "--dtype", "bf16", "--json"])).status).toBe(0);
    expect(await filesIn(here)).toEqual(["in", "out"]);
  });

  it("of 8-bit floats finds the network that they become, with the flags given", async () => {
    const here = await folder();
    const [path, out] = [join(here, "fp8"), join(here, "out")];
    const { config, file } = await openCheckpoint(bytesSource("adm", await readFile(weights)));
    // 0x38 is 1.
    const ones = (shape: readonly number[]) => new Uint8Array(shape.reduce((a, b) => a * b, 1)).fill(0x38);
    const tensors = [...file.tensors.values()].map(({ name, shape }) => {
      return { name, shape, dtype: "F8_E4M3" as const, data: ones(shape) };
    });
    await writeFile(path, fileOf(tensors));
    const flags = join(here, "flags.json");
    await writeFile(flags, JSON.stringify({ noise_schedule: "cosine", num_head_channels: config.numHeadChannels }));
    const { status, err } = await cli(["convert", path, out, "--dtype", "f16", "--flags", `@${flags}`]);
    expect([status, err]).toEqual([0, expect.stringMatching(/Wrote .*: 144 tensors/)]);
    const after = await openCheckpoint(bytesSource("out", await readFile(out)));
    expect(after.diffusion.noiseSchedule).toBe("cosine");
    expect(after.config.numHeadChannels).toBe(config.numHeadChannels);
    expect((await readFloat32(after.file, "out.2.bias")).every((value) => value === 1)).toBe(true);
    // As it is, it is no network's.
    expect((await cli(["convert", path, join(here, "same")])).err).toMatch(/got F8_E4M3 \(repaint convert --dtype f16/);
  });

  it("says in an event what it did", async () => {
    const out = join(await folder(), "out");
    const json = await cli(["convert", weights, out, "--json"]);
    expect(events(json.out)).toMatchObject([{ event: "converted", file: out, tensors: 144, dtype: null }]);
  });

  it.each([
    [["convert", "in"], /`convert` needs a OUT/],
    [["convert", "no-such-file", "out-of-test"], /no-such-file/],
    [["convert", golden("checkpoints/hostile-system.pt"), "out-of-test"], /hostile-system\.pt/],
    [["convert", weights, weights], /exists; use --force/],
    [["convert", weights, "out-of-test", "--flags", "imagenet64"], /contradicts/],
  ])("%j is refused in one line", async (argv, message) => {
    const { status, err } = await cli(argv);
    expect([status, err]).toEqual([2, expect.stringMatching(message)]);
    expect(err.trim().split("\n").length).toBe(1);
  });
});

describe("writeTensorFile", () => {
  const tensor = (name: string, bytes: () => ArrayBufferView) => ({ name, dtype: "F32" as const, shape: [2], bytes });
  const good = tensor("good", () => Float32Array.of(1, 2));

  it("puts wider types first, so that every tensor is aligned", async () => {
    const path = join(await folder(), "out");
    const byte = { name: "byte", dtype: "U8" as const, shape: [3], bytes: () => Uint8Array.of(1, 2, 3) };
    const wide = { name: "wide", dtype: "F64" as const, shape: [1], bytes: () => Float64Array.of(5) };
    const empty = { name: "empty", dtype: "I64" as const, shape: [0, 4], bytes: () => new BigInt64Array(0) };
    const size = await writeTensorFile(path, [byte, good, empty, wide], { a: "é" });
    const file = await open(path);
    expect(size).toBe((await readFile(path)).length);
    expect([...file.tensors.values()].map(({ begin }) => begin % 8)).toEqual([0, 0, 0, 0]);
    expect(await readFloat32(file, "good")).toEqual(Float32Array.of(1, 2));
    expect(file.metadata.get("a")).toBe("é");
  });

  it.each([
    ["a reader that fails", () => Promise.reject(new InputError("the source broke")), /the source broke/],
    ["a full disk", () => Promise.reject(Object.assign(new Error("x"), { code: "ENOSPC" })), /no space left on the disk/], // prettier-ignore
    ["too few bytes", () => Float32Array.of(1), /bad: 4 bytes for F32 \[2\]/],
  ])("leaves nothing after %s", async (_, bytes, message) => {
    const here = await folder();
    const bad = { name: "bad", dtype: "F32" as const, shape: [2], bytes: bytes as () => Promise<ArrayBufferView> };
    await expect(writeTensorFile(join(here, "out"), [good, bad], {})).rejects.toThrow(message);
    expect(await filesIn(here)).toEqual([]);
  });

  it("leaves nothing when it is stopped, while writing or while reading back", async () => {
    for (const when of ["written", "verified"] as const) {
      const here = await folder();
      const stop = new AbortController();
      const onProgress = (what: string) => void (what === when && stop.abort(new InputError("stopped")));
      const tensors = [good, tensor("more", () => new Float32Array(2))];
      const options = { signal: stop.signal, onProgress };
      await expect(writeTensorFile(join(here, "out"), tensors, {}, options)).rejects.toThrow("stopped");
      expect(await filesIn(here)).toEqual([]);
    }
  });

  it("refuses what no disk holds before it starts", async () => {
    const here = await folder();
    const huge = { name: "huge", dtype: "F32" as const, shape: [2 ** 50], bytes: () => new Float32Array(0) };
    await expect(writeTensorFile(join(here, "out"), [huge], {})).rejects.toThrow(/needs 4,294,967,297 MiB, and/);
    expect(await filesIn(here)).toEqual([]);
  });
});

describe("convert of a classifier", () => {
  it("writes its flags, but not what was assumed, and keeps its names of classes", async () => {
    const here = await folder();
    const [input, output] = [join(here, "in.safetensors"), join(here, "out.safetensors")];
    const names = JSON.stringify(["oak", "ash", "elm", "yew", "fir"]);
    const released = {
      guided_diffusion_classifier: "{}",
      flags: JSON.stringify({ image_size: 8, model_channels: 32 }),
    };
    await writeFile(input, tinyClassifier({}, { ...released, class_names: names }));
    const { status, err } = await cli(["convert", input, output, "--dtype", "f16"]);
    expect([status, err]).toEqual([0, expect.stringMatching(/^Assumed of .*use_new_attention_order false/)]);
    const written = await openClassifier(bytesSource("out", await readFile(output)));
    const flags = JSON.parse(written.file.metadata.get("guided_diffusion_classifier")!) as Record<string, unknown>;
    expect(flags).toMatchObject({ image_size: 8, pool: "adaptive", channel_mult: [1], out_channels: 5 });
    expect(Object.keys(flags)).not.toContain("use_new_attention_order");
    expect(written.assumed).toContain("use_new_attention_order false");
    expect(written.file.metadata.get("class_names")).toBe(names);
    const before = await openClassifier(bytesSource("in", await readFile(input)));
    expect(written.config).toEqual(before.config);
  });
});
