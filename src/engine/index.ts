/** `repaint-webgpu/engine`: what runs kernels of any kind. Importing it touches no device. */
export type { AdapterFamily } from "./adapter.ts";
export { debugTopics, showDebug } from "./debug.ts";
export { planArenas, type ArenaLimits, type ArenaPlan } from "./arena.ts";
export { Device, requestDevice, type DeviceOptions } from "./device.ts";
export { adapterKind, adapterName, type AdapterKind } from "./adapter.ts";
export {
  DeviceLostError,
  InputError,
  InterruptedError,
  KernelError,
  NoAdapterError,
  NotFiniteError,
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
export { profileExecutor, Profiler, type DispatchTime } from "./profiler.ts";
export { readBuffer, readFloats } from "./readback.ts";
export { byteLength, elementCount, padTo4, type DType, type Tensor } from "./tensor.ts";
export { createTensorBuffer, readTensor } from "./tensorBuffer.ts";
export { median, timeExecutor, type Timing, type TimingOptions } from "./timing.ts";
export {
  deviceClock,
  tune,
  type PlanClock,
  type PlanTiming,
  type TunedAnswer,
  type TunerOptions,
  type TuningProgress,
  type TuningResult,
} from "./tuning/tuner.ts";
export { type TuningCandidate, type TuningQuestion } from "./tuning/question.ts";
export { tuningDatabase } from "./tuning/database.ts";
export { TuningMemory, type TuningStore } from "./tuning/memory.ts";
export { bufferUsage, tensorUsage } from "./usage.ts";
export { unroll, wgsl } from "./wgsl.ts";
