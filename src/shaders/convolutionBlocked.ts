/**
 * Convolution without barriers or workgroup memory: each thread keeps a tile of tileWidth × tileHeight pixels ×
 * 4·tileChannels output channels in registers. The variant for CPU adapters, where a barrier costs more than what
 * workgroup memory saves and a vec4 load as much as 15 vec4 multiply-adds.
 *
 * With `share: "quad"` the four threads of a quad work on four tiles of pixels and the same 16·tileChannels channels:
 * each loads a quarter of the weights and gets the others by quad swaps, so that accumulator k of thread l belongs to
 * the vec4 of channels l xor k; excess threads work on the last tile and store nothing, since a quad must stay whole.
 * Every output sums in one order whatever the tile, so an image is the same alone and in a batch.
 *
 * Twin: test/twins/convolution.ts. Cases: test/kernelCasesConvolution.ts, test/kernelCasesFeatures.ts.
 * Planned by src/operators/convolution/plan.ts, src/evaluate/lpipsNetwork.ts.
 */
import { defineKernel } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { convolutionBindings, convolutionParameters } from "./convolution.ts";
import { drain } from "./lib/drain.ts";
import { epilogue } from "./lib/epilogue.ts";
import { quadSwaps, quadThreads, type QuadShare } from "./lib/quad.ts";
import { silu } from "./lib/silu.ts";
import type { ConvolutionShape } from "./lib/convolutionShape.ts";

/** Any kernel size and stride: LPIPS' trunk has 11×11 with stride 4, and 5×5. */
export interface BlockedVariant extends Omit<ConvolutionShape, "kernel" | "stride"> {
  readonly kernel: number;
  readonly stride: number;
  readonly tileWidth: number;
  readonly tileHeight: number;
  /** vec4s of output channels: of a thread, or with quads a quarter of those that the quad computes. */
  readonly tileChannels: number;
  readonly share: QuadShare;
  readonly workgroupSize: number;
  [key: string]: string | number | boolean;
}

const tiles = (size: number, tile: number) => Math.ceil(size / tile);

