/** The cases of the sampling loop's kernels. */
import type { KernelCase } from "./support/kernelCase.ts";
import { values } from "./support/random.ts";

const seeds = Float64Array.of(1, 0, 0xffffffff, 0x12345678);

const [images, pixels, channels, outStride] = [2, 35, 3, 8];
const vectors = pixels;
const count = images * vectors * 4;

/** Both noise sources, all variants of RePaint's kernels over two ragged images of 3 channels. */
function stepCases(): KernelCase[] {
  const known = {
    known: values(count, 16, { deviation: 0.5 }),
    keep: values(images * pixels, 17).map((value, i) => (i % 5 === 0 ? 0.25 : value > 0 ? 1 : 0)),
  };
  const injected = { noise: values(count, 18), knownNoise: values(count, 19) };
  const state = { x: values(count, 20) };
  const shared = { images, vectors, pixelVectors: 1, draw: 7, blend: 1, blendSignal: 0.8, blendNoise: 0.6 };
  const reverse = {
    ...shared,
    channels,
    outStride,
    noiseScale: 1,
    startFromX: 1.25,
    startFromOut: 0.75,
    meanX0: 0.3,
    meanXt: 0.65,
    minLogVariance: -3,
    maxLogVariance: -2,
    guidanceX0: 0,
    guidanceMean: 0,
  };
  const guided = { gradient: values(count, 24, { deviation: 2 }) };
  const out = values(images * pixels * outStride, 21);
  const noises = [
    { title: "generated noise", inputs: { seeds, ...known }, types: { seeds: "u32" as const } },
    { title: "injected noise", inputs: { ...known, ...injected }, types: {} },
    { title: "no known region", inputs: { seeds }, types: { seeds: "u32" as const } },
  ];
  const variants = [
    { variance: "learned", clip: true },
    { variance: "fixed", clip: false },
  ];
  return noises.flatMap(({ title, inputs, types }): KernelCase[] => [
    ...variants.map((variant): KernelCase => ({
      kernel: "reverseStep",
      title: `${title}, ${Object.values(variant).join(" ")}`,
      variant,
      parameters: reverse,
      inputs: { ...state, out, ...inputs },
      types,
      // SwiftShader's exp.
      tolerance: 1e-5,
    })),
    {
      kernel: "reverseStep",
      title: `${title}, x₀`,
      variant: variants[0]!,
      parameters: { ...reverse, startFromX: 0, startFromOut: -1 },
      inputs: { ...state, out, ...inputs },
      types,
      tolerance: 1e-5,
    },
    {
      kernel: "reverseStep",
      title: `${title}, guided`,
      variant: variants[0]!,
      parameters: { ...reverse, guidanceMean: 4 },
      inputs: { ...state, out, ...inputs, ...guided },
      types,
      tolerance: 1e-5,
    },
    {
      kernel: "reverseStep",
      title: `${title}, DDIM, guided`,
      variant: { variance: "fixed", clip: true },
      parameters: { ...reverse, meanX0: 0.12, meanXt: 0.88, guidanceX0: 0.5 },
      inputs: { ...state, out, ...inputs, ...guided },
      types,
      tolerance: 1e-5,
    },
    {
      kernel: "reverseStep",
      title: `${title}, DDIM without noise`,
      variant: { variance: "fixed", clip: true },
      parameters: { ...reverse, meanX0: 0.12, meanXt: 0.88, noiseScale: 0, minLogVariance: -744, maxLogVariance: -744 },
      inputs: { ...state, out, ...inputs },
      types,
      tolerance: 1e-5,
    },
    {
      kernel: "reverseStep",
      title: `${title}, last step, no blend`,
      variant: variants[0]!,
      parameters: { ...reverse, noiseScale: 0, blend: 0 },
      inputs: { ...state, out, ...inputs },
      types,
      tolerance: 1e-5,
    },
    {
      kernel: "renoise",
      title: `${title}, climb`,
      variant: {},
      parameters: { ...shared, signal: 0.9, noiseAmount: 0.4 },
      inputs: { ...state, ...inputs },
      types,
      tolerance: 1e-6,
    },
    {
      kernel: "renoise",
      title: `${title}, blend only`,
      variant: {},
      parameters: { ...shared, signal: 1, noiseAmount: 0 },
      inputs: { ...state, ...inputs },
      types,
      tolerance: 1e-6,
    },
  ]);
}

