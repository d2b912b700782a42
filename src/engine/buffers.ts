/** Buffers for tensors that a plan leaves to its caller, one for each. */
import type { Device } from "./device.ts";
import { byteLength, type Tensor } from "./tensor.ts";
import { tensorUsage } from "./usage.ts";

export class Buffers {
  readonly ranges = new Map<Tensor, { buffer: GPUBuffer }>();
  readonly #device: Device;

  private constructor(device: Device) {
    this.#device = device;
  }

  static async create(device: Device, tensors: readonly Tensor[]): Promise<Buffers> {
    const buffers = new Buffers(device);
    try {
      for (const tensor of tensors)
        buffers.ranges.set(tensor, { buffer: await device.createBuffer(tensor.name, byteLength(tensor), tensorUsage) });
      return buffers;
    } catch (error) {
      buffers.dispose();
      throw error;
    }
  }

  of(tensor: Tensor): GPUBuffer {
    return this.ranges.get(tensor)!.buffer;
  }

  dispose(): void {
    for (const { buffer } of this.ranges.values()) this.#device.destroyBuffer(buffer);
    this.ranges.clear();
  }
}
