/**
 * Convolution without barriers or workgroup memory: each thread keeps a tile of tileWidth × tileHeight pixels ×
 * 4·tileChannels output channels in registers. The variant for CPU adapters, where a barrier costs more than what
 * workgroup memory saves and a vec4 load as much as 30 flops.
 */
import { defineKernel } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { convolutionBindings, convolutionParameters, type ConvolutionShape } from "./convolution.ts";
import { silu } from "./lib/silu.ts";

/** Any kernel size and stride: LPIPS' trunk has 11×11 with stride 4, and 5×5. */
export interface BlockedVariant extends Omit<ConvolutionShape, "kernel" | "stride"> {
  readonly kernel: number;
  readonly stride: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** vec4s of output channels a thread computes. */
  readonly tileChannels: number;
  readonly workgroupSize: number;
  [key: string]: string | number | boolean;
}

const tiles = (size: number, tile: number) => Math.ceil(size / tile);

export const convolutionBlocked = defineKernel<BlockedVariant>()({
  name: "convolutionBlocked",
  bindings: convolutionBindings,
  parameters: convolutionParameters,
  workgroups: (p, v) =>
    tiles(
      p.batch *
        tiles(p.outHeight, v.tileHeight) *
        tiles(p.outWidth, v.tileWidth) *
        tiles(p.outChannels / 4, v.tileChannels),
      v.workgroupSize,
    ),
  source: ({ header, has }, v) => {
    const { kernel, stride, tileWidth, tileHeight, tileChannels } = v;
    // The strip of input pixels that one row of the tile reads for one ky.
    const stripWidth = (tileWidth - 1) * stride + kernel;
    const pixels = tileWidth * tileHeight;
    const input = (source: string, channels: string, weightOffset: string) => wgsl`
  for (var ky = 0u; ky < ${kernel}u; ky++) {
${unroll(
  tileHeight,
  (r) => `    let iy${r} = (oy + ${r}u) * ${stride}u + ky - parameters.pad;
    let row${r} = (image + min(iy${r}, parameters.height - 1u)) * parameters.width;
    let inside${r} = iy${r} < parameters.height;
${unroll(
  stripWidth,
  (s) => `    let at${r}_${s} = (row${r} + column${s}) * (${channels} / 4u);
    let in${r}_${s} = inside${r} && ok${s};`,
)}`,
)}
    var w = (ky * ${kernel}u * channels + ${weightOffset}) * outVectors + co;
    for (var c = 0u; c < ${channels} / 4u; c++) {
${unroll(tileHeight, (r) =>
  unroll(stripWidth, (s) => `      let x${r}_${s} = select(zero, load_${source}(at${r}_${s} + c), in${r}_${s});`),
)}
${unroll(
  kernel,
  (kx) => `      {
        let tap = w + ${kx}u * channels * outVectors;
${unroll(
  4,
  (lane) => `        {
${unroll(tileChannels, (q) => `          let w${q} = load_weight(tap + ${lane}u * outVectors + ${q}u);`)}
${unroll(tileHeight, (r) =>
  unroll(tileWidth, (p) =>
    unroll(
      tileChannels,
      (q) =>
        `          a${r * tileWidth + p}_${q} = fma(vec4<f32>(x${r}_${p * stride + kx}[${lane}]), w${q}, a${r * tileWidth + p}_${q});`,
    ),
  ),
)}
        }`,
)}
      }`,
)}
      w += 4u * outVectors;
    }
  }`;
    return wgsl`${header}${silu}
const zero = vec4<f32>(0.0);

@compute @workgroup_size(${v.workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let outVectors = parameters.outChannels / 4u;
  let channels = parameters.channels0 + parameters.channels1;
  let tilesC = (outVectors + ${tileChannels - 1}u) / ${tileChannels}u;
  let tilesX = (parameters.outWidth + ${tileWidth - 1}u) / ${tileWidth}u;
  let tilesY = (parameters.outHeight + ${tileHeight - 1}u) / ${tileHeight}u;
  var index = workgroupIndex(group, groups) * ${v.workgroupSize}u + local;
  if (index >= parameters.batch * tilesY * tilesX * tilesC) { return; }
  let co = (index % tilesC) * ${tileChannels}u;
  index /= tilesC;
  let ox = (index % tilesX) * ${tileWidth}u;
  index /= tilesX;
  let oy = (index % tilesY) * ${tileHeight}u;
  let n = index / tilesY;
  let image = n * parameters.height;
${unroll(
  stripWidth,
  (s) => `  let ix${s} = ox * ${stride}u + ${s}u - parameters.pad;
  let ok${s} = ix${s} < parameters.width;
  let column${s} = min(ix${s}, parameters.width - 1u);`,
)}
${unroll(pixels, (p) => unroll(tileChannels, (q) => `  var a${p}_${q} = zero;`))}
${input("x0", "parameters.channels0", "0u")}
#if ${has.x1}
${input("x1", "parameters.channels1", "parameters.channels0")}
#endif
${unroll(
  tileChannels,
  (q) =>
    wgsl`  if (co + ${q}u < outVectors) {
#if ${has.bias}
    let b${q} = load_bias(co + ${q}u);
#else
    let b${q} = zero;
#endif
${unroll(tileHeight, (r) =>
  unroll(
    tileWidth,
    (p) => wgsl`    if (oy + ${r}u < parameters.outHeight && ox + ${p}u < parameters.outWidth) {
      let at = ((n * parameters.outHeight + oy + ${r}u) * parameters.outWidth + ox + ${p}u) * outVectors + co + ${q}u;
      var v = a${r * tileWidth + p}_${q} + b${q};
#if ${has.residual}
      v += load_residual(at);
#endif
#if ${v.activation === "silu"}
      v = silu(v);
#endif
      store_y(at, v);
    }`,
  ),
)}
  }`,
)}
}
`;
  },
});
