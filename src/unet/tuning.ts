/**
 * What a tuner asks about a network: each of its convolutions and attentions once, at the network's own size, one image
 * at a time; so that every size of batch gets the same answer. Not here: timing (src/engine/tuning/tuner.ts),
 * candidates (src/operators).
 */
import type { Device } from "../engine/device.ts";
import { deviceClock, type PlanClock, tune, type TuningProgress, type TuningResult } from "../engine/tuning/tuner.ts";
import { tuningDatabase } from "../engine/tuning/database.ts";
import { TuningMemory, type TuningStore } from "../engine/tuning/memory.ts";
import type { DType } from "../engine/tensor.ts";
import { attentionMacs, attentionPlan } from "../operators/attention/plan.ts";
import { convolutionPlan } from "../operators/convolution/plan.ts";
import { attentionCandidates, chooseAttention } from "../operators/attention/candidates.ts";
import { chooseConvolution, convolutionCandidates } from "../operators/convolution/candidates.ts";
import type { Architecture } from "../checkpoints/architecture.ts";
import { relativeError } from "../numbers/floats.ts";
import { type Precision, storages } from "../numbers/storage.ts";
import { embeddingRows, planEmbedding, planForward } from "./network.ts";
import { declareWeights } from "./weights.ts";
import type { TuningQuestion } from "../engine/tuning/question.ts";
import { loadTraits, type Traits, sharesQuads } from "../operators/traits.ts";
import { attentionKey, type AttentionLayer } from "../operators/attention/layer.ts";
import {
  convolutionKey,
  type ConvolutionChoice,
  type ConvolutionLayer,
  layerMacs,
} from "../operators/convolution/layer.ts";

export interface TuneOptions {
  /**
   * Milliseconds to spend on timing what is not remembered. Default 0: what was tuned before is used, and nothing is
   * timed. What the budget does not reach takes the shipped table's choice, and is timed the next time.
   */
  readonly budget?: number | undefined;
  /**
   * Where answers are kept. Default: this page's IndexedDB; none in Node (`tuningFile` of repaint-webgpu/node is one).
   */
  readonly store?: TuningStore | undefined;
  /** Times what is remembered again. */
  readonly again?: boolean | undefined;
  readonly onProgress?: ((progress: TuningProgress) => void) | undefined;
  /** Hears of a record that is damaged, storage that fails, and kernels that this adapter rejects. */
  readonly onWarning?: ((message: string) => void) | undefined;
}

export interface TunedNetwork {
  readonly architecture: Architecture;
  readonly precision: Precision;
  /** Default: as `precision`. */
  readonly weightType?: Precision | undefined;
}

/** Of a run's table of embeddings, chunks of it are computed once; a forward a step. */
const usesOfEmbedding = 0.02;

/** Each distinct convolution and attention of UNets' forwards, and of classifiers' forwards and gradients. */
export async function tuningQuestions(networks: readonly TunedNetwork[], traits: Traits): Promise<TuningQuestion[]> {
  const questions = new Map<string, TuningQuestion>();
  const hear = (key: string, uses: number, question: () => LayerQuestion) => {
    const known = questions.get(key);
    questions.set(key, known ? { ...known, uses: known.uses + uses } : { ...question(), key, uses });
  };
  const convolutions = (uses: number) => (_name: string, layer: ConvolutionLayer) =>
    hear(convolutionKey(layer), uses, () => convolutionQuestion(layer, traits));
  const onAttention = (_name: string, layer: AttentionLayer) =>
    hear(attentionKey(layer), 1, () => attentionQuestion(layer, traits));
  for (const { architecture, precision, weightType = precision } of networks) {
    const { imageSize, superRes, pool } = architecture.config;
    const weights = declareWeights(architecture, weightType, { gradient: pool !== undefined });
    const side = { height: imageSize, width: imageSize };
    const options = { architecture, weights, traits };
    const forward = { ...options, onConvolution: convolutions(1), onAttention };
    if (pool === undefined)
      planForward({ ...forward, activations: precision }, { batch: 1, ...side, ...(superRes ? { lowRes: side } : {}) });
    // Pages that guide nothing do not pay for gradients.
    else (await import("./classifier.ts")).planClassifier(forward, { batch: 1, ...side });
    planEmbedding({ ...options, onConvolution: convolutions(usesOfEmbedding) }, embeddingRows);
  }
  return [...questions.values()];
}

function convolutionQuestion(layer: ConvolutionLayer, traits: Traits): LayerQuestion {
  const fallback = chooseConvolution(layer, traits).id;
  const candidates = convolutionCandidates(layer, traits)
    .filter((choice) => choice.id === fallback || !isHopeless(choice, layer, traits))
    .map((choice) => ({ id: choice.id, plan: () => convolutionPlan(layer, choice).plan }));
  return { candidates, fallback, macs: layerMacs(layer, 1), agree: agreement(layer) };
}

/**
 * What never won on a processor and takes a second or more to compile: blocks without quads where quads have whole
 * vec4s of channels, 1.6 times as slow.
 */
function isHopeless(choice: ConvolutionChoice, { outChannels, outHeight }: ConvolutionLayer, traits: Traits) {
  if (traits.kind !== "cpu") return false;
  const isImage = outHeight > 1;
  return (
    choice.method === "blocked" &&
    choice.variant.share === "none" &&
    isImage &&
    sharesQuads(traits) &&
    outChannels % 16 === 0
  );
}

function attentionQuestion(layer: AttentionLayer, traits: Traits): LayerQuestion {
  return {
    candidates: attentionCandidates(layer, traits).map((choice) => ({
      id: choice.id,
      plan: () => attentionPlan(layer, choice).plan,
    })),
    fallback: chooseAttention(layer, traits).id,
    macs: attentionMacs(layer, 1),
    agree: agreement(layer),
  };
}

type LayerQuestion = Omit<TuningQuestion, "key" | "uses">;

const agreement =
  ({ activations }: { readonly activations: DType }) =>
  (output: Uint8Array, expected: Uint8Array) => {
    const floats = (bytes: Uint8Array) => storages[activations].decode(new Uint8Array(bytes).buffer);
    return relativeError(floats(output), floats(expected)) <= mostDifference;
  };

/** Far above rounding, in f16 too, and far below what a wrong shader leaves. */
const mostDifference = 0.02;

/**
 * The answers for networks on a device: remembered ones, and within the budget new ones.
 * @throws the signal's reason, DeviceLostError
 */
export async function tuneNetworks(
  device: Device,
  networks: readonly TunedNetwork[],
  options: TuneOptions & { readonly signal?: AbortSignal | undefined; readonly clock?: PlanClock | undefined } = {},
): Promise<TuningResult> {
  const { budget = 0, store = tuningDatabase(), again, onProgress, onWarning, signal } = options;
  const { clock = deviceClock(device) } = options;
  const memory = await TuningMemory.open(device, store, onWarning);
  const asked = { budget, again, onProgress, onWarning, signal };
  return tune(await tuningQuestions(networks, await loadTraits(device)), memory, clock, asked);
}
