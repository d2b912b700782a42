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

/** What a pipeline is made of: a kernel, its variant, and element types by binding. */
export type KernelUse = readonly [kernel: Kernel, variant: Variant, types: Readonly<Record<string, DType | undefined>>];

export class PipelineCache {
  /** Pipelines that are compiled or failed, of those that were begun since the device was made. */
  readonly counts = { done: 0, total: 0 };
  readonly #device: PipelineDevice;
  readonly #compiled = new Map<string, Promise<CompiledKernel>>();
  /** Rendered texts by kernel, then by variant and types: a network has hundreds of dispatches and dozens of texts. */
  readonly #sources = new Map<Kernel, Map<string, string>>();
  readonly #layouts = new Map<string, { group: GPUBindGroupLayout; pipeline: GPUPipelineLayout }>();

  constructor(device: PipelineDevice) {
    this.#device = device;
  }

  /**
   * One pipeline for each, in their order. The longest texts begin first: they take longest, and one that began last
   * would be waited for alone. @throws KernelError with the numbered source where WGSL or layout are rejected
   */
  async get(uses: readonly KernelUse[]): Promise<CompiledKernel[]> {
    const sources = uses.map((use) => this.#source(use));
    const begun = uses.map(([kernel, , types], index) => ({ kernel, types, source: sources[index]! }));
    for (const { kernel, types, source } of begun.sort((a, b) => b.source.length - a.source.length)) {
      if (this.#compiled.has(source)) continue;
      const accesses = presentBindings(kernel, types).map(({ binding }) => binding.access);
      this.#compiled.set(source, this.#compile(kernel, source, accesses));
    }
    return Promise.all(sources.map((source) => this.#compiled.get(source)!));
  }

  #source([kernel, variant, types]: KernelUse): string {
    const known = this.#sources.get(kernel) ?? new Map<string, string>();
    this.#sources.set(kernel, known);
    const key = JSON.stringify([variant, types]);
    const source = known.get(key) ?? renderKernel(kernel, variant, types, this.#device.half);
    known.set(key, source);
    return source;
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
    this.counts.total++;
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
    } finally {
      this.counts.done++;
    }
  }
}

/** GPUShaderStage.COMPUTE; the global object is missing in Node. */
const GPUShaderStageCompute = 4;
