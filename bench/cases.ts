/**
 * What is measured one by one: every dispatch of the networks' plans, equal ones once, and the sampler's. Not here: how
 * a case is filled with numbers and checked (`check.ts`) and timed (`kernels.ts`).
 */
import type { Kernel, Variant } from "../src/engine/kernel.ts";
import { PlanBuilder, type Dispatch, type Plan } from "../src/engine/plan.ts";
import { byteLength, type DType } from "../src/engine/tensor.ts";
import { gaussianNoise } from "../src/shaders/gaussianNoise.ts";
import { renoise } from "../src/shaders/renoise.ts";
import { reverseStep } from "../src/shaders/reverseStep.ts";
import { networkPlans, type BenchNetwork, type PlanOptions } from "./networks.ts";

export interface BenchTensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

export interface BenchCase {
  /** The same text for the same work: what results are compared by. */
  readonly key: string;
  readonly kernel: Kernel;
  readonly variant: Variant;
  readonly parameters: Readonly<Record<string, number>>;
  /** By binding. */
  readonly tensors: Readonly<Record<string, BenchTensor>>;
  /** For people: "3×3, 32×32, 128+64 → 128". */
  readonly shape: string;
  readonly macs: number;
  /** Every bound tensor once: what a dispatch must move at least. */
  readonly bytes: number;
  /** In which networks, and how often in a forward of each. */
  readonly uses: Record<string, number>;
}

/** Parameters that change neither the work nor its shape. */
const immaterial = new Set(["embeddingOffset", "epsilon", "draw"]);

/** The distinct dispatches, those with the fewest multiply-adds first. */
export function benchCases(networks: readonly BenchNetwork[], options: PlanOptions): BenchCase[] {
  const cases = new Map<string, BenchCase>();
  const add = (dispatch: Dispatch, network: string) => {
    const made = asCase(dispatch);
    const known = cases.get(made.key) ?? made;
    known.uses[network] = (known.uses[network] ?? 0) + 1;
    cases.set(made.key, known);
  };
  for (const network of networks) {
    const { forward, embedding } = networkPlans(network, options);
    const wanted = ({ kernel }: Dispatch) => !network.only || network.only.includes(kernel.name);
    for (const plan of [forward, embedding])
      for (const dispatch of plan.dispatches.filter(wanted)) add(dispatch, network.name);
    if (!network.only) for (const dispatch of samplerPlan(network).dispatches) add(dispatch, network.name);
  }
  return [...cases.values()].sort((a, b) => a.macs - b.macs || a.bytes - b.bytes);
}

function asCase({ kernel, variant, tensors, rows, macs }: Dispatch): BenchCase {
  const parameters = rows[0]!;
  const bound = Object.entries(tensors).flatMap(([name, tensor]) =>
    tensor ? [[name, { dtype: tensor.dtype, shape: tensor.shape }] as const] : [],
  );
  const material = Object.entries(parameters).filter(([name]) => !immaterial.has(name));
  const shapes = bound.map(([name, { dtype, shape }]) => `${name}:${dtype}[${shape}]`);
  return {
    key: [
      kernel.name,
      ...Object.entries(variant).map(([name, value]) => `${name}=${value}`),
      ...shapes,
      ...material.map(([name, value]) => `${name}=${value}`),
    ].join(" "),
    ...{ kernel, variant, parameters, tensors: Object.fromEntries(bound), macs },
    shape: shapeWords(variant, parameters, Object.fromEntries(bound)),
    bytes: bound.reduce((sum, [, tensor]) => sum + byteLength(tensor), 0),
    uses: {},
  };
}

/** What the parameters say, in the words of the field where there are some. */
function shapeWords(variant: Variant, p: Record<string, number>, tensors: Record<string, BenchTensor>): string {
  const batch = (p.batch ?? 1) > 1 ? `${p.batch}× ` : "";
  const channels = p.channels0 === undefined ? p.channels : p.channels1 ? `${p.channels0}+${p.channels1}` : p.channels0;
  if (p.outChannels !== undefined) {
    const side = p.outHeight === 1 ? `${p.outWidth} rows` : `${p.outHeight}×${p.outWidth}`;
    const kernel = variant.kernel === undefined ? "" : `${variant.kernel}×${variant.kernel}, `;
    const more = [
      ...(variant.stride === 2 ? ["stride 2"] : []),
      ...(variant.activation && variant.activation !== "none" ? [variant.activation] : []),
      ...(tensors.residual ? ["residual"] : []),
    ];
    return [`${batch}${kernel}${side}, ${channels} → ${p.outChannels}`, ...more].join(", ");
  }
  if (p.headChannels !== undefined) return `${batch}${p.length} tokens, ${p.heads} heads of ${p.headChannels}`;
  if (p.pixels !== undefined) {
    const words = [variant.activation, variant.embedding].filter((word) => word !== undefined && word !== "none");
    return [`${batch}${p.pixels} pixels × ${channels}`, ...words].join(", ");
  }
  if (p.height !== undefined) return `${batch}${p.height}×${p.width} × ${channels}`;
  if (p.vectors !== undefined) return `${p.images} × ${p.vectors} vec4s`;
  const [largest] = Object.values(tensors).toSorted((a, b) => byteLength(b) - byteLength(a));
  return largest!.shape.join("×");
}

/** A reverse step, a climb and the start's noise for one image of a network, with a known part. */
function samplerPlan({ architecture }: BenchNetwork): Plan {
  const builder = new PlanBuilder();
  const { imageSize: size, learnSigma, outStride } = samplerShape(architecture);
  const picture = [1, size, size, 4];
  const x = builder.external("x", "f32", picture);
  const known = builder.external("known", "f32", picture);
  const keep = builder.external("keep", "f32", [1, size * size]);
  const seeds = builder.external("seeds", "u32", [1, 2]);
  const blend = { images: 1, vectors: size * size, pixelVectors: 1, draw: 3, blend: 1, blendSignal: 0.8, blendNoise: 0.6 };
  builder.dispatch(reverseStep, {
    tensors: {
      ...{ x, seeds, known, keep },
      out: builder.external("out", "f32", [1, size * size, outStride]),
      xStart: builder.external("xStart", "f32", picture),
    },
    parameters: {
      ...{ ...blend, channels: 3, outStride, noiseScale: 1, sqrtRecipAlphaBar: 1.25, sqrtRecipMinusOneAlphaBar: 0.75 },
      ...{ meanX0: 0.3, meanXt: 0.65, minLogVariance: -3, maxLogVariance: -2 },
    },
    variant: { prediction: "epsilon", variance: learnSigma ? "learned" : "fixed", clip: true },
  });
  builder.dispatch(renoise, {
    tensors: { x, seeds, known, keep },
    parameters: { ...blend, signal: 0.9, noiseAmount: 0.4 },
    variant: {},
  });
  builder.dispatch(gaussianNoise, {
    tensors: { seeds, y: builder.external("y", "f32", picture) },
    parameters: { images: 1, vectors: size * size, draw: 0 },
    variant: {},
  });
  return builder.finish();
}

function samplerShape({ config, outChannels }: BenchNetwork["architecture"]) {
  return {
    imageSize: config.imageSize,
    learnSigma: outChannels > config.inChannels,
    outStride: Math.ceil(outChannels / 4) * 4,
  };
}
