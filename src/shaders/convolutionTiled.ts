/**
 * Convolution as an implicit GEMM through workgroup memory, for GPUs: a workgroup computes 64 pixels × 64 output
 * channels, walking over the taps and 16 input channels at a time; each of its 128 threads holds 8 pixels × 4
 * channels. With `parts` > 1 (split-K, for images with too few tiles to fill a GPU) each part of the workgroups walks over
 * its share of the input channels and stores its sums side by side: y[part, n, oy, ox, co], which `convolutionSum` adds.
 * Where `affine` is bound the input is act(a·x + b), the norm before the convolution, which then is never stored; with
 * `upsample` it is nearest ×2 of that, and no more stored. Pixels are counted over the whole batch, and every output sums its
 * taps in the same order whatever the tile, so an image is the same alone and in a batch.
 */
import { defineKernel, readOptional } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { convolutionBindings, convolutionParameters, type ConvolutionShape } from "./convolution.ts";
import { epilogue } from "./lib/epilogue.ts";
import { silu } from "./lib/silu.ts";

export interface TiledVariant extends ConvolutionShape {
  /** 1: the convolution. More: sums over parts of the input channels, to which nothing is added. */
  readonly parts: number;
  /** After the affine. */
  readonly norm: "none" | "silu";
  readonly upsample: boolean;
  [key: string]: string | number | boolean;
}

const tilePixels = 64;
const tileVectors = 16;
/** vec4s of input channels a step takes. */
const stepVectors = 4;
export const tiledWorkgroupSize = 128;
const pixelsPerThread = (tilePixels * tileVectors) / tiledWorkgroupSize;
const loadsPerThread = (tilePixels * stepVectors) / tiledWorkgroupSize;

export const convolutionTiled = defineKernel<TiledVariant>()({
  name: "convolutionTiled",
  bindings: { affine: readOptional, ...convolutionBindings },
  parameters: convolutionParameters,
  workgroups: (p, { parts }) =>
    p.groups ||
    parts * Math.ceil((p.batch * p.outHeight * p.outWidth) / tilePixels) * Math.ceil(p.outChannels / 4 / tileVectors),
  source: ({ header, has }, { kernel, stride, activation, parts, norm, upsample }) => {
    const scale = upsample ? "2u" : "1u";
    const walk = (source: string, channels: string, weightOffset: string) => wgsl`
  let steps_${source} = (${channels} / 4u + ${stepVectors - 1}u) / ${stepVectors}u;
  let begin_${source} = part * steps_${source} / ${parts}u * ${stepVectors}u;
  let end_${source} = min((part + 1u) * steps_${source} / ${parts}u * ${stepVectors}u, ${channels} / 4u);
  for (var tap = 0u; tap < ${kernel * kernel}u; tap++) {
    let ky = tap / ${kernel}u;
    let kx = tap % ${kernel}u;
${unroll(
  loadsPerThread,
  (l) => `    let iy${l} = oy${l} * ${stride}u + ky - parameters.pad;
    let ix${l} = ox${l} * ${stride}u + kx - parameters.pad;
    let inside${l} = valid${l} && iy${l} < ${scale} * parameters.height && ix${l} < ${scale} * parameters.width;
    let pixel${l} = select(0u, (n${l} * parameters.height + iy${l} / ${scale}) * parameters.width + ix${l} / ${scale}, inside${l});`,
)}
    for (var c = begin_${source}; c < end_${source}; c += ${stepVectors}u) {
      workgroupBarrier();
${unroll(
  loadsPerThread,
  (l) => wgsl`      {
        let slot = local + ${l * tiledWorkgroupSize}u;
        let vector = c + slot % ${stepVectors}u;
        var value = vec4<f32>(0.0);
        if (inside${l} && vector < ${channels} / 4u) {
          value = load_${source}(pixel${l} * (${channels} / 4u) + vector);
#if ${has.affine}
          let row = n${l} * channels / 2u + ${weightOffset} / 4u + vector;
          value = fma(value, load_affine(row), load_affine(row + channels / 4u));
#endif
#if ${norm === "silu"}
          value = silu(value);
#endif
        }
        inputs[slot] = value;
        let k = c * 4u + slot / ${tileVectors}u;
        let out = outTile + slot % ${tileVectors}u;
        var w = vec4<f32>(0.0);
        if (k < ${channels} && out < outVectors) { w = load_weight((tap * channels + ${weightOffset} + k) * outVectors + out); }
        weights[slot] = w;
      }`,
)}
      workgroupBarrier();
      for (var v = 0u; v < ${stepVectors}u; v++) {
${unroll(pixelsPerThread, (p) => `        let i${p} = inputs[(pixelRow + ${p * (tilePixels / pixelsPerThread)}u) * ${stepVectors}u + v];`)}
${unroll(
  4,
  (lane) => `        let w${lane} = weights[(v * 4u + ${lane}u) * ${tileVectors}u + outColumn];
${unroll(pixelsPerThread, (p) => `        a${p} = fma(vec4<f32>(i${p}[${lane}]), w${lane}, a${p});`)}`,
)}
      }
    }
  }`;
    return wgsl`${header}${silu}
var<workgroup> inputs: array<vec4<f32>, ${tilePixels * stepVectors}>;
var<workgroup> weights: array<vec4<f32>, ${stepVectors * 4 * tileVectors}>;

@compute @workgroup_size(${tiledWorkgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let outVectors = parameters.outChannels / 4u;
  let channels = parameters.channels0 + parameters.channels1;
  let tilesC = (outVectors + ${tileVectors - 1}u) / ${tileVectors}u;
  let pixels = parameters.batch * parameters.outHeight * parameters.outWidth;
  // Excess workgroups of a folded count run on with nothing valid: a barrier allows no early return.
  let index = parameters.firstGroup + workgroupIndex(group, groups);
  let part = index % ${parts}u;
  let tile = index / ${parts}u;
  let outTile = (tile % tilesC) * ${tileVectors}u;
  let pixelTile = (tile / tilesC) * ${tilePixels}u;
${unroll(
  loadsPerThread,
  (l) => `  let p${l} = pixelTile + (local + ${l * tiledWorkgroupSize}u) / ${stepVectors}u;
  let valid${l} = p${l} < pixels;
  let ox${l} = p${l} % parameters.outWidth;
  let oy${l} = (p${l} / parameters.outWidth) % parameters.outHeight;
  let n${l} = p${l} / parameters.outWidth / parameters.outHeight;`,
)}
  let outColumn = local % ${tileVectors}u;
  let pixelRow = local / ${tileVectors}u;
${unroll(pixelsPerThread, (p) => `  var a${p} = vec4<f32>(0.0);`)}
${walk("x0", "parameters.channels0", "0u")}
#if ${has.x1}
${walk("x1", "parameters.channels1", "parameters.channels0")}
#endif
  let out = outTile + outColumn;
  let image = part * pixels;
  if (out >= outVectors) { return; }
#if ${has.bias}
  let b = load_bias(out);
#else
  let b = vec4<f32>(0.0);
#endif
${unroll(
  pixelsPerThread,
  (p) => wgsl`  if (pixelTile + pixelRow + ${p * (tilePixels / pixelsPerThread)}u < pixels) {
    let at = (image + pixelTile + pixelRow + ${p * (tilePixels / pixelsPerThread)}u) * outVectors + out;
    var v = a${p} + b;
    ${epilogue({ at: "at", residual: has.residual && "load_residual(at)", activation })}
  }`,
)}
}
`;
  },
});
