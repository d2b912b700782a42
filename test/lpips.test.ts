/** LPIPS on the kernels against a float64 twin with seeded weights, against PyTorch (REPAINT_GOLDEN), and its files. */
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Lpips } from "../src/evaluate/lpips.ts";
import { lpipsReader } from "../src/evaluate/lpipsFile.ts";
import { createPicture } from "../src/pictures/image.ts";
import { openSafetensors, writeSafetensors } from "../src/files/safetensors.ts";
import { cli, folder } from "./support/cli.ts";
import { goldenTensors, goldenUrl, shapeOf, tensor } from "./support/goldens.ts";
import { gpuDevice } from "./support/gpu.ts";
import { lpipsTensors, type LpipsTensors } from "./support/lpipsWeights.ts";
import { values } from "./support/random.ts";
import { lpipsTwin } from "./twins/lpips.ts";
import { bytesSource } from "../src/files/bytes.ts";
import { openTensors } from "../src/files/open.ts";
import type { TensorFile } from "../src/files/tensorFile.ts";

const device = await gpuDevice();

function fileOf(tensors: LpipsTensors, name = "lpips.safetensors"): Promise<TensorFile> {
  const list = [...tensors].map(([key, { shape, data }]) => ({ name: key, shape, dtype: "F32" as const, data }));
  return openSafetensors(bytesSource(name, writeSafetensors(list)));
}

const weights = lpipsTensors();
const image = (height: number, width: number, seed: number) =>
  Float32Array.from(values(3 * height * width, seed, { deviation: 0.5 }));

describe("LPIPS", () => {
  it("is the float64 twin's, of pictures that are no squares", async () => {
    const size = { height: 35, width: 48 };
    const [a, b] = [image(35, 48, 1), image(35, 48, 2)];
    const expected = lpipsTwin(weights, a, b, size);
    expect(expected).toBeGreaterThan(0.01);
    const lpips = await Lpips.load(device, [await fileOf(weights)]);
    expect(Math.abs((await lpips.distance(a, b, size)) - expected)).toBeLessThanOrEqual(1e-6);
    lpips.dispose();
  });

  it("of equal pictures is 0, whichever comes first is the same, and nothing stays on the device", async () => {
    const before = device.counters.liveBytes;
    const lpips = await Lpips.load(device, [await fileOf(weights)]);
    const [a, b] = [createPicture(31, 40), createPicture(31, 40)];
    values(a.data.length, 5, { mean: 128, deviation: 60 }).forEach((value, i) => (a.data[i] = value));
    expect(await lpips.ofPictures(a, a)).toBe(0);
    expect(await lpips.ofPictures(a, b)).toBeCloseTo(await lpips.ofPictures(b, a), 7);
    expect(await lpips.ofPictures(a, b)).toBeGreaterThan(0);
    await expect(lpips.ofPictures(a, createPicture(40, 31))).rejects.toThrow(/one size, got 31x40 and 40x31/);
    await expect(lpips.ofPictures(createPicture(30, 64), createPicture(30, 64))).rejects.toThrow(
      /at least 31x31, got 30x64/,
    );
    lpips.dispose();
    expect(device.counters.liveBytes).toBe(before);
  });
});

describe("repaint lpips", () => {
  it("measures pairs of a file, and says what is wrong with one", async () => {
    const at = await folder();
    const [weightsFile, input, output] = ["w", "in", "out"].map((name) => join(at, `${name}.safetensors`));
    const tensors = (list: [string, readonly number[], Float32Array][]) =>
      writeSafetensors(list.map(([name, shape, data]) => ({ name, shape, dtype: "F32", data })));
    await writeFile(weightsFile!, tensors([...weights].map(([name, { shape, data }]) => [name, shape, data])));
    const [one, other] = [image(32, 31, 3), image(32, 31, 4)];
    const [a, b] = [Float32Array.of(...one, ...other), Float32Array.of(...other, ...other)];
    await writeFile(
      input!,
      tensors([
        ["a", [2, 3, 32, 31], a],
        ["b", [2, 3, 32, 31], b],
      ]),
    );
    const run = ["lpips", "--weights", weightsFile!, "--input", input!, "--output", output!];
    expect(await cli(run)).toMatchObject({ status: 0 });
    const file = await openSafetensors(bytesSource("out", await readFile(output!)));
    const [distance, same] = await tensor(file, "lpips");
    expect(same).toBe(0);
    expect(Math.abs(distance! - lpipsTwin(weights, one, other, { height: 32, width: 31 }))).toBeLessThanOrEqual(1e-6);
    await writeFile(
      input!,
      tensors([
        ["a", [2, 3, 32, 31], a],
        ["b", [2, 3, 31, 32], b],
      ]),
    );
    const wrong = await cli([...run, "--force"]);
    expect([wrong.status, wrong.err]).toEqual([
      2,
      expect.stringMatching(/expected b \[2, 3, 32, 31\], got \[2, 3, 31, 32\]/),
    ]);
  });
});