/** The same images through guided Langevin steps. */
function langevinCases(): KernelCase[] {
  // Of a level with half of the signal: a step of size 1 and strength 8, rounded.
  const langevin = {
    images,
    vectors,
    pixelVectors: 1,
    draw: 7,
    channels,
    outStride,
    startFromX: 1.4,
    startFromOut: 1,
    guidanceX0: 0,
    freeXStart: 0.45,
    freeX: 0.37,
    freeNoise: 0.66,
    heldXStart: -0.63,
    heldX: 0.89,
    heldKnown: 0.71,
    heldNoise: 0.24,
  };
  const down = { ...langevin, freeXStart: 0.2, freeX: 0.8, freeNoise: 0, heldXStart: 0, heldX: 0.8, heldKnown: 0.2, heldNoise: 0 }; // prettier-ignore
  const known = {
    known: values(count, 16, { deviation: 0.5 }),
    keep: values(images * pixels, 17).map((value, i) => (i % 5 === 0 ? 0.25 : value > 0 ? 1 : 0)),
  };
  const state = { x: values(count, 20), out: values(images * pixels * outStride, 21) };
  const generated = { seeds: "u32" as const };
  const cases = (title: string, inputs: KernelCase["inputs"], types: KernelCase["types"] = {}): KernelCase[] =>
    [
      { what: "epsilon", parameters: langevin, more: {} },
      { what: "x₀", parameters: { ...langevin, startFromX: 0, startFromOut: -1 }, more: {} },
      { what: "down", parameters: down, more: {} },
      {
        what: "guided",
        parameters: { ...langevin, guidanceX0: 0.5 },
        more: { gradient: values(count, 24, { deviation: 2 }) },
      },
    ].map(({ what, parameters, more }) => ({
      kernel: "langevinStep",
      title: `${title}, ${what}`,
      variant: {},
      parameters,
      inputs: { ...state, ...inputs, ...more },
      types,
      tolerance: 1e-6,
    }));
  return [
    ...cases("generated noise", { seeds, ...known }, generated),
    ...cases("injected noise", { ...known, noise: values(count, 18) }),
    ...cases("no known region", { seeds }, generated),
  ];
}

/** Outputs of two images of 35 pixels, of which one value may be broken, and a flag that may be set already. */
function watchCase(title: string, broken: number | undefined, found = 0): KernelCase {
  const [images, pixels, stride, channels] = [2, 35, 8, 6];
  const out = values(images * pixels * stride, 25);
  // The last pixel of the second image, its last channel; channels beyond are not the network's.
  if (broken !== undefined) out[(2 * pixels - 1) * stride + channels - 1] = broken;
  out[channels] = NaN;
  return {
    kernel: "watchFinite",
    title,
    variant: {},
    parameters: { images, pixels, stride, channels, call: 4 },
    inputs: { out, found: Float64Array.of(found, 0, 0, 0) },
    types: { found: "u32" },
    tolerance: 0,
  };
}

export const samplerCases: readonly KernelCase[] = [
  ...stepCases(),
  watchCase("finite", undefined),
  watchCase("NaN", NaN),
  watchCase("infinity", -Infinity),
  watchCase("found before", NaN, 2),
  ...langevinCases(),
  {
    kernel: "gaussianNoise",
    title: "two images of 33 vectors",
    variant: {},
    parameters: { images: 2, vectors: 33, draw: 5 },
    inputs: { seeds },
    types: { seeds: "u32" },
    tolerance: 1e-6,
  },
];
