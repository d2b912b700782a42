/**
 * `repaint-webgpu/shaders`: every kernel by its own name (what a bundler can leave out it does), all of them as `kernels`,
 * and how a convolution chooses among its kernels.
 */
import * as everyKernel from "./kernels.ts";

export {
  addAttention,
  attentionMacs,
  attentionPlan,
  type AttentionCall,
  type AttentionTensors,
} from "../operators/attention/plan.ts";
export {
  addConvolution,
  convolutionPlan,
  layerMacs,
  type ConvolutionCall,
  type ConvolutionTensors,
} from "../operators/convolution/plan.ts";
export {
  attentionCandidates,
  attentionKey,
  chooseAttention,
  type AttentionChoice,
  type AttentionLayer,
} from "../operators/attention/candidates.ts";
export {
  chooseConvolution,
  convolutionCandidates,
  convolutionKey,
  type ConvolutionChoice,
  type ConvolutionChoices,
  type ConvolutionLayer,
} from "../operators/convolution/candidates.ts";
export * from "./kernels.ts";

/** All of them; a bundler then keeps all of them. */
export const kernels = everyKernel;
