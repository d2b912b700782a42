/**
 * How a workgroup walks over a convolution as an implicit GEMM: tap after tap and some input channels at a time it
 * brings a tile of pixels and one of weights to workgroup memory, where `multiply` takes them up. What comes next is
 * loaded into registers before the tile at hand is multiplied, so that memory works meanwhile. Shared by
 * `convolutionTiled` and `convolutionMatrix`. Pixels are counted over the whole batch, and every output sums in the
 * same order whatever the tile, so an image is the same alone and in a batch.
 */
import { unroll, wgsl } from "../../engine/wgsl.ts";
import type { ConvolutionShape } from "./convolutionShape.ts";

export interface TileShape {
  readonly tilePixels: number;
  /** vec4s of output channels. */
  readonly tileVectors: number;
  /** vec4s of input channels a step takes. */
  readonly stepVectors: number;
  /** Tiles in memory: with 2 a step is brought while the one before is multiplied, at the price of twice the memory. */
  readonly buffers: 1 | 2;
}

export interface TileWalk extends TileShape, Pick<ConvolutionShape, "kernel" | "stride"> {
  readonly threads: number;
  /** 1: the whole sum. More (split-K): each part of the workgroups walks over its share of the input channels. */
  readonly parts: number;
  /**
   * Independent products of one shape, side by side in all tensors; 1: a convolution. More (Winograd's): 1×1, one
   * image.
   */
  readonly products: number;
  /** What memory holds; the tensors are then natively of that type, too, or are read as f32. */
  readonly element: "f32" | "f16";
  /** vec4s from one pixel of the tile to the next, and from one input channel's weights to the next's. */
  readonly inputStride: number;
  readonly weightStride: number;
  /** The activation after the affine, where one is bound. */
  readonly norm: "none" | "silu";
  /** The input is nearest ×2 of what is read. */
  readonly upsample: boolean;
  readonly has: { readonly x1: boolean; readonly affine: boolean };
  /**
   * Statements that take up the tiles in `inputs` [pixel][stepVectors] from `inputBase` on and `weights`
   * [channel][tileVectors] from `weightBase` on.
   */
  readonly multiply: string;
}

/** Workgroups of a convolution. */
export function tileCount(
  p: Readonly<Record<"batch" | "outHeight" | "outWidth" | "outChannels", number>>,
  { tilePixels, tileVectors, parts, products = 1 }: TileShape & { readonly parts: number; readonly products?: number },
): number {
  const pixels = p.batch * p.outHeight * p.outWidth;
  return parts * products * Math.ceil(pixels / tilePixels) * Math.ceil(p.outChannels / 4 / tileVectors);
}

/** Declarations: the tiles in workgroup memory. */
export function tileMemory(walk: TileWalk): string {
  const { buffers, element } = walk;
  const [inputs, weights] = tileVectorsInMemory(walk);
  return `var<workgroup> inputs: array<vec4<${element}>, ${buffers * inputs}>;
var<workgroup> weights: array<vec4<${element}>, ${buffers * weights}>;`;
}

/** vec4s of inputs and of weights in one buffer. */
const tileVectorsInMemory = (walk: Pick<TileWalk, "tilePixels" | "stepVectors" | "inputStride" | "weightStride">) =>
  [walk.tilePixels * walk.inputStride, walk.stepVectors * 4 * walk.weightStride] as const;

/**
 * Statements of main, which see `group`, `groups` and `local`, and of which what follows sees `pixels`, `outVectors`,
 * `pixelTile`, `outTile` (in vec4s), `part`, `product` and `valid`. A barrier allows no early return: excess workgroups
 * of a folded count run on with nothing valid.
 */
