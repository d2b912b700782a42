/**
 * Second pass of a convolution in parts (split-K): y = act(bias + Σ parts + residual). Parts are added in one order, so
 * the sum is the same at every run. One thread a vec4.
 *
 * Twin: test/twins/convolution.ts. Cases: test/kernelCasesConvolution.ts. Planned by src/operators/convolution/plan.ts.
 */
import { defineKernel, read, readOptional, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";
import { epilogue } from "./lib/epilogue.ts";
import { silu } from "./lib/silu.ts";

export interface ConvolutionSumVariant {
  readonly activation: "none" | "silu";
  [key: string]: string;
}

export const convolutionSum = defineKernel<ConvolutionSumVariant>()({
  name: "convolutionSum",
  /** sums[part, n, oy, ox, co]; bias, residual and y as in convolution.ts. */
  bindings: { sums: read, bias: readOptional, residual: readOptional, y: write },
  parameters: {
    parts: "u32",
    /** Pixels of the output, over the whole batch. */
    pixels: "u32",
    outChannels: "u32",
  },
  workgroups: (p) => elementwiseWorkgroups((p.pixels * p.outChannels) / 4),
  source: ({ header, has }, { activation }) => wgsl`${header}${silu}
${elementwiseMain("parameters.pixels * parameters.outChannels / 4u")}
  let vectors = parameters.outChannels / 4u;
  var v = load_sums(index);
  for (var part = 1u; part < parameters.parts; part++) { v += load_sums(part * parameters.pixels * vectors + index); }
#if ${has.bias}
  v += load_bias(index % vectors);
#endif
  ${epilogue({ at: "index", residual: has.residual && "load_residual(index)", activation })}
}
`,
});
