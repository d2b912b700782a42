/**
 * Runs plans. Everything is made once: arenas, the uniform block, pipelines and bind groups; a run only encodes and
 * submits. The only module that encodes dispatches.
 */
import { planAllocation, type ParameterLayout } from "./allocation.ts";
import type { ArenaPlan } from "./arena.ts";
import type { Device, DispatchTimer } from "./device.ts";
import { InputError, KernelError } from "../errors.ts";
import { packParameters, parameterBytes, renderKernel } from "./kernel.ts";
import { accesses, type Dispatch, type Plan } from "./plan.ts";
import { byteLength, type DType, type Tensor } from "./tensor.ts";
import { bufferUsage, tensorUsage } from "./usage.ts";
import type { CompiledKernel, KernelUse } from "./pipelines.ts";

/** Where an external tensor's bytes are. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly offset?: number;
}

interface PreparedDispatch {
  readonly dispatch: Dispatch;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  /** Byte offset of each row of parameters in the uniform buffer; empty where the kernel has no parameters. */
  readonly rows: readonly number[];
  readonly workgroups: readonly (readonly [number, number])[];
}

/** A submission: the dispatches from `from` to before `to`, and their multiply-adds. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly macs: number;
}

export class Executor {
  readonly plan: Plan;
  readonly #device: Device;
  readonly #prepared: readonly PreparedDispatch[];
  readonly #owned: readonly GPUBuffer[];
  readonly #buffers: ReadonlyMap<Tensor, GPUBufferBinding>;

  private constructor(
    device: Device,
    plan: Plan,
    prepared: readonly PreparedDispatch[],
    owned: readonly GPUBuffer[],
    buffers: ReadonlyMap<Tensor, GPUBufferBinding>,
  ) {
    this.#device = device;
    this.plan = plan;
    this.#prepared = prepared;
    this.#owned = owned;
    this.#buffers = buffers;
  }

  /**
   * Allocates and compiles what a plan needs.
   * @throws OutOfMemoryError, KernelError
   */
  static async create(device: Device, plan: Plan, externals: ReadonlyMap<Tensor, BufferRange>): Promise<Executor> {
    const allocation = planAllocation(plan, device.limits);
    const owned: GPUBuffer[] = [];
    const create = async (label: string, bytes: number, usage = tensorUsage) => {
      const buffer = await device.createBuffer(label, bytes, usage);
      owned.push(buffer);
      return buffer;
    };
    try {
      const compiling = compilePlan(device, plan);
      // A failure is met by the await below; until then it must not count as unhandled.
      compiling.catch(() => undefined);
      const arenas: GPUBuffer[] = [];
      for (const [index, bytes] of allocation.arenas.sizes.entries())
        arenas.push(await create(`arena ${index}`, bytes));
      const given = new Map(externals);
      for (const tensor of allocation.constants)
        given.set(tensor, { buffer: await create(tensor.name, byteLength(tensor)) });
      await prepare(device, plan, given);
      const buffers = locate(device, plan, allocation.arenas, arenas, given);
      const { offsets, bytes } = allocation.parameters;
      const uniforms = await create("parameters", bytes, bufferUsage.uniform | bufferUsage.copyDst);
      device.upload(uniforms, 0, packRows(plan, allocation.parameters));
      const compiled = await compiling;
      // Encoded once without being submitted: what WebGPU rejects is this plan's error, and not that of whoever runs
      // beside it later.
      return await device.validate(() => {
        const prepared = plan.dispatches.map((dispatch, index) =>
          prepareDispatch(device, dispatch, compiled[index]!, { buffers, uniforms, offsets: offsets[index]! }),
        );
        const executor = new Executor(device, plan, prepared, owned, buffers);
        executor.#record({ from: 0, to: executor.length }, 0);
        return executor;
      });
    } catch (error) {
      for (const buffer of owned) device.destroyBuffer(buffer);
      throw error;
    }
  }

  /** Number of dispatches of one run. */
  get length(): number {
    return this.#prepared.length;
  }

  /** Where a tensor lies now: for copies and readback. A temporary one is only valid where the plan last wrote it. */
  range(tensor: Tensor): Required<BufferRange> {
    const binding = this.#buffers.get(tensor);
    if (!binding) throw new InputError(`${tensor.name} is no tensor of this plan`);
    return { buffer: binding.buffer, offset: binding.offset ?? 0 };
  }

  /** Encodes dispatches `from` … `to` (all of them by default); dispatches with several rows take row `row`. */
  encode(pass: GPUComputePassEncoder, { row = 0, from = 0, to = this.length } = {}): void {
    for (let index = from; index < to; index++) {
      const { dispatch, pipeline, bindGroup, rows, workgroups } = this.#prepared[index]!;
      const chosen = dispatch.rows.length > 1 ? row : 0;
      const groups = workgroups[chosen];
      if (!groups) throw new InputError(`${dispatch.label}: row ${row} of ${dispatch.rows.length}`);
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup, rows.length > 0 ? [rows[chosen]!] : []);
      pass.dispatchWorkgroups(groups[0], groups[1]);
    }
  }

  /**
   * Encodes and submits the plan, cut by the device's pace: a long submission trips the watchdogs of browsers and
   * drivers. With the device's profiler every dispatch is timed in a pass of its own.
   */
  submit({ row = 0 } = {}): void {
    for (let part = this.#next(); part; part = this.#next(part)) this.#submitPart(part, row);
  }

  /** The same, waiting for each submission: for plans that take long, with their progress (0 … 1) and a way to stop. */
  async run({
    onProgress,
    signal,
  }: {
    onProgress?: ((done: number) => void) | undefined;
    signal?: AbortSignal | undefined;
  } = {}): Promise<void> {
    const total = this.plan.dispatches.reduce((sum, { macs }) => sum + macs, 0);
    let done = 0;
    for (let part = this.#next(); part; part = this.#next(part)) {
      signal?.throwIfAborted();
      this.#submitPart(part, 0);
      await this.#device.idle();
      done += part.macs;
      onProgress?.(part.to === this.length ? 1 : done / total);
    }
  }

  /** The dispatches of the submission after `last`: as many as the pace allows now, but at least one. */
  #next(last?: Part): Part | undefined {
    const { dispatches } = this.plan;
    const from = last?.to ?? 0;
    if (from >= dispatches.length) return undefined;
    const most = this.#device.pace.macsPerSubmit;
    let [to, macs] = [from + 1, dispatches[from]!.macs];
    for (; to < dispatches.length && (macs === 0 || macs + dispatches[to]!.macs <= most); to++)
      macs += dispatches[to]!.macs;
    return { from, to, macs };
  }

  #submitPart(part: Part, row: number): void {
    const { gpu, pace, profiler } = this.#device;
    gpu.queue.submit([this.#record(part, row, profiler)]);
    pace.watch(part.macs, gpu.queue.onSubmittedWorkDone());
  }

  #record({ from, to }: Omit<Part, "macs">, row: number, profiler?: DispatchTimer): GPUCommandBuffer {
    const encoder = this.#device.gpu.createCommandEncoder();
    if (profiler) profiler.encode(encoder, this, { row, from, to });
    else {
      const pass = encoder.beginComputePass();
      this.encode(pass, { row, from, to });
      pass.end();
    }
    return encoder.finish();
  }

  dispose(): void {
    for (const buffer of this.#owned) this.#device.destroyBuffer(buffer);
  }
}