export function walkTiles(walk: TileWalk): string {
  const { stepVectors, parts, kernel, multiply, buffers } = walk;
  const shares = sharesOf(walk);
  return wgsl`${findTile(walk)}
${beginLoads(walk, shares)}
  let channelSteps = (vectors + ${stepVectors - 1}u) / ${stepVectors}u;
  let begin = part * channelSteps / ${parts}u;
  let end = (part + 1u) * channelSteps / ${parts}u;
  let steps = ${kernel * kernel}u * (end - begin);
  var tap = 0u;
  var channelStep = begin;
  for (var step = 0u; step <= steps; step++) {
    if (step < steps) {
      if (channelStep == begin) {
${findPixels(walk, shares)}
      }
${loadInputs(walk, shares)}
${loadWeights(walk, shares)}
      channelStep++;
      if (channelStep == end) {
        channelStep = begin;
        tap++;
      }
    }
    if (step > 0u) {
${bases("      ", walk, "(step + 1u)")}
${multiply}
    }
${buffers === 1 ? "    workgroupBarrier();" : ""}
${bases("    ", walk, "step")}
${storeTiles(walk, shares)}
    workgroupBarrier();
  }`;
}

/** What each thread brings of a step's tiles. */
interface Shares {
  readonly inputLoads: number;
  readonly weightLoads: number;
  /** From one of a thread's pixels, and of its input channels, to the next. */
  readonly pixelStep: number;
  readonly channelRows: number;
}

function sharesOf({ tilePixels, tileVectors, stepVectors, threads }: TileWalk): Shares {
  const shares = {
    inputLoads: (tilePixels * stepVectors) / threads,
    weightLoads: (stepVectors * 4 * tileVectors) / threads,
    pixelStep: threads / stepVectors,
    channelRows: threads / tileVectors,
  };
  for (const whole of Object.values(shares))
    if (!Number.isInteger(whole))
      throw new Error(`a tile of ${tilePixels}×${4 * tileVectors} does not suit ${threads} threads`);
  return shares;
}

/** Which tile, part and product the workgroup has. */
function findTile({ tilePixels, tileVectors, parts, products }: TileWalk): string {
  return wgsl`
  let outVectors = parameters.outChannels / 4u;
  let vectors0 = parameters.channels0 / 4u;
  let vectors = vectors0 + parameters.channels1 / 4u;
  let tilesC = (outVectors + ${tileVectors - 1}u) / ${tileVectors}u;
  let pixels = parameters.batch * parameters.outHeight * parameters.outWidth;
  let index = parameters.firstGroup + workgroupIndex(group, groups);
  let part = index % ${parts}u;
  let tile = index / ${parts}u;
  let outTile = (tile % tilesC) * ${tileVectors}u;
#if ${products > 1}
  let tilesP = (pixels + ${tilePixels - 1}u) / ${tilePixels}u;
  let pixelTile = (tile / tilesC) % tilesP * ${tilePixels}u;
  let product = tile / tilesC / tilesP;
  let inputProduct = product * pixels * vectors0;
  let weightProduct = product * vectors0 * 4u * outVectors;
  let valid = product < ${products}u;
#else
  let pixelTile = (tile / tilesC) * ${tilePixels}u;
  let product = 0u;
  let inputProduct = 0u;
  let weightProduct = 0u;
  let valid = true;
#endif`;
}

const zero = ({ element }: TileWalk) => `vec4<${element}>(0.0)`;

/** What a thread loads at each step, and the registers for it. */
function beginLoads(walk: TileWalk, { inputLoads, weightLoads, pixelStep, channelRows }: Shares): string {
  const { tileVectors, stepVectors, stride } = walk;
  return `  let inputColumn = local % ${stepVectors}u;
  let inputRow = local / ${stepVectors}u;
  let weightColumn = local % ${tileVectors}u;
  let weightRow = local / ${tileVectors}u;
${unroll(
  inputLoads,
  (l) => `  let p${l} = pixelTile + inputRow + ${l * pixelStep}u;
  let oy${l} = (p${l} / parameters.outWidth) % parameters.outHeight * ${stride}u - parameters.pad;
  let ox${l} = p${l} % parameters.outWidth * ${stride}u - parameters.pad;
  let n${l} = p${l} / parameters.outWidth / parameters.outHeight;
  var pixel${l} = 0u;
  var inside${l} = false;
  var input${l} = ${zero(walk)};`,
)}
${unroll(weightLoads, (l) => `  var weight${l} = ${zero(walk)};`)}
  let out = outTile + weightColumn;
  let rowStep = ${channelRows}u * outVectors;`;
}

