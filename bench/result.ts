/**
 * What a benchmark found, as the JSON that it writes, and the comparison of two. Data only: terminals, pages and
 * reports read it.
 */
import { InputError } from "../src/errors.ts";
import type { Peak } from "./peak.ts";
import type { Precision } from "../src/numbers/storage.ts";

export const resultFormat = "repaint-webgpu benchmark 1";

/** One convolution, or one dispatch of another kernel, on one shape. */
export interface KernelRow {
  readonly key: string;
  /** Of its dispatches in order, joined by "+". */
  readonly kernel: string;
  /** Which way of doing it: a tile, words of a variant. */
  readonly variant: string;
  readonly shape: string;
  readonly storage: Precision;
  readonly uses: Readonly<Record<string, number>>;
  readonly dispatches: number;
  readonly macs: number;
  readonly bytes: number;
  /** Relative error against the twin. */
  readonly error?: number;
  readonly checked?: number;
  readonly milliseconds?: number;
  readonly gflops?: number;
  readonly gigabytes?: number;
  /** What the roofline allows for this work, divided by the time it took. */
  readonly share?: number;
  /** Why there is no time. */
  readonly skipped?: string;
  readonly failed?: string;
}

export interface LayerTime {
  readonly layer: string;
  readonly kernel: string;
  readonly macs: number;
  readonly milliseconds: number;
}

export interface ForwardResult {
  readonly network: string;
  readonly precision: Precision;
  readonly batch: number;
  /** Against a stored answer of PyTorch, where there is one. */
  readonly error?: number;
  /** Median of whole forwards, submission to completion. */
  readonly milliseconds: number;
  readonly samples: readonly number[];
  readonly gflop: number;
  readonly dispatches: number;
  readonly layers: readonly LayerTime[];
  /** How the layers were timed. */
  readonly clock: "timestamps" | "wall";
}

export interface StepResult {
  readonly network: string;
  readonly steps: number;
  /** A step of the running loop, submission to completion: one reverse transition, and its share of the climbs. */
  readonly milliseconds: number;
  /** Time on the device of a step's network and of everything else in it. */
  readonly inNetwork?: number;
  readonly outside?: number;
  /** outside ÷ (outside + inNetwork); nothing where the adapter has no timestamps. */
  readonly outsideShare?: number;
  /** In the loop, after its first step. */
  readonly buffersCreated: number;
  readonly readbacks: number;
}

/** A picture of one crop with a preset: `seconds` = calls × a call + the rest. */
export interface PictureResult {
  readonly network: string;
  readonly preset: string;
  readonly sampler: string;
  readonly calls: number;
  readonly callMilliseconds: number;
  readonly restMilliseconds: number;
  readonly seconds: number;
}

export interface BenchResult {
  readonly format: typeof resultFormat;
  readonly version: string;
  readonly date: string;
  readonly adapter: string;
  readonly kind: "cpu" | "gpu";
  readonly half: "native" | "packed";
  readonly timestamps: boolean;
  /** "Node v20.20.2, linux x64", or a browser's words. */
  readonly platform: string;
  readonly precision: Precision;
  readonly peak: Peak;
  readonly kernels: readonly KernelRow[];
  readonly forward: ForwardResult | undefined;
  readonly step: StepResult | undefined;
  /** One a preset; results of earlier versions have none. */
  readonly pictures?: readonly PictureResult[] | undefined;
  /** Stopped before its end. */
  readonly interrupted: boolean;
}

export interface Ratio {
  readonly what: string;
  readonly before: number;
  readonly now: number;
  /** before ÷ now: above 1 is faster. */
  readonly ratio: number;
}

/** How much faster `now` is than `before`, by kernel (geometric mean over the shapes of both), shape and as a whole. */
export function compareResults(
  before: BenchResult,
  now: BenchResult,
): { kernels: Ratio[]; shapes: Ratio[]; whole: Ratio[] } {
  const times = new Map(before.kernels.map(({ key, milliseconds }) => [key, milliseconds]));
  const shapes = now.kernels.flatMap((row): (Ratio & { kernel: string })[] => {
    const old = times.get(row.key);
    if (old === undefined || row.milliseconds === undefined) return [];
    const what = `${row.kernel} ${row.shape}`;
    return [{ kernel: row.kernel, what, before: old, now: row.milliseconds, ratio: old / row.milliseconds }];
  });
  const kernels = [...new Set(shapes.map(({ kernel }) => kernel))].map((kernel): Ratio => {
    const own = shapes.filter((shape) => shape.kernel === kernel);
    const total = (pick: (shape: Ratio) => number) => own.reduce((sum, shape) => sum + pick(shape), 0);
    const ratio = Math.exp(total(({ ratio: r }) => Math.log(r)) / own.length);
    return { what: kernel, before: total((s) => s.before), now: total((s) => s.now), ratio };
  });
  const whole: Ratio[] = [];
  const add = (what: string, old: number | undefined, fresh: number | undefined) => {
    if (old !== undefined && fresh !== undefined) whole.push({ what, before: old, now: fresh, ratio: old / fresh });
  };
  add("forward", before.forward?.milliseconds, now.forward?.milliseconds);
  add("step", before.step?.milliseconds, now.step?.milliseconds);
  for (const { preset, seconds } of now.pictures ?? []) {
    const old = before.pictures?.find((picture) => picture.preset === preset);
    add(`picture, ${preset}`, old && old.seconds * 1000, seconds * 1000);
  }
  return { kernels, shapes, whole };
}

/** @throws Error that says what is wrong with a file that should hold a result */
export function parseResult(text: string, name: string): BenchResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new InputError(`${name} is not JSON (${(error as Error).message})`, { cause: error });
  }
  const { format, kernels } = (value ?? {}) as Partial<BenchResult>;
  if (format !== resultFormat || !Array.isArray(kernels))
    throw new InputError(`${name} is no result of this benchmark: expected format ${JSON.stringify(resultFormat)}`);
  return value as BenchResult;
}