/**
 * A pipeline for each dispatch of a plan; those of its preparation are compiled with them.
 * @throws KernelError
 */
export async function compilePlan(device: Device, { dispatches, preparation }: Plan): Promise<CompiledKernel[]> {
  const uses = [...dispatches, ...preparation].map(({ kernel, variant, tensors }): KernelUse => [
    kernel,
    variant,
    typesOf(tensors),
  ]);
  return (await device.pipelines.get(uses)).slice(0, dispatches.length);
}

/** Runs the plan's preparation, which writes its constants. */
async function prepare(
  device: Device,
  { tensors, preparation }: Plan,
  buffers: ReadonlyMap<Tensor, BufferRange>,
): Promise<void> {
  if (preparation.length === 0) return;
  // The buffers of its constants are there already, and given like those of external tensors.
  const others = tensors.filter(({ place }) => place !== "constant");
  const plan = { tensors: others, preparation: [], dispatches: preparation };
  const executor = await Executor.create(device, plan, buffers);
  try {
    await executor.run();
  } finally {
    executor.dispose();
  }
}

/** Element types by binding. */
export function typesOf(tensors: Dispatch["tensors"]): Record<string, DType | undefined> {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor?.dtype]));
}

function locate(
  device: Device,
  plan: Plan,
  arenas: ArenaPlan,
  arenaBuffers: readonly GPUBuffer[],
  externals: ReadonlyMap<Tensor, BufferRange>,
): Map<Tensor, GPUBufferBinding> {
  const buffers = new Map<Tensor, GPUBufferBinding>();
  for (const tensor of new Set(plan.dispatches.flatMap((dispatch) => Object.values(accesses(dispatch)).flat()))) {
    const placement = arenas.placements.get(tensor);
    const external = externals.get(tensor);
    const size = byteLength(tensor);
    if (external && !(external.buffer.size >= (external.offset ?? 0) + size))
      throw new InputError(
        `${tensor.name}: ${tensor.dtype} [${tensor.shape}] takes ${size} bytes, its buffer has ${external.buffer.size}`,
      );
    if (placement) buffers.set(tensor, { buffer: arenaBuffers[placement.arena]!, offset: placement.offset, size });
    else if (external) buffers.set(tensor, { buffer: external.buffer, offset: external.offset ?? 0, size });
    else throw new InputError(`${tensor.name}: an external tensor without a buffer`);
    if (size > device.limits.maxStorageBufferBindingSize)
      throw new InputError(`${tensor.name}: ${size} bytes are more than one binding holds`);
  }
  return buffers;
}

