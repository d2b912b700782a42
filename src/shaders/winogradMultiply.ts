/**
 * Winograd's products: m[f, tile, co] = Σ_ci v[f, tile, ci] · u[f, ci, co], one matrix product a frequency, each thread
 * with `tiles` tiles × its channels in registers, without workgroup memory.
 *
 * With `share: "quad"` the four threads of a quad work on the same channels: each loads a quarter of the weights and
 * gets the other three by quad swaps, so that thread l's accumulator k belongs to the vec4 of channels l xor k. On
 * SwiftShader a swap costs a thirtieth of a load. Excess threads work on the last block and store nothing, since a quad
 * must stay whole; beyond the last vec4 of channels all is computed as for the last, and stored there again. Every
 * output sums over ci in one order whatever the tile.
 *
 * Twin: test/twins/winograd.ts. Cases: test/kernelCasesWinograd.ts. Planned by src/operators/convolution/winograd.ts.
 */
import { defineKernel, read, write } from "../engine/kernel.ts";
import { unroll, wgsl } from "../engine/wgsl.ts";
import { drain } from "./lib/drain.ts";
import { quadSwaps, quadThreads, type QuadShare } from "./lib/quad.ts";

export interface WinogradMultiplyVariant {
  /** Tiles that a thread owns. */
  readonly tiles: number;
  /** vec4s of output channels: of a thread, or with quads a quarter of those that the quad owns. */
  readonly tileChannels: number;
  readonly share: QuadShare;
  readonly workgroupSize: number;
  [key: string]: string | number;
}

export const winogradMultiply = defineKernel<WinogradMultiplyVariant>()({
  name: "winogradMultiply",
  bindings: { v: read, u: read, m: write },
  /** (m+2)² of tiles of m×m outputs; tiles of the strip; padded channel counts. */
  parameters: { frequencies: "u32", tiles: "u32", channels: "u32", outChannels: "u32" },
  features: ({ share }) => (share === "quad" ? ["subgroups"] : []),
  workgroups: (p, v) => {
    const threads = quadThreads(v.share);
    const tiles = Math.ceil(p.tiles / (v.tiles * threads));
    const channels = Math.ceil(p.outChannels / 4 / (v.tileChannels * threads));
    return Math.ceil((p.frequencies * tiles * channels * threads) / v.workgroupSize);
  },
  source: ({ header }, { tiles, tileChannels, share, workgroupSize }) => {
    const threads = quadThreads(share);
    const accumulator = (p: number, q: number, k: number) => `a${p}_${q}_${k}`;
    const vectors = (line: (q: number, k: number) => string) =>
      unroll(tileChannels, (q) => unroll(threads, (k) => line(q, k)));
    const each = (line: (p: number, q: number, k: number) => string) =>
      unroll(tiles, (p) => vectors((q, k) => line(p, q, k)));
    return wgsl`${header}
@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) local: u32) {
  let outVectors = parameters.outChannels / 4u;
  let vectors = parameters.channels / 4u;
  let tilesC = (outVectors + ${tileChannels * threads - 1}u) / ${tileChannels * threads}u;
  let tilesP = (parameters.tiles + ${tiles * threads - 1}u) / ${tiles * threads}u;
  let lane = local % ${threads}u;
  var index = (workgroupIndex(group, groups) * ${workgroupSize}u + local) / ${threads}u;
  let wanted = index < parameters.frequencies * tilesP * tilesC;
  index = min(index, parameters.frequencies * tilesP * tilesC - 1u);
  let co = (index % tilesC) * ${tileChannels * threads}u;
  index /= tilesC;
  let tile = (index % tilesP) * ${tiles * threads}u + lane * ${tiles}u;
  let f = index / tilesP;
${unroll(tiles, (p) => `  var x${p} = (f * parameters.tiles + min(tile + ${p}u, parameters.tiles - 1u)) * vectors;`)}
${unroll(tileChannels, (q) => `  var w${q} = f * parameters.channels * outVectors + min(co + ${q * threads}u + lane, outVectors - 1u);`)}
${vectors((q, k) => `  let out${q}_${k} = min(co + ${q * threads}u + (lane ^ ${k}u), outVectors - 1u);`)}
${each((p, q, k) => `  var ${accumulator(p, q, k)} = vec4<f32>(0.0);`)}
  for (var c = 0u; c < vectors; c++) {
${unroll(tiles, (p) => `    let v${p} = load_v(x${p} + c);`)}
${unroll(tileChannels, (q) =>
  unroll(4, (l) => {
    const own = `    let u${q}_${l}_0 = load_u(w${q} + ${l}u * outVectors);`;
    const others = quadSwaps.slice(1, threads).map((swap, i) => `    let u${q}_${l}_${i + 1} = ${swap}(u${q}_${l}_0);`);
    return [own, ...others].join("\n");
  }),
)}
${each((p, q, k) => unroll(4, (l) => `    ${accumulator(p, q, k)} = fma(vec4<f32>(v${p}[${l}]), u${q}_${l}_${k}, ${accumulator(p, q, k)});`))}
${unroll(tileChannels, (q) => `    w${q} += 4u * outVectors;`)}
  }
${drain({
  count: tiles,
  vectors: tileChannels * threads,
  store: (slot) => `      if (wanted && tile + p < parameters.tiles) {
        let at = (f * parameters.tiles + tile + p) * outVectors;
${vectors((q, k) => `        store_m(at + out${q}_${k}, ${accumulator(slot, q, k)});`)}
      }`,
  move: (to, from) => vectors((q, k) => `    ${accumulator(to, q, k)} = ${accumulator(from, q, k)};`),
})}
}
`;
  },
});
