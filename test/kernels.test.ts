/**
 * Every kernel against its float64 twin, in f32 and with f16 storage (packed; native too where the adapter has
 * shader-f16).
 */
import { describe, expect, it } from "vitest";
import { Device } from "../src/engine/device.ts";
import { kernels } from "../src/shaders/index.ts";
import { kernelCases } from "./kernelCases.ts";
import { exampleMatrix, matrixCases } from "./kernelCasesConvolution.ts";
import { everyNth } from "./support/full.ts";
import { gpuDevice } from "./support/gpu.ts";
import { checkKernel } from "./support/kernelCase.ts";
import { normals, philox4x32 } from "./twins/philox.ts";

const device = await gpuDevice();
const packed = new Device(device.gpu, device.info, { half: "packed" });

it("has cases for every kernel", () => {
  expect([...new Set(kernelCases.map(({ kernel }) => kernel))].sort()).toEqual(Object.keys(kernels).sort());
});

// Only in f16, and on an adapter that has its matrices.
describe("convolutionMatrix", () => {
  const why = device.matrix
    ? ""
    : " (skipped: this adapter has no subgroup matrices; REPAINT_EXPERIMENTAL=1 asks for them)";
  it.skipIf(!device.matrix).each(matrixCases(device.matrix ?? exampleMatrix))(`$title${why}`, (test) =>
    checkKernel(device, test, "f16"),
  );
});

describe.each(Object.keys(kernels).filter((name) => name !== "convolutionMatrix"))("%s", (name) => {
  const cases = kernelCases.filter(({ kernel }) => kernel === name);
  it.each(cases)("$title", (test) => checkKernel(device, test, "f32"));
  const half = cases.filter(({ half }) => half);
  if (half.length === 0) return;
  // Each is a pipeline of its own, and packing is the same few lines in all of them.
  it.each(everyNth(3, half))("$title, packed f16", (test) => checkKernel(packed, test, "f16"));
  const native = device.half === "native";
  it.skipIf(!native).each(half)(
    `$title, native f16${native ? "" : " (skipped: this adapter has no shader-f16)"}`,
    (test) => checkKernel(device, test, "f16"),
  );
});

describe("Philox 4×32-10", () => {
  it("gives Random123's known answers", () => {
    expect(philox4x32([0, 0, 0, 0], [0, 0])).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
    const ones = 0xffffffff;
    expect(philox4x32([ones, ones, ones, ones], [ones, ones])).toEqual([
      0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd,
    ]);
    expect(philox4x32([0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0])).toEqual([
      0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1,
    ]);
  });

  it("makes standard normals", () => {
    const sample = Array.from({ length: 5000 }, (_, i) => normals([3, 9], i, 1, 0)).flat();
    const mean = sample.reduce((a, b) => a + b, 0) / sample.length;
    const variance = sample.reduce((a, b) => a + (b - mean) ** 2, 0) / sample.length;
    expect(Math.abs(mean)).toBeLessThan(4 / Math.sqrt(sample.length));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / sample.length));
  });
});
