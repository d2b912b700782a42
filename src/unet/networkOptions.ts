/** A network as its planners take it: architecture, weights, and what decides which kernels run its layers. */
import type { Architecture } from "../checkpoints/architecture.ts";
import type { AttentionChoice, AttentionLayer } from "../operators/attention/layer.ts";
import type { ConvolutionChoice, ConvolutionChoices, ConvolutionLayer } from "../operators/convolution/layer.ts";
import type { Decision } from "../operators/decision.ts";
import type { Traits } from "../operators/traits.ts";
import type { PackedWeights } from "./weights.ts";
import type { Precision } from "../numbers/storage.ts";

export interface NetworkOptions {
  readonly traits: Traits;
  readonly architecture: Architecture;
  readonly weights: PackedWeights;
  /** A tuner's answers; layers without one take the default. */
  readonly choices?: ConvolutionChoices | undefined;
  /**
   * Called with every convolution and attention that is planned: tuner and benchmark collect a network's shapes so, and
   * debugging prints what was chosen.
   */
  readonly onConvolution?: OnLayer<ConvolutionLayer, ConvolutionChoice> | undefined;
  readonly onAttention?: OnLayer<AttentionLayer, AttentionChoice> | undefined;
  /** Storage of activations. */
  readonly activations: Precision;
}

type OnLayer<Layer, Choice> = (name: string, layer: Layer, decision: Decision<Choice>) => void;
