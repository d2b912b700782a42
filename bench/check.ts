/**
 * Numbers for a case, and whether the kernel computes what its twin says: every element must have been written, and
 * elements are compared with the twin in float64, all of them or, where that would take long, a seeded sample. A case
 * that fails is not timed.
 */
import type { DType } from "../src/engine/tensor.ts";
import { elementCount } from "../src/engine/tensor.ts";
import { encodeNumbers } from "../src/engine/tensorBuffer.ts";
import { InputError } from "../src/errors.ts";
import { type Precision, storages } from "../src/numbers/storage.ts";
import { uniform } from "../test/support/random.ts";
import { attentionElement } from "../test/twins/attention.ts";
import {
  attentionGradientKeyValueElement,
  attentionGradientQueryElement,
  attentionStatisticsElement,
} from "../test/twins/attentionGradient.ts";
import { convolutionElement } from "../test/twins/convolution.ts";
import { twins } from "../test/twins/index.ts";
import type { BenchCase, Twin } from "./cases.ts";

interface Call {
  readonly tensors: Readonly<Record<string, Float64Array>>;
  readonly parameters: Readonly<Record<string, number>>;
  readonly variant: BenchCase["call"]["variant"];
}

/** Kernels whose twin costs much more than their output's size: one element of their one output at a time. */
const elementTwins = new Map<string, (call: Call, at: number) => number>([
  ["attention", attentionElement as never],
  ["attentionStatistics", attentionStatisticsElement as never],
  ["attentionGradientQuery", attentionGradientQueryElement as never],
  ["attentionGradientKeyValue", attentionGradientKeyValueElement as never],
  ["convolutionBlocked", convolutionElement as never],
]);

/** Multiply-adds a twin may cost: about a second. */
const wholeTwin = 2e7;
const sampledElements = 96;

/** ‖kernel − twin‖ / ‖twin‖: sums of thousands of f32 products, SwiftShader's coarse exp; ten bits of f16. */
const tolerances: Readonly<Record<Precision, number>> = { f32: 2e-5, f16: 2e-3 };

/** Numbers for the inputs of a case, as their storage rounds them, by binding. Outputs are not among them. */
export function fillCase(test: BenchCase): Map<string, { bytes: Uint8Array; values: () => Float64Array }> {
  const filled = new Map<string, { bytes: Uint8Array; values: () => Float64Array }>();
  for (const [name, { dtype, shape }] of Object.entries(test.tensors)) {
    if (test.bindings[name]!.access === "write") continue;
    const own = test.inputs?.[name];
    if (own && own.length !== elementCount(shape))
      throw new InputError(`${test.kernel}: expected ${elementCount(shape)} numbers for ${name}, got ${own.length}`);
    const bytes = encodeNumbers(own ?? numbers(test, name, elementCount(shape), dtype), dtype);
    filled.set(name, { bytes, values: () => decode(bytes, elementCount(shape), dtype) });
  }
  return filled;
}

/** Uniform numbers of the size that each input has in a network: fans of weights, squares that are not negative. */
function numbers(test: BenchCase, name: string, length: number, dtype: DType): Float32Array {
  const next = uniform(name.length * 7919 + length);
  const { channels0 = 0, channels1 = 0, chunkPixels = 1, length: tokens = 1 } = test.call.parameters;
  // All tiles, one after the other.
  if (name === "order" || name === "places")
    return Float32Array.from({ length }, (_, i) => i + Number(name === "places"));
  if (dtype === "u32") return Float32Array.from({ length }, () => Math.floor(next() * 8));
  if (name === "keep") return Float32Array.from({ length }, () => (next() < 0.5 ? 0 : 1));
  if (name === "timesteps") return Float32Array.from({ length }, () => Math.floor(next() * 1000));
  if (name === "frequencies") return Float32Array.from({ length }, next);
  // Means and sums of squares; logarithms of sums over the tokens.
  if (name === "partials")
    return Float32Array.from({ length }, (_, i) => (i % 8 < 4 ? (next() - 0.5) / 4 : (0.5 + next()) * chunkPixels));
  if (name === "statistics")
    return Float32Array.from({ length }, (_, i) => (i % 2 === 0 ? Math.log(tokens) : 0) + (next() - 0.5) / 4);
  const taps = Number(test.call.variant.kernel ?? 1) ** 2;
  const deviation = name === "weight" && channels0 > 0 ? 1 / Math.sqrt(taps * (channels0 + channels1)) : 1;
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = deviation * Math.sqrt(12) * (next() - 0.5);
  return values;
}

export function decode(bytes: Uint8Array, length: number, dtype: DType): Float64Array {
  const { bytes: size, decode: numbersOf } = storages[dtype];
  return Float64Array.from(numbersOf(new Uint8Array(bytes.subarray(0, length * size)).buffer));
}

export interface Verdict {
  /** Relative error of the norm over what was compared; Infinity where an element is not finite or was not written. */
  readonly error: number;
  readonly tolerance: number;
  /** Elements compared, of how many. */
  readonly compared: number;
  readonly elements: number;
}

/** Compares outputs (by binding) with the twin's. */
export function checkCase(
  test: BenchCase,
  inputs: ReadonlyMap<string, { values: () => Float64Array }>,
  outputs: ReadonlyMap<string, Float64Array>,
): Verdict {
  const types = Object.values(test.tensors).map(({ dtype }) => dtype);
  const tolerance = test.tolerance ?? Math.max(...types.map((dtype) => (dtype === "u32" ? 0 : tolerances[dtype])));
  const elements = [...outputs.values()].reduce((sum, { length }) => sum + length, 0);
  if (![...outputs.values()].every((values) => values.every(Number.isFinite)))
    return { error: Infinity, tolerance, compared: elements, elements };
  const call: Call = {
    tensors: Object.fromEntries([...inputs].map(([name, { values }]) => [name, values()])),
    ...test.call,
  };
  const { twin } = test;
  const element = typeof twin === "string" ? elementTwins.get(twin) : undefined;
  const [actual] = outputs.values();
  let [squares, norm, compared] = [0, 0, 0];
  const compare = (got: number, expected: number) => {
    squares += (got - expected) ** 2;
    norm += expected ** 2;
    compared++;
  };
  if (element && actual && test.macs > wholeTwin)
    for (const at of sample(actual.length)) compare(actual[at]!, element(call, at));
  else {
    const answer = typeof twin === "string" ? (twins[twin as keyof typeof twins] as Twin) : twin;
    const expected = answer(call);
    for (const [binding, values] of outputs) {
      const wanted = expected[binding];
      if (wanted?.length !== values.length)
        throw new InputError(
          `${test.kernel}: expected ${values.length} numbers of the twin for ${binding}, got ${wanted?.length ?? "none"}`,
        );
      for (const [at, value] of wanted.entries()) compare(values[at]!, value);
    }
  }
  const error = Math.sqrt(squares / (norm || 1));
  return { error: Number.isNaN(error) ? Infinity : error, tolerance, compared, elements };
}

/** The corners and seeded places between. */
function sample(length: number): number[] {
  const next = uniform(length);
  const places = Array.from({ length: sampledElements }, () => Math.floor(next() * length));
  return [0, length - 1, ...places];
}