describe("golden lpips", () => {
  const golden = goldenUrl("lpips/random.weights.safetensors");
  const why = golden ? "" : " (skipped: only in the whole golden set, REPAINT_GOLDEN)";
  it.skipIf(!golden).each([64, 100])(`pairs of %i pixels${why}`, async (side) => {
    const file = await openTensors(bytesSource("random", readFileSync(golden!)));
    const lpips = await Lpips.load(device, [file]);
    const io = await goldenTensors(`lpips/pairs-${side}.safetensors`);
    const [count, , height, width] = shapeOf(io, "a");
    const [a, b, expected] = [await tensor(io, "a"), await tensor(io, "b"), await tensor(io, "lpips")];
    for (let n = 0; n < count; n++) {
      const own = (all: Float32Array) => all.subarray(n * 3 * height * width, (n + 1) * 3 * height * width);
      const distance = await lpips.distance(own(a), own(b), { height, width });
      expect(Math.abs(distance - expected[n]!), `pair ${n}: ${distance}`).toBeLessThanOrEqual(1e-6);
    }
    lpips.dispose();
  });
});

describe("LPIPS files", () => {
  const only = (pattern: RegExp) => new Map([...weights].filter(([name]) => pattern.test(name)));
  const renamed = (rename: (name: string) => string) => new Map([...weights].map(([name, t]) => [rename(name), t]));

  it("may be one, two with AlexNet's classifier, or a module's state dict", async () => {
    const classifier = { shape: [2, 2], data: new Float32Array(4) };
    const trunkFile = await fileOf(new Map([...only(/^features/), ["classifier.1.weight", classifier]]), "trunk");
    const heads = await fileOf(only(/^lin/), "heads");
    const slices: Record<string, number> = { 0: 1, 3: 2, 6: 3, 8: 4, 10: 5 };
    const module = await fileOf(
      renamed((name) => name.replace(/^features\.(\d+)/, (_, n: string) => `net.slice${slices[n]}.${n}`)),
    );
    for (const files of [[trunkFile, heads], [heads, trunkFile], [module]]) {
      const read = lpipsReader(files);
      // Buffers compare at once; `toEqual` takes seconds for millions of numbers.
      for (const [name, { data }] of weights)
        expect(Buffer.from((await read(name)).buffer).equals(Buffer.from(data.buffer)), name).toBe(true);
    }
  });

  it("of another network, or half of it, are refused in a line", async () => {
    const refuse = async (tensors: LpipsTensors, message: RegExp) => {
      const file = await fileOf(tensors);
      expect(() => lpipsReader([file])).toThrow(message);
      expect(() => lpipsReader([file])).toThrow(/^[^\n]+$/);
    };
    await refuse(only(/^features/), /5 of 15 tensors are missing, the first is lin0.*heads.*second --lpips/);
    await refuse(only(/^lin/), /10 of 15 tensors are missing.*AlexNet's trunk.*second --lpips/);
    const small = (...shape: number[]) => ({ shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
    await refuse(new Map([...weights, ["features.2.weight", small(1)]]), /this is VGG; use AlexNet/);
    await refuse(new Map([...weights, ["lin5.model.1.weight", small(1)]]), /heads of SqueezeNet/);
    await refuse(new Map([["input_blocks.0.0.weight", small(1)]]), /diffusion network \(it has "input_blocks/);
    await refuse(new Map([["x", small(1)]]), /something else: its tensors are "x"/);
    await refuse(
      new Map([...weights, ["features.3.weight", small(192, 64, 3, 3)]]),
      /features\.3\.weight is \[192, 64, 5, 5\], got \[192, 64, 3, 3\]: they are of another network/,
    );
    const file = await fileOf(weights, "one");
    const twice = await fileOf(weights, "two");
    expect(() => lpipsReader([file, twice])).toThrow(/both one and two have features\.0/);
  });
});
