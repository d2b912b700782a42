/**
 * A GPU that computes nothing and counts the bytes of its buffers: what is allocated on adapters that no test machine
 * has. Not here: numbers; whatever is read from it is zero bytes.
 */
import { subgroupMatrixFeature } from "../../src/engine/adapter.ts";
import { Device } from "../../src/engine/device.ts";

export interface CountedAdapter {
  readonly info: Partial<GPUAdapterInfo> & Record<string, unknown>;
  readonly features: readonly string[];
  readonly workgroupBytes: number;
}

const features = ["shader-f16", "subgroups"];
const matrix = { componentType: "f16", resultComponentType: "f32", M: 16, N: 16, K: 16 };

/** As browsers describe them. */
export const countedAdapters: Readonly<Record<string, CountedAdapter>> = {
  nvidia: { info: { vendor: "nvidia", architecture: "hopper" }, features, workgroupBytes: 49152 },
  "nvidia with matrices": {
    info: {
      vendor: "nvidia",
      architecture: "hopper",
      subgroupMinSize: 32,
      subgroupMaxSize: 32,
      subgroupMatrixConfigs: [matrix],
    },
    features: [...features, subgroupMatrixFeature],
    workgroupBytes: 49152,
  },
  apple: { info: { vendor: "apple", architecture: "metal-3" }, features, workgroupBytes: 32768 },
  swiftshader: {
    info: { vendor: "google", architecture: "swiftshader" },
    features: ["subgroups"],
    workgroupBytes: 16384,
  },
};

/** Bytes of the buffers that live, and the most that ever lived. */
export interface BufferCount {
  live: number;
  peak: number;
}

export function countingDevice({ info, features: own, workgroupBytes }: CountedAdapter): {
  device: Device;
  count: BufferCount;
} {
  const count = { live: 0, peak: 0 };
  const createBuffer = ({ size }: GPUBufferDescriptor) => {
    count.live += size;
    count.peak = Math.max(count.peak, count.live);
    return { size, destroy: () => (count.live -= size) };
  };
  const nothing = () => ({});
  const pass = { setPipeline: nothing, setBindGroup: nothing, dispatchWorkgroups: nothing, end: nothing };
  const gpu = {
    features: new Set(own),
    limits: {
      maxBufferSize: 2 ** 32,
      maxStorageBufferBindingSize: 2 ** 31,
      minStorageBufferOffsetAlignment: 256,
      minUniformBufferOffsetAlignment: 256,
      maxComputeWorkgroupStorageSize: workgroupBytes,
      maxComputeWorkgroupsPerDimension: 65535,
    },
    lost: new Promise(nothing),
    addEventListener: nothing,
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    createBuffer,
    createBindGroupLayout: nothing,
    createPipelineLayout: nothing,
    createShaderModule: nothing,
    createComputePipelineAsync: () => Promise.resolve({}),
    createBindGroup: nothing,
    createCommandEncoder: () => ({ beginComputePass: () => pass, copyBufferToBuffer: nothing, finish: nothing }),
    queue: { writeBuffer: nothing, submit: nothing, onSubmittedWorkDone: () => Promise.resolve() },
  };
  const described = { vendor: "", architecture: "", device: "", description: "", isFallbackAdapter: false, ...info };
  const device = new Device(gpu as unknown as GPUDevice, described as unknown as GPUAdapterInfo);
  return { device, count };
}