function packRows({ dispatches }: Plan, { offsets, bytes }: ParameterLayout): Uint8Array {
  const packed = new Uint8Array(bytes);
  const view = new DataView(packed.buffer);
  for (const [index, { kernel, rows }] of dispatches.entries())
    for (const [row, offset] of offsets[index]!.entries()) packParameters(kernel, rows[row]!, view, offset);
  return packed;
}

/** Binds a dispatch to its buffers. */
function prepareDispatch(
  device: Device,
  dispatch: Dispatch,
  { pipeline, layout }: CompiledKernel,
  {
    buffers,
    uniforms,
    offsets,
  }: { buffers: ReadonlyMap<Tensor, GPUBufferBinding>; uniforms: GPUBuffer; offsets: readonly number[] },
): PreparedDispatch {
  const { gpu, limits } = device;
  const { kernel, variant, tensors, label, rows } = dispatch;
  const present = Object.keys(kernel.bindings).flatMap((name) => tensors[name] ?? []);
  const entries: GPUBindGroupEntry[] = present.map((tensor, binding) => ({ binding, resource: buffers.get(tensor)! }));
  const size = parameterBytes(kernel);
  if (size > 0) entries.push({ binding: present.length, resource: { buffer: uniforms, offset: 0, size } });
  return {
    dispatch,
    pipeline,
    bindGroup: gpu.createBindGroup({ label, layout, entries }),
    rows: offsets,
    workgroups: rows.map((row) => {
      const count = kernel.workgroups(row, variant);
      const folded = foldWorkgroups(count, limits.maxComputeWorkgroupsPerDimension, label);
      if (folded[1] > 1) expectsFolding(renderKernel(kernel, variant, typesOf(tensors), device.half), label, folded);
      return folded;
    }),
  };
}

/** A count of workgroups as x × y with x·y ≥ count; kernels ignore the excess by their own bounds. */
export function foldWorkgroups(count: number, maximum: number, label: string): readonly [number, number] {
  const y = Math.ceil(count / maximum);
  if (!Number.isInteger(count) || count < 1 || y > maximum)
    throw new KernelError(`${label}: expected 1 to ${maximum ** 2} workgroups, got ${count}`);
  return [Math.ceil(count / y), y];
}

/** @throws KernelError where a text would leave the second row of workgroups undone */
function expectsFolding(source: string, label: string, [x, y]: readonly [number, number]): void {
  const code = source.replace(/\/\/.*/g, "");
  // The header has one, with which workgroupIndex is declared.
  if (/workgroupIndex\((?!id:)/.test(code) && !code.includes("global_invocation_id")) return;
  throw new KernelError(
    `${label}: its workgroups go as ${x} × ${y}: the kernel must number them by workgroupIndex(workgroup_id, num_workgroups), not by global_invocation_id`,
  );
}
