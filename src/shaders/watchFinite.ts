/**
 * Notes the first call of a network whose output holds NaN or infinity: found[0].x ← call + 1 where it is 0 still. What
 * is not finite spreads through norms and attention over the whole image, so that 64 pixels of each, spread evenly, are
 * looked at. By their bits: compilers may take for granted that there is no NaN.
 *
 * Twin: test/twins/sampler.ts. Cases: test/kernelCasesSampler.ts. Planned by src/repaint/finiteWatch.ts.
 */
import { defineKernel, readScalar, readWrite } from "../engine/kernel.ts";
import { wgsl } from "../engine/wgsl.ts";

/** Pixels of an image that are looked at, and threads. */
export const watchedPixels = 64;

export const watchFinite = defineKernel()({
  name: "watchFinite",
  /** out [images, pixels, stride]; found, of type u32, one vec4. */
  bindings: { out: readScalar, found: readWrite },
  /** channels: those of `stride` that the network writes. call: counted from 0. */
  parameters: { images: "u32", pixels: "u32", stride: "u32", channels: "u32", call: "u32" },
  workgroups: () => 1,
  source: ({ header }) => wgsl`${header}
var<workgroup> broken: atomic<u32>;

@compute @workgroup_size(${watchedPixels})
fn main(@builtin(local_invocation_index) local: u32) {
  // Not left to WGSL's zeroes: adapters may be told to leave them away, and this memory was another run's.
  if (local == 0u) { atomicStore(&broken, 0u); }
  workgroupBarrier();
  let pixel = local * parameters.pixels / ${watchedPixels}u;
  for (var image = 0u; image < parameters.images; image++) {
    let first = (image * parameters.pixels + pixel) * parameters.stride;
    for (var c = 0u; c < parameters.channels; c++) {
      let bits = bitcast<u32>(out[first + c]);
      if ((bits & 0x7f800000u) == 0x7f800000u) { atomicStore(&broken, 1u); }
    }
  }
  workgroupBarrier();
  if (local == 0u && atomicLoad(&broken) != 0u && found[0].x == 0u) { found[0].x = parameters.call + 1u; }
}
`,
});
