/**
 * `repaint-webgpu/shaders`: every kernel by its own name, so that a bundler leaves out what is not used, and all of
 * them as `kernels`.
 */
import * as everyKernel from "./kernels.ts";

export * from "./kernels.ts";

/** Whoever imports it keeps all kernels. */
export const kernels = everyKernel;
