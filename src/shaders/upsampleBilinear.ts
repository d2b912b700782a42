/**
 * Bilinear resampling to any size, align_corners = false (the super-resolution model's low_res input).
 *
 * Twin: test/twins/resample.ts. Cases: test/kernelCases.ts. Planned by src/unet/layers.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";
import { elementwiseMain, elementwiseWorkgroups } from "./lib/elementwise.ts";

export const upsampleBilinear = defineKernel()({
  name: "upsampleBilinear",
  bindings: { x: read, y: write },
  parameters: { batch: "u32", height: "u32", width: "u32", outHeight: "u32", outWidth: "u32", channels: "u32" },
  workgroups: (p) => elementwiseWorkgroups((p.batch * p.outHeight * p.outWidth * p.channels) / 4),
  source: ({ header }) => wgsl`${header}
/** (first sample, second sample, weight of the second) for output \`o\`: centres are half pixels, borders repeat. */
fn taps(o: u32, outSize: u32, size: u32) -> vec3<f32> {
  let at = max((f32(o) + 0.5) * (f32(size) / f32(outSize)) - 0.5, 0.0);
  let first = min(floor(at), f32(size - 1u));
  return vec3<f32>(first, min(first + 1.0, f32(size - 1u)), at - first);
}

${elementwiseMain("parameters.batch * parameters.outHeight * parameters.outWidth * (parameters.channels / 4u)")}
  let vectors = parameters.channels / 4u;
  let c = index % vectors;
  let ox = (index / vectors) % parameters.outWidth;
  let oy = (index / vectors / parameters.outWidth) % parameters.outHeight;
  let n = index / vectors / parameters.outWidth / parameters.outHeight;
  let tx = taps(ox, parameters.outWidth, parameters.width);
  let ty = taps(oy, parameters.outHeight, parameters.height);
  let upper = (n * parameters.height + u32(ty.x)) * parameters.width;
  let lower = (n * parameters.height + u32(ty.y)) * parameters.width;
  let top = mix(load_x((upper + u32(tx.x)) * vectors + c), load_x((upper + u32(tx.y)) * vectors + c), tx.z);
  let bottom = mix(load_x((lower + u32(tx.x)) * vectors + c), load_x((lower + u32(tx.y)) * vectors + c), tx.z);
  store_y(index, mix(top, bottom, ty.z));
}
`,
});