export const convolutionBlocked = defineKernel<BlockedVariant>()({
  name: "convolutionBlocked",
  bindings: convolutionBindings,
  parameters: {
    ...convolutionParameters,
    /** 0: `residual` is bound, where it is, for the sake of another layer's, and not read. */
    hasResidual: "u32",
  },
  features: ({ share }) => (share === "quad" ? ["subgroups"] : []),
  workgroups: (p, v) => {
    const threads = quadThreads(v.share);
    const pixelTiles = p.batch * tiles(p.outHeight, v.tileHeight) * tiles(p.outWidth, v.tileWidth);
    const channelTiles = tiles(p.outChannels / 4, v.tileChannels * threads);
    return p.groups || tiles(tiles(pixelTiles, threads) * threads * channelTiles, v.workgroupSize);
  },
  source: ({ header, has }, v) => {
    const { kernel, stride, tileWidth, tileHeight, tileChannels, share } = v;
    const threads = quadThreads(share);
    const pixelCount = tileWidth * tileHeight;
    const blockVectors = tileChannels * threads;
    // The strip of input pixels that one row of the tile reads for one ky.
    const stripWidth = (tileWidth - 1) * stride + kernel;
    const rows = (line: (r: number) => string) => unroll(tileHeight, line);
    const pixels = (line: (r: number, p: number) => string) => rows((r) => unroll(tileWidth, (p) => line(r, p)));
    const vectors = (line: (q: number, k: number) => string) =>
      unroll(tileChannels, (q) => unroll(threads, (k) => line(q, k)));
    const strip = (line: (r: number, s: number) => string) => rows((r) => unroll(stripWidth, (s) => line(r, s)));
    const accumulator = (r: number, p: number, q: number, k: number) => `a${r * tileWidth + p}_${q}_${k}`;
    const weights = (line: (kx: number, lane: number, q: number) => string) =>
      unroll(kernel, (kx) => unroll(4, (lane) => unroll(tileChannels, (q) => line(kx, lane, q))));
    /** All products of one accumulator in a row: it stays in registers meanwhile, which 64 of them together do not. */
    const multiply = (r: number, p: number, q: number, k: number) => {
      const a = accumulator(r, p, q, k);
      return unroll(kernel, (kx) =>
        unroll(
          4,
          (lane) => `      ${a} = fma(vec4<f32>(x${r}_${p * stride + kx}[${lane}]), w${kx}_${lane}_${q}_${k}, ${a});`,
        ),
      );
    };
    const walk = (source: string, channels: string, weightOffset: string) => wgsl`
  for (var ky = 0u; ky < ${kernel}u; ky++) {
${rows(
  (r) => `    let iy${r} = (oy + ${r}u) * ${stride}u + ky - parameters.pad;
    let row${r} = (image + min(iy${r}, parameters.height - 1u)) * parameters.width;
    let inside${r} = iy${r} < parameters.height;`,
)}
${strip(
  (r, s) => `    let at${r}_${s} = (row${r} + column${s}) * (${channels} / 4u);
    let in${r}_${s} = inside${r} && ok${s};`,
)}
    var w = (ky * ${kernel}u * channels + ${weightOffset}) * outVectors;
    for (var c = 0u; c < ${channels} / 4u; c++) {
${strip((r, s) => `      let x${r}_${s} = select(zero, load_${source}(at${r}_${s} + c), in${r}_${s});`)}
${weights((kx, lane, q) => {
  const name = `w${kx}_${lane}_${q}`;
  const own = `      let ${name}_0 = load_weight(w + (${kx}u * channels + ${lane}u) * outVectors + own${q});`;
  return [
    own,
    ...quadSwaps.slice(1, threads).map((swap, i) => `      let ${name}_${i + 1} = ${swap}(${name}_0);`),
  ].join("\n");
})}
${pixels((r, p) => vectors((q, k) => multiply(r, p, q, k)))}
      w += 4u * outVectors;
    }
  }`;
    return wgsl`${header}${silu}
const zero = vec4<f32>(0.0);

@compute @workgroup_size(${v.workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let outVectors = parameters.outChannels / 4u;
  let channels = parameters.channels0 + parameters.channels1;
  let tilesC = (outVectors + ${blockVectors - 1}u) / ${blockVectors}u;
  let tilesX = (parameters.outWidth + ${tileWidth - 1}u) / ${tileWidth}u;
  let tilesY = (parameters.outHeight + ${tileHeight - 1}u) / ${tileHeight}u;
  let lane = local % ${threads}u;
  let index = ((parameters.firstGroup + workgroupIndex(group, groups)) * ${v.workgroupSize}u + local) / ${threads}u;
  let co = (index % tilesC) * ${blockVectors}u;
  let wantedTile = (index / tilesC) * ${threads}u + lane;
  let lastTile = parameters.batch * tilesY * tilesX - 1u;
  let wanted = wantedTile <= lastTile;
#if ${threads === 1}
  if (!wanted) { return; }
#endif
  var tile = min(wantedTile, lastTile);
  let ox = (tile % tilesX) * ${tileWidth}u;
  tile /= tilesX;
  let oy = (tile % tilesY) * ${tileHeight}u;
  let n = tile / tilesY;
  let image = n * parameters.height;
${unroll(
  stripWidth,
  (s) => `  let ix${s} = ox * ${stride}u + ${s}u - parameters.pad;
  let ok${s} = ix${s} < parameters.width;
  let column${s} = min(ix${s}, parameters.width - 1u);`,
)}
${unroll(tileChannels, (q) => `  let own${q} = min(co + ${q * threads}u + lane, outVectors - 1u);`)}
  // Beyond the last vec4 of channels all is computed as for the last, and stored there again.
${vectors((q, k) => `  let out${q}_${k} = min(co + ${q * threads}u + (lane ^ ${k}u), outVectors - 1u);`)}
#if ${has.bias}
${vectors((q, k) => `  let bias${q}_${k} = ${k === 0 ? `load_bias(own${q})` : `${quadSwaps[k]}(bias${q}_0)`};`)}
#endif
${pixels((r, p) => vectors((q, k) => `  var ${accumulator(r, p, q, k)} = ${has.bias ? `bias${q}_${k}` : "zero"};`))}
${walk("x0", "parameters.channels0", "0u")}
#if ${has.x1}
${walk("x1", "parameters.channels1", "parameters.channels0")}
#endif
${drain({
  count: pixelCount,
  vectors: blockVectors,
  store: (slot) => wgsl`      let px = ox + p % ${tileWidth}u;
      let py = oy + p / ${tileWidth}u;
      if (wanted && px < parameters.outWidth && py < parameters.outHeight) {
        let pixel = ((n * parameters.outHeight + py) * parameters.outWidth + px) * outVectors;
${vectors(
  (q, k) => wgsl`        {
          var v = a${slot}_${q}_${k};
          let at = pixel + out${q}_${k};
#if ${has.residual}
          if (parameters.hasResidual != 0u) { v += load_residual(at); }
#endif
          ${epilogue({ at: "at", residual: false, activation: v.activation })}
        }`,
)}
      }`,
  move: (to, from) => vectors((q, k) => `    a${to}_${q}_${k} = a${from}_${q}_${k};`),
})}
}
`;
  },
});
