/**
 * Compute pipelines, compiled asynchronously and in parallel, each once: the key is the rendered WGSL. Layouts are
 * explicit and shared by binding kinds ("auto" layouts never share compiled pipelines).
 */
import { KernelError } from "../errors.ts";
import { parameterBytes, presentBindings, renderKernel, type HalfMode, type Kernel, type Variant } from "./kernel.ts";
import type { DType } from "./tensor.ts";

export interface CompiledKernel {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** The part of a `Device` that pipelines need. */
export interface PipelineDevice {
  readonly gpu: GPUDevice;
  readonly half: HalfMode;
  /** @throws what went wrong on the device */
  check(): void;
}

export class PipelineCache {
  readonly #device: PipelineDevice;
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  constructor(device: PipelineDevice) {
    this.#device = device;
  }

  /** @throws KernelError with the numbered source where WGSL or layout are rejected */
  get(kernel: Kernel, variant: Variant, types: Readonly<Record<string, DType | undefined>>): Promise<CompiledKernel> {
    const source = renderKernel(kernel, variant, types, this.#device.half);
    const known = this.#compiled.get(source);
    if (known) return known;
    const accesses = presentBindings(kernel, types).map(({ binding }) => binding.access);
    const compiled = this.#compile(kernel, source, accesses);
    this.#compiled.set(source, compiled);
    return compiled;
  }

  #layout(accesses: readonly string[], uniformBytes: number) {
    const key = [...accesses, uniformBytes].join(" ");
    const known = this.#layouts.get(key);
    if (known) return known;
    const entries: GPUBindGroupLayoutEntry[] = accesses.map((access, binding) => ({
      binding,
      visibility: GPUShaderStageCompute,
      buffer: { type: access === "read" ? "read-only-storage" : "storage" },
    }));
    if (uniformBytes > 0)
      entries.push({
        binding: accesses.length,
        visibility: GPUShaderStageCompute,
        buffer: { type: "uniform", hasDynamicOffset: true, minBindingSize: uniformBytes },
      });
    const { gpu } = this.#device;
    const group = gpu.createBindGroupLayout({ label: key, entries });
    const layout = { group, pipeline: gpu.createPipelineLayout({ label: key, bindGroupLayouts: [group] }) };
    this.#layouts.set(key, layout);
    return layout;
  }

  async #compile(kernel: Kernel, source: string, accesses: readonly string[]): Promise<CompiledKernel> {
    const { gpu } = this.#device;
    gpu.pushErrorScope("validation");
    const layout = this.#layout(accesses, parameterBytes(kernel));
    const module = gpu.createShaderModule({ label: kernel.name, code: source });
    const creation = gpu.createComputePipelineAsync({
      label: kernel.name,
      layout: layout.pipeline,
      compute: { module, entryPoint: "main" },
    });
    const rejected = gpu.popErrorScope();
    try {
      const pipeline = await creation;
      const error = await rejected;
      if (error) throw error;
      return { pipeline, layout: layout.group };
    } catch (error) {
      this.#device.check();
      const { messages } = await module.getCompilationInfo();
      const reports = messages.map(
        ({ lineNum, linePos, type, message }) => `${lineNum}:${linePos} ${type}: ${message}`,
      );
      const numbered = source.split("\n").map((line, index) => `${String(index + 1).padStart(4)} ${line}`);
      throw new KernelError(
        [`${kernel.name} does not compile: ${(error as Error).message}`, ...reports, ...numbered].join("\n"),
      );
    }
  }
}

/** GPUShaderStage.COMPUTE; the global object is missing in Node. */
const GPUShaderStageCompute = 4;
