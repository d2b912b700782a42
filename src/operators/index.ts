/**
 * `repaint-webgpu/operators`: layers as dispatches of kernels. Which kernels can run a convolution or an attention on
 * an adapter, which one does, and what it costs. Importing it touches no device.
 */
export {
  addAttention,
  attentionMacs,
  attentionPlan,
  type AttentionCall,
  type AttentionTensors,
} from "./attention/plan.ts";
export { addConvolution, convolutionPlan } from "./convolution/plan.ts";
export { layerMacs, type ConvolutionCall, type ConvolutionTensors } from "./convolution/layer.ts";
export { attentionCandidates, chooseAttention } from "./attention/candidates.ts";
export { attentionKey, type AttentionChoice, type AttentionLayer } from "./attention/layer.ts";
export { chooseConvolution, convolutionCandidates } from "./convolution/candidates.ts";
export {
  convolutionKey,
  type ConvolutionChoice,
  type ConvolutionChoices,
  type ConvolutionLayer,
} from "./convolution/layer.ts";
export { loadTraits, type AdapterFacts, type Traits } from "./traits.ts";
