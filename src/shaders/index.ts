/**
 * `repaint-webgpu/shaders`: every kernel by its own name (what a bundler can leave out it does), all of them as `kernels`,
 * and how a convolution chooses among its kernels.
 */
import * as everyKernel from "./kernels.ts";

export * from "./kernels.ts";

/** All of them; a bundler then keeps all of them. */
export const kernels = everyKernel;
