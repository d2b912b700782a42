/** A plan on device memory of its own, filled with NaN where it writes: for layers that are one dispatch or several. */
import { Executor, type BufferRange } from "../../src/engine/executor.ts";
import type { Device } from "../../src/engine/device.ts";
import type { Plan } from "../../src/engine/plan.ts";
import { readFloats } from "../../src/engine/readback.ts";
import { byteLength, elementCount, type Tensor } from "../../src/engine/tensor.ts";
import { tensorUsage } from "../../src/engine/usage.ts";

/** What stands in `y` after a run; `numbers` are the inputs by binding, of f32. */
export async function runPlan(
  device: Device,
  { plan, tensors }: { plan: Plan; tensors: object },
  numbers: Readonly<Record<string, Float32Array>>,
): Promise<Float32Array> {
  const externals = new Map<Tensor, BufferRange>();
  const bound = Object.entries(tensors).filter((entry): entry is [string, Tensor] => entry[1] !== undefined);
  try {
    for (const [name, tensor] of bound) {
      const buffer = await device.createBuffer(name, byteLength(tensor), tensorUsage);
      externals.set(tensor, { buffer });
      const count = elementCount(tensor.shape);
      device.upload(buffer, 0, name === "y" ? new Float32Array(count).fill(NaN) : numbers[name]!.subarray(0, count));
    }
    const executor = await Executor.create(device, plan, externals);
    executor.submit();
    const y = bound.find(([name]) => name === "y")![1];
    const out = await readFloats(device, externals.get(y)!.buffer);
    executor.dispose();
    return out.subarray(0, elementCount(y.shape));
  } finally {
    for (const { buffer } of externals.values()) device.destroyBuffer(buffer);
  }
}
