/**
 * `repaint-webgpu/shaders`: every kernel by its own name (what a bundler can leave out it does), all of them as `kernels`,
 * and how a convolution chooses among its kernels.
 */
export {
  addConvolution,
  convolutionPlan,
  layerMacs,
  type ConvolutionCall,
  type ConvolutionTensors,
} from "./addConvolution.ts";
export {
  chooseConvolution,
  convolutionCandidates,
  convolutionKey,
  type ConvolutionChoice,
  type ConvolutionChoices,
  type ConvolutionLayer,
} from "./chooseConvolution.ts";
export * as kernels from "./kernels.ts";
export * from "./kernels.ts";
