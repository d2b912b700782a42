/** `repaint-webgpu/engine`: what runs kernels of any kind. Importing it touches no device. */
export type { AdapterFamily } from "./adapter.ts";
export { planArenas, type ArenaLimits, type ArenaPlan } from "./arena.ts";
export { adapterKind, adapterName, Device, requestDevice, type AdapterKind, type DeviceOptions } from "./device.ts";
export {
  DeviceLostError,
  InputError,
  InterruptedError,
  KernelError,
  NoAdapterError,
  OutOfMemoryError,
  RePaintError,
} from "../errors.ts";
export { Executor, type BufferRange } from "./executor.ts";
export {
  defineKernel,
  read,
  readOptional,
  readScalar,
  readScalarOptional,
  readWrite,
  renderKernel,
  write,
  type Bindings,
  type HalfMode,
  type Kernel,
  type Parameters,
  type Variant,
} from "./kernel.ts";
export { PlanBuilder, type Dispatch, type DispatchOptions, type Plan } from "./plan.ts";
export { Profiler, type DispatchTime } from "./profiler.ts";
export { readBuffer, readFloats } from "./readback.ts";
export { byteLength, elementCount, padTo4, type DType, type Tensor } from "./tensor.ts";
export { median, timeExecutor, type Timing, type TimingOptions } from "./timing.ts";
export {
  deviceClock,
  tune,
  type PlanClock,
  type PlanTiming,
  type TunedAnswer,
  type TunerOptions,
  type TuningCandidate,
  type TuningProgress,
  type TuningQuestion,
  type TuningResult,
} from "./tuning/tuner.ts";
export { tuningDatabase } from "./tuning/database.ts";
export { TuningMemory, type TuningStore } from "./tuning/memory.ts";
export { bufferUsage, tensorUsage } from "./usage.ts";
export { unroll, wgsl } from "./wgsl.ts";
