/**
 * One case of a kernel, and the one way to check it: the kernel on the device against its float64 twin, outputs
 * prefilled with NaN, guard words around every buffer, in an error scope. It runs in pages, too: nothing of Node or of
 * the test runner.
 */
import type { Device } from "../../src/engine/device.ts";
import { Executor, type BufferRange } from "../../src/engine/executor.ts";
import type { Kernel, Variant } from "../../src/engine/kernel.ts";
import { PlanBuilder } from "../../src/engine/plan.ts";
import { readBuffer } from "../../src/engine/readback.ts";
import { byteLength, type DType, type Tensor } from "../../src/engine/tensor.ts";
import { tensorUsage } from "../../src/engine/usage.ts";
import { kernels } from "../../src/shaders/index.ts";
import { float16ToFloat32, float32ToFloat16 } from "../../src/numbers/floats.ts";
import { twins } from "../twins/index.ts";
import { withErrorScope } from "./errorScope.ts";
import type { Precision } from "../../src/numbers/storage.ts";

export interface KernelCase {
  readonly kernel: keyof typeof kernels;
  readonly title: string;
  readonly variant: Variant;
  readonly parameters: Readonly<Record<string, number>>;
  /** Inputs by binding, readWrite ones too. Outputs get their size from the twin. */
  readonly inputs: Readonly<Record<string, Float64Array>>;
  /** Bindings of another type than f32. */
  readonly types?: Readonly<Record<string, DType>>;
  /** Bindings that are f16 in the case's f16 variant; none: the case runs in f32 only. */
  readonly half?: readonly string[];
  /** Relative error ‖kernel − twin‖/‖twin‖ in f32. With f16 storage: 1e-3, its rounding. */
  readonly tolerance: number;
}

const guardBytes = 256;
const guardWord = 0xdeadbeef;
const nan: Record<DType, number> = { f32: 0x7fc00000, f16: 0x7e007e00, u32: 0xffffffff };

function encode(values: Float64Array, dtype: DType): Uint8Array {
  const typed =
    dtype === "u32"
      ? Uint32Array.from(values)
      : dtype === "f32"
        ? Float32Array.from(values)
        : float32ToFloat16(Float32Array.from(values));
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}

function decode(bytes: ArrayBuffer, length: number, dtype: DType): Float64Array {
  const numbers =
    dtype === "u32"
      ? new Uint32Array(bytes, 0, length)
      : dtype === "f32"
        ? new Float32Array(bytes, 0, length)
        : float16ToFloat32(new Uint16Array(bytes, 0, length));
  return Float64Array.from(numbers);
}

/** Relative error of the norm, and where it is worst. NaN and infinity come first: a norm would hide which it was. */
function compare(actual: Float64Array, expected: Float64Array): { error: number; worst: string } {
  if (actual.length !== expected.length) throw new Error(`${actual.length} elements, not ${expected.length}`);
  let squares = 0;
  let norm = 0;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(actual[i]!))
      return { error: Infinity, worst: `element ${i} of ${expected.length} is ${actual[i]}, not ${expected[i]}` };
    squares += (actual[i]! - expected[i]!) ** 2;
    norm += expected[i]! ** 2;
    if (Math.abs(actual[i]! - expected[i]!) > Math.abs(actual[worst]! - expected[worst]!)) worst = i;
  }
  return {
    error: Math.sqrt(squares / (norm || 1)),
    worst: `element ${worst} of ${expected.length} is ${actual[worst]}, not ${expected[worst]}`,
  };
}

/** Runs a case in f32, or with f16 storage of its `half` bindings, and throws unless it gives the twin's numbers. */
export async function checkKernel(device: Device, test: KernelCase, storage: Precision): Promise<void> {
  const kernel = kernels[test.kernel] as unknown as Kernel;
  const types = (name: string): DType =>
    test.types?.[name] ?? (storage === "f16" && test.half?.includes(name) ? "f16" : "f32");
  // The twin sees what the device sees: values as their storage rounds them.
  const seen = Object.fromEntries(
    Object.entries(test.inputs).map(([name, values]) => {
      const bytes = encode(values, types(name));
      return [name, decode(bytes.slice().buffer, values.length, types(name))];
    }),
  );
  const twin = twins[test.kernel] as unknown as (call: object) => Record<string, Float64Array>;
  const expected = twin({ tensors: seen, parameters: test.parameters, variant: test.variant });

  await withErrorScope(device, async () => {
    const builder = new PlanBuilder();
    const externals = new Map<Tensor, BufferRange>();
    const tensors: Record<string, Tensor> = {};
    try {
      for (const name of Object.keys(kernel.bindings)) {
        const length = (test.inputs[name] ?? expected[name])?.length;
        if (length === undefined) continue;
        const tensor = builder.external(name, types(name), [length]);
        const bytes = byteLength(tensor);
        const words = new Uint32Array((bytes + 2 * guardBytes) / 4).fill(guardWord);
        words.fill(nan[types(name)], guardBytes / 4, (guardBytes + bytes) / 4);
        const input = test.inputs[name];
        if (input) new Uint8Array(words.buffer).set(encode(input, types(name)), guardBytes);
        const buffer = await device.createBuffer(name, words.byteLength, tensorUsage);
        device.upload(buffer, 0, words);
        tensors[name] = tensor;
        externals.set(tensor, { buffer, offset: guardBytes });
      }
      builder.dispatch(kernel, { tensors, parameters: test.parameters, variant: test.variant });
      const executor = await Executor.create(device, builder.finish(), externals);
      executor.submit();
      for (const [name, tensor] of Object.entries(tensors)) {
        const bytes = await readBuffer(device, externals.get(tensor)!.buffer);
        const words = new Uint32Array(bytes);
        const guards = [...words.subarray(0, guardBytes / 4), ...words.subarray((guardBytes + byteLength(tensor)) / 4)];
        if (!guards.every((word) => word === guardWord)) throw new Error(`${name}: a guard word was overwritten`);
        const wanted = expected[name];
        if (!wanted) continue;
        const actual = decode(bytes.slice(guardBytes), wanted.length, types(name));
        const { error, worst } = compare(actual, wanted);
        const tolerance = storage === "f16" ? Math.max(1e-3, test.tolerance) : test.tolerance;
        if (!(error <= tolerance))
          throw new Error(
            `${test.kernel}, ${test.title}, ${name}: relative error ${error}, at most ${tolerance}: ${worst}`,
          );
      }
      executor.dispose();
    } finally {
      for (const { buffer } of externals.values()) device.destroyBuffer(buffer);
    }
  });
}
