/**
 * Winograd's weights, once at load: u[i·s + j, ci, co] = (G g Gᵀ)[i, j] of the 3×3 taps g of each pair of channels,
 * with s = m + 2 points along a side. One thread a vec4 of output channels.
 *
 * Twin: test/twins/winograd.ts. Cases: test/kernelCasesWinograd.ts. Planned by src/operators/convolution/winograd.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { transformTile, winogradMatrices, winogradSpan, type WinogradTile } from "./lib/winograd.ts";

export interface WinogradWeightsVariant {
  readonly tile: WinogradTile;
  [key: string]: number;
}

export const winogradWeights = defineKernel<WinogradWeightsVariant>()({
  name: "winogradWeights",
  bindings: { weight: read, u: write },
  /** Padded counts, multiples of 4. */
  parameters: { channels: "u32", outChannels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.channels * p.outChannels) / 4),
  source: ({ header }, { tile }) => {
    const span = winogradSpan(tile);
    return wgsl`${header}
${elementwiseMain("parameters.channels * parameters.outChannels / 4u")}
  let plane = parameters.channels * parameters.outChannels / 4u;
${unroll(3, (ky) => unroll(3, (kx) => `  let g${ky}_${kx} = load_weight(${ky * 3 + kx}u * plane + index);`))}
${transformTile(winogradMatrices(tile).weightTransform, "g", "u")}
${unroll(span, (i) => unroll(span, (j) => `  store_u(${i * span + j}u * plane + index, u${i}_${j});`))}
}
`;
  },
});
