/** The kernels of the sampling loop. */
import type { gaussianNoise } from "../../src/shaders/gaussianNoise.ts";
import type { langevinStep } from "../../src/shaders/langevinStep.ts";
import type { watchFinite } from "../../src/shaders/watchFinite.ts";
import { watchedPixels } from "../../src/shaders/watchFinite.ts";
import type { renoise } from "../../src/shaders/renoise.ts";
import type { reverseStep } from "../../src/shaders/reverseStep.ts";
import { normals } from "./philox.ts";
import type { TwinOf } from "./twin.ts";

type Optional = Float64Array | undefined;

/** Normal `lane` of vec4 `index`, from the buffer where one is given, else generated from the image's seed. */
function noiseAt(
  p: { vectors: number; draw: number },
  seeds: Optional,
  given: Optional,
  index: number,
  lane: number,
  stream: number,
) {
  if (given) return given[index * 4 + lane]!;
  const n = Math.floor(index / p.vectors);
  return normals([seeds![2 * n]!, seeds![2 * n + 1]!], index % p.vectors, p.draw, stream)[lane]!;
}

function blend(
  p: { vectors: number; pixelVectors: number; draw: number; blend: number; blendSignal: number; blendNoise: number },
  tensors: { known?: Optional; keep?: Optional; knownNoise?: Optional; seeds?: Optional },
  index: number,
  lane: number,
  state: number,
): number {
  if (!tensors.known || p.blend === 0) return state;
  const noise = noiseAt(p, tensors.seeds, tensors.knownNoise, index, lane, 1);
  const keep = tensors.keep![Math.floor(index / p.pixelVectors)]!;
  return keep * (p.blendSignal * tensors.known[index * 4 + lane]! + p.blendNoise * noise) + (1 - keep) * state;
}

export const gaussianNoiseTwin: TwinOf<typeof gaussianNoise> = ({ tensors: { seeds }, parameters: p }) => {
  const y = new Float64Array(p.images * p.vectors * 4);
  for (let i = 0; i < y.length; i++) y[i] = noiseAt(p, seeds, undefined, Math.floor(i / 4), i % 4, 0);
  return { y };
};

export const renoiseTwin: TwinOf<typeof renoise> = ({ tensors, parameters: p }) => {
  const x = tensors.x.map((value, i) => {
    const [index, lane] = [Math.floor(i / 4), i % 4];
    const state =
      p.noiseAmount === 0
        ? value
        : p.signal * value + p.noiseAmount * noiseAt(p, tensors.seeds, tensors.noise, index, lane, 0);
    return blend(p, tensors, index, lane, state);
  });
  return { x };
};

/** What the network's output is of element `i`: channels `first` on of its pixel; padding lanes are 0. */
function outputAt(
  p: { pixelVectors: number; channels: number; outStride: number },
  out: Float64Array,
  i: number,
  first: number,
): number {
  const index = Math.floor(i / 4);
  const channel = (index % p.pixelVectors) * 4 + (i % 4);
  return channel < p.channels ? out[Math.floor(index / p.pixelVectors) * p.outStride + first + channel]! : 0;
}

/** x̂₀ of element `i`. */
function startAt(
  p: { startFromX: number; startFromOut: number; guidanceX0: number },
  { clip }: { clip: boolean },
  { x, predicted, gradient }: { x: number; predicted: number; gradient: number },
): number {
  let start = p.startFromX * x - p.startFromOut * predicted;
  if (clip) start = Math.min(Math.max(start, -1), 1);
  return start + p.guidanceX0 * gradient;
}

export const langevinStepTwin: TwinOf<typeof langevinStep> = ({ tensors, parameters: p }) => {
  const xStart = new Float64Array(tensors.x.length);
  const x = tensors.x.map((state, i) => {
    const index = Math.floor(i / 4);
    const predicted = outputAt(p, tensors.out, i, 0);
    const gradient = tensors.gradient?.[i] ?? 0;
    const start = startAt(p, { clip: true }, { x: state, predicted, gradient });
    xStart[i] = start;
    const noise = p.freeNoise === 0 ? 0 : noiseAt(p, tensors.seeds, tensors.noise, index, i % 4, 0);
    const free = p.freeXStart * start + p.freeX * state + p.freeNoise * noise;
    if (!tensors.known) return free;
    const held = p.heldXStart * start + p.heldX * state + p.heldKnown * tensors.known[i]! + p.heldNoise * noise;
    const keep = tensors.keep![Math.floor(index / p.pixelVectors)]!;
    return keep * held + (1 - keep) * free;
  });
  return { x, xStart };
};

export const reverseStepTwin: TwinOf<typeof reverseStep> = ({ tensors, parameters: p, variant }) => {
  const xStart = new Float64Array(tensors.x.length);
  const x = tensors.x.map((state, i) => {
    const [index, lane] = [Math.floor(i / 4), i % 4];
    const gradient = tensors.gradient?.[i] ?? 0;
    const start = startAt(p, variant, { x: state, predicted: outputAt(p, tensors.out, i, 0), gradient });
    xStart[i] = start;
    const fraction = variant.variance === "learned" ? (outputAt(p, tensors.out, i, p.channels) + 1) / 2 : 0;
    const logVariance = fraction * p.maxLogVariance + (1 - fraction) * p.minLogVariance;
    const noise = p.noiseScale === 0 ? 0 : noiseAt(p, tensors.seeds, tensors.noise, index, lane, 0);
    const mean = p.meanX0 * start + p.meanXt * state + p.guidanceMean * Math.exp(logVariance) * gradient;
    const next = mean + p.noiseScale * Math.exp(0.5 * logVariance) * noise;
    return blend(p, tensors, index, lane, next);
  });
  return { x, xStart };
};

export const watchFiniteTwin: TwinOf<typeof watchFinite> = ({ tensors, parameters: p }) => {
  const { out } = tensors;
  const found = Float64Array.from(tensors.found);
  for (let image = 0; image < p.images; image++)
    for (let sample = 0; sample < watchedPixels; sample++) {
      const first = (image * p.pixels + Math.floor((sample * p.pixels) / watchedPixels)) * p.stride;
      const isFinite = out.subarray(first, first + p.channels).every(Number.isFinite);
      if (!isFinite && found[0] === 0) found[0] = p.call + 1;
    }
  return { found };
};
