/**
 * LPIPS of one layer, pixel by pixel: x holds the features of image a and then of image b, [2, pixels, channels];
 * y[p] = Σ_c weight[c] · (a[p, c]/(‖a[p]‖ + 1e-10) − b[p, c]/(‖b[p]‖ + 1e-10))². The mean over pixels is the caller's.
 *
 * Twin: test/twins/features.ts. Cases: test/kernelCasesFeatures.ts. Planned by src/evaluate/lpipsNetwork.ts.
 */
import { defineKernel, read } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const featureDistance = defineKernel()({
  name: "featureDistance",
  bindings: { x: read, weight: read, y: { access: "write", view: "scalar" } },
  parameters: { pixels: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups(p.pixels),
  source: ({ header }) => wgsl`${header}
${elementwiseMain("parameters.pixels")}
  let vectors = parameters.channels / 4u;
  let a = index * vectors;
  let b = a + parameters.pixels * vectors;
  var squaresA = vec4<f32>(0.0);
  var squaresB = vec4<f32>(0.0);
  for (var c = 0u; c < vectors; c++) {
    let va = load_x(a + c);
    let vb = load_x(b + c);
    squaresA = fma(va, va, squaresA);
    squaresB = fma(vb, vb, squaresB);
  }
  let scaleA = 1.0 / (sqrt(dot(squaresA, vec4<f32>(1.0))) + 1e-10);
  let scaleB = 1.0 / (sqrt(dot(squaresB, vec4<f32>(1.0))) + 1e-10);
  var sum = vec4<f32>(0.0);
  for (var c = 0u; c < vectors; c++) {
    let d = load_x(a + c) * scaleA - load_x(b + c) * scaleB;
    sum = fma(load_weight(c) * d, d, sum);
  }
  y[index] = dot(sum, vec4<f32>(1.0));
}
`,
});