/** Where a tap's pixels lie. */
function findPixels({ kernel, upsample }: TileWalk, { inputLoads }: Shares): string {
  const scale = upsample ? "2u" : "1u";
  return unroll(
    inputLoads,
    (l) => `        {
          let iy = oy${l} + tap / ${kernel}u;
          let ix = ox${l} + tap % ${kernel}u;
          inside${l} = valid && p${l} < pixels && iy < ${scale} * parameters.height && ix < ${scale} * parameters.width;
          pixel${l} = (n${l} * parameters.height + iy / ${scale}) * parameters.width + ix / ${scale};
        }`,
  );
}

const load = ({ element }: TileWalk, name: string, at: string) =>
  element === "f16" ? `${name}[${at}]` : `load_${name}(${at})`;

/** A step's pixels to registers, through the norm. */
function loadInputs(walk: TileWalk, { inputLoads }: Shares): string {
  const { stepVectors, has, norm } = walk;
  return `      let vector = channelStep * ${stepVectors}u + inputColumn;
${unroll(
  inputLoads,
  (l) => wgsl`      input${l} = ${zero(walk)};
      if (inside${l} && vector < vectors) {
#if ${has.x1}
        if (vector < vectors0) { input${l} = ${load(walk, "x0", `pixel${l} * vectors0 + vector`)}; }
        else { input${l} = ${load(walk, "x1", `pixel${l} * (vectors - vectors0) + vector - vectors0`)}; }
#else
        input${l} = ${load(walk, "x0", `inputProduct + pixel${l} * vectors0 + vector`)};
#endif
#if ${has.affine}
        let row = n${l} * 2u * vectors + vector;
        input${l} = fma(input${l}, load_affine(row), load_affine(row + vectors));
#endif
#if ${norm === "silu"}
        input${l} = silu(input${l});
#endif
      }`,
)}`;
}

/** A step's weights to registers. */
function loadWeights(walk: TileWalk, { weightLoads, channelRows }: Shares): string {
  return `      let channel = channelStep * ${walk.stepVectors * 4}u + weightRow;
      let weightAt = weightProduct + (tap * vectors * 4u + channel) * outVectors + out;
${unroll(
  weightLoads,
  (l) => `      weight${l} = ${zero(walk)};
      if (valid && out < outVectors && channel + ${l * channelRows}u < vectors * 4u) { weight${l} = ${load(walk, "weight", `weightAt + ${l}u * rowStep`)}; }`,
)}`;
}

/** Where the tiles of a step lie in memory. */
function bases(indent: string, walk: TileWalk, step: string): string {
  const [inputVectors, weightVectors] = tileVectorsInMemory(walk);
  const base = (vectors: number) => (walk.buffers === 2 ? `${step} % 2u * ${vectors}u` : "0u");
  return `${indent}let inputBase = ${base(inputVectors)};
${indent}let weightBase = ${base(weightVectors)};`;
}

/** From registers to workgroup memory. */
function storeTiles(walk: TileWalk, { inputLoads, weightLoads, pixelStep, channelRows }: Shares): string {
  const { inputStride, weightStride } = walk;
  return `${unroll(inputLoads, (l) => `    inputs[inputBase + (inputRow + ${l * pixelStep}u) * ${inputStride}u + inputColumn] = input${l};`)}
${unroll(weightLoads, (l) => `    weights[weightBase + (weightRow + ${l * channelRows}u) * ${weightStride}u + weightColumn] = weight${l};`)}`;
}
